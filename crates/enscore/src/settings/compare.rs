//! `[compare]`: the runs that `enscore compare` compares, each given as changes to the file's other tables.
//!
//! ```toml
//! [compare]
//! quality = 0.1                                   # relative Fisher divergence whose time is reported
//! seeds = [0, 1, 2]                               # each training once with each of these seeds
//! samples = 1000                                  # drawn of each model for the sample metrics; 0: none
//! sm = ["objective.kind=sm"]                      # name = its --set arguments
//! flow = ["model.kind=real-nvp", "objective.kind=ml"]
//! ```
//!
//! Other commands ignore the table, so the same file can also be trained as it is.

use std::path::{Path, PathBuf};

use super::load::{read_text, typed};
use super::reference::drop_other_kinds;
use super::tables::Settings;
use crate::keys::COMPARE;
use crate::text::counted;
use crate::{Error, Result};

/// The keys that aren't runs.
const QUALITY: &str = "quality";
const SEEDS: &str = "seeds";
const SAMPLES: &str = "samples";
/// The key of a training's seed.
const SEED: &str = "train.seed";
/// The relative Fisher divergence whose time is reported by default.
const DEFAULT_QUALITY: f64 = 0.1;
/// Seeds of a training, and samples of a model, at most.
const MOST_SEEDS: usize = 1000;
const MOST_SAMPLES: i64 = 1 << 20;

/// The trainings of a comparison.
#[derive(Clone, Debug)]
pub struct Compare {
    /// The relative Fisher divergence to the truth whose time is reported.
    pub quality: f64,
    /// Samples of each model that metrics are computed from; where none is given, as many as suit the rows.
    pub samples: Option<usize>,
    /// The trainings, in the order of the file.
    pub trainings: Vec<ComparedTraining>,
}

/// A training of a comparison: one run for each of its seeds.
#[derive(Clone, Debug)]
pub struct ComparedTraining {
    /// Its name in the file.
    pub name: String,
    /// Its runs, in the order of the seeds.
    pub runs: Vec<PlannedRun>,
}

/// A run of a comparison.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// The seed of its training.
    pub seed: u64,
    /// Its folder, below that of the comparison: `NAME`, of several seeds `NAME/seed-SEED`.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: Settings,
}

impl Compare {
    /// Reads the file at `path`; `sets` are applied to every training before its own changes, and `seeds`
    /// replace those of the file, if any are given.
    ///
    /// # Errors
    /// A file without the table, a value that is not what it should be, a name that can't be a folder's;
    /// seeds that are none, twice the same, or beside a training's own; whatever is wrong with a training's
    /// settings.
    pub fn load(path: &Path, sets: &[String], seeds: &[u64]) -> Result<Compare> {
        let text = read_text(path)?;
        let name = path.display().to_string();
        let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            Error::input("not valid TOML").at(&name).found(error.message())
        })?;
        let Some(toml::Value::Table(table)) = document.get(COMPARE) else {
            return Err(Error::input("nothing to compare")
                .at(&name)
                .expected("a table [compare] with a line per run")
                .remedy("add lines like sm = [\"objective.kind=sm\"]"));
        };
        let of_file = table.get(SEEDS).map(|value| listed_seeds(value, &name)).transpose()?;
        let (seeds, place) = match (seeds, of_file) {
            ([], of_file) => (of_file.unwrap_or_default(), name.clone()),
            (seeds, _) => (seeds.to_vec(), "seeds".to_string()),
        };
        refuse_repeated(&seeds, &place)?;
        let file = Source { text: &text, name: &name, sets, seeds: &seeds };
        let mut compare = Compare { quality: DEFAULT_QUALITY, samples: None, trainings: Vec::new() };
        for (key, value) in table {
            match key.as_str() {
                QUALITY => compare.quality = quality(value, &name)?,
                SAMPLES => compare.samples = Some(samples(value, &name)?),
                SEEDS => {}
                key => {
                    refuse_odd_name(key, &name)?;
                    compare.trainings.push(file.training(key, &changes(key, value, &name)?)?);
                }
            }
        }
        if compare.trainings.is_empty() {
            Err(Error::input("nothing to compare")
                .at(format!("{name}, [compare]"))
                .remedy("add lines like sm = [\"objective.kind=sm\"]"))
        } else {
            Ok(compare)
        }
    }
}

/// What all trainings of a file have in common.
struct Source<'a> {
    text: &'a str,
    name: &'a str,
    sets: &'a [String],
    seeds: &'a [u64],
}

