//! Gibbs chains of two sides of units: from noise at every update, or persistent (Tieleman 2008), where every
//! chain goes on where it stopped; with parallel tempering (Desjardins, Courville, Bengio, Vincent and
//! Delalleau 2010; Cho, Raiko and Ilin 2010) at several inverse temperatures, of which those at 1 are learnt
//! from.
//!
//! Every draw is a function of (seed, update, sweep, chain).

use enscore_program::executor::{Buffer, Width};
use enscore_program::random::Key;

use super::surroundings::{BUFFER, CHAIN_SEED, ChainReport, Surroundings};
use crate::checkpoint::{TensorData, Tensors};
use crate::error::{Error, Result};
use crate::executor::{Routine, WeightsView};
use crate::mcmc::{TemperedGibbsProgram, UnitStart};
use crate::objective::{ChainStart, GibbsChainSettings};
use crate::streams;

/// Sweeps before the first update that learns from persistent chains, where others came before it: by then
/// the model is far from the noise that chains start at.
const BURN_IN: u64 = 100;
/// Keeps their noise apart from that of the updates' sweeps.
const BURN_IN_SEED: u64 = 0xB0B0_5EED_0000_0003;

/// The chains of a training.
pub(crate) struct GibbsChains {
    persistent: bool,
    /// The first update that learns from the chains.
    first: u64,
    sweeps: u64,
    program: TemperedGibbsProgram,
    routine: Routine,
    /// `[temperatures, chains, first]`, the last temperature that of the model.
    x: Buffer,
    moved: Buffer,
    /// Of several temperatures, the chains of the last one.
    learnt_from: Option<Buffer>,
    chains: usize,
    width: usize,
    seed: u64,
    start: UnitStart,
}

impl GibbsChains {
    pub(super) fn new(around: &Surroundings, settings: &GibbsChainSettings) -> Result<GibbsChains> {
        let Some(model) = around.model.bipartite() else {
            return Err(Error::input("Gibbs sampling needs a bipartite model").at("model.kind"));
        };
        let chains = match settings.chains {
            0 => around.options.batch,
            chains => chains,
        };
        let program = TemperedGibbsProgram::trace(model, around.parameters, chains, settings.temperatures)?;
        let routine = Routine::compile(around.executor, &program.program, Width::Single)?;
        let width = model.first_width();
        let zeros = vec![0.0f32; settings.temperatures * chains * width];
        let room = |count: usize| around.executor.upload(zeros[..count].into());
        let tempered = settings.temperatures > 1;
        let mut chains = GibbsChains {
            persistent: settings.start == ChainStart::Persistent,
            first: around.first,
            sweeps: settings.steps,
            program,
            routine,
            x: room(zeros.len())?,
            moved: room(zeros.len())?,
            learnt_from: tempered.then(|| room(chains * width)).transpose()?,
            chains,
            width,
            seed: around.options.seed ^ CHAIN_SEED,
            start: UnitStart::new(
                model.first_units(),
                &around.statistics.mean,
                &around.statistics.deviation(),
            ),
        };
        chains.start_anew(0)?;
        Ok(chains)
    }

    pub(super) fn states(&self) -> &Buffer {
        self.learnt_from.as_ref().unwrap_or(&self.x)
    }

    pub(super) fn routine(&mut self) -> &mut Routine {
        &mut self.routine
    }

    pub(super) fn bytes(&self) -> u64 {
        8 * self.x.count() as u64 + self.routine.memory() as u64
    }

    pub(super) fn kept_bytes(&self) -> u64 {
        if self.persistent { 4 * self.x.count() as u64 } else { 0 }
    }

