//! All tables of a run's settings, checked.

use super::optimiser::Optimiser;
use super::stability::Stability;
use super::train::Train;
use crate::Result;
use crate::data::DataSettings;
use crate::keys::Reader;
use crate::model::ModelSettings;
use crate::objective::ObjectiveSettings;
use crate::sample::Sampler;

/// The checked settings of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    data: DataSettings,
    model: ModelSettings,
    objective: ObjectiveSettings,
    optimiser: Optimiser,
    train: Train,
    stability: Stability,
    sampler: Sampler,
    /// Key and value as TOML, in the order of the tables above.
    resolved: Vec<(String, String)>,
    /// What of the file was left out, a line each.
    notes: Vec<String>,
}

impl Settings {
    /// Reads every table.
    pub(super) fn read(reader: &mut Reader) -> Result<Settings> {
        let data = DataSettings::read(reader)?;
        let model = ModelSettings::read(reader)?;
        let objective = ObjectiveSettings::read(reader, &model)?;
        let optimiser = Optimiser::read(reader)?;
        let train = Train::read(reader)?;
        let stability = Stability::read(reader)?;
        let facts = objective.method().sampling(model.method().family());
        let sampler = Sampler::read(reader, &facts)?;
        let resolved = reader.resolved();
        Ok(Settings {
            data,
            model,
            objective,
            optimiser,
            train,
            stability,
            sampler,
            resolved,
            notes: Vec::new(),
        })
    }

    /// Reads the keys of every table and every kind, for the reference.
    pub(super) fn read_all(reader: &mut Reader) -> Result<()> {
        DataSettings::read(reader)?;
        ModelSettings::TABLE.read_all(reader)?;
        ObjectiveSettings::TABLE.read_all(reader)?;
        Optimiser::read(reader)?;
        Train::read(reader)?;
        Stability::read(reader)?;
        Sampler::read_all(reader)
    }

    /// The training data.
    pub fn data(&self) -> &DataSettings {
        &self.data
    }

    /// What is trained.
    pub fn model(&self) -> &ModelSettings {
        &self.model
    }

    /// What is minimised.
    pub fn objective(&self) -> &ObjectiveSettings {
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

    pub(super) fn with_notes(self, notes: Vec<String>) -> Settings {
        Settings { notes, ..self }
    }

    /// What of the file was left out because overrides chose another kind, a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Every key with its resolved value as TOML (`("train.steps", "1000")`), in a stable order.
    pub fn resolved(&self) -> &[(String, String)] {
        &self.resolved
    }

    /// The resolved settings with every key that applies, in a stable order. Parsing it gives the same
    /// settings.
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
