//! Exact denoising by the Ising model against enumeration, dynamic programming and two other minimum cuts.
//!
//! Labellings of least energy can tie, so energies are compared, never pixels.

use crate::common::oracles::{Lcg, assert_close, case, expected, meta, mnist_levels, number, numbers};
use enscore::ising::denoise::{AnnealingSettings, GibbsSettings, IsingDenoising, anneal, posterior};
use serde_json::Value;

fn quiet(_: u64, _: u64) -> enscore::Result<()> {
    Ok(())
}

fn spins(value: &Value) -> Vec<i8> {
    numbers(value).iter().map(|spin| *spin as i8).collect()
}

fn model(params: &Value) -> IsingDenoising {
    IsingDenoising::new(number(&params["eta"]), number(&params["beta"])).unwrap()
}

/// A disc of radius 0.35 n with noise, as the cases say.
fn noisy_disc(params: &Value) -> (Vec<i8>, usize) {
    let n = number(&params["n"]) as usize;
    let centre = (n as f64 - 1.0) / 2.0;
    let from_centre = |i: usize| (i as f64 - centre).powi(2);
    let inside = |site: usize| from_centre(site / n) + from_centre(site % n) <= (0.35 * n as f64).powi(2);
    let mut y: Vec<i8> = (0..n * n).map(|site| if inside(site) { 1 } else { -1 }).collect();
    Lcg(number(&params["seed"]) as u64).flip(&mut y, number(&params["flip"]));
    (y, n)
}

#[test]
fn the_generator_gives_the_numbers_of_the_cases() {
    let mut generator = Lcg(1);
    assert_eq!([(); 3].map(|()| generator.uniform()).to_vec(), numbers(&meta("lcg_seed1_first3")));
}

/// Least energy, log Z and the probability of the best labelling; posterior means. Every labelling is
/// enumerated with the library's energy.
#[test]
fn the_map_and_marginals_of_three_by_three_sites_are_those_of_enumeration() {
    for (id, marginals) in [
        ("ising.map3x3.eta1.0.beta0.5", "ising.map3x3.eta1.0.beta0.5.marginals"),
        ("ising.map3x3.eta1.0.beta1.0", "ising.map3x3.eta1.0.beta1.0.marginals"),
    ] {
        let params = case(id)["params"].clone();
        let (model, y) = (model(&params), spins(&params["y"]));
        let found = model.exact_map(&y, 3, 3).unwrap();
        let (mut z, mut sums) = (0.0, [0.0; 9]);
        for state in 0..1 << 9 {
            let x: Vec<i8> = (0..9).map(|i| if state >> i & 1 == 1 { 1 } else { -1 }).collect();
            let weight = (-model.energy(&x, &y, 3, 3).unwrap()).exp();
            z += weight;
            sums.iter_mut().zip(&x).for_each(|(sum, x)| *sum += weight * f64::from(*x));
        }
        assert_close(id, &[found.energy, z.ln(), (-found.energy).exp() / z], 1e-10);
        assert_close(marginals, &sums.map(|sum| sum / z), 1e-10);
        let exact = model.enumerate(&y, 3, 3).unwrap();
        assert_close(
            id,
            &[exact.least_energy, exact.log_z, (-exact.least_energy - exact.log_z).exp()],
            1e-10,
        );
        assert_close(marginals, &exact.means, 1e-10);
        if params["unique"] == true {
            assert_eq!(found.spins, spins(&params["x_map"]), "{id}: the only minimum");
        }
    }
}

/// Sampled posterior means within 5 standard errors, those of 24 chains.
#[test]
fn sampled_marginals_meet_those_of_enumeration() {
    for id in ["ising.map3x3.eta1.0.beta0.5.marginals", "ising.map3x3.eta1.0.beta1.0.marginals"] {
        let params = case(id)["params"].clone();
        let settings = GibbsSettings { chains: 24, burn_in: 100, sweeps: 4000, seed: 11 };
        let found = posterior(&model(&params), &spins(&params["y"]), [3, 3], &settings, &mut quiet).unwrap();
        for (i, exact) in numbers(&case(id)["value"]).iter().enumerate() {
            let bound = 5.0 * found.std_errs[i].max(1e-6);
            let error = found.means[i] - exact;
            assert!(error.abs() < bound && bound < 0.05, "{id}, pixel {i}: {error}, {bound}");
        }
        let signs = numbers(&case(id)["value"]).iter().map(|mean| mean.signum() as i8).collect::<Vec<_>>();
        assert_eq!(found.labelling.spins, signs, "{id}");
    }
}

