//! The library's sampler with an exact score on Gaussian data against the recursion of mean and variance,
//! converged or not: every level of it, both step rules, the denoising step, and the start.

use super::gaussian_recursion::{Gaussian as Law, gaussian_recursion};
use crate::common::oracles::{case, expected, number};
use crate::common::traced::{Gaussian, assert_within_errors, mean, variance};
use enscore::checkpoint::DataRecord;
use enscore::executor::{Weights, default_executor};
use enscore::mcmc::StepRule;
use enscore::model::{Network, NoiseLevels};
use enscore::sample::{Drawn, Sampler, TrainedModel, draw};
use enscore::settings::Settings;

/// Coordinates of a row; all are independent chains with the same law.
const ROW: usize = 8;
const ROWS: usize = 1024;

/// A score without parameters, trained as it were on data of this range.
fn exact(mu: f64, s2: f64, levels: &NoiseLevels, range: [f64; 2]) -> TrainedModel {
    let data = DataRecord {
        name: "a Gaussian".into(),
        fingerprint: String::new(),
        scale: serde_json::Value::Null,
        row_shape: vec![ROW],
        variance: s2,
        range,
        mean: Vec::new(),
        deviation: Vec::new(),
        count: None,
        whitening: None,
        table: None,
    };
    let executor = default_executor();
    TrainedModel {
        model: Network::Score(Box::new(Gaussian::new(mu, s2, ROW))),
        weights: Weights::upload::<f32>(&*executor, &[], &[]).unwrap(),
        levels: levels.clone(),
        data,
        executor,
        temperature: 1.0,
        start_noise: enscore::mcmc::StartNoise::Uniform,
    }
}

fn sampler(rule: &str, step_size: f64, steps: usize, denoise: bool) -> Sampler {
    let text = format!(
        "[data]\nname = \"digits\"\n[model]\nkind = \"mlp\"\n[objective]\nkind = \"ncsn\"\n[sampler]\nrule = \"{rule}\"\n\
         step_size = {step_size:?}\nsteps_per_level = {steps}\ndenoise = {denoise}\nbatch = {ROWS}\n"
    );
    Settings::parse(&text, "test", &[]).unwrap().sampler().clone()
}

fn assert_law(what: &str, x: &[f32], law: Law) {
    let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
    let n = x.len() as f64;
    assert_within_errors(&format!("{what}: mean"), mean(&x), law.mean, (law.variance / n).sqrt());
    let error = law.variance * (2.0 / n).sqrt();
    assert_within_errors(&format!("{what}: variance"), variance(&x), law.variance, error);
}

/// Draws under the case's settings in both readings of its step size, and compares every level and the end.
fn check(id: &str) {
    let params = case(id)["params"].clone();
    let of = |name: &str| number(&params[name]);
    let levels = NoiseLevels::geometric(of("sigma1"), of("sigmaL"), of("L") as usize).unwrap();
    let score = exact(of("mu"), of("s2"), &levels, [0.0, 1.0]);
    let (data, start) = (Law { mean: of("mu"), variance: of("s2") }, Law { mean: 0.5, variance: 1.0 / 12.0 });
    let steps = of("T") as usize;
    for (name, rule, eps) in [
        ("algorithm1", StepRule::Algorithm1, of("eps")),
        ("reference-code", StepRule::ReferenceCode, of("eps") / 2.0),
    ] {
        let drawn =
            draw(&score, &sampler(name, eps, steps, true), ROWS, 5, ROWS, &mut |_, _| Ok(())).unwrap();
        let path = gaussian_recursion(data, start, &levels, steps, eps, rule);
        let stages: Vec<&[f32]> = drawn.trajectory.chunks_exact(ROWS * ROW).collect();
        assert_eq!(stages.len(), levels.as_slice().len() + 2);
        for (level, (stage, law)) in stages[1..].iter().zip(&path.levels).enumerate() {
            // What is left of the uniform start has lighter tails, so its variance varies less, not more.
            assert_law(&format!("{id}, {name}, level {level}"), stage, *law);
        }
        let value = expected(id);
        let before = stages[stages.len() - 2];
        assert_law(
            &format!("{id}, {name}, before denoising"),
            before,
            Law { mean: value[0], variance: value[1] },
        );
        assert_law(&format!("{id}, {name}"), &drawn.rows, Law { mean: value[2], variance: value[3] });
        // The denoising step moves every chain by sigma² s: far below the spread of the chains, so chain by
        // chain.
        let s = of("sigmaL").powi(2) / (of("s2") + of("sigmaL").powi(2));
        for (x, cleaned) in before.iter().zip(&drawn.rows) {
            let exact = f64::from(*x) + s * (of("mu") - f64::from(*x));
            assert!(
                (f64::from(*cleaned) - exact).abs() < 1e-6 * (1.0 + exact.abs()),
                "{x} {cleaned} {exact}"
            );
        }
    }
}

#[test]
fn ten_levels_of_a_hundred_steps() {
    check("ncsn.ald.gauss.a");
}

#[test]
fn ten_levels_under_the_published_codes_convention() {
    check("ncsn.ald.gauss.a_code_convention");
}

#[test]
fn the_published_setting_of_ncsnv2() {
    check("ncsn.ald.gauss.c_code_convention");
}

fn one_level(range: [f64; 2], denoise: bool) -> Drawn {
    let levels = NoiseLevels::single(0.1).unwrap();
    let score = exact(0.0, 1.0, &levels, range);
    draw(&score, &sampler("algorithm1", 1e-3, 3, denoise), ROWS, 9, ROWS, &mut |_, _| Ok(())).unwrap()
}

/// The largest distance between the sample's distribution function and the uniform one; above 2.5/√n it has a
/// probability of 2 exp(-12.5), some 7e-6 (Kolmogorov 1933).
#[test]
fn chains_start_uniform_on_the_datas_range() {
    for [low, high] in [[0.0, 1.0], [-1.0, 3.0]] {
        let mut start = one_level([low, high], true).trajectory[..ROWS * ROW].to_vec();
        start.sort_by(f32::total_cmp);
        let n = start.len() as f64;
        assert!(f64::from(start[0]) >= low && f64::from(start[start.len() - 1]) <= high);
        let distance = start.iter().enumerate().map(|(i, x)| {
            let below = (f64::from(*x) - low) / (high - low);
            (below - (i as f64 + 0.5) / n).abs()
        });
        let distance = distance.fold(0.0, f64::max) * n.sqrt();
        assert!(distance < 2.5, "{distance}");
    }
}

#[test]
fn without_denoising_the_samples_are_the_last_states() {
    let (with, without) = (one_level([0.0, 1.0], true), one_level([0.0, 1.0], false));
    let stage = ROWS * ROW;
    assert_eq!(with.trajectory[..2 * stage], without.trajectory);
    assert_eq!(without.rows, without.trajectory[stage..]);
    assert_ne!(with.rows, without.rows);
}
