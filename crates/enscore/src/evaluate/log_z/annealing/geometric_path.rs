//! The geometric path from a normalised base p_0 to a target f_1, f_β = (1 - β) log p_0 + β f_1, and its
//! temperatures.

use super::base::Base;
use crate::error::{Error, Reason, Result};
use crate::evaluate::host::same_row_len;
use crate::mcmc::{Chains, Moves};
use crate::model::HostDensity;

/// Inverse temperatures 0 = β_0 < β_1 < ... < β_K = 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Temperatures(Vec<f64>);

impl Temperatures {
    /// These inverse temperatures.
    ///
    /// # Errors
    /// A list that doesn't rise strictly from 0 to 1.
    pub fn new(betas: &[f64]) -> Result<Temperatures> {
        let rises = betas.windows(2).all(|pair| pair[0] < pair[1]);
        if rises && betas.len() >= 2 && betas.first() == Some(&0.0) && betas.last() == Some(&1.0) {
            return Ok(Temperatures(betas.to_vec()));
        }
        Err(Error::input("invalid inverse temperatures")
            .found(format_args!("{} numbers", betas.len()))
            .expected("at least two, strictly increasing from 0 to 1"))
    }

    /// k / K for k = 0..=K.
    ///
    /// # Errors
    /// No step.
    pub fn linear(steps: usize) -> Result<Temperatures> {
        let last = steps.max(1) as f64;
        Self::new(&(0..=steps).map(|k| k as f64 / last).collect::<Vec<_>>())
    }

    /// A sigmoid of slope 4 stretched to [0, 1], finer near both ends (Grosse et al. 2015, "Sandwiching the
    /// marginal likelihood using bidirectional Monte Carlo", section 5.1): β_k ∝ σ(4 (2k/K - 1)) - σ(-4).
    ///
    /// # Errors
    /// No step.
    pub fn sigmoid(steps: usize) -> Result<Temperatures> {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let raw = |k: usize| sigmoid(4.0 * (2.0 * k as f64 / steps.max(1) as f64 - 1.0));
        let low = raw(0);
        let high = raw(steps);
        Self::new(&(0..=steps).map(|k| (raw(k) - low) / (high - low)).collect::<Vec<_>>())
    }

    /// Pieces of even steps: each goes from the end of the one before it, at first 0, to its own end.
    ///
    /// # Errors
    /// Ends that don't rise to 1; a piece without steps.
    pub fn piecewise(pieces: &[(f64, usize)]) -> Result<Temperatures> {
        let mut betas = vec![0.0];
        let mut start = 0.0;
        for (end, steps) in pieces {
            let width = (end - start) / (*steps).max(1) as f64;
            betas.extend((1..*steps).map(|k| start + width * k as f64));
            betas.push(*end);
            start = *end;
        }
        Self::new(&betas)
    }

    /// The schedule of Salakhutdinov and Murray 2008, section 5: 500 steps from 0 to 0.5, 4,000 to 0.9,
    /// 10,000 to 1.
    ///
    /// # Errors
    /// None in fact.
    pub fn published() -> Result<Temperatures> {
        Self::piecewise(&[(0.5, 500), (0.9, 4_000), (1.0, 10_000)])
    }

    /// Reads inverse temperatures from a text file, one a line; empty lines are passed over.
    ///
    /// # Errors
    /// A file that can't be read; a line that is no number; a list that doesn't rise strictly from 0 to 1
    /// (the line is named).
    pub fn read(path: &std::path::Path) -> Result<Temperatures> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|reason| {
            Error::new(Reason::Unreadable, "can't read the temperatures").at(&place).found_error(reason)
        })?;
        let mut betas: Vec<f64> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let at = |error: Error| error.at(format_args!("{place}, line {}", number + 1));
            let beta = line.trim().parse::<f64>().map_err(|_| {
                at(Error::input("not an inverse temperature").found(line.trim()).expected("a number"))
            })?;
            if betas.last().is_some_and(|last| *last >= beta) || beta.is_nan() {
                return Err(at(Error::input("the inverse temperatures don't increase")
                    .found(beta)
                    .expected("a larger number than on the line before")));
            }
            betas.push(beta);
        }
        let ends = [betas.first().copied(), betas.last().copied()];
        Self::new(&betas).map_err(|error| {
            let shown = ends.map(|end| end.map_or("nothing".to_string(), |end| end.to_string()));
            error.at(&place).found(format_args!("{} numbers from {} to {}", betas.len(), shown[0], shown[1]))
        })
    }

    /// The inverse temperatures β_0 = 0 to β_K = 1.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }
}

/// f_β of a base and a target at the β that is set. It keeps the parts of its last answers, so that a chain
/// that moved there needs no further evaluation at another β.
pub(super) struct GeometricPath<'a> {
    base: &'a mut dyn Base,
    target: &'a mut dyn HostDensity,
    beta: f64,
    last: Parts,
}

/// Log densities `[n]` and scores `[n, row_len]` of base and target.
#[derive(Clone, Debug, Default)]
struct Parts {
    log_density: [Vec<f64>; 2],
    score: [Vec<f64>; 2],
}

impl<'a> GeometricPath<'a> {
    pub(super) fn new(base: &'a mut dyn Base, target: &'a mut dyn HostDensity) -> Result<GeometricPath<'a>> {
        same_row_len(base.row_len(), target.row_len())?;
        Ok(GeometricPath { base, target, beta: 0.0, last: Parts::default() })
    }

    pub(super) fn base(&mut self) -> &mut dyn Base {
        self.base
    }
}