/// Annealing ends at the least energy of every case, whichever of the labellings it finds.
#[test]
fn annealing_finds_the_least_energy() {
    let anneal = |id: &str, y: &[i8], n: usize| {
        let params = case(id)["params"].clone();
        let settings = AnnealingSettings::geometric(&model(&params), 300, 2);
        let found = anneal(&model(&params), y, [n, n], &settings, &mut quiet).unwrap();
        let least = expected(id)[0];
        assert!((found.energy - least).abs() < 1e-9, "{id}: {}, {least}", found.energy);
        assert_eq!(model(&params).energy(&found.spins, y, n, n).unwrap(), found.energy);
    };
    for id in ["ising.map3x3.eta1.0.beta0.5", "ising.map3x3.eta1.0.beta1.0"] {
        anneal(id, &spins(&case(id)["params"]["y"]), 3);
    }
    for id in ["ising.map8x8", "ising.map32x32"] {
        let (y, n) = noisy_disc(&case(id)["params"]);
        anneal(id, &y, n);
    }
}

#[test]
fn the_cut_of_a_small_noisy_disc_has_the_least_energy() {
    let params = case("ising.map8x8")["params"].clone();
    let (y, n) = noisy_disc(&params);
    assert_eq!(y, spins(&params["y"]));
    let found = model(&params).exact_map(&y, n, n).unwrap();
    assert_close("ising.map8x8", &[found.energy; 2], 1e-10);
    assert_eq!(model(&params).energy(&found.spins, &y, n, n).unwrap(), found.energy);
}

#[test]
fn the_cut_of_a_noisy_disc_is_below_single_flips() {
    let params = case("ising.map32x32")["params"].clone();
    let (y, n) = noisy_disc(&params);
    let rows = params["y_rows_hex"].as_array().unwrap().iter().flat_map(|row| row.as_str().unwrap().chars());
    assert_eq!(y, rows.map(|pixel| if pixel == '1' { 1 } else { -1 }).collect::<Vec<i8>>());
    let found = model(&params).exact_map(&y, n, n).unwrap();
    assert_close("ising.map32x32", &[found.energy; 2], 1e-10);
    let icm = model(&params).icm(&y, n, n).unwrap();
    assert!((icm.energy - number(&params["icm_energy"])).abs() < 1e-9, "{}", icm.energy);
    assert!(found.energy < icm.energy);
}

#[test]
fn the_cut_of_a_noisy_seven_leaves_the_bit_errors_of_the_case() {
    let id = "data.mnist.map_denoise_test0";
    let Some(levels) = mnist_levels("t10k-images-idx3-ubyte") else { return };
    let mut y: Vec<i8> = levels[..784].iter().map(|level| if *level >= 128.0 { 1 } else { -1 }).collect();
    let clean = y.clone();
    Lcg(5).flip(&mut y, 0.1);
    let errors = |x: &[i8]| x.iter().zip(&clean).filter(|(a, b)| a != b).count() as f64;
    let params = case(id)["params"].clone();
    assert_eq!(errors(&y), number(&params["bit_errors_noisy"]));
    let found = model(&params).exact_map(&y, 28, 28).unwrap();
    assert_close(id, &[found.energy; 2], 1e-10);
    assert!(errors(&found.spins) < 0.5 * errors(&y));
    assert_eq!(expected(id).len(), 2);
}

/// A large image, where only the flow proves the minimum; here it must beat single flips, and be found at
/// all.
#[test]
fn the_cut_of_a_megapixel_is_below_single_flips() {
    let n = 1024;
    let params = serde_json::json!({ "n": n, "seed": 7, "flip": 0.1 });
    let (y, _) = noisy_disc(&params);
    let model = IsingDenoising::new(1.1, 0.9).unwrap();
    let began = std::time::Instant::now();
    let found = model.exact_map(&y, n, n).unwrap();
    println!("{n} x {n}: {:.3} s", began.elapsed().as_secs_f64());
    assert!(found.energy < model.icm(&y, n, n).unwrap().energy);
}
