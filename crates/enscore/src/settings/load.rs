//! Reads settings from a file, a text and `--set` arguments, and refuses what no table knows.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::reference::{self, nearest_of_all};
use super::tables::Settings;
use super::train::Train;
use crate::data::DataSettings;
use crate::keys::{Raw, Reader};
use crate::{Error, Reason, Result};

/// No settings file is near this many bytes: what is larger is some other file.
pub(super) const LARGEST_FILE: u64 = 1 << 20;

impl Settings {
    /// Reads the file at `path`, then applies `sets`, each `table.key=value`, in order. Where these change a
    /// table's kind, the file's keys that the new kind has not are left out ([`Settings::notes`]).
    ///
    /// # Errors
    /// [`Error::input`] where the file can't be read, isn't TOML, or any table, key or value is wrong; it
    /// names the line or the `--set` argument.
    pub fn load(path: &Path, sets: &[String]) -> Result<Settings> {
        Settings::parse(&read_text(path)?, &path.display().to_string(), sets)
    }

    /// The tables `[data]` and `[train]` of the file at `path`, with `sets`; the others may be missing.
    ///
    /// # Errors
    /// As [`Settings::load`], of these tables, and keys that no table knows.
    pub fn load_data(path: &Path, sets: &[String]) -> Result<(DataSettings, Train)> {
        let mut raw = typed(&read_text(path)?, &path.display().to_string())?;
        for argument in sets {
            raw.set(argument)?;
        }
        reference::refuse_unknown(&raw)?;
        let mut reader = Reader::new(&raw);
        Ok((DataSettings::read(&mut reader)?, Train::read(&mut reader)?))
    }

    /// The settings of a run, at `path`, with `sets` for another use of it: where these change a table's
    /// kind, the run's keys of the other kind don't count.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn reopen(path: &Path, sets: &[String]) -> Result<Settings> {
        let mut raw = typed(&read_text(path)?, &path.display().to_string())?;
        raw.run = Some(raw.recorded());
        reference::drop_other_kinds(&mut raw, sets);
        for argument in sets {
            raw.set(argument)?;
        }
        Settings::of(&raw)
    }

    /// As [`Settings::load`], to go on with the run whose settings stand at `run`: keys that it was written
    /// without, and that the file leaves out, have the values that it was trained with.
    ///
    /// # Errors
    /// As [`Settings::load`]; settings of the run that can't be read.
    pub fn load_to_resume(path: &Path, sets: &[String], run: &Path) -> Result<Settings> {
        let mut raw = typed(&read_text(path)?, &path.display().to_string())?;
        let notes = reference::replace_kinds(&mut raw, sets);
        for argument in sets {
            raw.set(argument)?;
        }
        raw.run = Some(typed(&read_text(run)?, &run.display().to_string())?.recorded());
        Ok(Settings::of(&raw)?.with_notes(notes))
    }

    /// As [`Settings::load`], from `text`; `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(text: &str, name: &str, sets: &[String]) -> Result<Settings> {
        let mut raw = typed(text, name)?;
        let notes = reference::replace_kinds(&mut raw, sets);
        for argument in sets {
            raw.set(argument)?;
        }
        Ok(Settings::of(&raw)?.with_notes(notes))
    }

    /// The settings of everything typed.
    pub(super) fn of(raw: &Raw) -> Result<Settings> {
        reference::refuse_unknown(raw)?;
        let mut reader = Reader::new(raw);
        let settings = Settings::read(&mut reader)?;
        reference::refuse_of_other_kinds(raw, &reader)?;
        Ok(settings)
    }
}

/// What stands in `text`; `name` stands for it in errors.
pub(super) fn typed(text: &str, name: &str) -> Result<Raw> {
    Raw::parse(text, name, nearest_of_all)
}

pub(super) fn read_text(path: &Path) -> Result<String> {
    let unreadable = |reason: std::io::Error| {
        Error::new(Reason::Unreadable, "can't read the settings")
            .at(path.display())
            .found_error(reason)
            .remedy("give a readable TOML file")
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Error::input("not a settings file")
            .at(path.display())
            .found(format!("more than {LARGEST_FILE} bytes"))
            .expected("a TOML file of a few lines"));
    }
    String::from_utf8(bytes).map_err(|error| {
        Error::input("not a settings file")
            .at(format!("{}, byte {}", path.display(), error.utf8_error().valid_up_to()))
            .found("bytes that aren't UTF-8")
            .expected("a TOML file")
    })
}