    pub(super) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        if !self.persistent {
            return Ok(());
        }
        let shape = [self.x.count() / (self.chains * self.width), self.chains, self.width];
        tensors.insert(BUFFER, &shape, TensorData::F32(self.x.read()?))
    }

    pub(super) fn restore(&mut self, tensors: &Tensors) -> Result<()> {
        if !self.persistent {
            return Ok(());
        }
        let values = tensors.f32(BUFFER)?;
        if values.len() != self.x.count() {
            return Err(Error::input("the checkpoint has a different number of chains")
                .at(BUFFER)
                .found(values.len() / self.width)
                .expected(self.x.count() / self.width)
                .remedy("keep objective.chains and objective.temperatures, or start a new run"));
        }
        Ok(self.x.write(values)?)
    }

    /// All chains at noise of the start of `update`.
    fn start_anew(&mut self, update: u64) -> Result<()> {
        let key = Key::new(self.seed, update);
        Ok(self.x.edit(|x| {
            for (chain, row) in x.chunks_exact_mut(self.width).enumerate() {
                self.start.fill(key, streams::CHAIN_START, chain as u64, row);
            }
        })?)
    }

    pub(super) fn advance(&mut self, update: u64, weights: WeightsView) -> Result<ChainReport> {
        if !self.persistent {
            self.start_anew(update + 1)?;
        }
        if self.persistent && self.first > 0 && update == self.first {
            for sweep in 0..BURN_IN {
                self.sweep(weights, sweep, Key::new(self.seed ^ BURN_IN_SEED, sweep))?;
            }
        }
        let mut report = ChainReport::default();
        let mut swapped = 0.0;
        for sweep in 0..self.sweeps {
            let number = update * self.sweeps + sweep;
            swapped += self.sweep(weights, number, Key::new(self.seed, number))? / self.sweeps as f64;
        }
        report.swapped = self.program.pairs(0).is_some().then_some(swapped);
        self.check(update, &mut report)?;
        if let Some(learnt_from) = &mut self.learnt_from {
            let x = self.x.view::<f32>()?;
            learnt_from.write(&x[x.len() - learnt_from.count()..])?;
        }
        Ok(report)
    }

    /// One sweep; the fraction of swaps that were accepted.
    fn sweep(&mut self, weights: WeightsView, number: u64, key: Key) -> Result<f64> {
        let pairs = self.program.pairs(number);
        let mut accepted = [0.0f32];
        let call = self.routine.call().weights(weights).with("x", &self.x).to("x", &mut self.moved);
        let call = match &pairs {
            Some(pairs) => call.with("pairs", pairs).to("swapped", &mut accepted),
            None => call,
        };
        call.with("key", key).run()?;
        std::mem::swap(&mut self.x, &mut self.moved);
        Ok(f64::from(accepted[0]))
    }

    /// Starts chains anew that are not finite, which units in {0, 1} can't be.
    fn check(&mut self, update: u64, report: &mut ChainReport) -> Result<()> {
        let is_bad = |row: &[f32]| row.iter().any(|value| !value.is_finite());
        report.not_finite = self.x.view()?.chunks_exact(self.width).filter(|row| is_bad(row)).count();
        report.escaped = report.not_finite as f64 / (self.x.count() / self.width).max(1) as f64;
        if report.not_finite == 0 {
            return Ok(());
        }
        let key = Key::new(self.seed, update + 1);
        Ok(self.x.edit(|x| {
            let numbered = x.chunks_exact_mut(self.width).enumerate();
            for (chain, row) in numbered.filter(|(_, row)| is_bad(row)) {
                self.start.fill(key, streams::CHAIN_START, (1 << 40) + chain as u64, row);
            }
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::Weights;
    use crate::objective::ChainSettings;
    use crate::settings::Settings;
    use crate::train::chains::surroundings::{around, initial_weights, spoilt_weights};
    use crate::train::from_settings::Described;
    use crate::train::training::Training;

    /// Three temperatures of four chains of these units on six columns or two.
    fn chains(model: &str, data: &str) -> (Training, GibbsChains) {
        let text = format!(
            "{data}\nmodel = {{ kind = 'rbm', hidden = 3, {model} }}\ntrain = {{ batch = 5, seed = 3 }}\n\
             objective = {{ kind = 'cd', steps = 2, chains = 4 }}"
        );
        let tempered = if model.is_empty() { "objective.temperatures=3" } else { "objective.temperatures=1" };
        let settings = Settings::parse(&text, "t.toml", &[tempered.to_string()]).unwrap();
        let training = Described::by(&settings).unwrap().training;
        let Some(ChainSettings::Gibbs(cd)) = &training.task().chains else { panic!("other chains") };
        let statistics = crate::data::statistics(training.data()).unwrap();
        let chains = GibbsChains::new(&around(&training, &statistics), cd).unwrap();
        (training, chains)
    }

    fn advance(chains: &mut GibbsChains, weights: &Weights) -> ChainReport {
        chains.advance(0, weights.into()).unwrap()
    }

    /// Of tempered chains those of the last temperature, 1; all temperatures are kept.
    #[test]
    fn what_is_learnt_from_has_the_temperature_of_the_model() {
        let (training, mut chains) = chains("", "data = { name = 'digits', binarise = true }");
        let report = advance(&mut chains, &initial_weights(&training));
        assert!(report.swapped.is_some());
        let block = 4 * chains.width;
        let x = chains.x.read::<f32>().unwrap();
        assert_eq!(x.len(), 3 * block);
        let learnt_from = chains.states().read::<f32>().unwrap();
        assert_eq!(learnt_from, x[2 * block..], "the chains of temperature 1");
        let mut tensors = Tensors::new();
        chains.save(&mut tensors).unwrap();
        assert_eq!(tensors.f32(BUFFER).unwrap(), x);
    }

    #[test]
    fn units_that_are_not_finite_start_anew_and_so_they_are_kept() {
        let (training, mut chains) = chains("visible = 'gaussian'", "data.name = 'two-gaussians'");
        let report = advance(&mut chains, &spoilt_weights(&training));
        assert_eq!((report.not_finite, report.escaped), (4, 1.0));
        for (chain, found) in chains.x.view::<f32>().unwrap().chunks(2).enumerate() {
            let mut anew = [0.0; 2];
            chains.start.fill(
                Key::new(3 ^ CHAIN_SEED, 1),
                streams::CHAIN_START,
                (1 << 40) + chain as u64,
                &mut anew,
            );
            assert_eq!(found, anew, "chain {chain}");
        }
    }
}
