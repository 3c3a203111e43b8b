//! Samples of two sides of units by block Gibbs sampling from independent units with the data's means.

use std::sync::Arc;

use enscore_program::executor::{Buffer, Executor, Width};
use enscore_program::random::Key;

use super::drawing::{Drawing, Drawn};
use super::kind::SamplerKind;
use super::trained::TrainedModel;
use crate::error::{Error, Result};
use crate::executor::{Routine, Weights};
use crate::keys::{Fit, Kind, at_least, choice, keys};
use crate::mcmc::{SamplerFacts, UnitStart, gibbs_program};
use crate::model::{Bipartite, Family};
use crate::streams;

choice! {
    /// What pictures of binary units show.
    Shown {
        /// The probabilities that the last states were drawn from.
        Means = "means",
        /// The states.
        States = "states",
    }
}

keys! {
    /// Settings of block Gibbs sampling.
    GibbsSettings {
        steps: u64 = 1000, at_least(1), "Gibbs sweeps per chain, starting from independent units with the data's means.";
        pictures: Shown = Shown::Means, (),
            "Show the means of the last sweep or the sampled states in pictures; .npy and .csv files always hold states.";
    }
}

impl Kind for GibbsSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        if facts.family == Family::Bipartite { Fit::Default } else { Fit::No }
    }
}

impl SamplerKind for GibbsSettings {
    fn draw(
        &self,
        model: &TrainedModel,
        drawing: &Drawing,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Drawn> {
        draw(model, self, drawing, progress)
    }
}

/// Parts of a chain at whose ends the trajectory is kept.
const PARTS: u64 = 10;

/// Chains that sweep together. A draw depends on (seed, sweep, chain).
pub(super) struct UnitChains {
    sweep: Routine,
    weights: Weights,
    start: UnitStart,
    seed: u64,
    /// The number of the first chain.
    first: u64,
    width: usize,
    /// `[chains, first]`.
    pub(super) states: Buffer,
    /// What the last sweep drew them at.
    pub(super) means: Buffer,
    moved: Buffer,
}

/// A model of units with its weights in single precision, and where it runs.
pub(super) struct WeightedUnits<'a> {
    pub(super) model: &'a dyn Bipartite,
    pub(super) weights: Weights,
    pub(super) executor: Arc<dyn Executor>,
}

impl UnitChains {
    /// This many chains of `units`, which begin at `start`.
    pub(super) fn new(
        units: WeightedUnits,
        start: UnitStart,
        chains: usize,
        seed: u64,
    ) -> Result<UnitChains> {
        let WeightedUnits { model, weights, executor } = units;
        let program = gibbs_program(model, weights.parameters(), chains)?;
        let width = model.first_width();
        let zeros = vec![0.0f32; chains * width];
        let mut chains = UnitChains {
            sweep: Routine::compile(&*executor, &program, Width::Single)?,
            weights,
            start,
            seed,
            first: 0,
            width,
            states: executor.upload(zeros[..].into())?,
            means: executor.upload(zeros[..].into())?,
            moved: executor.upload(zeros[..].into())?,
        };
        chains.begin(0)?;
        Ok(chains)
    }

    /// The chains of a run, which begin at the data's means.
    pub(super) fn of(model: &TrainedModel, units: &dyn Bipartite, chains: usize, seed: u64) -> Result<Self> {
        let start = UnitStart::new(units.first_units(), &model.data.mean, &model.data.deviation);
        let (weights, executor) = (model.weights.clone(), model.executor.clone());
        UnitChains::new(WeightedUnits { model: units, weights, executor }, start, chains, seed)
    }

    /// Goes on with chains that have not begun, the first of this number.
    pub(super) fn begin(&mut self, first: usize) -> Result<()> {
        self.first = first as u64;
        let key = Key::new(self.seed, 0);
        Ok(self.states.edit(|states| {
            for (chain, x) in states.chunks_exact_mut(self.width).enumerate() {
                self.start.fill(key, streams::SAMPLE_START, self.first + chain as u64, x);
            }
        })?)
    }

    /// Sweep `number`, 1 the first.
    pub(super) fn sweep(&mut self, number: u64) -> Result<()> {
        let call = self.sweep.call().weights(&self.weights).with("x", &self.states);
        let call = call.with("key", Key { seed: self.seed, step: number, row: self.first });
        call.to("x", &mut self.moved).to("mean", &mut self.means).run()?;
        std::mem::swap(&mut self.states, &mut self.moved);
        Ok(())
    }
}

/// Draws as `settings` say.
fn draw(
    model: &TrainedModel,
    settings: &GibbsSettings,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let Some(units) = model.model.bipartite() else {
        return Err(Error::input("Gibbs sampling needs a bipartite model").at("sampler.kind"));
    };
    let (width, row) = (units.first_width(), model.row_len());
    let mut chains = UnitChains::of(model, units, drawing.batch, drawing.seed)?;
    // The data's units come first.
    let data = |x: &Buffer| -> Result<Vec<f32>> {
        Ok(x.view()?.chunks_exact(width).flat_map(|x| &x[..row]).copied().collect())
    };
    let parts = PARTS.min(settings.steps);
    let total = drawing.count.div_ceil(drawing.batch) as u64 * settings.steps;
    let (mut done, mut means) = (0, Vec::new());
    let mut drawn = drawing.by_batches(model, parts as usize + 1, |first, trajectory, kept| {
        chains.begin(first)?;
        trajectory.extend_from_slice(&data(&chains.states)?[..kept]);
        for step in 1..=settings.steps {
            chains.sweep(step)?;
            if step * parts / settings.steps > (step - 1) * parts / settings.steps {
                trajectory.extend_from_slice(&data(&chains.states)?[..kept]);
            }
            done += 1;
            progress(done, total)?;
        }
        means.extend(data(&chains.means)?);
        data(&chains.states)
    })?;
    means.truncate(drawn.rows.len());
    drawn.means = (settings.pictures == Shown::Means).then_some(means);
    Ok(drawn)
}
