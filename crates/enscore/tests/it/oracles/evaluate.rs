//! Distances between Gaussians, likelihood units, baselines, noise levels and the recursions on Gaussian
//! data.

use super::gaussian_recursion::{Gaussian, ancestral_gaussian_recursion, gaussian_recursion};
use crate::common::oracles::{assert_close, case, digit_levels, expected, mnist_levels, number, numbers};
use enscore::data::{Dataset, Subset, Values};
use enscore::evaluate::{
    BernoulliBaseline, Moments, Rows, Share, SharedSupport, TwoSampleMetric, bits_per_dim, frechet_distance,
    gaussian_kl, inception_score, linear_baseline,
};
use enscore::mcmc::StepRule;
use enscore::model::NoiseLevels;
use enscore::sample::{level_count, overlap_ratio};
use serde_json::Value;

fn moments(params: &Value, which: &str) -> Moments {
    let part = |name: &str| numbers(&params[format!("{name}{which}")]);
    Moments::new(&part("m"), &part("S")).unwrap()
}

/// Shares of common support by the first and the second neighbour.
#[test]
fn precision_recall_density_and_coverage_are_those_of_the_cases() {
    for id in ["metric.precision_recall.k1", "metric.precision_recall.k2"] {
        let case = case(id);
        let params = &case["params"];
        let rows = |name: &str| -> Vec<f32> {
            numbers(&params[name]).into_iter().map(|value| value as f32).collect()
        };
        let (real, generated) = (rows("real"), rows("generated"));
        let (real, generated) = (Rows::new(&real, 2).unwrap(), Rows::new(&generated, 2).unwrap());
        let k = number(&params["k"]) as usize;
        for (share, name) in [
            (Share::Precision, "precision"),
            (Share::Recall, "recall"),
            (Share::Density, "density"),
            (Share::Coverage, "coverage"),
        ] {
            let found = SharedSupport::new(share, k).unwrap().value(generated, real).unwrap();
            let expected = number(&case["value"][name]);
            assert!((found - expected).abs() < 1e-12, "{id}, {name}: {found}, {expected}");
        }
    }
}

#[test]
fn distances_between_gaussians_are_those_of_the_cases() {
    let params = &case("metric.frechet")["params"];
    let (a, b) = (moments(params, "1"), moments(params, "2"));
    assert_close("metric.frechet", &[frechet_distance(&a, &b).unwrap()], 1e-10);
    assert_close("metric.frechet", &[frechet_distance(&b, &a).unwrap()], 1e-10);
    let params = &case("metric.kl_gauss")["params"];
    let (a, b) = (moments(params, "1"), moments(params, "2"));
    assert_close("metric.kl_gauss", &[gaussian_kl(&a, &b).unwrap()], 1e-10);
}

#[test]
fn likelihood_units_and_the_inception_score_are_those_of_the_cases() {
    let params = &case("metric.bits_per_dim")["params"];
    let found = bits_per_dim(number(&params["logp"]), number(&params["D"]) as usize, 256).unwrap();
    assert_close("metric.bits_per_dim", &[found], 1e-12);
    let p = &case("metric.inception_score")["params"]["p"];
    let classes = numbers(&p[0]).len();
    assert_close("metric.inception_score", &[inception_score(&numbers(p), classes).unwrap()], 1e-10);
}

/// The baseline from the integer levels: the loss doesn't change when data and sigma are scaled together.
fn check_baseline(id: &str, levels: &[f32], row_len: usize, scale: f64) {
    let params = case(id)["params"].clone();
    let sigmas: Vec<f64> = numbers(&params["sigmas"]).iter().map(|s| s * scale).collect();
    let started = std::time::Instant::now();
    let found = linear_baseline(Rows::new(levels, row_len).unwrap(), &sigmas).unwrap();
    eprintln!("{id}: {:.2} s", started.elapsed().as_secs_f64());
    assert_close(id, &found.losses, 1e-9);
    if let Some(mean) = params["mean"].as_f64() {
        assert!((found.mean - mean).abs() < 1e-9);
    }
}

#[test]
fn the_linear_baseline_of_the_digits_is_that_of_the_case() {
    check_baseline("data.digits8x8.ncsn_linear_baseline", &digit_levels(), 64, 16.0);
}

#[test]
fn the_linear_baseline_of_mnist_is_that_of_the_case() {
    let Some(levels) = mnist_levels("train-images-idx3-ubyte") else { return };
    check_baseline("data.mnist.ncsn_linear_baseline", &levels, 784, 255.0);
}

#[test]
fn the_likelihood_of_independent_pixels_of_mnist_is_that_of_the_case() {
    let read = |part: &str| mnist_levels(&format!("{part}-images-idx3-ubyte"));
    let (Some(train), Some(test)) = (read("train"), read("t10k")) else { return };
    let train = Dataset::new("mnist", "levels", &[784], Values::F32(train)).unwrap();
    let baseline = BernoulliBaseline::fit(&Subset::all(&train), 128.0).unwrap();
    let found = baseline.log_likelihood(Rows::new(&test, 784).unwrap()).unwrap();
    assert_close("data.mnist.bernoulli_baseline", &[found.value], 1e-10);
}

