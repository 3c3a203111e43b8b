//! Samples of two sides of units by block Gibbs sampling from independent units with the data's means.

use std::ops::Range;
use std::sync::Arc;

use enscore_program::executor::{Buffer, Executor, Width};
use enscore_program::random::Key;

use crate::error::{Error, Result};
use crate::executor::{Routine, Weights};
use crate::keys::{Fit, Kind, at_least, choice, keys};
use crate::mcmc::{SamplerFacts, UnitStart, gibbs_program};
use crate::model::{Bipartite, Family};
use crate::sample::drawing::Drawing;
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};
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
    fn far_remedy(&self) -> &'static str {
        "check the training: its steps may have been too large"
    }

    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        _tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        let Some(units) = model.model.bipartite() else {
            return Err(Error::input("Gibbs sampling needs a bipartite model").at("sampler.kind"));
        };
        let chains = VisibleChains {
            chains: UnitChains::of(model, units, drawing.batch, drawing.seed)?,
            row_len: model.row_len(),
            shows_means: self.pictures == Shown::Means,
        };
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule::in_parts(self.steps) })
    }

    fn remedy(&self) -> &'static str {
        "raise sampler.steps"
    }
}

/// Chains of units of which the data's are shown; they come first.
pub(crate) struct VisibleChains {
    pub(crate) chains: UnitChains,
    pub(crate) row_len: usize,
    pub(crate) shows_means: bool,
}

impl Transition for VisibleChains {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.chains.begin(chains.start)
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        for step in steps {
            self.chains.sweep(step)?;
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        self.chains.data(self.row_len)
    }

    fn means(&self) -> Result<Option<Vec<f32>>> {
        if !self.shows_means {
            return Ok(None);
        }
        self.chains.data_of(&self.chains.means, self.row_len).map(Some)
    }
}

/// Chains that sweep together. A draw depends on (seed, sweep, chain).
pub(crate) struct UnitChains {
    sweep: Routine,
    weights: Weights,
    start: UnitStart,
    seed: u64,
    /// The number of the first chain.
    first: u64,
    width: usize,
    /// `[chains, first]`.
    pub(crate) states: Buffer,
    /// What the last sweep drew them at.
    pub(crate) means: Buffer,
    moved: Buffer,
}

/// A model of units with its weights in single precision, and where it runs.
pub(crate) struct WeightedUnits<'a> {
    pub(crate) model: &'a dyn Bipartite,
    pub(crate) weights: Weights,
    pub(crate) executor: Arc<dyn Executor>,
}

impl UnitChains {
    /// This many chains of `units`, which begin at `start`.
    pub(crate) fn new(
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
    pub(crate) fn of(model: &TrainedModel, units: &dyn Bipartite, chains: usize, seed: u64) -> Result<Self> {
        let start = UnitStart::new(units.first_units(), &model.data.mean, &model.data.deviation);
        let weights = model.weights.clone();
        let executor = model.executor.clone();
        UnitChains::new(WeightedUnits { model: units, weights, executor }, start, chains, seed)
    }

    /// Goes on with chains that have not begun, the first of this number.
    pub(crate) fn begin(&mut self, first: usize) -> Result<()> {
        self.first = first as u64;
        let key = Key::new(self.seed, 0);
        Ok(self.states.edit(|states| {
            for (chain, x) in states.chunks_exact_mut(self.width).enumerate() {
                self.start.fill(key, streams::SAMPLE_START, self.first + chain as u64, x);
            }
        })?)
    }

    /// Goes on from rows of data `[chains, row]`: units that no row has begin as samples do.
    pub(crate) fn begin_at(&mut self, rows: &[f32], row_len: usize) -> Result<()> {
        self.begin(0)?;
        Ok(self.states.edit(|states| {
            for (x, row) in states.chunks_exact_mut(self.width).zip(rows.chunks_exact(row_len)) {
                x[..row_len].copy_from_slice(row);
            }
        })?)
    }

    /// The units of the data `[chains, row]`, which come first.
    pub(crate) fn data(&self, row_len: usize) -> Result<Vec<f32>> {
        self.data_of(&self.states, row_len)
    }

    fn data_of(&self, units: &Buffer, row_len: usize) -> Result<Vec<f32>> {
        Ok(units.view()?.chunks_exact(self.width).flat_map(|x| &x[..row_len]).copied().collect())
    }

    /// Sweep `number`, 1 the first.
    pub(crate) fn sweep(&mut self, number: u64) -> Result<()> {
        let call = self.sweep.call().weights(&self.weights).with("x", &self.states);
        let call = call.with("key", Key { seed: self.seed, step: number, row: self.first });
        call.to("x", &mut self.moved).to("mean", &mut self.means).run()?;
        std::mem::swap(&mut self.states, &mut self.moved);
        Ok(())
    }
}
