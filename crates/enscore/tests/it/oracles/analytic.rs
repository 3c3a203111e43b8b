//! Denoising score matching on known densities: optimal scores, least losses, and Langevin on a mixture.

use crate::common::oracles::{assert_close, case, digit_levels, expected, number, numbers};
use enscore::evaluate::{IsotropicMixture, Rows};
use enscore::mcmc::StepRule;
use enscore::model::NoiseLevels;
use std::f64::consts::TAU;

/// Points and weights of the trapezoid rule on [-reach, reach] + centre.
fn trapezoid(centre: f64, reach: f64, count: usize) -> Vec<(f64, f64)> {
    let h = 2.0 * reach / (count - 1) as f64;
    (0..count).map(|i| (centre - reach + h * i as f64, h)).collect()
}

/// The integral of p(x) f(x), from the library's log density.
fn expectation(mixture: &IsotropicMixture, sigma: f64, f: impl Fn(f64) -> f64) -> f64 {
    let noisy = mixture.noisy(sigma).unwrap();
    trapezoid(0.0, 15.0, 6001).iter().map(|(x, w)| w * noisy.log_density(&[*x]).unwrap().exp() * f(*x)).sum()
}

/// E 1/2 (s(x + sigma z) + z / sigma)² by quadrature over the clean points (x, weight) and z.
fn dsm_loss(clean: &[(f64, f64)], sigma: f64, score: impl Fn(f64) -> f64) -> f64 {
    let normal: Vec<(f64, f64)> =
        trapezoid(0.0, 9.0, 241).iter().map(|(z, w)| (*z, w * (-0.5 * z * z).exp() / TAU.sqrt())).collect();
    let inner = |x: f64| -> f64 {
        normal.iter().map(|(z, w)| w * 0.5 * (score(x + sigma * z) + z / sigma).powi(2)).sum()
    };
    clean.iter().map(|(x, weight)| weight * inner(*x)).sum()
}

/// The law of the clean data as points and weights.
fn clean(mixture: &IsotropicMixture) -> Vec<(f64, f64)> {
    let noisy = mixture.noisy(0.0).unwrap();
    trapezoid(0.0, 12.0, 1201)
        .iter()
        .map(|(x, w)| (*x, w * noisy.log_density(&[*x]).unwrap().exp()))
        .collect()
}

fn gmm1d(id: &str) -> (IsotropicMixture, f64, Vec<f64>) {
    let params = &case(id)["params"];
    let part = |name: &str| numbers(&params[name]);
    let mixture = IsotropicMixture::new(&part("w"), &part("means"), &part("vars"), 1).unwrap();
    (mixture, number(&params["sigma"]), part("points"))
}

#[test]
fn the_optimal_score_of_a_mixture_is_that_of_the_case() {
    for id in ["dsm.gmm1d.optimal_score.sigma0.1", "dsm.gmm1d.optimal_score.sigma0.5"] {
        let (mixture, sigma, points) = gmm1d(id);
        let noisy = mixture.noisy(sigma).unwrap();
        let at = |x: &f64| [noisy.log_density(&[*x]).unwrap(), noisy.score(&[*x]).unwrap()[0]];
        assert_close(id, &points.iter().flat_map(at).collect::<Vec<_>>(), 1e-10);
    }
}

#[test]
fn the_least_loss_on_a_mixture_is_the_same_in_two_ways() {
    let (mixture, sigma, _) = gmm1d("dsm.gmm1d.optimal_score.sigma0.5");
    let noisy = mixture.noisy(sigma).unwrap();
    let score = |x: f64| noisy.score(&[x]).unwrap()[0];
    let fisher = expectation(&mixture, sigma, |x| score(x).powi(2));
    assert_close("dsm.gmm1d.min_loss.sigma0.5", &[0.5 * (1.0 / (sigma * sigma) - fisher)], 1e-9);
    assert_close("dsm.gmm1d.min_loss.sigma0.5", &[dsm_loss(&clean(&mixture), sigma, score)], 1e-9);
}

