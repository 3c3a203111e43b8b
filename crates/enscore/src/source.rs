//! A model to ask, however it is kept: a run, or a small model file. Drawing from it, scoring rows and
//! finding log Z are the same calls for both.

use std::path::Path;

use crate::data::{Split, rows_of};
use crate::error::{Error, Result};
use crate::evaluate::{
    LogZOrigin, LogZSettings, Normaliser, RowScores, Tell, ising_log_z_estimate, learning_rows_for,
    log_z_estimate, rows_for, score_rows, unit_rows,
};
use crate::ising::chains::SpinChain;
use crate::ising::{IsingModel, spin_rows};
use crate::report::image_shape;
use crate::sample::{Drawn, FileDrawing, ModelFile, RbmFile, WeightedBipartite, draw, draw_from_file};
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

/// Samples, as they are written and as they were drawn.
pub struct Samples {
    /// The rows in the units of the data: `[count, ..row_shape]`.
    pub rows: Vec<f32>,
    /// The rows as the model has them, which pictures show ([`Drawn::shown`]), the trajectory, and how
    /// proposals fared. Spins are 0 and 1 here.
    pub drawn: Drawn,
}

impl SamplesAsked {
    /// Steps of each chain of a model file.
    pub fn file_steps(&self) -> u64 {
        self.steps.unwrap_or(FILE_STEPS)
    }
}

/// The rows' scores, and the log Z that their log densities are known up to.
pub struct Scored {
    /// A column for each thing that is known of rows.
    pub scores: RowScores,
    /// log Z, if it is given or known.
    pub normaliser: Option<Normaliser>,
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
                Ok(Samples { rows: model.raw_rows(&drawn.rows)?, drawn })
            }
            ModelSource::File(file) => {
                let SamplesAsked { seed, chain, .. } = *asked;
                let drawing = FileDrawing { count, steps: asked.file_steps(), seed, chain };
                let mut drawn = draw_from_file(file, drawing, progress)?;
                let shown = file.shown(&drawn.rows);
                let rows = std::mem::replace(&mut drawn.rows, shown);
                Ok(Samples { rows, drawn })
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
                Ok(Scored { scores: score_rows(trained, &rows_for(trained, data)?)?, normaliser })
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
                Ok(Scored { scores, normaliser })
            }
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
                    let kind = trained.settings.model().name();
                    return Err(Error::input(
                        "log Z is computed for Boltzmann machines and Ising models only",
                    )
                    .at(path.display())
                    .found(format!("a run of kind {kind}"))
                    .remedy("use `enscore score`, which takes log Z by quadrature or as learnt, if known"));
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
            let rows = unit_rows(&target, data, Split::Test)?;
            Ok((target.fingerprint()?, target.log_densities(&rows)?))
        }
        ModelFile::Ising(model) => {
            let rows = spin_rows(model, data)?;
            let values: Result<_> = rows.chunks(model.sites()).map(|row| model.log_density(row)).collect();
            Ok((model.fingerprint(), values?))
        }
    }
}

fn machine_log_z(
    file: &RbmFile,
    data: Option<&str>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<Normaliser> {
    let target = file.weighted()?;
    let rows = data.map(|source| unit_rows(&target, source, Split::Train)).transpose()?;
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
