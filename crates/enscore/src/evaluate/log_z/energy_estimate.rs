//! log Z of an energy of vectors by annealing from a Gaussian fitted to rows of its data.

use super::annealing::{
    Annealed, AnnealingSettings, EnergyAnnealing, SampleOrigin, Tell, Temperatures, fitted_base,
};
use super::directions::{Directions, estimate};
use super::log_z_estimate::{LogZEstimate, LogZMethod, LogZSettings};
use crate::error::{Error, Result};
use crate::model::HostDensity;

/// Temperatures where none are asked for.
const TEMPERATURES: usize = 500;

/// log Z of exp(f) for the f of `target`; `rows` `[n, row_len]` are data that the base is fitted to and long
/// runs begin at.
///
/// # Errors
/// The exact method; rows that no Gaussian fits; fewer than 2 chains; log densities that are not finite; a
/// bracket wider than asked for, or whose directions contradict each other; what `tell` returns.
pub fn energy_log_z_estimate(
    target: &mut dyn HostDensity,
    rows: &[f32],
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    if settings.method == LogZMethod::Exact {
        return Err(Error::input("no exact method for log Z of an energy of vectors")
            .expected("a Boltzmann machine or an Ising model")
            .remedy("use the method ais or bracket"));
    }
    let base = fitted_base(rows, target.row_len())?;
    let temperatures =
        settings.temperatures.clone().map_or_else(|| Temperatures::sigmoid(TEMPERATURES), Ok)?;
    let LogZSettings { chains, seed, .. } = *settings;
    let annealing_settings = AnnealingSettings { chains, seed, ..AnnealingSettings::default() };
    let annealing = EnergyAnnealing::new(target, base, &temperatures, annealing_settings, tell)?;
    let start = rows.iter().map(|value| f64::from(*value)).collect();
    let mut energy = Energy { annealing, start, moves: settings.sweeps };
    estimate(&mut energy, settings.method, settings.width, tell)
}

struct Energy<'a> {
    annealing: EnergyAnnealing<'a>,
    /// Rows that long runs begin at.
    start: Vec<f64>,
    moves: usize,
}

impl Directions for Energy<'_> {
    fn base(&self) -> String {
        "from a Gaussian fitted to the data, by Hamiltonian Monte Carlo".to_string()
    }

    fn forward(&mut self, tell: &mut Tell) -> Result<Annealed> {
        self.annealing.forward(tell)
    }

    fn reverse(&mut self, tell: &mut Tell) -> Result<(Annealed, String)> {
        let samples = self.annealing.long_run(&self.start, self.moves, tell)?;
        let found = self.annealing.reverse(&samples, SampleOrigin::Approximate, tell)?;
        Ok((found, format!("reverse from data after {} moves: not a bound", self.moves)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::annealing::shifted::{Shifted, correlated_gaussian};
    use super::*;
    use crate::evaluate::{Base, GaussianBase, IsotropicMixture};
    use enscore_program::random::Key;

    fn quiet(_: &str, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn settings(method: LogZMethod, temperatures: usize, seed: u64) -> LogZSettings {
        let temperatures = Some(Temperatures::sigmoid(temperatures).unwrap());
        LogZSettings { method, chains: 64, temperatures, sweeps: 30, width: 3.0, seed }
    }

    fn single(rows: &[f64]) -> Vec<f32> {
        rows.iter().map(|x| *x as f32).collect()
    }

    /// z-scores of both directions over seeds, with data that the energy doesn't fit: their mean is off by
    /// half a deviation, and they are wider.
    fn z_scores(target: &mut Shifted<impl Base>, temperatures: usize, seeds: u64) -> [Vec<f64>; 2] {
        let truth = target.1;
        let data = target.0.draw(Key::new(77, 0), 600).unwrap();
        let rows = single(&data.iter().map(|x| 1.2 * x + 0.3).collect::<Vec<_>>());
        let mut scores = [Vec::new(), Vec::new()];
        for seed in 0..seeds {
            let settings = settings(LogZMethod::Bracket, temperatures, seed);
            let found = energy_log_z_estimate(target, &rows, &settings, &mut quiet).unwrap();
            let back = found.reverse.as_ref().unwrap();
            scores[0].push((found.log_z - truth) / found.std_err);
            scores[1].push((back.log_z - truth) / back.std_err);
            assert!((found.log_z - truth).abs() < 4.0 * found.std_err && found.std_err < 0.3, "{found:?}");
            assert!(found.upper.is_none() && found.lower.is_some() && found.method == "bracket", "{found:?}");
        }
        scores
    }

    fn spread(scores: &[f64]) -> f64 {
        (scores.iter().map(|z| z * z).sum::<f64>() / scores.len() as f64).sqrt()
    }

    #[test]
    fn log_z_of_gaussian_energies_is_the_closed_form() {
        for (d, temperatures, seeds) in [(2, 30, 40), (10, 60, 30), (50, 200, 8)] {
            let scores = z_scores(&mut Shifted(correlated_gaussian(d).unwrap(), -37.5), temperatures, seeds);
            let spreads = scores.map(|scores| spread(&scores));
            let bounds = if seeds < 20 { 0.4..1.7 } else { 0.65..1.4 };
            assert!(spreads.iter().all(|spread| bounds.contains(spread)), "{d} dimensions: {spreads:?}");
        }
    }

    #[test]
    fn log_z_of_a_mixture_is_the_closed_form() {
        let means = [2.0, 0.0, -1.0, 1.7, -1.0, -1.7];
        let mixture = IsotropicMixture::new(&[0.5, 0.3, 0.2], &means, &[0.15; 3], 2).unwrap();
        let scores = z_scores(&mut Shifted(mixture.noisy(0.0).unwrap(), 12.0), 100, 30);
        let spreads = scores.map(|scores| spread(&scores));
        assert!(spreads.iter().all(|spread| (0.65..1.5).contains(spread)), "{spreads:?}");
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let mut target = GaussianBase::isotropic(&[0.0; 2], 1.0).unwrap();
        let rows = single(&target.draw(Key::new(1, 0), 50).unwrap());
        let refused =
            energy_log_z_estimate(&mut target, &rows, &settings(LogZMethod::Exact, 5, 0), &mut quiet);
        assert!(refused.unwrap_err().remedy.contains("method ais"));
        let one = settings(LogZMethod::Ais, 5, 0);
        assert!(
            energy_log_z_estimate(&mut target, &[0.5; 40], &one, &mut quiet).is_err(),
            "rows without spread"
        );
        let mut stop = |_: &str, _: u64, _: u64| Err(Error::run("stop"));
        assert_eq!(energy_log_z_estimate(&mut target, &rows, &one, &mut stop).unwrap_err().what, "stop");
    }
}
