//! log Z of a trained energy, where it is known: learnt with the model, 0 of a flow, by quadrature in one and
//! two dimensions, given by the user, or estimated ([`super::log_z_estimate()`]). It is kept beside the
//! model: as `log_z.json` in a run's folder, as `NAME.log_z.json` beside a model file `NAME.toml`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fitted_grid::fitted_log_z;
use super::grid::Window;
use super::log_z_estimate::LogZEstimate;
use super::quadrature::{LogZ, QuadratureSettings};
use crate::error::{Error, Reason, Result};
use crate::files::{check_json, sealed_json, write_bytes_atomically};
use crate::model::Network;
use crate::sample::TrainedDensity;
use crate::trained::Trained;

/// How log Z became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogZOrigin {
    /// A parameter of the training: noise or flow contrastive estimation.
    Learnt,
    /// The model is normalised.
    Normalised,
    /// Computed by quadrature.
    Quadrature,
    /// Given by the user.
    Given,
    /// Estimated or computed exactly: see the estimate.
    Estimated,
}

/// log Z with where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normaliser {
    /// log Z of exp(f / T) over the scaled data's space, nats.
    pub log_z: f64,
    /// Where it comes from.
    pub origin: LogZOrigin,
    /// A bound on its error or its standard error, where one is known, nats.
    pub error: Option<f64>,
    /// The step of the checkpoint that it belongs to; 0 of a model file.
    pub step: u64,
    /// The weights that it belongs to ([`crate::sample::WeightedBipartite::fingerprint`]), of a model file.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// How it was estimated.
    #[serde(default)]
    pub estimate: Option<LogZEstimate>,
}

impl Normaliser {
    /// A log Z that is known without an estimate.
    pub fn new(log_z: f64, origin: LogZOrigin, error: Option<f64>, step: u64) -> Normaliser {
        Normaliser { log_z, origin, error, step, fingerprint: None, estimate: None }
    }

    /// An estimate of the model at `step`, or of the weights with this fingerprint.
    pub fn estimated(estimate: &LogZEstimate, step: u64, fingerprint: Option<String>) -> Normaliser {
        let log_z = estimate.log_z;
        let error = Some(estimate.std_err);
        let estimate = Some(estimate.clone());
        Normaliser { log_z, origin: LogZOrigin::Estimated, error, step, fingerprint, estimate }
    }

    /// What is known of the normaliser of `trained`, whose run is at `path`: what is kept beside the model
    /// for this step, else what training learnt, else quadrature.
    ///
    /// # Errors
    /// A density that can't be integrated.
    pub fn known(path: &Path, trained: &Trained) -> Result<Option<Normaliser>> {
        if let Some(kept) = read(path).filter(|kept| kept.step == trained.step) {
            return Ok(Some(kept));
        }
        if let Some(learnt) = Normaliser::of_training(trained) {
            return Ok(Some(learnt));
        }
        let step = trained.step;
        Ok(log_z_by_quadrature(trained)?.map(|log_z| Normaliser::by_quadrature(&log_z, step)))
    }

    /// What training says of it: 0 of a normalised density, a parameter of noise and flow contrastive
    /// estimation, whose error is not known; else nothing.
    pub fn of_training(trained: &Trained) -> Option<Normaliser> {
        let normalised = trained.model.model.is_normalised();
        let (origin, error) =
            if normalised { (LogZOrigin::Normalised, Some(0.0)) } else { (LogZOrigin::Learnt, None) };
        trained.learnt_log_z.map(|log_z| Normaliser::new(log_z, origin, error, trained.step))
    }

    /// What is kept beside the model file at `path` for the weights with this fingerprint.
    ///
    /// # Errors
    /// None: what can't be read is not known.
    pub fn known_of_file(path: &Path, fingerprint: &str) -> Result<Option<Normaliser>> {
        Ok(read(path).filter(|kept| kept.fingerprint.as_deref() == Some(fingerprint)))
    }

