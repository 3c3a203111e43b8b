//! Annealed Langevin dynamics on a Gaussian with its exact score against the recursion of its mean and
//! variance.

use crate::common::traced::{Gaussian, assert_within_errors, float, key, mean, run, variance};
use enscore::mcmc::{StepRule, denoise_program, langevin_program};
use enscore::model::NoiseLevels;
use enscore_program::random::{Key, row_words, uniform};

const CHAINS: usize = 10_000;

fn start() -> Vec<f64> {
    let mut words = vec![0; CHAINS];
    row_words(Key::new(77, 0), 900_001, 0, &mut words);
    words.into_iter().map(uniform).collect()
}

fn assert_moments(what: &str, x: &[f64], [m, v]: [f64; 2]) {
    let n = CHAINS as f64;
    assert_within_errors(&format!("{what}: mean"), mean(x), m, (v / n).sqrt());
    assert_within_errors(&format!("{what}: variance"), variance(x), v, v * (2.0 / n).sqrt());
}

/// Runs `steps` per level from U(0, 1) and returns x with the recursion's mean and variance.
fn anneal(rule: StepRule, levels: &NoiseLevels, steps: u64, step_size: f64) -> (Vec<f64>, [f64; 2]) {
    let (mu, s2) = (2.0, 0.25);
    let program = langevin_program(&Gaussian::new(mu, s2, 1), &[], CHAINS).expect("a right model");
    let (mut x, mut m, mut v) = (start(), 0.5, 1.0 / 12.0);
    let mut step = 0;
    for sigma in levels.as_slice() {
        let (drift, noise_std) = rule.step(step_size, *sigma, levels.last());
        let contraction = 1.0 - drift / (s2 + sigma * sigma);
        for _ in 0..steps {
            let inputs = [float(&x), float(&[*sigma]), float(&[drift]), float(&[noise_std]), key(78, step)];
            x = run(&program, &inputs).remove(0);
            m = mu + contraction * (m - mu);
            v = contraction * contraction * v + noise_std * noise_std;
            step += 1;
        }
    }
    (x, [m, v])
}

#[test]
fn one_step_at_a_time_follows_the_recursion() {
    let levels = NoiseLevels::geometric(1.0, 0.1, 3).unwrap();
    for rule in [StepRule::Algorithm1, StepRule::ReferenceCode] {
        for steps in [1, 4] {
            let (x, moments) = anneal(rule, &levels, steps, 2e-3);
            assert_moments(&format!("{rule:?}, {steps} steps"), &x, moments);
        }
    }
}

/// Ten levels of a hundred steps, which do not converge to the data's variance; then the denoising step.
#[test]
fn annealed_langevin_on_a_gaussian_has_the_moments_of_the_recursion() {
    let levels = NoiseLevels::geometric(1.0, 0.01, 10).unwrap();
    let (x, [m, v]) = anneal(StepRule::Algorithm1, &levels, 100, 2e-5);
    assert!((m - 1.9999999980367806).abs() < 1e-9 && (v - 0.2654092653756524).abs() < 1e-9, "{m} {v}");
    assert_moments("chains", &x, [1.9999999980367806, 0.2654092653756524]);
    let denoise = denoise_program(&Gaussian::new(2.0, 0.25, 1), &[], CHAINS).expect("a right model");
    let cleaned = run(&denoise, &[float(&x), float(&vec![0.01; CHAINS])]).remove(0);
    assert_moments("denoised", &cleaned, [1.9999999980375656, 0.26519706529188847]);
    let ratio = 0.26519706529188847 / 0.2654092653756524;
    assert!((variance(&cleaned) / variance(&x) / ratio - 1.0).abs() < 1e-9);
}

#[test]
fn annealed_langevin_in_the_codes_convention_has_the_moments_of_the_recursion() {
    let levels = NoiseLevels::geometric(1.0, 0.01, 10).unwrap();
    let (x, [m, v]) = anneal(StepRule::ReferenceCode, &levels, 100, 2e-5);
    assert!((m - 1.9999999999999984).abs() < 1e-9 && (v - 0.2579088274340735).abs() < 1e-9, "{m} {v}");
    assert_moments("chains", &x, [1.9999999999999984, 0.2579088274340735]);
}
