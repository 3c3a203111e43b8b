//! log Z of a model of two sides of units: by enumeration of a side, or annealed. Samples that reverse
//! annealing begins at are exact where a side can be enumerated, else the ends of long Gibbs runs.

use enscore_program::Kind;
use enscore_program::executor::Width;
use enscore_program::random::Key;

use super::annealing::{Annealed, BipartiteAnnealing, SampleOrigin, Tell, Temperatures, base_rates};
use super::directions::{Directions, estimate};
use super::log_z_estimate::{LogZEstimate, LogZMethod, LogZSettings};
use super::side_enumeration::{SideEnumeration, can_enumerate};
use crate::error::Result;
use crate::model::trace;
use crate::sample::WeightedBipartite;

/// log Z of `target`; `rows` `[n, row]` are data that the base is fitted to and long runs begin at.
///
/// # Errors
/// No side that can be enumerated for an exact value (with its cost); fewer than 2 chains; weights that are
/// not finite; a bracket wider than asked for, or whose directions contradict each other; what `tell`
/// returns.
pub fn log_z_estimate(
    target: &WeightedBipartite,
    rows: Option<&[f32]>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    if settings.method == LogZMethod::Exact {
        let found = SideEnumeration::new(target, tell)?;
        return Ok(LogZEstimate::exact(found.log_z(), "enumeration", found.described()));
    }
    let bias = base_rates(target, rows.unwrap_or_default());
    let annealing = BipartiteAnnealing::new(target, &bias, settings.chains)?;
    let temperatures = settings.temperatures.clone().map_or_else(Temperatures::published, Ok)?;
    let mut machine = Machine { target, rows, settings, annealing, temperatures };
    estimate(&mut machine, settings.method, settings.width, tell)
}

struct Machine<'a> {
    target: &'a WeightedBipartite<'a>,
    rows: Option<&'a [f32]>,
    settings: &'a LogZSettings,
    annealing: BipartiteAnnealing<'a>,
    temperatures: Temperatures,
}

impl Directions for Machine<'_> {
    fn base(&self) -> String {
        let base = if self.rows.is_some() { "from the data's base rates" } else { "from the uniform base" };
        base.to_string()
    }

    fn forward(&mut self, tell: &mut Tell) -> Result<Annealed> {
        self.annealing.forward(&self.temperatures, self.settings.seed, tell)
    }

    fn reverse(&mut self, tell: &mut Tell) -> Result<(Annealed, String)> {
        let settings = self.settings;
        let (samples, origin) = samples(self.target, &mut self.annealing, self.rows, settings, tell)?;
        let found = self.annealing.reverse(&self.temperatures, &samples, origin, settings.seed, tell)?;
        let described = match origin {
            SampleOrigin::Exact => "reverse from exact samples".to_string(),
            SampleOrigin::Approximate => {
                format!("reverse from samples after {} Gibbs sweeps: not a bound", settings.sweeps)
            }
        };
        Ok((found, described))
    }
}

/// Samples of the model `[chains, first]`: exact where a side can be enumerated.
fn samples(
    target: &WeightedBipartite,
    annealing: &mut BipartiteAnnealing,
    rows: Option<&[f32]>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<(Vec<f32>, SampleOrigin)> {
    if can_enumerate(target) {
        let samples = SideEnumeration::new(target, tell)?.draw(settings.chains, settings.seed)?;
        return Ok((samples, SampleOrigin::Exact));
    }
    // Rows of data are closer to the model than the base.
    let width: usize = target.model.row_shape().iter().product();
    let start = rows.filter(|rows| !rows.is_empty()).map(|rows| {
        let count = rows.len() / width;
        let spread = |chain: usize| chain * (count / settings.chains).max(1) % count;
        let row = |chain: usize| rows[spread(chain) * width..][..width].to_vec();
        completed(target, &(0..settings.chains).flat_map(row).collect::<Vec<f32>>(), settings.seed)
    });
    let start = start.transpose()?;
    let samples = annealing.long_run(start.as_deref(), settings.sweeps, settings.seed, tell)?;
    Ok((samples, SampleOrigin::Approximate))
}

/// The first side given rows of the data `[n, row]`: where it holds more than these, with units drawn at
/// their mean field.
fn completed(target: &WeightedBipartite, rows: &[f32], seed: u64) -> Result<Vec<f32>> {
    let width = target.model.row_shape().iter().product::<usize>();
    let side = target.model.first_width();
    if width == side {
        return Ok(rows.to_vec());
    }
    let count = rows.len() / width;
    let (program, _) = trace(target.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[count, width]);
        let key = scope.input("key", Kind::Key, &[]);
        let (first, _) = target.model.first_given_data(parameters, x);
        let hidden = first.slice(1, width, side);
        let drawn = key.uniform(&hidden.shape()).less(hidden).to_float();
        vec![("first".to_string(), x.concatenate(&[drawn], 1))]
    })?;
    let mut routine = target.compile(&program, Width::Double)?;
    let x: Vec<f64> = rows.iter().map(|value| f64::from(*value)).collect();
    let mut first = vec![0.0f64; count * side];
    let call = routine.call().weights(&target.weights).with("x", &x);
    call.with("key", Key::new(seed, 0)).to("first", &mut first).run()?;
    Ok(first.iter().map(|value| *value as f32).collect())
}
