//! A model to ask, however it is kept: a run, or a small model file. Drawing from it, scoring rows and
//! finding log Z are the same calls for both.

use std::path::Path;

use crate::data::{Split, load_held_out, load_with, rows_of};
use crate::error::{Error, Result};
use crate::evaluate::{
    LogZOrigin, LogZSettings, Normaliser, RowScores, Tell, energy_log_z_estimate, ising_log_z_estimate,
    learning_rows_for, log_unit, log_z_estimate, rows_for, run_data, score_rows, unit_rows,
};
use crate::ising::chains::SpinChain;
use crate::ising::{IsingModel, spin_rows};
use crate::model::Network;
use crate::report::image_shape;
use crate::sample::{
    Drawn, FileDrawing, LatentCoder, ModelFile, RbmFile, RowMap, SpinAverages, TrainedDensity,
    WeightedBipartite, draw, draw_from_file, draw_spins,
};
use crate::trained::Trained;

/// Samples of a model file, and steps of their chains, where no number is given.
const FILE_SAMPLES: usize = 64;
const FILE_STEPS: u64 = 1000;
/// Rows that the base of an energy is fitted to, at most.
const MOST_BASE_ROWS: usize = 60_000;

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
    /// What chains of spins came to.
    pub averages: Option<SpinAverages>,
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
        ModelFile::read_with(path, overrides).map(ModelSource::File)
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
            ModelSource::File(ModelFile::Rbm(file)) => file.rows.as_ref().and_then(RowMap::value_names),
            ModelSource::File(ModelFile::Ising(_)) => None,
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
                Ok(Samples { rows: model.raw_rows(&drawn.rows)?, drawn, averages: None })
            }
            ModelSource::File(file) => {
                let SamplesAsked { seed, chain, .. } = *asked;
                let drawing = FileDrawing { count, steps: asked.file_steps(), seed, chain };
                let (mut drawn, averages) = match file {
                    ModelFile::Ising(model) => {
                        let (drawn, averages) = draw_spins(model, drawing, progress)?;
                        (drawn, Some(averages))
                    }
                    ModelFile::Rbm(_) => (draw_from_file(file, drawing, progress)?, None),
                };
                let raw = match file {
                    ModelFile::Rbm(file) => Some(file.raw_rows(&drawn.rows)?),
                    ModelFile::Ising(_) => None,
                };
                let shown = file.shown(&drawn.rows);
                let rows = std::mem::replace(&mut drawn.rows, shown);
                Ok(Samples { rows: raw.unwrap_or(rows), drawn, averages })
            }
        }
    }

    /// Scores the rows of `data`, by a log Z that is given or the one that is known of the model at `path`; a
    /// latent variable model by `draws` importance-weighted draws of each row.
    ///
    /// # Errors
    /// Rows that don't fit the model; a log Z for a score network.
    pub fn score(&self, path: &Path, data: &str, log_z: Option<f64>, draws: usize) -> Result<Scored> {
        match self {
            ModelSource::Run(trained) => {
                let normaliser = match log_z {
                    Some(_) if !trained.model.model.has_density() => {
                        return Err(Error::input("a model without a log density has no log Z")
                            .at("log_z")
                            .found(trained.settings.model().method().noun())
                            .remedy("leave it out"));
                    }
                    Some(log_z) => Some(Normaliser::new(log_z, LogZOrigin::Given, None, trained.step)),
                    None => Normaliser::known(path, trained)?,
                };
                let rows = rows_for(trained, data)?;
                let notes = rows.dataset().notes().to_vec();
                let names = rows.dataset().row_names().map(<[String]>::to_vec);
                Ok(Scored { scores: score_rows(trained, &rows, draws)?, normaliser, names, notes })
            }
            ModelSource::File(file) => {
                let (fingerprint, log_density, of_bits) = log_densities(file, data)?;
                let normaliser = match log_z {
                    Some(log_z) => {
                        let given = Normaliser::new(log_z, LogZOrigin::Given, None, 0);
                        Some(Normaliser { fingerprint: Some(fingerprint), ..given })
                    }
                    None => Normaliser::known_of_file(path, &fingerprint)?,
                };
                let unit = log_unit(of_bits);
                let scores = RowScores { log_density: Some(log_density), unit, ..RowScores::default() };
                Ok(Scored { scores, normaliser, names: None, notes: Vec::new() })
            }
        }
    }

    /// What a model says of rows, as features: the mean of each hidden unit of a machine, or of each latent
    /// variable under the encoder, given each row of `data`: `[rows, units]`, and the number of units.
    ///
    /// # Errors
    /// A model without hidden units or latent variables; rows that don't fit it.
    pub fn features(&self, data: &str) -> Result<(Vec<f64>, usize)> {
        let none = || {
            Error::input("this model has neither hidden units nor latent variables")
                .at("features")
                .expected("a Boltzmann machine or a latent variable model")
        };
        match self {
            ModelSource::Run(trained) => {
                if let Some(coder) = LatentCoder::of(&trained.model) {
                    let means = coder.encode(&rows_of(&rows_for(trained, data)?, usize::MAX)?)?;
                    return Ok((means.into_iter().map(f64::from).collect(), coder.latents()));
                }
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

    /// log Z by annealing or exactly; `data` gives the rows that the base of the annealing is fitted to,
    /// else, for an energy, the rows that the run learnt from.
    ///
    /// # Errors
    /// A score network or a flow, rows that don't fit the model, an answer that is too wide.
    pub fn log_z(
        &self,
        path: &Path,
        data: Option<&str>,
        settings: &LogZSettings,
        tell: &mut Tell,
    ) -> Result<Normaliser> {
        match self {
            ModelSource::Run(trained) => run_log_z(path, trained, data, settings, tell),
            ModelSource::File(ModelFile::Rbm(file)) => machine_log_z(file, data, settings, tell),
            ModelSource::File(ModelFile::Ising(model)) => ising_log_z(model, data, settings, tell),
        }
    }
}

/// The model's fingerprint, the log density of each row of `data`, nats up to log Z, and whether rows are
/// bits.
fn log_densities(file: &ModelFile, data: &str) -> Result<(String, Vec<f64>, bool)> {
    match file {
        ModelFile::Rbm(file) => {
            let target = file.weighted()?;
            let rows = rows_of_machine(file, &target, data, Split::Test)?;
            let log_volume = file.rows.as_ref().map_or(0.0, RowMap::log_volume);
            let values = target.log_densities(&rows)?.into_iter().map(|f| f + log_volume).collect();
            Ok((target.fingerprint()?, values, target.is_binary()))
        }
        ModelFile::Ising(model) => {
            let rows = spin_rows(model, data)?;
            let values: Result<_> = rows.chunks(model.sites()).map(|row| model.log_density(row)).collect();
            Ok((model.fingerprint(), values?, true))
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
    map.rows(&data, target.is_binary())
}

fn run_log_z(
    path: &Path,
    trained: &Trained,
    data: Option<&str>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<Normaliser> {
    let rows = |source: &str| rows_of(&learning_rows_for(trained, source)?, usize::MAX);
    let given = data.map(rows).transpose()?;
    if let Some(target) = WeightedBipartite::of(&trained.model)? {
        let estimate = log_z_estimate(&target, given.as_deref(), settings, tell)?;
        return Ok(Normaliser::estimated(&estimate, trained.step, None));
    }
    if !matches!(trained.model.model, Network::Energy(_)) {
        let remedy = match &trained.model.model {
            model if model.is_normalised() => "it is normalised: its log Z is 0",
            Network::Generator(_) => "a generator has no density",
            _ => "a score has no log density",
        };
        return Err(Error::input("this model has no log Z to estimate")
            .at(path.display())
            .expected("an energy, a Boltzmann machine or an Ising model")
            .remedy(remedy));
    }
    let rows = match given {
        Some(rows) => rows,
        None => rows_of(&run_data(trained, None)?.training, MOST_BASE_ROWS)?,
    };
    let mut density = TrainedDensity::new(&trained.model)?;
    let estimate = energy_log_z_estimate(&mut density, &rows, settings, tell)?;
    Ok(Normaliser::estimated(&estimate, trained.step, None))
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
