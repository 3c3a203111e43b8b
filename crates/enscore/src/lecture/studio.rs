//! Where figures are drawn: how large, under which seed, and until when.

use std::path::Path;

use crate::error::{Error, Reason, Result};
use crate::sample::TrainedModel;
use crate::settings::Settings;
use crate::train::{Recorder, Request, Silent, Training};
use crate::trained::Trained;

/// How much work a figure may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As the page in the documentation: all figures in a quarter of an hour.
    Full,
    /// A look, and the tests: all figures in three minutes.
    Quick,
}

/// What a figure is drawn with.
pub struct Studio<'a> {
    /// How much work it may be.
    pub size: Size,
    /// The seed of all its draws.
    pub seed: u64,
    /// The folder for runs that are recorded.
    pub runs: &'a Path,
    /// Asked now and then for the number of a signal that asks for an end.
    pub stop: &'a dyn Fn() -> Option<i32>,
}

impl Studio<'_> {
    /// `full` or `quick`, by the size.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        match self.size {
            Size::Full => full,
            Size::Quick => quick,
        }
    }

    /// Ends the figure where a signal came.
    ///
    /// # Errors
    /// [`crate::Reason::Interrupted`].
    pub fn go_on(&self) -> Result<()> {
        match (self.stop)() {
            Some(signal) => Err(Error::interrupted(signal, "the lecture was interrupted")),
            None => Ok(()),
        }
    }

    /// A training by settings in TOML, in memory, before its first step.
    ///
    /// # Errors
    /// As [`Training::of_settings`].
    pub fn training(&self, settings: &str) -> Result<Training> {
        Training::of_settings(&self.settings(settings)?)
    }

    /// The same, trained to its end. `each` is called after each step with the training.
    ///
    /// # Errors
    /// As [`Training::step`], what `each` returns, and [`crate::Reason::Interrupted`].
    pub fn trained(
        &self,
        settings: &str,
        mut each: impl FnMut(&Training) -> Result<()>,
    ) -> Result<TrainedModel> {
        let mut training = self.training(settings)?;
        while training.steps_done() < training.options().steps {
            self.go_on()?;
            training.step()?;
            each(&training)?;
        }
        training.into_trained()
    }

    /// A training recorded in the folder `name` of the lecture's runs, and opened. One by the same settings
    /// that is there is not repeated; any other is replaced.
    ///
    /// # Errors
    /// As [`Recorder::until`] and [`Trained::open`].
    pub fn run(&self, name: &str, settings: &str) -> Result<Trained> {
        let done = Trained::open(&self.runs.join(name), &[]).ok();
        let wanted = self.settings(settings)?;
        match done.filter(|done| done.settings == wanted && done.step == wanted.train().steps) {
            Some(done) => Ok(done),
            None => self.run_in_parts(name, settings, &[u64::MAX], |_, _| Ok(())),
        }
    }

    /// The same, trained anew in any case; after each of `stops`, in steps, `each` is called with the steps
    /// done and the run's folder.
    ///
    /// # Errors
    /// As [`Studio::run`], and what `each` returns.
    pub fn run_in_parts(
        &self,
        name: &str,
        settings: &str,
        stops: &[u64],
        mut each: impl FnMut(u64, &Path) -> Result<()>,
    ) -> Result<Trained> {
        let run = self.runs.join(name);
        if run.exists() {
            std::fs::remove_dir_all(&run).map_err(|reason| {
                Error::new(Reason::Unwritable, "can't replace an earlier run of the lecture")
                    .at(run.display())
                    .found_error(reason)
            })?;
        }
        let settings = self.settings(settings)?;
        let request = Request { run: run.clone(), resume: false, until: None };
        let mut recorder = Recorder::open(&settings, &request, &mut Silent)?;
        for stop in stops {
            let until = (*stop).min(settings.train().steps);
            let outcome = recorder.until(until, self.stop, &mut Silent)?;
            each(outcome.step, &run)?;
        }
        Trained::open(&run, &[])
    }

    fn settings(&self, settings: &str) -> Result<Settings> {
        let sets = [format!("train.seed={}", self.seed)];
        Settings::parse(settings, "a figure of the lecture", &sets)
    }
}
