//! The loop around a training that a run's folder records: step, watch, log, validate, sample, save;
//! from the first step or from a checkpoint. A step that shows divergence is taken back to the last good
//! state, with a smaller learning rate, a bounded number of times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::best::Best;
use super::last_state::{Keeping, LastState};
use super::request::{Observer, Outcome, Request};
use super::resume::open;
use crate::checkpoint::{DataRecord, MetricsMark, MetricsWriter, Progress, Run, Tensors};
use crate::error::{Error, Result};
use crate::objective::{Diagnostic, HeldOutLoss};
use crate::settings::{DecayBy, Settings};
use crate::train::from_settings::Described;
use crate::train::memory::MemoryNeed;
use crate::train::training::Training;
use crate::train::watch::monitor::Monitor;
use crate::train::watch::stability::Watch;
use crate::train::watch::validation::Validation;
use crate::train::watch::window::Window;

/// A state that a diverging training goes back to: that of the last checkpoint.
pub(super) struct Good {
    pub(super) step: u64,
    pub(super) tensors: Tensors,
}

/// A training with the folder that records it. It is held: trained to a step, looked at, and trained on.
pub struct Recorder {
    pub(super) settings: Settings,
    pub(super) record: DataRecord,
    pub(super) training: Training,
    pub(super) run: Arc<Run>,
    pub(super) metrics: MetricsWriter,
    pub(super) watch: Watch,
    /// Since the last logged line.
    pub(super) window: Window,
    pub(super) good: Good,
    pub(super) keeping: Keeping,
    pub(super) validation: Option<Validation>,
    pub(super) monitor: Option<Monitor>,
    memory: MemoryNeed,
    /// What validations came to.
    pub(super) best: Best,
    /// What the user must know.
    pub(super) warnings: Vec<String>,
    /// How far the metrics reached before the lines that only the last step brings.
    pub(super) closing: Option<MetricsMark>,
    /// Seconds trained before the present stretch.
    earlier: f64,
    /// When the present stretch began; none while nothing is trained.
    began: Option<Instant>,
    pub(super) last_loss: Option<f64>,
    pub(super) last_validation: Option<f64>,
}

impl Recorder {
    /// The training that `settings` describe, with its run's folder: a new one, or one to go on with.
    ///
    /// # Errors
    /// Wrong input, before anything is written.
    pub fn open(settings: &Settings, request: &Request, observer: &mut dyn Observer) -> Result<Recorder> {
        Recorder::of(Described::by(settings)?, request, observer)
    }

    fn of(described: Described, request: &Request, observer: &mut dyn Observer) -> Result<Recorder> {
        let validates = described.settings.train().validate_every > 0;
        let validation = match &described.validation {
            Some(subset) if validates && has_held_out_loss(&described.settings) => {
                Some(Validation::new(&described, subset)?)
            }
            _ => None,
        };
        let monitor = if validates { Monitor::new(&described)? } else { None };
        let validating = validation.as_ref().map_or(0, Validation::memory);
        let memory = described.training.memory().with_programs(validating as f64);
        memory.refuse_beyond(described.settings.train().memory_limit_gib)?;
        // The last of what can be refused: from here on something is written.
        let manifest = described.manifest();
        let Described { settings, mut training, record, warnings, .. } = described;
        let (run, resumed) = open(&settings, &mut training, &manifest, request, observer)?;
        let (metrics, warning) = MetricsWriter::resume(&run.folder().metrics_path(), resumed.metrics)?;
        let mut recorder = Recorder {
            good: Good { step: training.steps_done(), tensors: Tensors::new() },
            settings,
            record,
            training,
            run: Arc::new(run),
            metrics,
            watch: Watch::default(),
            window: Window::default(),
            validation,
            monitor,
            memory,
            keeping: Keeping::default(),
            best: Best::default(),
            warnings: Vec::new(),
            closing: None,
            earlier: resumed.seconds,
            began: None,
            last_loss: None,
            last_validation: None,
        };
        if let Some(tensors) = &resumed.tensors {
            recorder.restore(tensors, recorder.training.steps_done())?;
        }
        recorder.good.tensors = recorder.tensors()?;
        let warnings = resumed.warnings.into_iter().chain(warning).chain(warnings);
        warnings.for_each(|warning| recorder.warn(warning, observer));
        Ok(recorder)
    }

    /// Tells the user, now and at the end.
    pub(super) fn warn(&mut self, warning: String, observer: &mut dyn Observer) {
        observer.warning(&warning);
        self.warnings.push(warning);
    }

