//! A run's folder: who may write it, where each file is, and checkpoints that survive a crash at any moment.
//!
//! ```text
//! RUN/settings.toml   the resolved settings        RUN/metrics.jsonl   one line per logged step
//! RUN/manifest.json   written last on creation     RUN/samples/        pictures
//! RUN/lock            held while a training writes RUN/report.html
//! RUN/checkpoints/step-000000500/{state.safetensors, manifest.json}
//! RUN/checkpoints/latest   the name of the newest folder, with a checksum
//! RUN/checkpoints/best/    the same files of the checkpoint with the lowest validation loss
//! ```
//! A checkpoint's folder is written under a temporary name, fsynced and renamed; then `latest` is replaced;
//! then older folders go. Whatever a crash leaves of that, a whole checkpoint is found, and a training that
//! opens the run removes the rest.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use enscore_program::random::Key;

use super::manifest::{self, CheckpointManifest, FORMAT_VERSION, FileRecord, MetricsMark, RunManifest};
use super::place::{CHECKPOINTS, MANIFEST, SAMPLES, SETTINGS, clean, lock, names_in, refuse_occupied};
use super::tensors::Tensors;
use crate::files::{
    TEMPORARY, cannot, check_text, sealed_text, sha256, sync_folder, unreadable, write_bytes_atomically,
    write_synced,
};
use crate::{Error, Reason, Result};

/// Checkpoints that are kept: the newest, and one to fall back on.
const KEEP: usize = 2;

const STATE: &str = "state.safetensors";
/// The page that a report is.
pub(crate) const REPORT: &str = "report.html";
const LATEST: &str = "latest";
/// The folder of the checkpoint with the lowest validation loss, beside those of steps.
const BEST: &str = "best";

/// A run's folder, for reading. A training may be writing it meanwhile.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    manifest: RunManifest,
}

/// A run that this process alone writes, until it is dropped.
#[derive(Debug)]
pub struct Run {
    folder: RunFolder,
    /// The step of the last checkpoint that this process wrote; held while one is written.
    saved: Mutex<Option<u64>>,
    _lock: File,
}

/// What a checkpoint records besides the tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// How far metrics.jsonl reaches, from [`super::MetricsWriter::sync`].
    pub metrics: MetricsMark,
    /// How far with the lines that only the last step of a training brings, where it brought some.
    pub closing: Option<MetricsMark>,
    /// Seconds spent training, over all its parts.
    pub seconds: f64,
    /// The random key of the next step.
    pub key: Key,
}

/// A checkpoint whose files were verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Updates done when it was written.
    pub step: u64,
    /// The manifest beside the tensors.
    pub manifest: CheckpointManifest,
    /// The tensors of `state.safetensors`.
    pub tensors: Tensors,
    /// Why a newer checkpoint was passed over, one line each.
    pub warnings: Vec<String>,
}