#[test]
fn the_least_loss_on_a_gaussian_is_that_of_the_case() {
    for id in ["dsm.gauss1d.min_loss.sigma0.2", "dsm.gauss1d.min_loss.sigma1.0"] {
        let params = &case(id)["params"];
        let (s2, sigma) = (number(&params["s2"]), number(&params["sigma"]));
        let data = IsotropicMixture::gaussian(&[0.0], s2).unwrap();
        let noisy = data.noisy(sigma).unwrap();
        let least = dsm_loss(&clean(&data), sigma, |x| noisy.score(&[x]).unwrap()[0]);
        assert_close(id, &[least, dsm_loss(&clean(&data), sigma, |x| -x)], 1e-10);
    }
}

/// The NCSN loss is 2 sigma² times the loss of denoising score matching.
#[test]
fn the_least_ncsn_loss_on_a_gaussian_is_that_of_the_case() {
    let id = "ncsn.loss.gauss_min";
    let params = &case(id)["params"];
    let data = IsotropicMixture::gaussian(&[0.0], number(&params["s2"])).unwrap();
    let loss = |sigma: &f64| {
        let noisy = data.noisy(*sigma).unwrap();
        2.0 * sigma * sigma * dsm_loss(&clean(&data), *sigma, |x| noisy.score(&[x]).unwrap()[0])
    };
    assert_close(id, &numbers(&params["sigmas"]).iter().map(loss).collect::<Vec<_>>(), 1e-10);
}

#[test]
fn denoising_and_exact_score_matching_differ_by_a_constant() {
    let id = "dsm.sm_identity";
    let params = &case(id)["params"];
    let [a, sigma, s2] = ["a", "sigma", "s2"].map(|name| number(&params[name]));
    let data = IsotropicMixture::gaussian(&[0.0], s2).unwrap();
    let denoising = dsm_loss(&clean(&data), sigma, |x| -a * x);
    let exact = expectation(&data, sigma, |x| 0.5 * (a * x).powi(2) - a);
    assert_close(id, &[denoising, exact, denoising - exact], 1e-10);
}

#[test]
fn the_memorising_score_of_five_points_is_that_of_the_case() {
    let case = case("dsm.empirical.optimal_score");
    let (data, x) = (numbers(&case["params"]["data"]), numbers(&case["params"]["x"]));
    let mixture = IsotropicMixture::new(&[1.0; 5], &data, &[0.0; 5], 2).unwrap();
    let noisy = mixture.noisy(number(&case["params"]["sigma"])).unwrap();
    let check = |found: Vec<f64>, name: &str| {
        for (f, e) in found.iter().zip(numbers(&case["value"][name])) {
            assert!((f - e).abs() < 1e-11, "{name}: {f} and {e}");
        }
    };
    check(noisy.score(&x).unwrap(), "score");
    check(noisy.denoise(&x).unwrap(), "denoised");
}

#[test]
fn the_least_loss_on_three_points_is_that_of_the_case() {
    let id = "dsm.empirical.min_loss";
    let params = &case(id)["params"];
    let points = numbers(&params["data"]);
    let mixture = IsotropicMixture::new(&[1.0; 3], &points, &[0.0; 3], 1).unwrap();
    let clean: Vec<(f64, f64)> = points.iter().map(|x| (*x, 1.0 / 3.0)).collect();
    let loss = |sigma: &f64| {
        let noisy = mixture.noisy(*sigma).unwrap();
        dsm_loss(&clean, *sigma, |x| noisy.score(&[x]).unwrap()[0])
    };
    assert_close(id, &numbers(&params["sigmas"]).iter().map(loss).collect::<Vec<_>>(), 1e-9);
}

