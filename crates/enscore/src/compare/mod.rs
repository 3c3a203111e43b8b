//! Compares trainings on the same data: time, size, held-out likelihood, samples, quality against the truth
//! where it is known; each over one or several seeds, in one table and one picture.

mod compared;
mod course;
mod figures;
mod follow;
mod likelihood;
mod measure;
mod measured;
mod outcome;
mod over_seeds;
mod picture;
mod sampled;
mod table;
mod truth;

use std::path::Path;

use crate::checkpoint::RunFolder;
use crate::error::{Error, Reason, Result};
use crate::report::PictureFormat;
use crate::settings::{Compare, ComparedTraining};
use crate::train::Observer;
use crate::trained::Trained;
use follow::Follower;

pub use compared::Compared;
pub use measured::{LikelihoodKind, Measured};
pub use outcome::{Failed, Outcome};
pub use over_seeds::{FigureOverSeeds, OverSeeds};
pub use sampled::Sampled;
pub use truth::Truth;

/// Trains and measures everything that `compare` names, below the folder `out`, and writes `comparison.md`,
/// `comparison.json` and a picture there, such as `comparison.png`: of data in the plane, of images, of
/// tables. Runs that are done already are not repeated.
///
/// A run that diverges is named, and the others are compared.
///
/// # Errors
/// Whatever a training or a measurement refuses, named by the training; every run diverged; folders of
/// another number of seeds.
pub fn compare(
    compare: &Compare,
    out: &Path,
    format: PictureFormat,
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    for training in &compare.trainings {
        refuse_other_seeds(training, out)?;
    }
    let mut compared = Vec::new();
    let mut failed = Vec::new();
    let mut warnings = Vec::new();
    let follower = Follower { compare, stop };
    for training in &compare.trainings {
        for planned in &training.runs {
            let name = &training.name;
            let of_several =
                if training.runs.len() > 1 { format!(", seed {}", planned.seed) } else { String::new() };
            let named = |error: Error| error.within(format_args!("run {name}{of_several}"));
            observer.message(&format!("training {name}{of_several}"));
            let run = out.join(&planned.folder);
            let mut said = Vec::new();
            let followed = follower.follow(name, planned, &run, &mut said, observer).map_err(named);
            warnings.extend(said.into_iter().map(|warning| format!("run {name}{of_several}: {warning}")));
            match followed {
                Err(error) if error.reason == Reason::Diverged => {
                    observer.warning(&error.to_string());
                    let (name, seed) = (name.clone(), planned.seed);
                    failed.push(Failed { name, seed, why: error.to_string() });
                }
                followed => compared.extend(followed?),
            }
        }
    }
    let Some(first) = compared.first() else { return Err(all_diverged(&failed)) };
    let first = Trained::open(&first.run, &[])?;
    let truth = Truth::of(&first);
    let held_out = if truth.is_some() { truth::held_out(&first)? } else { None };
    let truth_log_likelihood = match (&truth, held_out) {
        (Some(truth), Some(rows)) => Some(truth.log_likelihood(&rows)?),
        _ => None,
    };
    let mut outcome = Outcome {
        compared,
        over_seeds: Vec::new(),
        failed,
        warnings,
        truth_log_likelihood,
        quality: compare.quality,
        text: String::new(),
        files: Vec::new(),
    };
    table::write(&mut outcome, out)?;
    picture::write(&mut outcome, truth.as_ref(), out, format)?;
    Ok(outcome)
}

/// Runs of one seed lie in the training's folder, those of several below it: one is no place for the other.
fn refuse_other_seeds(training: &ComparedTraining, out: &Path) -> Result<()> {
    let folder = out.join(&training.name);
    let several = training.runs.len() > 1;
    let wrong = |what: &str, remedy: String| {
        Err(Error::input("a folder of another number of seeds")
            .at(folder.display())
            .found(what)
            .remedy(remedy))
    };
    if several && RunFolder::open(&folder).is_ok() {
        let seed = RunFolder::open(&folder).ok().and_then(|_| Trained::open(&folder, &[]).ok());
        let seed = seed.map_or("SEED".to_string(), |trained| trained.settings.train().seed.to_string());
        return wrong(
            "a run of one seed",
            format!("name another folder, or move the run to {}/seed-{seed}", folder.display()),
        );
    }
    let below = || std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let is_seed = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("seed-");
    if !several && below().any(|entry| is_seed(&entry.file_name()) && RunFolder::open(&entry.path()).is_ok())
    {
        return wrong("runs of several seeds", "name another folder, or give the seeds".to_string());
    }
    Ok(())
}

fn all_diverged(failed: &[Failed]) -> Error {
    let why: Vec<&str> = failed.iter().map(|failed| failed.why.as_str()).collect();
    Error::new(Reason::Diverged, "no training is left to compare").found(why.join("; "))
}