    /// What a checkpoint holds.
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.training.tensors()?;
        self.watch.save(&mut tensors)?;
        self.window.save(&mut tensors)?;
        self.best.save(&mut tensors)?;
        Ok(tensors)
    }

    pub(super) fn restore(&mut self, tensors: &Tensors, step: u64) -> Result<()> {
        self.training.restore(tensors, step)?;
        self.watch = Watch::restore(tensors)?;
        let diagnostics: Vec<Vec<Diagnostic>> =
            self.training.updates().iter().map(|update| update.diagnostics.clone()).collect();
        self.window = Window::restore(tensors, &diagnostics)?;
        self.best = Best::restore(tensors)?;
        Ok(())
    }

    pub(super) fn step(&self) -> u64 {
        self.training.steps_done()
    }

    pub(super) fn seconds(&self) -> f64 {
        self.earlier + self.began.map_or(0.0, |began| began.elapsed().as_secs_f64())
    }

    /// Trains to the end of this step, or to the end of the training if that is earlier, and writes a
    /// checkpoint there. `stop` is asked between steps for the number of a signal that asks for an end.
    ///
    /// # Errors
    /// A run that diverged or could not be written, with its last good checkpoint kept;
    /// [`crate::Reason::Interrupted`] after a signal, with a checkpoint written.
    pub fn until(
        &mut self,
        until: u64,
        stop: &dyn Fn() -> Option<i32>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome> {
        self.began = Some(Instant::now());
        let trained = self.stretch(until, stop, observer);
        observer.ended();
        self.earlier = self.seconds();
        self.began = None;
        trained.map(|()| self.outcome())
    }

    fn stretch(
        &mut self,
        until: u64,
        stop: &dyn Fn() -> Option<i32>,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let steps = self.settings.train().steps;
        let wall_time = self.settings.train().wall_time();
        observer.begin(self.step(), steps, self.training.parameter_count());
        let mut saved = self.step();
        // A resumed training that has nothing left to do writes its last lines again.
        if self.step() == steps && self.closing.is_none() {
            self.close(observer)?;
            if self.closing != Some(self.metrics.mark()) {
                self.save(observer)?;
            }
        }
        while self.step() < until.min(steps) {
            if let Some(signal) = stop() {
                self.save(observer)?;
                return Err(Error::interrupted(signal, "training was interrupted")
                    .at(format!("step {} of {steps}", self.step()))
                    .remedy(format!("a checkpoint was written; resume the run in {}", self.path())));
            }
            if wall_time.is_some_and(|limit| self.seconds() >= limit.as_secs_f64()) {
                observer.message(&format!("wall-time limit reached at step {}", self.step()));
                break;
            }
            if self.best.is_over(self.settings.train().patience) {
                observer.message(&self.best.why_over());
                break;
            }
            if self.keeping.is_due() {
                self.keep(observer)?;
            }
            if self.advance(observer)? && self.record_step(observer)? {
                saved = self.step();
            }
        }
        if saved != self.step() || self.step() == 0 {
            self.save(observer)?;
        }
        if let Some(warning) = self.best.rise() {
            self.warn(warning, observer);
        }
        Ok(())
    }

    fn path(&self) -> String {
        self.run.folder().path().display().to_string()
    }

    fn outcome(&self) -> Outcome {
        let update = self.training.updates().get(self.training.player());
        let reported = update.and_then(|update| update.diagnostics.first());
        Outcome {
            run: self.run.folder().path().to_path_buf(),
            step: self.step(),
            steps: self.settings.train().steps,
            seconds: self.seconds(),
            loss_name: reported.copied().unwrap_or(Diagnostic::LossPerDim).name(),
            loss_per_dim: self.last_loss,
            validation_loss_per_dim: self.last_validation,
            best: self.best.point(),
            memory: self.memory,
            warnings: self.warnings.clone(),
        }
    }

    pub(super) fn progress(&self) -> f64 {
        let train = self.settings.train();
        match (train.decay_by, train.wall_time()) {
            (DecayBy::Time, Some(limit)) => self.seconds() / limit.max(Duration::from_nanos(1)).as_secs_f64(),
            _ => self.step() as f64 / train.steps as f64,
        }
    }

    /// Writes a checkpoint.
    pub(super) fn save(&mut self, observer: &mut dyn Observer) -> Result<()> {
        observer.saving(true);
        let saved = self.write_checkpoint();
        observer.saving(false);
        saved
    }

    fn write_checkpoint(&mut self) -> Result<()> {
        let tensors = self.tensors()?;
        let written = self.metrics.sync()?;
        let reached = match self.closing.clone() {
            Some(before) => Progress { closing: Some(written), ..self.reached(before) },
            None => self.reached(written),
        };
        self.run.save_checkpoint(self.step(), &tensors, reached)?;
        self.good = Good { step: self.step(), tensors };
        Ok(())
    }

    /// Keeps the state as the best one by its validation.
    pub(super) fn save_best(&mut self) -> Result<()> {
        let metrics = self.metrics.mark();
        self.run.save_best(self.step(), &self.tensors()?, self.reached(metrics))
    }

    /// What a checkpoint says beside the state.
    fn reached(&self, metrics: MetricsMark) -> Progress {
        Progress { metrics, closing: None, seconds: self.seconds(), key: self.training.key() }
    }

    /// Gives the observer the state, before work that may take long.
    pub(super) fn keep(&mut self, observer: &mut dyn Observer) -> Result<()> {
        if self.step() == self.good.step {
            observer.holds(None);
            return Ok(());
        }
        let began = Instant::now();
        let progress = self.reached(self.metrics.mark());
        let state = LastState::new(self.run.clone(), self.step(), self.tensors()?, progress);
        observer.holds(Some(state));
        self.keeping.copied(began);
        Ok(())
    }
}

/// Whether the objective has a loss on held-out rows.
fn has_held_out_loss(settings: &Settings) -> bool {
    settings.objective().method().held_out() != HeldOutLoss::None
}