#[test]
fn the_memorising_denoiser_of_the_digits_is_that_of_the_case() {
    let id = "data.digits8x8.memorised_denoiser";
    let values: Vec<f32> = digit_levels().iter().map(|v| v / 16.0).collect();
    let mixture = IsotropicMixture::points(Rows::new(&values, 64).unwrap()).unwrap();
    let shift = |(k, v): (usize, &f32)| f64::from(*v) + 0.1 * ((k % 3) as f64 - 1.0);
    let x: Vec<f64> = values[..64].iter().enumerate().map(shift).collect();
    let sigma = number(&case(id)["params"]["sigma"]);
    let denoised = mixture.noisy(sigma).unwrap().denoise(&x).unwrap();
    assert_close(id, &[denoised[10], denoised[20], denoised[30]], 1e-9);
}

/// The law of a chain on a grid of spacing h, and one Langevin step of it: p'(y) = sum_x p(x) N(y; mean(x),
/// sd²) h.
struct Grid {
    points: Vec<(f64, f64)>,
    law: Vec<f64>,
}

impl Grid {
    fn new(reach: f64, count: usize, start_variance: f64) -> Self {
        let points = trapezoid(0.0, reach, count);
        let start = IsotropicMixture::gaussian(&[0.0], start_variance).unwrap();
        let start = start.noisy(0.0).unwrap();
        let law = points.iter().map(|(x, w)| w * start.log_density(&[*x]).unwrap().exp()).collect();
        Grid { points, law }
    }

    /// `steps` steps on the score of `data` with noise `sigma`.
    fn propagate(
        &mut self,
        data: &IsotropicMixture,
        sigma: f64,
        (drift, noise_std): (f64, f64),
        steps: usize,
    ) {
        let noisy = data.noisy(sigma).unwrap();
        let kernel: Vec<Vec<f64>> = self
            .points
            .iter()
            .map(|(x, h)| {
                let mean = x + drift * noisy.score(&[*x]).unwrap()[0];
                let density = |y: f64| {
                    let z = (y - mean) / noise_std;
                    h * (-0.5 * z * z).exp() / (noise_std * TAU.sqrt())
                };
                self.points.iter().map(|(y, _)| density(*y)).collect()
            })
            .collect();
        for _ in 0..steps {
            let mut next = vec![0.0; self.law.len()];
            for (mass, row) in self.law.iter().zip(&kernel).filter(|(mass, _)| **mass > 1e-40) {
                next.iter_mut().zip(row).for_each(|(n, k)| *n += mass * k);
            }
            self.law = next;
        }
    }

    fn moments(&self) -> Vec<f64> {
        let moment = |p: i32| self.points.iter().zip(&self.law).map(|((x, _), m)| m * x.powi(p)).sum();
        vec![moment(0), moment(1), moment(2)]
    }
}

fn two_modes() -> IsotropicMixture {
    IsotropicMixture::new(&[0.2, 0.8], &[-5.0, 5.0], &[1.0, 1.0], 1).unwrap()
}

#[test]
fn annealed_langevin_on_a_mixture() {
    let id = "ncsn.ald.gmm";
    let params = case(id)["params"].clone();
    let of = |name: &str| number(&params[name]);
    let levels = NoiseLevels::geometric(of("sigma1"), of("sigmaL"), of("L") as usize).unwrap();
    let mut grid = Grid::new(120.0, 2401, of("x0_var"));
    for sigma in levels.as_slice() {
        let step = StepRule::Algorithm1.step(of("eps"), *sigma, levels.last());
        grid.propagate(&two_modes(), *sigma, step, of("T") as usize);
    }
    assert_close(id, &grid.moments(), 1e-9);
}

#[test]
fn plain_langevin_on_a_mixture_keeps_the_wrong_weights() {
    let id = "langevin.plain.gmm";
    let params = case(id)["params"].clone();
    // Between the modes the score turns within a fifth of a unit: the spacing must resolve that.
    let mut grid = Grid::new(30.0, 1801, number(&params["x0_var"]));
    let step = StepRule::Algorithm1.step(number(&params["a"]), 1.0, 1.0);
    grid.propagate(&two_modes(), 0.0, step, number(&params["T"]) as usize);
    assert_close(id, &grid.moments(), 1e-9);
    assert!(expected(id)[1] < 1.0, "far from the mixture's mean of 3");
}
