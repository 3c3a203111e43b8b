//! Samples of two sides of units by block Gibbs sampling from independent units with the data's means.

use enscore_cpu::{Argument, Executable, Options};
use enscore_program::Parameter;
use enscore_program::random::Key;

use super::drawing::{Drawing, Drawn};
use super::kind::SamplerKind;
use super::trained::{TrainedModel, refused};
use crate::error::{Error, Result};
use crate::keys::{Fit, Kind, at_least, choice, keys};
use crate::mcmc::{GibbsProgram, SamplerFacts, UnitStart};
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
    executable: Executable<f32>,
    weights: Vec<Vec<f32>>,
    start: UnitStart,
    seed: u64,
    /// The number of the first chain.
    first: u64,
    width: usize,
    /// `[chains, first]`.
    pub(super) states: Vec<f32>,
    /// What the last sweep drew them at.
    pub(super) means: Vec<f32>,
    moved: Vec<f32>,
}

impl UnitChains {
    /// So many chains of a model whose parameters have these values; they begin at `start`.
    pub(super) fn new(
        model: &dyn Bipartite,
        (parameters, weights, options): (&[Parameter], Vec<Vec<f32>>, Options),
        start: UnitStart,
        chains: usize,
        seed: u64,
    ) -> Result<UnitChains> {
        let program = GibbsProgram::trace(model, parameters, chains)?.program;
        let executable = Executable::compile(&program, options).map_err(refused)?;
        let width = model.first_width();
        let [states, means, moved] = [(); 3].map(|()| vec![0.0; chains * width]);
        let mut chains =
            UnitChains { executable, weights, start, seed, first: 0, width, states, means, moved };
        chains.begin(0);
        Ok(chains)
    }

    /// The chains of a run, which begin at the data's means.
    pub(super) fn of(model: &TrainedModel, units: &dyn Bipartite, chains: usize, seed: u64) -> Result<Self> {
        let start = UnitStart::new(units.first_units(), &model.data.mean, &model.data.deviation);
        let values = (&model.parameters[..], model.weights.clone(), model.options);
        UnitChains::new(units, values, start, chains, seed)
    }

    /// Goes on with chains that have not begun, the first of this number.
    pub(super) fn begin(&mut self, first: usize) {
        self.first = first as u64;
        for (chain, x) in self.states.chunks_exact_mut(self.width).enumerate() {
            self.start.fill(Key::new(self.seed, 0), streams::SAMPLE_START, self.first + chain as u64, x);
        }
    }

    /// Sweep `number`, 1 the first.
    pub(super) fn sweep(&mut self, number: u64) -> Result<()> {
        let mut inputs: Vec<Argument<f32>> = self.weights.iter().map(|w| Argument::Float(w)).collect();
        let key = Key { seed: self.seed, step: number, row: self.first };
        inputs.extend([Argument::Float(&self.states), Argument::Key(key)]);
        self.executable.run(&inputs, &mut [&mut self.moved, &mut self.means]).map_err(refused)?;
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
    let data = |x: &[f32]| -> Vec<f32> { x.chunks_exact(width).flat_map(|x| &x[..row]).copied().collect() };
    let parts = PARTS.min(settings.steps);
    let total = drawing.count.div_ceil(drawing.batch) as u64 * settings.steps;
    let (mut done, mut means) = (0, Vec::new());
    let mut drawn = drawing.by_batches(model, parts as usize + 1, |first, trajectory, kept| {
        chains.begin(first);
        trajectory.extend_from_slice(&data(&chains.states)[..kept]);
        for step in 1..=settings.steps {
            chains.sweep(step)?;
            if step * parts / settings.steps > (step - 1) * parts / settings.steps {
                trajectory.extend_from_slice(&data(&chains.states)[..kept]);
            }
            done += 1;
            progress(done, total)?;
        }
        means.extend(data(&chains.means));
        Ok(data(&chains.states))
    })?;
    means.truncate(drawn.rows.len());
    drawn.means = (settings.pictures == Shown::Means).then_some(means);
    Ok(drawn)
}
