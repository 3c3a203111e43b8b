//! The settings of a run: TOML and `--set` arguments, checked once into values that can't be wrong.
//!
//! [`Settings`] is made only by checking and lends its tables only by reference, so code that holds one never
//! checks a value again. A key is declared once, in its table's file: name, type, default, range and meaning
//! give the field, its check, its documentation ([`settings_reference`]) and its line in [`Settings::to_toml`].
//!
//! ```
//! let text = "data.name = 'digits'\nmodel.kind = 'mlp'";
//! let settings = enscore::settings::Settings::parse(text, "my.toml", &["train.steps=20".to_string()])?;
//! assert_eq!(settings.train().steps, 20);
//! # Ok::<(), enscore::Error>(())
//! ```

mod compare;
mod data;
mod model;
mod objective;
mod optimiser;
mod raw;
mod reader;
mod reference;
mod sampler;
mod stability;
mod train;
mod value;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::{Error, Result};
use raw::Raw;
use reader::Reader;

pub use compare::Compare;
pub use data::{Data, Preprocess, Source};
pub use model::{
    Activation, ConvEnergy, Convolution, Dbm, Dkef, Family, GaussianEnergy, Mlp, MlpEnergy, Model,
    MultiScaleFlow, Rbm, RealNvp, ResidualEnergy, Unet, VisibleUnits,
};
pub use objective::{
    Cd, CdGibbs, ChainStart, Dsm, Fce, Ml, Nce, Ncsn, NoiseKind, Objective, Projection, Sm, Ssm, StartNoise,
};
pub use optimiser::{Decay, Descent, Optimiser};
pub use reference::{KeyReference, settings_reference};
pub use sampler::{Annealed, Gibbs, Langevin, Method, Sampler, Shown, StepRuleName, Weights};
pub use stability::Stability;
pub use train::{DecayBy, Products, Train};

/// No settings file comes near this many bytes; a larger file is something else.
const LARGEST_FILE: u64 = 1 << 20;

/// The checked settings of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    data: Data,
    model: Model,
    objective: Objective,
    optimiser: Optimiser,
    train: Train,
    stability: Stability,
    sampler: Sampler,
    /// Key and value as TOML, in the order of the tables above.
    resolved: Vec<(String, String)>,
}

impl Settings {
    /// Reads the file at `path`, then applies `sets`, each `table.key=value`, in order.
    ///
    /// # Errors
    /// [`Error::input`] where the file can't be read, isn't TOML, or any table, key or value is wrong; it names
    /// the line or the `--set` argument.
    pub fn load(path: &Path, sets: &[String]) -> Result<Settings> {
        Settings::parse(&read_text(path)?, &path.display().to_string(), sets)
    }

    /// The settings of a run at `path`, with `sets` applied for another use of it. Where these change a
    /// table's kind, the run's keys of the old kind are dropped.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn reopen(path: &Path, sets: &[String]) -> Result<Settings> {
        let mut raw = Raw::parse(&read_text(path)?, &path.display().to_string())?;
        reference::drop_other_kinds(&mut raw, sets);
        for argument in sets {
            raw.set(argument)?;
        }
        Settings::of(&raw)
    }

    /// As [`Settings::load`], from `text`; `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(text: &str, name: &str, sets: &[String]) -> Result<Settings> {
        let mut raw = Raw::parse(text, name)?;
        for argument in sets {
            raw.set(argument)?;
        }
        Settings::of(&raw)
    }

    /// The settings of everything typed.
    fn of(raw: &Raw) -> Result<Settings> {
        reference::refuse_unknown(raw)?;
        let mut reader = Reader::new(raw);
        let settings = Settings::read(&mut reader)?;
        reference::refuse_of_other_kinds(raw, &reader)?;
        Ok(settings)
    }

    /// Reads every table; shared with the reference, which is what this reads.
    fn read(reader: &mut Reader) -> Result<Settings> {
        let data = Data::read(reader)?;
        let model = Model::read(reader)?;
        let objective = Objective::read(reader, &model)?;
        let optimiser = Optimiser::read(reader)?;
        let train = Train::read(reader)?;
        let stability = Stability::read(reader)?;
        let sampler = Sampler::read(reader, model.family(), &objective)?;
        let resolved = reader.resolved();
        Ok(Settings { data, model, objective, optimiser, train, stability, sampler, resolved })
    }

    /// The training data.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The model to train.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The objective to minimise.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// How parameters are updated.
    pub fn optimiser(&self) -> &Optimiser {
        &self.optimiser
    }

    /// How long training runs and what it writes when.
    pub fn train(&self) -> &Train {
        &self.train
    }

    /// What counts as divergence, and what follows.
    pub fn stability(&self) -> &Stability {
        &self.stability
    }

    /// How samples are drawn.
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Every key with its resolved value as TOML (`("train.steps", "1000")`), in a stable order.
    pub fn resolved(&self) -> &[(String, String)] {
        &self.resolved
    }

    /// The resolved settings with every key that applies, in a stable order. Parsing it gives the same settings.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut current = "";
        for (path, value) in &self.resolved {
            let (table, key) = path.split_once('.').unwrap_or(("", path));
            if table != current {
                let gap = if current.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}[{table}]\n"));
                current = table;
            }
            text.push_str(&format!("{key} = {value}\n"));
        }
        text
    }
}

fn read_text(path: &Path) -> Result<String> {
    let unreadable = |reason: std::io::Error| {
        Error::input("can't read the settings")
            .at(path.display())
            .found(reason)
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

#[cfg(test)]
mod tests;
