//! One run of a comparison: trained in parts, with the divergence from the truth measured between them, then
//! measured at the end.

use std::path::Path;

use super::compared::Compared;
use super::course::Course;
use super::measure::measure;
use super::sampled::Sampled;
use super::truth::fisher_divergence;
use crate::checkpoint::RunFolder;
use crate::error::{Error, Result};
use crate::settings::{Compare, PlannedRun, Settings};
use crate::train::{Observer, Recorder, Request};
use crate::trained::Trained;

/// Parts that a training is cut into: the quality is measured at the end of each.
const PARTS: u64 = 10;

/// What a run is followed by: the comparison's wishes, and who asks for an end.
pub(super) struct Follower<'a> {
    pub(super) compare: &'a Compare,
    pub(super) stop: &'a dyn Fn() -> Option<i32>,
}

impl Follower<'_> {
    /// Trains the run at `run`, or goes on with it, and measures it; of flow contrastive estimation also the
    /// flow, which is a model of its own. What the user must know is added to `warnings`.
    pub(super) fn follow(
        &self,
        name: &str,
        planned: &PlannedRun,
        run: &Path,
        warnings: &mut Vec<String>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Compared>> {
        let course = self.train(&planned.settings, run, warnings, observer)?;
        observer.message(&format!("measuring {name}"));
        let trained = Trained::open(run, &[])?;
        let seconds_to_quality = course.reached(self.compare.quality);
        let own = self.measured(name, planned, run, trained, Vec::new())?;
        let mut all = vec![Compared { seconds_to_quality, ..own }];
        let settings = &planned.settings;
        if settings.objective().method().sampling(settings.model().method().family()).has_flow {
            let sets = vec!["sampler.kind=exact".to_string()];
            let trained = Trained::open(run, &sets)?;
            all.push(self.measured(&format!("{name}, its flow"), planned, run, trained, sets)?);
        }
        Ok(all)
    }

    /// Trains in parts.
    fn train(
        &self,
        settings: &Settings,
        run: &Path,
        warnings: &mut Vec<String>,
        observer: &mut dyn Observer,
    ) -> Result<Course> {
        let steps = settings.train().steps;
        let mut course = Course::of(run)?;
        let resume = RunFolder::open(run).is_ok();
        let request = Request { run: run.to_path_buf(), resume, until: None };
        let mut recorder = Recorder::open(settings, &request, observer)?;
        let mut said = Vec::new();
        for part in 1..=PARTS {
            let until = (steps * part).div_ceil(PARTS);
            let outcome = recorder.until(until, self.stop, observer)?;
            said = outcome.warnings;
            let trained = Trained::open(run, &[])?;
            if !course.knows(trained.step)
                && let Some(divergence) = fisher_divergence(&trained)?
            {
                course.add(run, trained.step, trained.seconds, divergence.relative)?;
            }
            if outcome.step < until {
                break;
            }
        }
        warnings.extend(said);
        Ok(course)
    }

    /// What the trained model comes to.
    fn measured(
        &self,
        name: &str,
        planned: &PlannedRun,
        run: &Path,
        trained: Trained,
        sets: Vec<String>,
    ) -> Result<Compared> {
        let mut tell = || match (self.stop)() {
            Some(signal) => Err(Error::interrupted(signal, "the comparison stopped while it drew samples")
                .at(name)
                .remedy("run the same command again to go on")),
            None => Ok(()),
        };
        tell()?;
        let parameters = trained.model.parameters().iter();
        Ok(Compared {
            name: name.to_string(),
            seed: planned.seed,
            objective: planned.settings.objective().name().to_string(),
            run: run.to_path_buf(),
            sets,
            parameters: parameters.map(|one| one.shape.iter().product::<usize>() as u64).sum(),
            steps: trained.step,
            seconds: trained.seconds,
            seconds_to_quality: None,
            measured: measure(&trained)?,
            sampled: Sampled::of(run, &trained, self.compare.samples, &mut tell)?,
        })
    }
}