    /// Why what is kept beside the model at `path` can't be used, where there is something: it is then as if
    /// it were not there.
    pub fn damage(path: &Path) -> Option<String> {
        let remedy = "compute it again with `enscore logz`, or remove the file";
        read_kept(path).err().map(|error| error.remedy(remedy).to_string())
    }

    /// log Z of this step that was estimated or given since the training, and is kept in the run's folder at
    /// `path`.
    ///
    /// # Errors
    /// None: what can't be read is not known.
    pub fn found(path: &Path, trained: &Trained) -> Result<Option<Normaliser>> {
        let later = |kept: &Normaliser| {
            kept.step == trained.step && matches!(kept.origin, LogZOrigin::Estimated | LogZOrigin::Given)
        };
        Ok(read(path).filter(later))
    }

    /// What to tell the user: an estimate that may be off by more than its error.
    pub fn warnings(&self) -> Vec<String> {
        self.estimate.as_ref().map(LogZEstimate::warnings).unwrap_or_default()
    }

    /// Whether log Z is known without an error of sampling.
    fn is_exact(&self) -> bool {
        self.origin == LogZOrigin::Estimated && self.error == Some(0.0)
    }

    /// An exact value that is kept beside the model at `path` for the same step and weights, where this one
    /// is an estimate: it is worth more.
    pub fn better_kept(&self, path: &Path) -> Option<Normaliser> {
        let same = |kept: &Normaliser| kept.step == self.step && kept.fingerprint == self.fingerprint;
        let estimate = self.origin == LogZOrigin::Estimated && !self.is_exact();
        if estimate { read(path).filter(|kept| kept.is_exact() && same(kept)) } else { None }
    }

    /// Keeps it beside the model at `path`.
    ///
    /// # Errors
    /// A folder that can't be written.
    pub fn keep(&self, path: &Path) -> Result<()> {
        let text = sealed_json(self).map_err(|error| error.within("can't write log Z"))?;
        write_bytes_atomically(&Normaliser::file(path), &text)
    }

    /// Where log Z of the model at `path`, a run's folder or a model file, is kept.
    pub fn file(path: &Path) -> PathBuf {
        if path.is_file() { path.with_extension("log_z.json") } else { path.join("log_z.json") }
    }
}

/// Dimensions up to which quadrature is tried.
const MOST_DIMENSIONS: usize = 2;

/// The box that quadrature and pictures take: the data's range, half as much again on each side.
///
/// # Errors
/// More dimensions than a grid has.
pub fn quadrature_window(trained: &Trained) -> Result<Window> {
    let [low, high] = trained.model.data.range;
    let margin = 0.5 * (high - low);
    let dims = trained.model.row_len();
    Window::new(&vec![low - margin; dims], &vec![high + margin; dims])
}

/// log Z by quadrature, whatever its error; none in more than two dimensions, of a score network or of units.
///
/// # Errors
/// A density that is not finite or vanishes on the whole box.
pub fn log_z_by_quadrature(trained: &Trained) -> Result<Option<LogZ>> {
    let real = matches!(trained.model.model, Network::Energy(_) | Network::Flow(_));
    if trained.model.row_len() > MOST_DIMENSIONS || !real {
        return Ok(None);
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    let epsilon = f64::from(f32::EPSILON);
    let settings = QuadratureSettings { intervals: 300, epsilon, ..Default::default() };
    fitted_log_z(&mut density, &quadrature_window(trained)?, settings).map(Some)
}

/// What is kept beside the model at `path`; nothing where that can't be used ([`Normaliser::damage`]).
fn read(path: &Path) -> Option<Normaliser> {
    read_kept(path).ok().flatten()
}

fn read_kept(path: &Path) -> Result<Option<Normaliser>> {
    let file = Normaliser::file(path);
    if !file.exists() {
        return Ok(None);
    }
    let failed = |reason: Reason| Error::new(reason, "can't use the stored log Z").at(file.display());
    let text = std::fs::read(&file).map_err(|error| failed(Reason::Unreadable).found_error(error))?;
    check_json(&text, &file.display().to_string())
        .map_err(|error| error.within("can't use the stored log Z"))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| failed(Reason::Damaged).found_error(error))
}
