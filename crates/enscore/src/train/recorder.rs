//! The loop around a training that a run's folder records: step, watch, log, validate, sample, save;
//! from the first step or from a checkpoint. A step that shows divergence is taken back to the last good
//! state, with a smaller learning rate, a bounded number of times.

use std::time::{Duration, Instant};

use serde_json::{Map, json};

use super::diagnose::first_non_finite;
use super::from_settings::Described;
use super::request::{Observer, Outcome, Request};
use super::resume::open;
use super::training::{Stepped, Training};
use super::watch::stability::Watch;
use super::watch::unit_monitor::UnitMonitor;
use super::watch::validation::Validation;
use super::watch::window::Window;
use crate::checkpoint::{DataRecord, MetricsWriter, Progress, Run, Tensors};
use crate::error::{Error, Reason, Result};
use crate::objective::{Diagnostic, HeldOutLoss};
use crate::report::write_sheet;
use crate::sample::TrainedModel;
use crate::settings::{DecayBy, Settings};
use crate::trained::trained_model;

/// A state that a diverging training goes back to: that of the last checkpoint.
struct Good {
    step: u64,
    tensors: Tensors,
}

/// A training with the folder that records it. It is held: trained to a step, looked at, and trained on.
pub struct Recorder {
    settings: Settings,
    record: DataRecord,
    training: Training,
    run: Run,
    metrics: MetricsWriter,
    watch: Watch,
    /// Since the last logged line.
    window: Window,
    good: Good,
    validation: Option<Validation>,
    units: Option<UnitMonitor>,
    /// Seconds trained before the present stretch.
    earlier: f64,
    /// When the present stretch began; none while nothing is trained.
    began: Option<Instant>,
    last_loss: Option<f64>,
    last_validation: Option<f64>,
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
        described.notes.iter().for_each(|note| observer.message(note));
        let validates = described.settings.train().validate_every > 0;
        let validation = match &described.validation {
            Some(subset) if validates && has_held_out_loss(&described.settings) => {
                Some(Validation::new(&described, subset)?)
            }
            _ => None,
        };
        let units = if validates { UnitMonitor::new(&described)? } else { None };
        // The last of what can be refused: from here on something is written.
        let manifest = described.manifest();
        let Described { settings, mut training, record, .. } = described;
        let (run, resumed) = open(&settings, &mut training, &manifest, request, observer)?;
        let (metrics, warning) = MetricsWriter::resume(&run.folder().metrics_path(), resumed.metrics)?;
        if let Some(warning) = warning {
            observer.message(&warning);
        }
        let mut recorder = Recorder {
            good: Good { step: training.steps_done(), tensors: Tensors::new() },
            settings,
            record,
            training,
            run,
            metrics,
            watch: Watch::default(),
            window: Window::default(),
            validation,
            units,
            earlier: resumed.seconds,
            began: None,
            last_loss: None,
            last_validation: None,
        };
        if let Some(tensors) = &resumed.tensors {
            recorder.restore(tensors, recorder.training.steps_done())?;
        }
        recorder.good.tensors = recorder.tensors()?;
        Ok(recorder)
    }

    /// What a checkpoint holds.
    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.training.tensors()?;
        self.watch.save(&mut tensors)?;
        self.window.save(&mut tensors)?;
        Ok(tensors)
    }

    fn restore(&mut self, tensors: &Tensors, step: u64) -> Result<()> {
        self.training.restore(tensors, step)?;
        self.watch = Watch::restore(tensors)?;
        let diagnostics: Vec<Vec<Diagnostic>> =
            self.training.updates().iter().map(|update| update.diagnostics.clone()).collect();
        self.window = Window::restore(tensors, &diagnostics)?;
        Ok(())
    }

    fn step(&self) -> u64 {
        self.training.steps_done()
    }

    fn seconds(&self) -> f64 {
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
        while self.step() < until.min(steps) {
            if let Some(signal) = stop() {
                self.save()?;
                return Err(Error::interrupted(signal, "training was interrupted")
                    .at(format!("step {} of {steps}", self.step()))
                    .remedy(format!("a checkpoint was written; resume the run in {}", self.path())));
            }
            if wall_time.is_some_and(|limit| self.seconds() >= limit.as_secs_f64()) {
                observer.message(&format!("wall-time limit reached at step {}", self.step()));
                break;
            }
            if self.advance(observer)? && self.record_step(observer)? {
                saved = self.step();
            }
        }
        if saved != self.step() || self.step() == 0 {
            self.save()?;
        }
        Ok(())
    }

    /// Logs, validates, saves and draws where it is time to; says whether a checkpoint was saved.
    fn record_step(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let train = self.settings.train().clone();
        let step = self.step();
        let due = |every: u64| every > 0 && (step.is_multiple_of(every) || step == train.steps);
        if due(train.log_every) {
            self.log()?;
        }
        if due(train.validate_every) {
            self.validate(observer)?;
        }
        let saves = step.is_multiple_of(train.checkpoint_every);
        if saves {
            self.save()?;
        }
        if train.sample_every > 0 && step.is_multiple_of(train.sample_every) {
            let model = self.averaged_model()?;
            write_sheet(&model, &self.settings, self.run.folder(), step)?;
        }
        Ok(saves)
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
        }
    }

    /// One step; false where it showed divergence and was taken back.
    fn advance(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let before = self.step();
        let Stepped { report, chains } =
            self.training.step_at(self.progress(), f64::from(self.watch.rate))?;
        if let Some(chains) = &chains {
            self.window.push_chains(chains);
        }
        let wrong = if report.finite {
            self.watch.observe(self.settings.stability(), before, &report, chains.as_ref())
        } else {
            Some(format!("{} is not finite", first_non_finite(&self.training)?))
        };
        if let Some(wrong) = wrong {
            self.roll_back(before + 1, &wrong, observer)?;
            return Ok(false);
        }
        observer.step(self.step(), report.loss_per_dim);
        self.window.push(report);
        Ok(true)
    }

    /// Goes back to the last good state with a smaller learning rate.
    ///
    /// # Errors
    /// Where no return is left: the training ends with that state saved.
    fn roll_back(&mut self, step: u64, wrong: &str, observer: &mut dyn Observer) -> Result<()> {
        let stability = self.settings.stability().clone();
        let diverged = self.watch;
        let good = self.good.tensors.clone();
        self.restore(&good, self.good.step)?;
        let mut watch = diverged;
        let may = watch.roll_back(&stability, &self.watch);
        if !may {
            self.save()?;
            return Err(Error::new(Reason::Diverged, "training diverged")
                .at(format!("step {step}"))
                .found(format!("{wrong}, after {} returns to a good state", diverged.rollbacks))
                .remedy(format!(
                    "the state at step {} is in {}; try a smaller optimiser.learning_rate",
                    self.step(),
                    self.run.folder().checkpoint_path(self.step()).display()
                )));
        }
        self.watch = watch;
        observer.message(&format!(
            "step {step}: {wrong}; rolled back to step {}, learning rate times {}",
            self.step(),
            stability.rate_factor
        ));
        self.metrics.append(&json!({
            "step": self.step(),
            "rollback_from": step,
            "rollback": wrong,
            "rollbacks": watch.rollbacks,
            "rate_scale": watch.rate,
            "seconds": self.seconds(),
        }))
    }

    /// A line with the means since the last one.
    fn log(&mut self) -> Result<()> {
        let mut row = Map::from_iter([("step".to_string(), json!(self.step()))]);
        row.extend(self.window.line());
        row.insert("seconds".into(), json!(self.seconds()));
        self.last_loss = Some(self.window.loss_per_dim());
        self.window.clear();
        self.metrics.append(&row)
    }

    fn progress(&self) -> f64 {
        let train = self.settings.train();
        match (train.decay_by, train.wall_time()) {
            (DecayBy::Time, Some(limit)) => self.seconds() / limit.max(Duration::from_nanos(1)).as_secs_f64(),
            _ => self.step() as f64 / train.steps as f64,
        }
    }

    fn validate(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let step = self.step();
        if let Some(units) = &self.units {
            let (mut row, said) = units.observe(&self.averaged_model()?)?;
            observer.message(&format!("step {step}: {said}"));
            row["step"] = json!(step);
            row["seconds"] = json!(self.seconds());
            self.metrics.append(&row)?;
        }
        let Some(validation) = &mut self.validation else { return Ok(()) };
        let loss = validation.loss_per_dim(self.training.resident_averages())?;
        self.last_validation = Some(loss);
        observer.message(&format!("step {step}: validation loss {loss:.4}"));
        let row = json!({
            "step": step,
            "validation_loss_per_dim": loss,
            "seconds": self.seconds(),
        });
        self.metrics.append(&row)
    }

    fn save(&mut self) -> Result<()> {
        let tensors = self.tensors()?;
        let metrics = self.metrics.sync()?;
        let progress = Progress { metrics, seconds: self.seconds(), key: self.training.key() };
        self.run.save_checkpoint(self.step(), &tensors, progress)?;
        self.good = Good { step: self.step(), tensors };
        Ok(())
    }

    /// The model with its averaged weights, to draw from.
    fn averaged_model(&self) -> Result<TrainedModel> {
        let parameters = self.training.parameters();
        let averages = self.training.averages()?;
        let of = |wanted: &enscore_program::Parameter| {
            let found = parameters.iter().zip(&averages).find(|(parameter, _)| parameter.name == wanted.name);
            Ok(found.map(|(_, values)| values.clone()).unwrap_or_default())
        };
        trained_model(&self.settings, self.record.clone(), of)
    }
}

/// Whether the objective has a loss on held-out rows.
fn has_held_out_loss(settings: &Settings) -> bool {
    settings.objective().method().held_out() != HeldOutLoss::None
}