impl HostDensity for GeometricPath<'_> {
    fn row_len(&self) -> usize {
        self.target.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.last.log_density = [self.base.log_density(rows)?, self.target.log_density(rows)?];
        Ok(mix(self.beta, &self.last.log_density))
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.last.score = [self.base.score(rows)?, self.target.score(rows)?];
        Ok(mix(self.beta, &self.last.score))
    }
}

/// (1 - β) a + β b; the ends don't read the other part, which may be infinite there.
fn mix(beta: f64, [a, b]: &[Vec<f64>; 2]) -> Vec<f64> {
    let at = |(a, b): (&f64, &f64)| match beta {
        0.0 => *a,
        1.0 => *b,
        _ => (1.0 - beta) * a + beta * b,
    };
    a.iter().zip(b).map(at).collect()
}

/// Chains on a path, with the parts that give f_β and its score at every β.
pub(super) struct PathChains {
    chains: Chains,
    parts: Parts,
}

impl PathChains {
    /// Chains at `x`.
    pub(super) fn at(path: &mut GeometricPath, x: Vec<f64>) -> Result<PathChains> {
        let chains = Chains::at(path, x)?;
        Ok(PathChains { chains, parts: path.last.clone() })
    }

    /// f_1 - log p_0 of every chain: the change of f_β with β. A chain outside of the base's support is an
    /// error.
    pub(super) fn slopes(&self) -> Result<Vec<f64>> {
        let [base, target] = &self.parts.log_density;
        let slopes: Vec<f64> = base.iter().zip(target).map(|(base, target)| target - base).collect();
        match slopes.iter().position(|slope| slope.is_nan() || *slope == f64::INFINITY) {
            Some(chain) => Err(Error::run("an importance weight is not finite")
                .at(format_args!("chain {chain}"))
                .found(format_args!(
                    "log density {} of the base, {} of the target",
                    base[chain], target[chain]
                ))
                .remedy("use a base distribution whose support covers the target's")),
            None => Ok(slopes),
        }
    }

    /// One transition at `beta`.
    pub(super) fn step(
        &mut self,
        path: &mut GeometricPath,
        beta: f64,
        transition: impl FnOnce(&mut dyn HostDensity, &mut Chains) -> Result<Moves>,
    ) -> Result<Moves> {
        path.beta = beta;
        self.chains.log_density = mix(beta, &self.parts.log_density);
        self.chains.score = mix(beta, &self.parts.score);
        let moves = transition(path, &mut self.chains)?;
        let d = self.chains.row_len();
        for (chain, _) in moves.accepted.iter().enumerate().filter(|(_, accepted)| **accepted) {
            for side in 0..2 {
                self.parts.log_density[side][chain] = path.last.log_density[side][chain];
                let row = chain * d..(chain + 1) * d;
                self.parts.score[side][row.clone()].copy_from_slice(&path.last.score[side][row]);
            }
        }
        Ok(moves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::GaussianBase;
    use crate::mcmc::{HostTransition, Mala};
    use crate::model::ClosedForm;
    use enscore_program::random::Key;

    #[test]
    fn temperatures_rise_from_zero_to_one() {
        assert_eq!(Temperatures::linear(4).unwrap().as_slice(), [0.0, 0.25, 0.5, 0.75, 1.0]);
        let sigmoid = Temperatures::sigmoid(10).unwrap();
        assert!((sigmoid.as_slice()[5] - 0.5).abs() < 1e-12 && sigmoid.as_slice()[1] < 0.03);
        for betas in [&[][..], &[0.0], &[0.0, 0.5], &[0.1, 1.0], &[0.0, 0.5, 0.5, 1.0], &[0.0, f64::NAN, 1.0]]
        {
            assert!(Temperatures::new(betas).is_err(), "{betas:?}");
        }
        assert!(Temperatures::linear(0).is_err() && Temperatures::sigmoid(0).is_err());
    }

    /// After moves at several temperatures, the parts that were kept are those that an evaluation gives.
    #[test]
    fn kept_parts_belong_to_the_rows() {
        let mut base = GaussianBase::isotropic(&[0.0, 1.0], 2.0).unwrap();
        let mut target = ClosedForm::new(
            2,
            |x: &[f64]| -x[0].powi(4) - x[1].powi(2),
            |x: &[f64], s: &mut [f64]| s.copy_from_slice(&[-4.0 * x[0].powi(3), -2.0 * x[1]]),
        )
        .unwrap();
        let mut path = GeometricPath::new(&mut base, &mut target).unwrap();
        let start = path.base().draw(Key::new(1, 0), 40).unwrap();
        let mut chains = PathChains::at(&mut path, start).unwrap();
        let mut accepted = 0;
        for (step, beta) in [0.2, 0.5, 1.0, 0.7].into_iter().enumerate() {
            let key = Key::new(2, step as u64);
            let moves = chains
                .step(&mut path, beta, |density, chains| Mala::new(0.3).unwrap().step(density, chains, key));
            accepted += moves.unwrap().accepted.iter().filter(|a| **a).count();
        }
        assert!((20..150).contains(&accepted), "{accepted} of 160");
        let again = PathChains::at(&mut path, chains.chains.x.clone()).unwrap();
        assert_eq!(again.parts.log_density, chains.parts.log_density);
        assert_eq!(again.parts.score, chains.parts.score);
    }
}
