//! A model to ask, however it is kept: a run, or a small model file. Drawing from it, scoring rows and
//! finding log Z are the same calls for both.

use std::path::Path;

use crate::data::{Split, load_held_out, load_with, rows_of};
use crate::error::{Error, Result};
use crate::evaluate::{
    LogZOrigin, LogZSettings, Normaliser, RowScores, Tell, ising_log_z_estimate, learning_rows_for,
    log_z_estimate, rows_for, score_rows, unit_rows,
};
use crate::ising::chains::SpinChain;
use crate::ising::{IsingModel, spin_rows};
use crate::model::Bipartite;
use crate::report::image_shape;
use crate::sample::{
    Drawn, FileDrawing, ModelFile, RbmFile, RowMap, WeightedBipartite, draw, draw_from_file,
};
use crate::trained::Trained;

/// Samples of a model file, and steps of their chains, where no number is given.
const FILE_SAMPLES: usize = 64;
const FILE_STEPS: u64 = 1000;

/// Where a model is.
pub enum ModelSource {
    /// The folder of a run, opened.
    Run(Box<Trained>),
    /// A model file, read.
    File(ModelFile),
}

/// What samples are asked for. What is left open is for the run's settings, or a default of model files, to
/// say.
#[derive(Clone, Copy, Debug, Default)]
pub struct SamplesAsked {
    /// The number of samples.
    pub count: Option<usize>,
    /// The seed.
    pub seed: u64,
    /// Chains whose trajectory is kept; runs only.
    pub trajectories: usize,
    /// Steps of each chain; model files only.
    pub steps: Option<u64>,
    /// How spins move; Ising models only.
    pub chain: Option<SpinChain>,
}

/// Samples, as they are written and as they are shown.
pub struct Samples {
    /// The rows in the units of the data: `[count, ..row_shape]`.
    pub rows: Vec<f32>,
    /// What pictures show, each value from 0 to 1: `[count, ..row_shape]`.
    pub shown: Vec<f32>,
    /// The trajectory and how proposals fared.
    pub drawn: Drawn,
}

/// The rows' scores, and the log Z that their log densities are known up to.
pub struct Scored {
    /// A column for each thing that is known of rows.
    pub scores: RowScores,
    /// log Z, if it is given or known.
    pub normaliser: Option<Normaliser>,
    /// A name for each row, where the source has them: the files of a folder.
    pub names: Option<Vec<String>>,
    /// What was noticed in reading the rows, a line each.
    pub notes: Vec<String>,
}

impl ModelSource {
    /// Opens the run or reads the model file at `path`; `overrides` change keys of a run's `[sampler]`.
    ///
    /// # Errors
    /// As [`Trained::open`] and [`ModelFile::read`]; overrides of a file.
    pub fn open(path: &Path, overrides: &[String]) -> Result<ModelSource> {
        if !ModelFile::is_at(path) {
            return Ok(ModelSource::Run(Box::new(Trained::open(path, overrides)?)));
        }
        match overrides.first() {
            Some(first) => {
                Err(Error::input("a model file has no settings to override").at(format!("override {first}")))
            }
            None => Ok(ModelSource::File(ModelFile::read(path)?)),
        }
    }

    /// The extents of a sample.
    pub fn row_shape(&self) -> Vec<usize> {
        match self {
            ModelSource::Run(trained) => trained.model.data.row_shape.clone(),
            ModelSource::File(file) => file.row_shape(),
        }
    }

    /// The names of a sample's values, where the columns of the data have some.
    pub fn value_names(&self) -> Option<Vec<String>> {
        match self {
            ModelSource::Run(trained) => trained.model.data.value_names(),
            ModelSource::File(_) => None,
        }
    }

    /// The extents of a picture of a sample, `[height, width, channels]`, if it can be shown as one. Units
    /// of a file are shown as a square where they fill one.
    pub fn picture_shape(&self) -> Option<[usize; 3]> {
        let shape = self.row_shape();
        match (self, &shape[..]) {
            (ModelSource::File(_), [units]) if units.isqrt().pow(2) == *units => {
                Some([units.isqrt(), units.isqrt(), 1])
            }
            _ => image_shape(&shape),
        }
    }

