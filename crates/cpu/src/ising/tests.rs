//! The packed sweeps against probabilities, independence, and themselves on other threads and instruction
//! paths.

use super::*;

fn bits(count: usize, seed: u64) -> Vec<i8> {
    let mut words = vec![0; count];
    enscore_program::random::row_words(Key::new(seed, 0), 1, 0, &mut words);
    words.iter().map(|word| 1 - 2 * (word >> 31) as i8).collect()
}

#[test]
fn packing_keeps_spins_and_sums() {
    for (height, width) in [(16, 16), (32, 16), (16, 48), (64, 128), (48, 32)] {
        let spins = bits(height * width, 3);
        let torus = PackedTorus::pack(height, width, &spins).unwrap();
        assert_eq!(torus.shape(), [height, width]);
        assert_eq!(torus.unpack(), spins);
        assert_eq!(torus.sum(), spins.iter().map(|x| i64::from(*x)).sum::<i64>());
        let bond = |site: usize| {
            let (row, column) = (site / width, site % width);
            let right = spins[row * width + (column + 1) % width];
            let down = spins[(row + 1) % height * width + column];
            i64::from(spins[site]) * i64::from(right + down)
        };
        assert_eq!(torus.bonds(), (0..height * width).map(bond).sum::<i64>());
    }
    assert!(PackedTorus::pack(8, 16, &[1; 128]).is_none() && PackedTorus::pack(0, 16, &[]).is_none());
    assert!(PackedTorus::pack(16, 24, &[1; 384]).is_none() && PackedTorus::pack(16, 16, &[1; 255]).is_none());
}

/// How often sites flip, by the number of aligned neighbours, against the probabilities; the second colour
/// sees the first one updated, so only the first is looked at.
fn flip_rates(rule: Rule, coupling: f64) -> [(f64, f64); 5] {
    let height = 64;
    let width = 128;
    let mut counts = [(0.0, 0.0); 5];
    for seed in 0..200 {
        let spins = bits(height * width, 100 + seed);
        let mut torus = PackedTorus::pack(height, width, &spins).unwrap();
        torus.sweep(Instructions::detect(), rule, coupling, Key::new(7, seed));
        let after = torus.unpack();
        for row in 0..height {
            for column in (row % 2..width).step_by(2) {
                let at = |r: usize, c: usize| spins[r % height * width + c % width];
                let sum = at(row + 1, column)
                    + at(row + height - 1, column)
                    + at(row, column + 1)
                    + at(row, column + width - 1);
                let aligned = (sum * at(row, column) + 4) / 2;
                let count = &mut counts[aligned as usize];
                count.0 += f64::from(after[row * width + column] != at(row, column));
                count.1 += 1.0;
            }
        }
    }
    counts
}

#[test]
fn sites_flip_with_their_probabilities() {
    for (rule, coupling) in
        [(Rule::Metropolis, 0.44), (Rule::HeatBath, 0.44), (Rule::Metropolis, -0.2), (Rule::HeatBath, -0.3)]
    {
        for (aligned, (flips, all)) in flip_rates(rule, coupling).into_iter().enumerate() {
            let log_ratio = -4.0 * coupling * (aligned as f64 - 2.0);
            let p = match rule {
                Rule::Metropolis => log_ratio.exp().min(1.0),
                Rule::HeatBath => 1.0 / (1.0 + (-log_ratio).exp()),
            };
            let error = (p * (1.0 - p) / all).sqrt();
            assert!(
                all > 40_000.0 && (flips / all - p).abs() <= 4.5 * error,
                "{rule:?} {aligned}: {p}, {flips} / {all}"
            );
        }
    }
}

/// Neighbouring sites must not share their chance: at K = 0 the heat bath makes all spins independent.
#[test]
fn without_a_coupling_spins_are_independent() {
    let mut torus = PackedTorus::pack(256, 256, &[1; 1 << 16]).unwrap();
    let mut sum = 0;
    let mut bonds = 0;
    for step in 0..100 {
        torus.sweep(Instructions::detect(), Rule::HeatBath, 0.0, Key::new(1, step));
        (sum, bonds) = (sum + torus.sum(), bonds + torus.bonds());
    }
    let deviation = (100.0 * 65536.0f64).sqrt();
    assert!((sum as f64).abs() < 4.0 * deviation && (bonds as f64).abs() < 4.0 * deviation * 2.0f64.sqrt());
}

#[test]
fn every_path_and_any_threads_give_the_same_bits() {
    let run = |path, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut torus = PackedTorus::pack(512, 1024, &bits(1 << 19, 9)).unwrap();
        pool.install(|| {
            for step in 0..3 {
                torus.sweep(path, Rule::Metropolis, 0.44, Key { seed: 5, step, row: 2 });
            }
        });
        torus
    };
    let expected = run(Instructions::Portable, 1);
    for path in Instructions::available() {
        assert_eq!(run(path, 1), expected);
        assert_eq!(run(path, 2), expected);
    }
}

/// Extreme probabilities: nothing aligned flips at a strong coupling, everything at none.
#[test]
fn extreme_couplings_flip_no_aligned_spin_or_every_one() {
    let mut torus = PackedTorus::pack(32, 32, &[1; 1024]).unwrap();
    torus.sweep(Instructions::detect(), Rule::Metropolis, 1e6, Key::new(0, 0));
    assert_eq!(torus.sum(), 1024);
    torus.sweep(Instructions::detect(), Rule::Metropolis, 0.0, Key::new(0, 0));
    assert_eq!(torus.sum(), -1024);
}