impl RunFolder {
    /// Opens a run for reading.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] where there is no run at `path`; [`Reason::Newer`] where a newer enscore
    /// wrote it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let file = path.join(MANIFEST);
        if let Some(run) = path.parent().filter(|parent| parent.ends_with(CHECKPOINTS)).and_then(Path::parent)
        {
            return Err(Error::new(Reason::Unreadable, "a checkpoint, not a run folder")
                .at(path.display())
                .remedy(format!("give its run: {}", run.display())));
        }
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(reason) if matches!(reason.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(Error::new(Reason::Unreadable, "not a run folder")
                    .at(path.display())
                    .expected("a folder with manifest.json")
                    .remedy(super::place::remedy(path)));
            }
            Err(reason) => return Err(unreadable("read", &file, reason)),
        };
        Ok(RunFolder { path: path.to_path_buf(), manifest: manifest::from_json(&text, &file)? })
    }

    /// The folder of the run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run says about itself.
    pub fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// The file of the resolved settings.
    pub fn settings_path(&self) -> PathBuf {
        self.path.join(SETTINGS)
    }

    /// Refuses settings that were changed after they were written.
    ///
    /// # Errors
    /// [`Reason::Damaged`]; [`Reason::Unreadable`] where the file is gone.
    pub(crate) fn check_settings(&self) -> Result<()> {
        let path = self.settings_path();
        let text = fs::read(&path).map_err(|reason| unreadable("read", &path, reason))?;
        check_text(&text, &path.display().to_string()).map_err(|error| {
            error.remedy("restore the file; to use other settings, resume the run or open it with overrides")
        })
    }

    /// The file of the metrics.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The folder of the pictures.
    pub fn samples_path(&self) -> PathBuf {
        self.path.join(SAMPLES)
    }

    /// The file of the report.
    pub fn report_path(&self) -> PathBuf {
        self.path.join(REPORT)
    }

    fn checkpoints_path(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The folder of the checkpoint of `step`.
    pub fn checkpoint_path(&self, step: u64) -> PathBuf {
        self.checkpoints_path().join(name_of(step))
    }

    /// Reads the newest checkpoint that is whole: the one that `latest` names, else the one before it. None
    /// where no checkpoint was written yet.
    ///
    /// # Errors
    /// [`Reason::Damaged`] where none is whole; [`Reason::Newer`] where a newer enscore wrote the newest.
    pub fn latest_checkpoint(&self) -> Result<Option<Loaded>> {
        let (steps, mut warnings) = self.candidates()?;
        if steps.is_empty() && warnings.is_empty() {
            return Ok(None);
        }
        for step in steps {
            match self.load(step) {
                Ok((manifest, tensors)) => return Ok(Some(Loaded { step, manifest, tensors, warnings })),
                Err(error) if error.reason == Reason::Newer => return Err(error),
                Err(error) => warnings.push(error.to_string()),
            }
        }
        Err(Error::new(Reason::Damaged, "no checkpoint of this run is intact")
            .at(self.path.display())
            .found(warnings.join("; "))
            .remedy("restore its files, or train again in another folder"))
    }

    /// The steps to try, in order, and what is wrong with `latest`.
    fn candidates(&self) -> Result<(Vec<u64>, Vec<String>)> {
        let mut steps = self.steps()?;
        let path = self.checkpoints_path().join(LATEST);
        let warning = match fs::read_to_string(&path) {
            Ok(text) => match step_named(&text).map(|step| (step, steps.iter().position(|s| *s == step))) {
                Some((_, Some(found))) => {
                    steps[..=found].rotate_right(1);
                    None
                }
                Some((step, None)) => Some(format!("names {:?}, which doesn't exist", name_of(step))),
                None => Some("was changed after it was written".to_string()),
            },
            Err(reason) if reason.kind() == ErrorKind::NotFound => {
                (!steps.is_empty()).then(|| "is missing".to_string())
            }
            Err(reason) => Some(reason.to_string()),
        };
        Ok((steps, warning.map(|warning| format!("{} {warning}", path.display())).into_iter().collect()))
    }

    /// The steps that have a checkpoint's folder, newest first.
    fn steps(&self) -> Result<Vec<u64>> {
        let mut steps: Vec<u64> =
            names_in(&self.checkpoints_path())?.iter().filter_map(|name| step_of(name)).collect();
        steps.sort_unstable_by(|a, b| b.cmp(a));
        Ok(steps)
    }

    /// The folder of the checkpoint with the lowest validation loss.
    pub fn best_path(&self) -> PathBuf {
        self.checkpoints_path().join(BEST)
    }

    /// Reads the checkpoint with the lowest validation loss; none where there was no validation.
    ///
    /// # Errors
    /// [`Reason::Damaged`] where it isn't whole; [`Reason::Newer`] where a newer enscore wrote it.
    pub fn best_checkpoint(&self) -> Result<Option<Loaded>> {
        let folder = self.best_path();
        if !folder.exists() {
            return Ok(None);
        }
        let (manifest, tensors) = self.load_from(&folder)?;
        Ok(Some(Loaded { step: manifest.step, manifest, tensors, warnings: Vec::new() }))
    }

    /// Reads and verifies one checkpoint.
    fn load(&self, step: u64) -> Result<(CheckpointManifest, Tensors)> {
        let folder = self.checkpoint_path(step);
        let (manifest, tensors) = self.load_from(&folder)?;
        if manifest.step != step {
            let error = Error::new(Reason::Damaged, "the checkpoint is of another step").at(folder.display());
            return Err(error.found(manifest.step).expected(step));
        }
        Ok((manifest, tensors))
    }

    fn load_from(&self, folder: &Path) -> Result<(CheckpointManifest, Tensors)> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|reason| unreadable("read", &path, reason))
        };
        let manifest: CheckpointManifest = manifest::from_json(&read(MANIFEST)?, &folder.join(MANIFEST))?;
        let Some(record) = manifest.files.iter().find(|record| record.name == STATE) else {
            return Err(Error::new(Reason::Damaged, "the checkpoint has no tensors").at(folder.display()));
        };
        let state = read(STATE)?;
        let found = FileRecord::of(STATE, &state);
        if found != *record {
            return Err(Error::new(Reason::Damaged, "damaged file")
                .at(folder.join(STATE).display())
                .found(format!("{} bytes, SHA-256 {}", found.bytes, found.sha256))
                .expected(format!("{} bytes, SHA-256 {}", record.bytes, record.sha256)));
        }
        let tensors = Tensors::from_bytes(&state, &folder.join(STATE).display().to_string())?;
        Ok((manifest, tensors))
    }
}