impl Source<'_> {
    fn training(&self, name: &str, own: &[String]) -> Result<ComparedTraining> {
        let named = |error: Error| error.within(format_args!("run {name}"));
        if self.seeds.is_empty() {
            let settings = self.changed(own, &[]).map_err(named)?;
            let run = PlannedRun { seed: settings.train().seed, folder: name.into(), settings };
            return Ok(ComparedTraining { name: name.into(), runs: vec![run] });
        }
        if let Some(set) = self.sets.iter().chain(own).find(|set| sets_seed(set)) {
            return Err(Error::input("a seed beside those of all runs")
                .at(format!("{}, run {name}", self.name))
                .found(format!("{set:?}"))
                .expected(format!("the seeds {:?} alone", self.seeds))
                .remedy("remove it, or the seeds of [compare]"));
        }
        let run = |seed: &u64| {
            let settings = self.changed(own, &[format!("{SEED}={seed}")]).map_err(named)?;
            let mut folder = PathBuf::from(name);
            if self.seeds.len() > 1 {
                folder.push(format!("seed-{seed}"));
            }
            Ok(PlannedRun { seed: *seed, folder, settings })
        };
        Ok(ComparedTraining { name: name.into(), runs: self.seeds.iter().map(run).collect::<Result<_>>()? })
    }

    /// The file's settings with those of all runs, a run's own changes and its seed. Where these change a
    /// table's kind, the file's keys of the old kind are dropped.
    fn changed(&self, own: &[String], seed: &[String]) -> Result<Settings> {
        let mut raw = typed(self.text, self.name)?;
        drop_other_kinds(&mut raw, own);
        for argument in self.sets.iter().chain(own).chain(seed) {
            raw.set(argument)?;
        }
        Settings::of(&raw)
    }
}

fn sets_seed(set: &str) -> bool {
    set.split('=').next().is_some_and(|key| key.trim() == SEED)
}

fn quality(value: &toml::Value, file: &str) -> Result<f64> {
    let number = value.as_float().or(value.as_integer().map(|integer| integer as f64));
    number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| {
        Error::input("wrong value for compare.quality").at(file).found(value).expected("a number above 0")
    })
}

fn samples(value: &toml::Value, file: &str) -> Result<usize> {
    let number = value.as_integer().filter(|number| *number == 0 || (2..=MOST_SAMPLES).contains(number));
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
        Error::input("wrong value for compare.samples")
            .at(file)
            .found(value)
            .expected(format!("a whole number of samples, 2 to {MOST_SAMPLES}, or 0 for no sample metrics"))
            .remedy("if it is a run, give it another name")
    })
}

fn listed_seeds(value: &toml::Value, file: &str) -> Result<Vec<u64>> {
    let wrong = || {
        Error::input("wrong value for compare.seeds")
            .at(file)
            .found(value)
            .expected("a list of whole numbers of at least 0, such as [0, 1, 2]")
            .remedy("if it is a run, give it another name")
    };
    let items = value.as_array().filter(|items| !items.is_empty()).ok_or_else(wrong)?;
    let seed = |item: &toml::Value| item.as_integer().and_then(|seed| u64::try_from(seed).ok());
    items.iter().map(|item| seed(item).ok_or_else(wrong)).collect()
}

/// Two runs of one seed are the same run: their spread would say nothing.
fn refuse_repeated(seeds: &[u64], place: &str) -> Result<()> {
    let wrong = || Error::input("wrong seeds for a comparison").at(place);
    if seeds.len() > MOST_SEEDS {
        return Err(wrong()
            .found(counted(seeds.len(), "seed", "seeds"))
            .expected(format!("at most {MOST_SEEDS}")));
    }
    let first_repeated = seeds.iter().enumerate().find(|(at, seed)| seeds[..*at].contains(seed));
    match first_repeated {
        Some((_, seed)) => Err(wrong().found(format!("{seed} more than once")).expected("different seeds")),
        None => Ok(()),
    }
}

/// A run's name is also the name of its folder.
fn refuse_odd_name(name: &str, file: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if !name.starts_with('.') && !name.is_empty() && name.chars().all(fits) {
        Ok(())
    } else {
        Err(Error::input("a run in [compare] needs a name that can be a folder's")
            .at(format!("{file}, [compare]"))
            .found(format!("{name:?}"))
            .expected("letters, digits and - _ . +"))
    }
}

fn changes(key: &str, value: &toml::Value, file: &str) -> Result<Vec<String>> {
    let wrong = || {
        Error::input(format!("wrong value for compare.{key}"))
            .at(file)
            .found(value)
            .expected("a list of \"table.key=value\"")
    };
    let items = value.as_array().ok_or_else(wrong)?;
    items.iter().map(|item| item.as_str().map(str::to_string).ok_or_else(wrong)).collect()
}
