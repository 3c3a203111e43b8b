//! `[compare]`: the runs that `enscore compare` compares, each given as changes to the file's other tables.
//!
//! ```toml
//! [compare]
//! quality = 0.1                                   # relative Fisher divergence whose time is reported
//! sm = ["objective.kind=sm"]                      # name = its --set arguments
//! flow = ["model.kind=real-nvp", "objective.kind=ml"]
//! ```
//!
//! Other commands ignore the table, so the same file can also be trained as it is.

use std::path::Path;

use super::load::{read_text, typed};
use super::reference::drop_other_kinds;
use super::tables::Settings;
use crate::keys::COMPARE;
use crate::{Error, Result};

/// The one key that isn't a run.
const QUALITY: &str = "quality";
/// The relative Fisher divergence whose time is reported by default.
const DEFAULT_QUALITY: f64 = 0.1;

/// The trainings of a comparison.
#[derive(Clone, Debug)]
pub struct Compare {
    /// The relative Fisher divergence to the truth whose time is reported.
    pub quality: f64,
    /// Each training's name and settings, in the order of the file.
    pub trainings: Vec<(String, Settings)>,
}

impl Compare {
    /// Reads the file at `path`; `sets` are applied to every training before its own changes.
    ///
    /// # Errors
    /// A file without the table, a value that is not what it should be, a name that can't be a folder's;
    /// whatever is wrong with a training's settings.
    pub fn load(path: &Path, sets: &[String]) -> Result<Compare> {
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
        let mut compare = Compare { quality: DEFAULT_QUALITY, trainings: Vec::new() };
        for (key, value) in table {
            if key == QUALITY {
                compare.quality = quality(value, &name)?;
                continue;
            }
            refuse_odd_name(key, &name)?;
            let own = changes(key, value, &name)?;
            let settings =
                changed(&text, &name, sets, &own).map_err(|error| error.within(format_args!("run {key}")))?;
            compare.trainings.push((key.clone(), settings));
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

/// The file's settings with `sets` and a run's own changes. Where it changes a table's kind, the file's keys
/// of the old kind are dropped.
fn changed(text: &str, name: &str, sets: &[String], own: &[String]) -> Result<Settings> {
    let mut raw = typed(text, name)?;
    drop_other_kinds(&mut raw, own);
    for argument in sets.iter().chain(own) {
        raw.set(argument)?;
    }
    Settings::of(&raw)
}

fn quality(value: &toml::Value, file: &str) -> Result<f64> {
    let number = value.as_float().or(value.as_integer().map(|integer| integer as f64));
    number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| {
        Error::input("wrong value for compare.quality").at(file).found(value).expected("a number above 0")
    })
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
