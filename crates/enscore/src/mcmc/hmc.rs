//! Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, "MCMC using Hamiltonian dynamics", section 5.2,
//! figure 2): draw a momentum p ~ N(0, I), follow H = -f(q) + ½ ‖p‖² for L leapfrog steps of size ε,
//!
//! ```text
//! p ← p + ε/2 s(q),   q ← q + ε p,   p ← p + ε/2 s(q),
//! ```
//!
//! and accept the end with log ratio H(start) - H(end). L scores and one log density a step; one leapfrog
//! step is MALA with step size ε²/2. The acceptance aimed at is 0.8: 0.651 is best in the limit of many
//! dimensions (Beskos et al. 2013), and somewhat more costs little (Betancourt, Byrne and Girolami 2014).

use enscore_program::random::{Key, row_words, uniform};

use super::chains::{Chains, HostTransition, Moves, normal_numbers, positive_step};
use crate::error::{Error, Reason, Result};
use crate::model::HostDensity;
use crate::streams;

/// The acceptance that its step size is tuned to.
pub const HMC_ACCEPTANCE: f64 = 0.8;

/// The transition: `leapfrog_steps` steps of `step_size`, in units of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hmc {
    step_size: f64,
    leapfrog_steps: usize,
}

impl Hmc {
    /// The transition with this step size and number of leapfrog steps.
    ///
    /// # Errors
    /// A step size that is not a finite number above 0, or no step.
    pub fn new(step_size: f64, leapfrog_steps: usize) -> Result<Hmc> {
        if leapfrog_steps == 0 {
            return Err(Error::input("invalid number of leapfrog steps").found(0).expected("at least 1"));
        }
        Ok(Hmc { step_size: positive_step(step_size)?, leapfrog_steps })
    }

    /// The transition of the step that `key` names, the same for every chain: trajectories near a multiple
    /// of half a period would return to where they began, so that the step size varies by a fifth (Neal
    /// 2011, section 5.3.2.2), without a look at the state, which leaves the law invariant.
    ///
    /// # Errors
    /// As [`Hmc::new`].
    pub fn jittered(step_size: f64, leapfrog_steps: usize, key: Key) -> Result<Hmc> {
        let mut words = [0; 1];
        row_words(key, streams::STEP_SIZE_JITTER, 0, &mut words);
        Hmc::new(step_size * (0.8 + 0.4 * uniform(words[0])), leapfrog_steps)
    }

    /// Follows the dynamics from `start` with momenta `p` `[n, row_len]`: the end of every trajectory, and
    /// its momenta.
    ///
    /// # Errors
    /// Momenta of another shape than the chains; the density's own errors.
    pub fn trajectory(
        &self,
        density: &mut dyn HostDensity,
        start: &Chains,
        mut p: Vec<f64>,
    ) -> Result<(Chains, Vec<f64>)> {
        if p.len() != start.x.len() {
            return Err(Error::new(Reason::Shape, "the momenta and the chains differ in shape")
                .found(p.len())
                .expected(start.x.len()));
        }
        let mut q = start.x.clone();
        let mut score = start.score.clone();
        let half = 0.5 * self.step_size;
        for _ in 0..self.leapfrog_steps {
            add_scaled(&mut p, half, &score);
            add_scaled(&mut q, self.step_size, &p);
            score = density.score(&q)?;
            add_scaled(&mut p, half, &score);
        }
        let log_density = density.log_density(&q)?;
        if log_density.len() != start.count() || score.len() != q.len() {
            return Err(Error::run("the density returned values for the wrong number of rows")
                .found(format_args!("{} log densities", log_density.len()))
                .expected(start.count()));
        }
        Ok((Chains { x: q, log_density, score }, p))
    }
}

impl HostTransition for Hmc {
    fn step(&self, density: &mut dyn HostDensity, chains: &mut Chains, key: Key) -> Result<Moves> {
        let before = normal_numbers(key, chains);
        let (end, after) = self.trajectory(density, chains, before.clone())?;
        let d = chains.row_len();
        let kinetic = |p: &[f64], chain: usize| 0.5 * p[chain * d..][..d].iter().map(|p| p * p).sum::<f64>();
        let ratio = |chain: usize| {
            end.log_density[chain] - chains.log_density[chain] + kinetic(&before, chain)
                - kinetic(&after, chain)
        };
        let log_ratios: Vec<f64> = (0..chains.count()).map(ratio).collect();
        Ok(chains.accept(end, &log_ratios, key))
    }
}

/// a ← a + scale b.
fn add_scaled(a: &mut [f64], scale: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += scale * b);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcmc::Mala;
    use crate::mcmc::chains::contract;

    #[test]
    fn meets_the_contract_of_transitions() {
        contract::check(|step_size| Hmc::new(step_size.sqrt(), 3).unwrap());
    }

    /// y = x + ε²/2 s + ε z is MALA's proposal with step size ε²/2, and so is its acceptance.
    #[test]
    fn one_leapfrog_step_is_mala() {
        let mut density = contract::density();
        let start = Chains::at(&mut density, vec![0.3, -0.2, 1.5, 0.4]).unwrap();
        let mut a = start.clone();
        let mut b = start;
        let key = Key::new(5, 1);
        let by_hmc = Hmc::new(0.8, 1).unwrap().step(&mut density, &mut a, key).unwrap();
        let by_mala = Mala::new(0.32).unwrap().step(&mut density, &mut b, key).unwrap();
        for (h, m) in by_hmc.acceptance.iter().zip(&by_mala.acceptance) {
            assert!((h - m).abs() < 1e-12, "{h} {m}");
        }
        assert!(a.x.iter().zip(&b.x).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn refuses_steps_that_are_none() {
        assert!(Hmc::new(0.0, 3).is_err() && Hmc::new(f64::NAN, 3).is_err() && Hmc::new(0.1, 0).is_err());
        let mut density = contract::density();
        let chains = Chains::at(&mut density, vec![0.0; 4]).unwrap();
        assert!(Hmc::new(0.1, 1).unwrap().trajectory(&mut density, &chains, vec![0.0; 3]).is_err());
    }
}
