//! log Z of an Ising model on any graph: exact by the cheapest way that there is, or annealed. Sites of two
//! colours are annealed as a machine whose sides are the colours; any others site by site.

use super::annealing::{Annealed, SampleOrigin, SpinAnnealing, Tell, Temperatures};
use super::directions::{Directions, estimate};
use super::log_z_estimate::{Direction, LogZEstimate, LogZMethod, LogZSettings};
use super::machine_estimate::log_z_estimate;
use crate::error::Result;
use crate::ising::IsingModel;
use crate::ising::exact::exact_log_z;
use crate::sample::ising_sides;

/// log Z of `model`.
///
/// # Errors
/// No exact way that is affordable; fewer than 2 chains; a bracket wider than asked for, or whose directions
/// contradict each other; what `tell` returns.
pub fn ising_log_z_estimate(
    model: &IsingModel,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    if settings.method == LogZMethod::Exact {
        let found = exact_log_z(model)?;
        return Ok(LogZEstimate::exact(found.log_z, found.method.name(), found.described(model)));
    }
    // Where the sides are too large, or sites take three colours, spins are annealed as they are.
    let Ok((machine, constant)) = ising_sides(model) else { return by_spins(model, settings, tell) };
    let found = log_z_estimate(&machine.weighted()?, None, settings, tell)?;
    Ok(LogZEstimate {
        log_z: found.log_z + constant,
        lower: found.lower.map(|bound| bound + constant),
        upper: found.upper.map(|bound| bound + constant),
        reverse: found.reverse.map(|reverse| Direction { log_z: reverse.log_z + constant, ..reverse }),
        ..found
    })
}

fn by_spins(model: &IsingModel, settings: &LogZSettings, tell: &mut Tell) -> Result<LogZEstimate> {
    let annealing = SpinAnnealing::new(model, settings.chains, settings.seed)?;
    let temperatures = settings.temperatures.clone().map_or_else(Temperatures::published, Ok)?;
    let mut spins = Spins { annealing, temperatures, sweeps: settings.sweeps };
    estimate(&mut spins, settings.method, settings.width, tell)
}

struct Spins<'a> {
    annealing: SpinAnnealing<'a>,
    temperatures: Temperatures,
    sweeps: usize,
}

impl Directions for Spins<'_> {
    fn base(&self) -> String {
        "site by site from fair spins".to_string()
    }

    fn forward(&mut self, tell: &mut Tell) -> Result<Annealed> {
        self.annealing.forward(&self.temperatures, tell)
    }

    fn reverse(&mut self, tell: &mut Tell) -> Result<(Annealed, String)> {
        let samples = self.annealing.long_run(&self.temperatures, self.sweeps, tell)?;
        let found = self.annealing.reverse(&self.temperatures, &samples, SampleOrigin::Approximate, tell)?;
        let sweeps = self.sweeps;
        Ok((found, format!("reverse from annealed spins after {sweeps} Gibbs sweeps: not a bound")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::exact::log_z_by_kaufman;
    use crate::ising::{Coupling, Field};

    fn quiet(_: &str, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    /// A torus of 10 x 10 over 100 seeds: how many estimates are warned of, and how many of the others are
    /// beyond three of their errors. At 40 temperatures to a cold torus nearly all weights miss the heaviest.
    #[test]
    fn unwarned_estimates_are_within_their_errors() {
        let seeds = 100;
        let mut beyond = 0;
        let mut unwarned = 0;
        for (beta, steps, warned) in [(0.6, 40, 98..=100), (0.44, 100, 20..=100), (0.44, 400, 0..=8)] {
            let torus = IsingModel::torus(10, 10, Coupling::Uniform(1.0), Field::Uniform(0.0), beta).unwrap();
            let exact = log_z_by_kaufman(&torus).unwrap();
            let mut count = 0;
            for seed in 0..seeds {
                let temperatures = Some(Temperatures::linear(steps).unwrap());
                let settings = LogZSettings {
                    method: LogZMethod::Ais,
                    chains: 100,
                    temperatures,
                    sweeps: 0,
                    width: 1.0,
                    seed,
                };
                let found = ising_log_z_estimate(&torus, &settings, &mut quiet).unwrap();
                if found.warnings().is_empty() {
                    unwarned += 1;
                    beyond += usize::from((found.log_z - exact).abs() > 3.0 * found.std_err);
                } else {
                    count += 1;
                }
            }
            assert!(
                warned.contains(&count),
                "beta {beta}, {steps} temperatures: {count} of {seeds} warned of"
            );
        }
        println!("{beyond} of {unwarned} unwarned are beyond three errors");
        assert!(unwarned > 90 && beyond * 40 <= unwarned, "{beyond} of {unwarned} unwarned are beyond");
    }
}
