//! Draws on every path against the reference, word by word.

use enscore_program::random::{normal_row, rademacher, row_words, uniform};

use super::*;

/// (row_len, rows, key, stream, first row): short rows, rows around a tile, long rows, rows and steps past
/// 2^32.
fn cases() -> Vec<(usize, usize, Key, u32, u64)> {
    let mut cases = Vec::new();
    for (i, row_len) in [1, 2, 3, 4, 5, 7, 8, 31, 64, 255, 256, 257, 1000, 4099].into_iter().enumerate() {
        for (seed, step, row) in [
            (0, 0, 0),
            (7, 3, 12),
            (u64::MAX, (5 << 32) + 9, 1),
            (1 << 40, 1, (1 << 32) - 3),
            (3, 1 << 33, (9 << 32) - 2),
        ] {
            let rows = (600 / row_len).max(5);
            cases.push((row_len, rows, Key { seed, step, row }, i as u32 * 77, (i as u64) % 3));
        }
    }
    cases
}

/// What the reference functions say, row by row.
fn expected(distribution: Distribution, key: Key, stream: u32, row_len: usize, row: u64) -> Vec<f64> {
    let mut words = vec![0; row_len];
    row_words(key, stream, row, &mut words);
    match distribution {
        Distribution::Uniform => words.into_iter().map(uniform).collect(),
        Distribution::Rademacher => words.into_iter().map(rademacher).collect(),
        Distribution::Normal => {
            let mut out = vec![0.0; row_len];
            normal_row(key, stream, row, &mut out);
            out
        }
    }
}

fn rows_of(distribution: Distribution, case: (usize, usize, Key, u32, u64)) -> Vec<f64> {
    let (row_len, rows, key, stream, first) = case;
    (0..rows as u64)
        .flat_map(|i| expected(distribution, key, stream, row_len, key.row.wrapping_add(first + i)))
        .collect()
}

const DISTRIBUTIONS: [Distribution; 3] =
    [Distribution::Uniform, Distribution::Normal, Distribution::Rademacher];

