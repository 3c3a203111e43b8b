//! What a run's folder gets besides checkpoints: lines of metrics, validations, pictures.

use std::time::Instant;

use serde_json::{Map, json};

use super::recorder::Recorder;
use super::request::Observer;
use crate::error::Result;
use crate::report::write_sheet;
use crate::sample::TrainedModel;
use crate::trained::trained_model;

impl Recorder {
    /// Logs, validates, saves and draws where it is time to; says whether a checkpoint was saved.
    pub(super) fn record_step(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let train = self.settings.train().clone();
        let step = self.step();
        let due = |every: u64| every > 0 && step.is_multiple_of(every);
        if due(train.log_every) {
            self.log()?;
            self.window.clear();
        }
        let improved = due(train.validate_every) && self.validate(observer)?;
        // The last step saves when its last lines are written.
        let saves = step != train.steps && step.is_multiple_of(train.checkpoint_every);
        if saves {
            self.save(observer)?;
        }
        if improved {
            self.save_best()?;
        }
        if train.sample_every > 0 && step.is_multiple_of(train.sample_every) {
            self.keep(observer)?;
            let model = self.averaged_model()?;
            write_sheet(&model, &self.settings, self.run.folder(), step)?;
        }
        if step == train.steps {
            self.close(observer)?;
        }
        Ok(saves)
    }

    /// What the last step brings though it is not due. A training that is resumed to do more steps goes on
    /// from before these lines, so that it writes the lines of one that was never shorter.
    pub(super) fn close(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let train = self.settings.train().clone();
        let step = self.step();
        let left = |every: u64| every > 0 && !step.is_multiple_of(every);
        self.closing = Some(self.metrics.mark());
        if left(train.log_every) {
            self.log()?;
        }
        if left(train.validate_every) && self.validate(observer)? {
            self.save_best()?;
        }
        Ok(())
    }

    /// A line with the means since the last one.
    fn log(&mut self) -> Result<()> {
        let mut row = Map::from_iter([("step".to_string(), json!(self.step()))]);
        row.extend(self.window.line());
        row.insert("seconds".into(), json!(self.seconds()));
        self.last_loss = Some(self.window.loss_per_dim());
        self.metrics.append(&row)
    }

    /// Says whether it is the best validation so far.
    fn validate(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        if self.keeping.is_due_for_validation() {
            self.keep(observer)?;
        }
        let began = Instant::now();
        let step = self.step();
        if let Some(monitor) = &self.monitor {
            let (mut row, said) = monitor.observe(&self.averaged_model()?)?;
            observer.message(&format!("step {step}: {said}"));
            row["step"] = json!(step);
            row["seconds"] = json!(self.seconds());
            self.metrics.append(&row)?;
        }
        let Some(validation) = &mut self.validation else { return Ok(false) };
        let loss = validation.loss_per_dim(self.training.resident_averages())?;
        self.keeping.validation_took(began.elapsed());
        self.last_validation = Some(loss);
        observer.message(&format!("step {step}: validation loss {loss:.4}"));
        let row = json!({
            "step": step,
            "validation_loss_per_dim": loss,
            "seconds": self.seconds(),
        });
        self.metrics.append(&row)?;
        Ok(self.best.observe(step, loss))
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