impl Run {
    /// Creates the folder of a new run, with its resolved settings and its manifest.
    ///
    /// A folder that is empty, or where an earlier creation was cut short, will do.
    ///
    /// # Errors
    /// [`Error::input`] where `path` holds a run or anything else, or another process writes it;
    /// [`Reason::Unwritable`] where the system refuses.
    pub fn create(path: &Path, settings: &str, manifest: &RunManifest) -> Result<Run> {
        refuse_occupied(path)?;
        let make = |folder: PathBuf| {
            fs::create_dir_all(&folder).map_err(|reason| cannot("create the folder", &folder, reason))
        };
        make(path.to_path_buf())?;
        let lock = lock(path)?;
        // Another process may have created a run here between the look above and the lock.
        refuse_occupied(path)?;
        clean(path)?;
        make(path.join(CHECKPOINTS))?;
        make(path.join(SAMPLES))?;
        write_bytes_atomically(&path.join(SETTINGS), &sealed_text(settings))?;
        write_bytes_atomically(&path.join(MANIFEST), &manifest::to_json(manifest)?)?;
        let folder = RunFolder { path: path.to_path_buf(), manifest: manifest.clone() };
        Ok(Run { folder, saved: Mutex::new(None), _lock: lock })
    }

    /// Opens a run to go on with it, and removes what a crash left.
    ///
    /// # Errors
    /// As [`RunFolder::open`]; [`Error::input`] where another process writes it.
    pub fn open(path: &Path) -> Result<Run> {
        RunFolder::open(path)?;
        let lock = lock(path)?;
        let folder = RunFolder::open(path)?;
        for folder in [path.to_path_buf(), folder.checkpoints_path(), folder.samples_path()] {
            fs::create_dir_all(&folder).map_err(|reason| cannot("create the folder", &folder, reason))?;
            clean(&folder)?;
        }
        Ok(Run { folder, saved: Mutex::new(None), _lock: lock })
    }

    /// Where its files are.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Replaces the resolved settings: a resumed run may train for longer.
    ///
    /// # Errors
    /// As [`write_bytes_atomically`].
    pub fn write_settings(&self, settings: &str) -> Result<()> {
        write_bytes_atomically(&self.folder.settings_path(), &sealed_text(settings))
    }