    /// How many samples are drawn where this many are asked for.
    pub fn count(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or_else(|| match self {
            ModelSource::Run(trained) => trained.settings.sampler().count,
            ModelSource::File(_) => FILE_SAMPLES,
        })
    }

    /// Steps of each chain of a model file.
    pub fn file_steps(asked: &SamplesAsked) -> u64 {
        asked.steps.unwrap_or(FILE_STEPS)
    }

    /// Draws samples. `progress` is told how many steps of how many are done, and may end the drawing.
    ///
    /// # Errors
    /// As [`draw`] and [`draw_from_file`].
    pub fn draw(
        &self,
        asked: &SamplesAsked,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Samples> {
        let count = self.count(asked.count);
        match self {
            ModelSource::Run(trained) => {
                let model = &trained.model;
                let sampler = trained.settings.sampler();
                let chains = asked.trajectories.min(count);
                let drawn = draw(model, sampler, count, asked.seed, chains, progress)?;
                Ok(Samples { rows: model.raw_rows(&drawn.rows)?, shown: drawn.shown().to_vec(), drawn })
            }
            ModelSource::File(file) => {
                let SamplesAsked { seed, chain, .. } = *asked;
                let drawing = FileDrawing { count, steps: Self::file_steps(asked), seed, chain };
                let drawn = draw_from_file(file, drawing, progress)?;
                let rows = match file {
                    ModelFile::Rbm(RbmFile { rows: Some(map), model, .. }) => {
                        map.raw(&drawn.rows, model.first_width())?
                    }
                    _ => drawn.rows.clone(),
                };
                Ok(Samples { rows, shown: file.shown(&drawn.rows), drawn })
            }
        }
    }

    /// Scores the rows of `data`, by a log Z that is given or the one that is known of the model at `path`.
    ///
    /// # Errors
    /// Rows that don't fit the model; a log Z for a score network.
    pub fn score(&self, path: &Path, data: &str, log_z: Option<f64>) -> Result<Scored> {
        match self {
            ModelSource::Run(trained) => {
                let normaliser = match log_z {
                    Some(_) if !trained.model.model.has_density() => {
                        return Err(Error::input("a score network has no log Z")
                            .at("log_z")
                            .remedy("leave it out; the norm of the score is written"));
                    }
                    Some(log_z) => Some(Normaliser::new(log_z, LogZOrigin::Given, None, trained.step)),
                    None => Normaliser::known(path, trained)?,
                };
                let rows = rows_for(trained, data)?;
                let notes = rows.dataset().notes().to_vec();
                let names = rows.dataset().row_names().map(<[String]>::to_vec);
                Ok(Scored { scores: score_rows(trained, &rows)?, normaliser, names, notes })
            }
            ModelSource::File(file) => {
                let (fingerprint, log_density) = log_densities(file, data)?;
                let normaliser = match log_z {
                    Some(log_z) => {
                        let given = Normaliser::new(log_z, LogZOrigin::Given, None, 0);
                        Some(Normaliser { fingerprint: Some(fingerprint), ..given })
                    }
                    None => Normaliser::known_of_file(path, &fingerprint)?,
                };
                let scores = RowScores { log_density: Some(log_density), ..RowScores::default() };
                Ok(Scored { scores, normaliser, names: None, notes: Vec::new() })
            }
        }
    }

    /// What a machine of units says of rows, as features: the mean of each unit of its second side given each
    /// row of `data`: `[rows, units]`, and the number of units.
    ///
    /// # Errors
    /// A model without hidden units; rows that don't fit it.
    pub fn features(&self, data: &str) -> Result<(Vec<f64>, usize)> {
        let none = || {
            Error::input("only a Boltzmann machine has hidden units")
                .at("features")
                .expected("model.kind = \"rbm\" or \"dbm\"")
        };
        match self {
            ModelSource::Run(trained) => {
                let target = WeightedBipartite::of(&trained.model)?.ok_or_else(none)?;
                let rows = rows_of(&rows_for(trained, data)?, usize::MAX)?;
                Ok((target.hidden_means(&rows)?, target.model.second_width()))
            }
            ModelSource::File(ModelFile::Rbm(file)) => {
                let target = file.weighted()?;
                let rows = rows_of_machine(file, &target, data, Split::Test)?;
                Ok((target.hidden_means(&rows)?, target.model.second_width()))
            }
            ModelSource::File(ModelFile::Ising(_)) => Err(none()),
        }
    }

    /// log Z by annealing or exactly; `data` gives the rows that the base of the annealing is fitted to.
    ///
    /// # Errors
    /// A model without two sides of units, rows that don't fit it, an answer that is too wide.
    pub fn log_z(
        &self,
        path: &Path,
        data: Option<&str>,
        settings: &LogZSettings,
        tell: &mut Tell,
    ) -> Result<Normaliser> {
        match self {
            ModelSource::Run(trained) => {
                let Some(target) = WeightedBipartite::of(&trained.model)? else {
                    return Err(Error::input("this command can't compute log Z of this kind of model")
                        .at(path.display())
                        .expected("a bipartite model such as a restricted Boltzmann machine")
                        .remedy(
                            "use `enscore score`: it uses quadrature or the learnt log Z where available",
                        ));
                };
                let rows = data.map(|source| rows_of(&learning_rows_for(trained, source)?, usize::MAX));
                let estimate = log_z_estimate(&target, rows.transpose()?.as_deref(), settings, tell)?;
                Ok(Normaliser::estimated(&estimate, trained.step, None))
            }
            ModelSource::File(ModelFile::Rbm(file)) => machine_log_z(file, data, settings, tell),
            ModelSource::File(ModelFile::Ising(model)) => ising_log_z(model, data, settings, tell),
        }
    }
}

/// The model's fingerprint, and the log density of each row of `data`, nats up to log Z.
fn log_densities(file: &ModelFile, data: &str) -> Result<(String, Vec<f64>)> {
    match file {
        ModelFile::Rbm(file) => {
            let target = file.weighted()?;
            let rows = rows_of_machine(file, &target, data, Split::Test)?;
            let log_volume = file.rows.as_ref().map_or(0.0, RowMap::log_volume);
            let values = target.log_densities(&rows)?.into_iter().map(|f| f + log_volume).collect();
            Ok((target.fingerprint()?, values))
        }
        ModelFile::Ising(model) => {
            let rows = spin_rows(model, data)?;
            let values: Result<_> = rows.chunks(model.sites()).map(|row| model.log_density(row)).collect();
            Ok((model.fingerprint(), values?))
        }
    }
}

/// Rows as the units of a file take them.
fn rows_of_machine(
    file: &RbmFile,
    target: &WeightedBipartite,
    source: &str,
    split: Split,
) -> Result<Vec<f32>> {
    let Some(map) = &file.rows else { return unit_rows(target, source, split) };
    let reading = map.reading();
    let data = if split == Split::Test {
        load_held_out(source, &reading)?
    } else {
        load_with(source, split, &reading)?
    };
    map.rows(&data)
}

fn machine_log_z(
    file: &RbmFile,
    data: Option<&str>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<Normaliser> {
    let target = file.weighted()?;
    let rows = data.map(|source| rows_of_machine(file, &target, source, Split::Train)).transpose()?;
    let estimate = log_z_estimate(&target, rows.as_deref(), settings, tell)?;
    Ok(Normaliser::estimated(&estimate, 0, Some(target.fingerprint()?)))
}

fn ising_log_z(
    model: &IsingModel,
    data: Option<&str>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<Normaliser> {
    if data.is_some() {
        return Err(Error::input("Ising models are annealed from the uniform base only")
            .at("data")
            .remedy("leave it out"));
    }
    let estimate = ising_log_z_estimate(model, settings, tell)?;
    Ok(Normaliser::estimated(&estimate, 0, Some(model.fingerprint())))
}
