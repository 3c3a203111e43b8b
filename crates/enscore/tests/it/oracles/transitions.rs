//! Transitions on the host and annealed importance sampling against closed forms: acceptance, trajectories,
//! invariance.

use crate::common::oracles::{assert_close, case, expected, number};
use enscore::evaluate::{Annealing, AnnealingSettings, Base, GaussianBase, Kernel, Mean, Temperatures};
use enscore::mcmc::{Chains, Hmc, HostTransition, Mala, Place};
use enscore::model::{ClosedForm, HostDensity};
use enscore::{Error, Result};
use enscore_program::random::{Key, normal_row};

fn normal() -> GaussianBase {
    GaussianBase::isotropic(&[0.0], 1.0).unwrap()
}

/// The mean acceptance of one step from exact samples of N(0, 1), within 5 standard errors.
fn check_acceptance(id: &str, transition: &dyn HostTransition) {
    let mut density = normal();
    let start = density.draw(Key::new(3, 0), 200_000).unwrap();
    let mut chains = Chains::at(&mut density, start).unwrap();
    let moves = transition.step(&mut density, &mut chains, Key::new(4, 0)).unwrap();
    let found = Mean::of(&moves.acceptance).unwrap();
    let truth = expected(id)[0];
    assert!((found.value - truth).abs() < 5.0 * found.std_err, "{id}: {found:?}, expected {truth}");
    let accepted = moves.accepted.iter().filter(|accepted| **accepted).count() as f64 / 200_000.0;
    assert!((accepted - truth).abs() < 5.0 * (truth * (1.0 - truth) / 200_000.0).sqrt(), "{id}: {accepted}");
}

#[test]
fn mala_accepts_as_often_as_the_integral_says() {
    for id in
        ["mala.gauss1d.acceptance.eps0.1", "mala.gauss1d.acceptance.eps0.5", "mala.gauss1d.acceptance.eps1.0"]
    {
        check_acceptance(id, &Mala::new(number(&case(id)["params"]["eps"])).unwrap());
    }
}

#[test]
fn hmc_accepts_as_often_as_the_integral_says() {
    for id in
        ["hmc.gauss1d.acceptance.e0.5.L1", "hmc.gauss1d.acceptance.e0.5.L5", "hmc.gauss1d.acceptance.e1.9.L2"]
    {
        let params = case(id)["params"].clone();
        check_acceptance(id, &Hmc::new(number(&params["e"]), number(&params["L"]) as usize).unwrap());
    }
}

#[test]
fn the_acceptance_ratio_of_mala_is_that_of_the_case() {
    let id = "mala.double_well.log_ratio";
    let params = case(id)["params"].clone();
    let (x, y) = (number(&params["x"]), number(&params["y"]));
    let log_density = |x: f64| -0.25 * x.powi(4) + 0.5 * x * x;
    let score = |x: f64| x - x.powi(3);
    let mala = Mala::new(number(&params["eps"])).unwrap();
    let from = Place { x: &[x], log_density: log_density(x), score: &[score(x)] };
    let to = Place { x: &[y], log_density: log_density(y), score: &[score(y)] };
    assert_close(id, &[mala.log_ratio(from, to)], 1e-10);
    assert!((mala.log_ratio(to, from) + expected(id)[0]).abs() < 1e-12);
}

/// The end point, and the energy that leapfrog steps conserve exactly on a quadratic.
#[test]
fn a_leapfrog_trajectory_ends_at_the_case_and_keeps_its_energy() {
    let id = "hmc.leapfrog.trajectory";
    let params = case(id)["params"].clone();
    let step_size = number(&params["e"]);
    let mut density = normal();
    let start = Chains::at(&mut density, vec![1.0]).unwrap();
    let hmc = Hmc::new(step_size, number(&params["L"]) as usize).unwrap();
    let (end, momenta) = hmc.trajectory(&mut density, &start, vec![0.5]).unwrap();
    let (q, p) = (end.x[0], momenta[0]);
    let shadow = 0.5 * p * p + 0.5 * q * q * (1.0 - 0.25 * step_size * step_size);
    assert_close(id, &[q, p, shadow], 1e-10);
}