fn agrees<T: Math>(normal_absolute: f64, normal_relative: f64) {
    for path in Instructions::available() {
        for distribution in DISTRIBUTIONS {
            for case in cases() {
                let (row_len, rows, key, stream, first) = case;
                let mut got = vec![T::ZERO; rows * row_len];
                fill(path, distribution, key, stream, row_len, first, &mut got);
                for (i, (got, exact)) in got.iter().zip(rows_of(distribution, case)).enumerate() {
                    let error = (got.to_f64() - exact).abs();
                    let bound = match distribution {
                        Distribution::Normal => normal_absolute + normal_relative * exact.abs(),
                        _ => (T::from_f64(exact).to_f64() - exact).abs(),
                    };
                    assert!(
                        error <= bound,
                        "{path:?} {distribution:?} {case:?} element {i}: {got:?}, {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn fill_agrees_with_the_reference() {
    agrees::<f32>(2e-6, 1e-6);
    agrees::<f64>(1e-13, 0.0);
}

#[test]
fn indices_equal_the_reference() {
    for path in Instructions::available() {
        for (row_len, rows, key, stream, first) in cases() {
            for bound in [0, 1, 10, 60_000, 1 << 31] {
                let mut got = vec![0; rows * row_len];
                fill_index(path, bound, key, stream, row_len, first, &mut got);
                for (i, got) in got.chunks(row_len).enumerate() {
                    let mut words = vec![0; row_len];
                    row_words(key, stream, key.row.wrapping_add(first + i as u64), &mut words);
                    let exact: Vec<i32> = words.iter().map(|w| random::index(*w, bound) as i32).collect();
                    assert_eq!(got, exact, "{path:?}");
                }
            }
        }
    }
}

#[test]
fn any_start_and_any_split_give_the_same_values() {
    for path in Instructions::available() {
        for distribution in DISTRIBUTIONS {
            for (row_len, rows, key, stream, _) in cases() {
                let mut whole = vec![0.0_f32; rows * row_len];
                fill(path, distribution, key, stream, row_len, 0, &mut whole);
                for (start, len) in [(0, 5), (1, 300), (2, 61), (3, 256), (77, 78), (255, 900), (row_len, 9)]
                {
                    let Some(part) = whole.get(start..(start + len).min(whole.len())) else { continue };
                    let mut got = vec![0.0_f32; part.len()];
                    fill_at(path, distribution, key, stream, row_len, start as u64, &mut got);
                    assert_eq!(got, part, "{path:?} {distribution:?} row_len {row_len} start {start}");
                }
            }
        }
    }
}

#[test]
fn threads_do_not_change_the_values() {
    let path = Instructions::detect();
    let key = Key { seed: 5, step: 6, row: (1 << 32) - 10 };
    for (row_len, rows) in [(3, 20_000), (1001, 60), (100_003, 1)] {
        for distribution in DISTRIBUTIONS {
            let mut serial = vec![0.0_f32; rows * row_len];
            let mut parallel = serial.clone();
            fill(path, distribution, key, 1, row_len, 4, &mut serial);
            fill_parallel(path, distribution, key, 1, row_len, 4, &mut parallel);
            assert_eq!(serial, parallel);
        }
    }
}

#[test]
fn empty_rows_and_far_starts_are_harmless() {
    let mut out = [7.0_f32; 3];
    fill(Instructions::current(), Distribution::Normal, Key::default(), 0, 0, 0, &mut out);
    fill_parallel(Instructions::current(), Distribution::Normal, Key::default(), 0, 0, 0, &mut out);
    fill_at(Instructions::current(), Distribution::Normal, Key::default(), 0, 0, 9, &mut out);
    assert_eq!(out, [7.0; 3]);
    fill_at(
        Instructions::current(),
        Distribution::Normal,
        Key { row: u64::MAX, ..Key::default() },
        0,
        3,
        u64::MAX,
        &mut out,
    );
    assert!(out.iter().all(|x| x.is_finite()));
    fill_at(
        Instructions::current(),
        Distribution::Uniform,
        Key::default(),
        0,
        usize::MAX,
        u64::MAX - 2,
        &mut out,
    );
    assert!(out.iter().all(|x| *x > 0.0 && *x < 1.0));
    fill_index(Instructions::current(), u32::MAX, Key::default(), 0, usize::MAX, u64::MAX, &mut [0; 5]);
}

/// The words at both ends of the range, where u rounds to 1 and where it is smallest.
#[test]
fn extreme_words_give_accurate_numbers() {
    struct Apply<'a, D: Transform>(D, &'a [Words; 4], &'a mut [D::Out; VALUES]);
    impl<D: Transform> Kernel for Apply<'_, D> {
        type Output = ();
        #[inline(always)]
        fn run<const FMA: bool>(self) {
            self.0.apply::<FMA>(self.1, self.2);
        }
    }
    let edges = |i: usize| match i % 4 {
        0 => u32::MAX - (1 << (i / 4)),
        1 => 1 << (i / 4),
        2 => u32::MAX - (i as u32 / 4),
        _ => (i as u32 / 4) << 28,
    };
    for path in Instructions::available() {
        for turn in 0..8 {
            let words: [Words; 4] =
                std::array::from_fn(|l| std::array::from_fn(|i| edges((i + 5 * l * turn) % BLOCKS)));
            let mut x = [0.0_f32; VALUES];
            let mut u = [0.0_f32; VALUES];
            path.run(Apply(Normal::<f32>::default(), &words, &mut x));
            path.run(Apply(Uniform::<f32>::default(), &words, &mut u));
            for i in 0..BLOCKS {
                for l in [0, 2] {
                    let (a, b) = random::normal_pair(words[l][i], words[l + 1][i]);
                    for (got, exact) in [(x[4 * i + l], a), (x[4 * i + l + 1], b)] {
                        let error = (f64::from(got) - exact).abs();
                        assert!(error <= 1e-6 + 5e-7 * exact.abs(), "{path:?} {words:?}: {got}, {exact}");
                    }
                }
            }
            assert!(u.iter().all(|u| *u > 0.0 && *u < 1.0));
        }
    }
}

/// Pinned values, from an independent implementation with 40 digits: changing the stream must be a deliberate
/// act.
#[test]
fn the_first_draws_keep_their_values() {
    let key = Key { seed: 20, step: 26, row: 3 };
    for path in Instructions::available() {
        let mut uniform = [0.0_f64; 4];
        fill(path, Distribution::Uniform, key, 1, 2, 0, &mut uniform);
        assert_eq!(
            uniform.map(|u| u * 8_589_934_592.0),
            [4581460983.0, 5333157797.0, 7745159253.0, 6887213721.0]
        );
        let mut index = [0; 6];
        fill_index(path, 1000, key, 2, 6, 1, &mut index);
        assert_eq!(index, [675, 454, 32, 675, 425, 771]);
        let mut sign = [0.0_f32; 8];
        fill(path, Distribution::Rademacher, key, 3, 8, 0, &mut sign);
        assert_eq!(sign, [1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let mut normal = [0.0_f64; 3];
        fill(path, Distribution::Normal, key, 4, 3, 0, &mut normal);
        for (x, pinned) in normal.iter().zip([0.6326146111629473, -0.13112555909360926, -0.94647801348996]) {
            assert!((x - pinned).abs() < 1e-12, "{normal:?}");
        }
    }
}