#[test]
fn noise_levels_and_step_sizes_are_those_of_the_cases() {
    let params = case("ncsn.sigmas")["params"].clone();
    let of = |name: &str| number(&params[name]);
    let levels = NoiseLevels::geometric(of("sigma1"), of("sigmaL"), of("L") as usize).unwrap();
    assert_close("ncsn.sigmas", levels.as_slice(), 1e-12);
    let eps = number(&case("ncsn.step_sizes")["params"]["eps"]);
    let steps = |rule: StepRule, part: fn((f64, f64)) -> f64| -> Vec<f64> {
        levels.as_slice().iter().map(|s| part(rule.step(eps, *s, levels.last()))).collect()
    };
    // alpha is twice the drift and the square of the noise; the published code's drift is alpha itself.
    assert_close("ncsn.step_sizes", &steps(StepRule::Algorithm1, |(drift, _)| 2.0 * drift), 1e-12);
    assert_close("ncsn.step_sizes", &steps(StepRule::Algorithm1, |(_, noise)| noise * noise), 1e-12);
    assert_close("ncsn.step_sizes", &steps(StepRule::ReferenceCode, |(drift, _)| drift), 1e-12);
    assert_close("ncsn.step_sizes", &steps(StepRule::ReferenceCode, |(_, noise)| noise * noise / 2.0), 1e-12);
}

#[test]
fn the_overlap_of_neighbouring_levels_gives_the_published_count() {
    let id = "ncsnv2.technique2.gamma";
    let ratio = overlap_ratio(number(&case(id)["params"]["D"]) as usize).unwrap();
    assert_close(id, &[ratio, 1.0 + (50.0f64 / 0.01).ln() / ratio.ln()], 1e-10);
    assert_eq!(level_count(50.0, 0.01, ratio), 220);
}

#[test]
fn annealed_langevin_on_a_gaussian_under_both_rules() {
    for id in ["ncsn.ald.gauss.a", "ncsn.ald.gauss.a_code_convention", "ncsn.ald.gauss.c_code_convention"] {
        let params = case(id)["params"].clone();
        let of = |name: &str| number(&params[name]);
        let levels = NoiseLevels::geometric(of("sigma1"), of("sigmaL"), of("L") as usize).unwrap();
        let data = Gaussian { mean: of("mu"), variance: of("s2") };
        let start = Gaussian { mean: 0.5, variance: 1.0 / 12.0 };
        let steps = of("T") as usize;
        for (rule, eps) in [(StepRule::Algorithm1, of("eps")), (StepRule::ReferenceCode, of("eps") / 2.0)] {
            let path = gaussian_recursion(data, start, &levels, steps, eps, rule);
            let (end, denoised) = (path.levels[path.levels.len() - 1], path.denoised);
            assert_close(id, &[end.mean, end.variance, denoised.mean, denoised.variance], 1e-9);
        }
    }
}

#[test]
fn ancestral_sampling_of_a_gaussian() {
    let id = "smld.ancestral.gauss";
    let params = case(id)["params"].clone();
    let data = Gaussian { mean: number(&params["mu"]), variance: number(&params["s2"]) };
    let levels = NoiseLevels::geometric(5.0, 0.01, 30).unwrap();
    let end = ancestral_gaussian_recursion(data, Gaussian { mean: 0.0, variance: 25.0 }, &levels);
    assert_close(id, &[end.mean, end.variance], 1e-10);
}

/// Langevin at one level: x' = x + eps s + sqrt(2 eps) z.
fn langevin(mut law: Gaussian, variance: f64, eps: f64, steps: usize) -> Gaussian {
    for _ in 0..steps {
        law = law.langevin_step(Gaussian { mean: 0.0, variance }, eps, (2.0 * eps).sqrt());
    }
    law
}

#[test]
fn unadjusted_langevin_on_a_gaussian() {
    for id in
        ["ula.gauss1d.var.s2_1.0.eps0.1", "ula.gauss1d.var.s2_1.0.eps0.5", "ula.gauss1d.var.s2_0.25.eps0.05"]
    {
        let params = case(id)["params"].clone();
        let (s2, eps) = (number(&params["s2"]), number(&params["eps"]));
        let end = langevin(Gaussian { mean: 1.0, variance: 0.0 }, s2, eps, 2000);
        assert_close(id, &[end.variance, end.variance - s2], 1e-10);
    }
    let params = case("ula.gauss1d.transient")["params"].clone();
    let of = |name: &str| number(&params[name]);
    let start = Gaussian { mean: of("m0"), variance: of("v0") };
    let end = langevin(start, of("s2"), of("eps"), of("n") as usize);
    assert_close("ula.gauss1d.transient", &[end.mean, end.variance], 1e-10);
    let start = Gaussian { mean: 1.0, variance: 0.0 };
    let (wild, edge) = (langevin(start, 1.0, 2.5, 20), langevin(start, 1.0, 2.0, 20));
    assert_close("ula.gauss1d.unstable", &[wild.mean, wild.variance, edge.variance], 1e-10);
    assert!(expected("ula.gauss1d.unstable")[1] > 1e7);
}