/// The posterior of theta given the sum of three draws, each chain with its own: N(sum / 4, 1/4).
struct Posterior(Vec<f64>);

impl HostDensity for Posterior {
    fn row_len(&self) -> usize {
        1
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        Ok(rows.iter().zip(&self.0).map(|(theta, sum)| -2.0 * (theta - sum / 4.0).powi(2)).collect())
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        if rows.len() != self.0.len() {
            return Err(Error::input("rows of other chains"));
        }
        Ok(rows.iter().zip(&self.0).map(|(theta, sum)| sum - 4.0 * theta).collect())
    }
}

/// Geweke's test: data drawn given theta, theta moved given the data, keep the joint law, whatever the step
/// size.
#[test]
fn theta_and_data_in_turn_keep_their_joint_law() {
    let id = "geweke.gauss.moments";
    let chains = 40_000;
    let truth = expected(id);
    for transition in [
        &Mala::new(0.3).unwrap() as &dyn HostTransition,
        &Hmc::new(0.5, 3).unwrap(),
        &Hmc::new(0.9, 2).unwrap(),
    ] {
        let mut theta = normal().draw(Key::new(1, 0), chains).unwrap();
        let mut sums = Vec::new();
        for sweep in 0..25 {
            let data = |chain: usize, theta: f64| {
                let mut noise = [0.0; 3];
                normal_row(Key::new(2, sweep), 0, chain as u64, &mut noise);
                3.0 * theta + noise.iter().sum::<f64>()
            };
            sums = theta.iter().enumerate().map(|(chain, theta)| data(chain, *theta)).collect();
            let mut density = Posterior(sums.clone());
            let mut state = Chains::at(&mut density, theta).unwrap();
            transition.step(&mut density, &mut state, Key::new(3, sweep)).unwrap();
            theta = state.x;
        }
        let moments: [fn(f64, f64) -> f64; 4] = [|t, _| t * t, |_, m| m * m, |t, m| t * m, |t, _| t.powi(4)];
        for (moment, truth) in moments.iter().zip(&truth) {
            let terms: Vec<f64> = theta.iter().zip(&sums).map(|(t, sum)| moment(*t, sum / 3.0)).collect();
            let found = Mean::of(&terms).unwrap();
            assert!((found.value - truth).abs() < 5.0 * found.std_err, "{found:?}, expected {truth}");
        }
    }
}

/// Mean and variance of log w where chains mix at every temperature. The case's base is exp(-x²/2), ours is
/// normalised.
#[test]
fn log_weights_of_chains_that_mix_have_their_mean_and_variance() {
    for id in ["ais.gauss.perfect.K1", "ais.gauss.perfect.K10"] {
        let params = case(id)["params"].clone();
        let of = |name: &str| number(&params[name]);
        let (mean, variance) = (of("mu"), of("s2"));
        let mut target = ClosedForm::new(
            1,
            move |x: &[f64]| -0.5 * (x[0] - mean).powi(2) / variance,
            move |x: &[f64], s: &mut [f64]| s[0] = -(x[0] - mean) / variance,
        )
        .unwrap();
        let settings = AnnealingSettings {
            chains: 20_000,
            kernel: Kernel::Mala,
            transitions: 15,
            seed: 2,
            ..AnnealingSettings::default()
        };
        let temperatures = Temperatures::linear(of("K") as usize).unwrap();
        let annealing = Annealing::tune(&mut target, &mut normal(), &temperatures, settings).unwrap();
        let found = annealing.forward(&mut target, &mut normal()).unwrap();
        let log_norm = 0.5 * std::f64::consts::TAU.ln();
        let [mean, spread] = expected(id)[..] else { panic!("{id}: two numbers") };
        let error = found.bound - log_norm - mean;
        assert!(error.abs() < 5.0 * found.bound_std_err, "{id}: {found:?}");
        let variance = found.bound_std_err.powi(2) * found.chains as f64;
        assert!((variance / spread - 1.0).abs() < 0.07, "{id}: {variance}, expected {spread}");
        if of("K") > 1.0 {
            assert!((found.log_z - log_norm - of("true")).abs() < 4.0 * found.std_err, "{found:?}");
        }
    }
}