    /// Saves the checkpoint of `step` and removes those that aren't kept: all but two up to this step,
    /// and any of a later step, which a training that fell back to an earlier checkpoint left behind.
    ///
    /// # Errors
    /// [`Reason::Unwritable`] naming the path and the system's reason; the checkpoints before it stand.
    pub fn save_checkpoint(&self, step: u64, tensors: &Tensors, progress: Progress) -> Result<()> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_checkpoint(step, tensors, progress)?;
        *saved = Some(step);
        Ok(())
    }

    /// The same, unless this process has written the checkpoint of this step or of a later one.
    pub(crate) fn save_later_checkpoint(
        &self,
        step: u64,
        tensors: &Tensors,
        progress: Progress,
    ) -> Result<()> {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if saved.is_none_or(|saved| saved < step) {
            self.write_checkpoint(step, tensors, progress)?;
            *saved = Some(step);
        }
        Ok(())
    }

    /// Keeps this state as the one with the lowest validation loss, in place of the one before.
    ///
    /// # Errors
    /// As [`Run::save_checkpoint`].
    pub fn save_best(&self, step: u64, tensors: &Tensors, progress: Progress) -> Result<()> {
        let _saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let temporary = self.write_aside(step, tensors, progress)?;
        self.put(&temporary, BEST)
    }

    fn write_checkpoint(&self, step: u64, tensors: &Tensors, progress: Progress) -> Result<()> {
        let temporary = self.write_aside(step, tensors, progress)?;
        let name = name_of(step);
        self.put(&temporary, &name)?;
        let latest = self.folder.checkpoints_path().join(LATEST);
        write_bytes_atomically(&latest, line_naming(&name).as_bytes())?;
        self.prune(step)
    }

    /// Writes the files of a checkpoint into a folder under a temporary name.
    fn write_aside(&self, step: u64, tensors: &Tensors, progress: Progress) -> Result<PathBuf> {
        let state = tensors.to_bytes()?;
        let manifest = CheckpointManifest {
            format: FORMAT_VERSION,
            enscore: env!("CARGO_PKG_VERSION").to_string(),
            step,
            files: vec![FileRecord::of(STATE, &state)],
            metrics: progress.metrics,
            closing: progress.closing,
            seconds: progress.seconds,
            key: progress.key.into(),
        };
        let temporary = self.folder.checkpoints_path().join(format!("{TEMPORARY}{}", name_of(step)));
        let written = write_folder(&temporary, &state, &manifest::to_json(&manifest)?);
        if written.is_err() {
            // The failure is what counts; on a full disk the space of the cut attempt is given back.
            let _ = fs::remove_dir_all(&temporary);
        }
        written.map(|()| temporary)
    }

    /// Gives a checkpoint's folder its name, in place of what had it.
    fn put(&self, temporary: &Path, name: &str) -> Result<()> {
        let parent = self.folder.checkpoints_path();
        self.remove(name)?;
        let path = parent.join(name);
        fs::rename(temporary, &path).map_err(|reason| cannot("write", &path, reason))?;
        sync_folder(&parent)
    }

    fn prune(&self, newest: u64) -> Result<()> {
        let (later, kept): (Vec<u64>, Vec<u64>) =
            self.folder.steps()?.into_iter().partition(|step| *step > newest);
        later.iter().chain(kept.iter().skip(KEEP)).try_for_each(|step| self.remove(&name_of(*step)))
    }

    /// Removes a checkpoint, if it is there, by a rename first: half a checkpoint never has a checkpoint's
    /// name.
    fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.checkpoints_path().join(name);
        let aside = self.folder.checkpoints_path().join(format!("{TEMPORARY}old-{name}"));
        // What can't be removed here is removed when the run is opened next.
        let _ = fs::remove_dir_all(&aside);
        match fs::rename(&path, &aside) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(|reason| cannot("remove", &path, reason))?,
        }
        let _ = fs::remove_dir_all(&aside);
        Ok(())
    }
}

fn write_folder(folder: &Path, state: &[u8], manifest: &[u8]) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => return Err(cannot("remove", folder, reason)),
        _ => {}
    }
    fs::create_dir(folder).map_err(|reason| cannot("create the folder", folder, reason))?;
    write_synced(&folder.join(STATE), state)?;
    write_synced(&folder.join(MANIFEST), manifest)?;
    sync_folder(folder)
}

/// The line of `latest`: the name, and a hash of it, since one checkpoint's name is near another's.
fn line_naming(name: &str) -> String {
    format!("{name} {}\n", sha256(name.as_bytes()))
}

/// The step that the line names; none where it isn't as it was written. Older versions wrote no hash.
fn step_named(line: &str) -> Option<u64> {
    let name = line.trim_end().split(' ').next()?;
    step_of(name).filter(|_| line == line_naming(name) || line.trim_end() == name)
}

fn name_of(step: u64) -> String {
    format!("step-{step:09}")
}

/// The step of a checkpoint's folder; none where the name isn't one.
fn step_of(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.parse().ok()?;
    (name_of(step) == name).then_some(step)
}

#[cfg(test)]
mod tests;
