//! One update, watched: a step that shows divergence is taken back to the last good state, with a smaller
//! learning rate, a bounded number of times; not where the learning rate has had no say yet.

use std::time::Instant;

use serde_json::json;

use super::recorder::Recorder;
use super::request::Observer;
use crate::error::{Error, Reason, Result};
use crate::objective::ChainSettings;
use crate::text::number;
use crate::train::diagnose::first_non_finite;
use crate::train::training::Stepped;
use crate::train::watch::stability::{Cause, Divergence};

/// Values of the data beyond this are worth scaling.
const LARGE: f64 = 30.0;

impl Recorder {
    /// One step; false where it showed divergence and was taken back.
    pub(super) fn advance(&mut self, observer: &mut dyn Observer) -> Result<bool> {
        let before = self.step();
        let began = Instant::now();
        let Stepped { report, chains } =
            self.training.step_at(self.progress(), f64::from(self.watch.rate))?;
        self.keeping.update_took(began.elapsed());
        if let Some(chains) = &chains {
            self.window.push_chains(chains);
        }
        let wrong = if report.finite {
            self.watch.observe(self.settings.stability(), before, &report, chains.as_ref())
        } else {
            Some(first_non_finite(&self.training)?)
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
    /// Where no return is left, or the first update from the good state shows it, which no learning rate
    /// changes: the training ends with that state saved.
    fn roll_back(&mut self, step: u64, wrong: &Divergence, observer: &mut dyn Observer) -> Result<()> {
        let stability = self.settings.stability().clone();
        let diverged = self.watch;
        let good = self.good.tensors.clone();
        let best = self.best;
        self.restore(&good, self.good.step)?;
        // The best state is kept in a folder of its own, whatever became of the training since.
        self.best = best;
        observer.holds(None);
        let at_once = step == self.step() + 1;
        let mut watch = diverged;
        let may = !at_once && watch.roll_back(&stability, &self.watch);
        if !may {
            self.save(observer)?;
            let after = match diverged.rollbacks as u64 {
                0 => String::new(),
                1 => ", after 1 return to a good state".to_string(),
                returns => format!(", after {returns} returns to a good state"),
            };
            return Err(Error::new(Reason::Diverged, "training diverged")
                .at(format!("step {step}: {}{after}", wrong.said))
                .remedy(format!(
                    "the state at step {} is in {}; {}",
                    self.step(),
                    self.run.folder().checkpoint_path(self.step()).display(),
                    self.remedy(wrong.cause, at_once),
                )));
        }
        self.watch = watch;
        let said = format!(
            "step {step}: {}; rolled back to step {}, learning rate times {}",
            wrong.said,
            self.step(),
            stability.rate_factor
        );
        self.warn(said, observer);
        self.metrics.append(&json!({
            "step": self.step(),
            "rollback_from": step,
            "rollback": wrong.said,
            "rollbacks": watch.rollbacks,
            "rate_scale": watch.rate,
            "seconds": self.seconds(),
        }))
    }

    /// What to try, the most likely cause first. Before the first update from the start the learning rate has
    /// had no say.
    fn remedy(&self, cause: Cause, at_once: bool) -> String {
        let mut tries = Vec::new();
        let [low, high] = self.record.range;
        if low.abs().max(high.abs()) > LARGE {
            tries.push(format!(
                "scale the data, whose values run from {} to {}: data.preprocess = \"standardise\" for tables",
                number(low),
                number(high),
            ));
        } else if cause == Cause::Batch {
            tries.push("look for values in the data that are not finite in single precision".to_string());
        }
        if cause == Cause::Chains
            && let Some(ChainSettings::Langevin(chains)) = &self.training.task().chains
        {
            let noise = match chains.noise_std {
                noise if noise > 0.0 => format!(" and objective.noise_std (it is {noise})"),
                _ => String::new(),
            };
            tries.push(format!("try a smaller objective.step_size (it is {}){noise}", chains.step_size));
        }
        if cause == Cause::Flow {
            tries.push("let the two players take smaller steps".to_string());
        }
        if !at_once || self.step() > 0 {
            tries.push(format!(
                "try a smaller optimiser.learning_rate (it is {})",
                self.settings.optimiser().learning_rate
            ));
        } else if tries.is_empty() {
            tries.push("the first update shows it, so that the learning rate is not the cause: look at the data and the model".to_string());
        }
        tries.join(", or ")
    }
}
