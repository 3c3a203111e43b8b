//! All tables of a run's settings, checked.

use super::data::Data;
use super::model::Model;
use super::objective::Objective;
use super::optimiser::Optimiser;
use super::reading::Reader;
use super::sampler::Sampler;
use super::stability::Stability;
use super::train::Train;
use crate::Result;

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
    /// Reads every table; shared with the reference, which is what this reads.
    pub(super) fn read(reader: &mut Reader) -> Result<Settings> {
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

    /// What is trained.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What is minimised.
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
