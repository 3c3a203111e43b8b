//! Samples of a trained model: how long they take, and metrics of them beside the same of real rows. They are
//! kept in the run's folder: a comparison that goes on or is repeated draws them no more.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason, Result};
use crate::evaluate::{Refused, TwoSample, run_data, sample_metrics, wanted_metrics};
use crate::files::{check_json, sealed_json, write_bytes_atomically};
use crate::report::image_shape;
use crate::sample::draw;
use crate::trained::Trained;

/// The file's name.
const FILE: &str = "sampled.json";
/// Samples where no number is asked for: of vectors, and of images, whose samplers take long.
const SAMPLES: usize = 1000;
const IMAGES: usize = 256;
/// The metrics that a comparison has, by their words.
const METRICS: [&str; 4] = ["frechet", "mmd", "precision", "recall"];
/// The seed of samples and of the rows that they are held against.
const SEED: u64 = 0;

/// What the samples of a model are like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// The step whose model drew them.
    pub step: u64,
    /// The sampler's settings, one a line.
    pub sampler: String,
    /// Samples drawn.
    pub samples: usize,
    /// Seconds that drawing them took, with what was prepared for it, on the machine of the comparison; none
    /// where they could not be drawn.
    pub seconds: Option<f64>,
    /// Metrics beside their null values.
    pub metrics: Vec<TwoSample>,
    /// Metrics that can't be computed, with the reason.
    pub refused: Vec<Refused>,
    /// What to tell the user of the samples.
    pub warnings: Vec<String>,
}

/// The file: a model of each sampler, for a run may hold two (an energy and its flow).
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    drawn: Vec<Sampled>,
}

impl Sampled {
    /// Seconds for a thousand samples.
    pub fn seconds_per_1000(&self) -> Option<f64> {
        self.seconds.map(|seconds| seconds * 1e3 / self.samples.max(1) as f64)
    }

    /// Draws samples of the run at `run`, or finds what is kept of them; none where 0 are asked for. `tell`
    /// is told how far the work is, and may end it.
    ///
    /// # Errors
    /// Data that can't be read, a folder that can't be written; what `tell` returns.
    pub(super) fn of(
        run: &Path,
        trained: &Trained,
        asked: Option<usize>,
        tell: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Option<Sampled>> {
        let few = if image_shape(&trained.model.data.row_shape).is_some() { IMAGES } else { SAMPLES };
        let samples = asked.unwrap_or(few);
        if samples == 0 {
            return Ok(None);
        }
        let sampler = settings_of_sampler(trained);
        let same =
            |kept: &Sampled| (kept.step, kept.samples, &kept.sampler) == (trained.step, samples, &sampler);
        let mut kept = Kept::read(run)?;
        if let Some(found) = kept.drawn.iter().find(|kept| same(kept)) {
            return Ok(Some(found.clone()));
        }
        let sampled = Sampled::draw(trained, samples, &sampler, tell)?;
        kept.drawn.retain(|other| other.sampler != sampler);
        kept.drawn.push(sampled.clone());
        let text = sealed_json(&kept).map_err(|error| error.within("can't write what was sampled"))?;
        write_bytes_atomically(&run.join(FILE), &text)?;
        Ok(Some(sampled))
    }

    fn draw(
        trained: &Trained,
        samples: usize,
        sampler: &str,
        tell: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Sampled> {
        let mut sampled = Sampled {
            step: trained.step,
            sampler: sampler.to_string(),
            samples,
            seconds: None,
            metrics: Vec::new(),
            refused: Vec::new(),
            warnings: Vec::new(),
        };
        let began = Instant::now();
        let settings = trained.settings.sampler();
        let drawn = match draw(&trained.model, settings, samples, SEED, 0, &mut |_, _| tell()) {
            Ok(drawn) => drawn,
            Err(error) => {
                let why = Refused::unless_ended("samples", "samples", error)?.reason;
                sampled.warnings.push(format!("no samples: {why}"));
                return Ok(sampled);
            }
        };
        sampled.seconds = Some(began.elapsed().as_secs_f64());
        sampled.warnings = drawn.warnings;
        let data = run_data(trained, None)?;
        let wanted = wanted_metrics(&METRICS)?;
        let mut each = |_: &str, _, _| tell();
        let metrics = sample_metrics(&wanted, &drawn.rows, &data.held_out, SEED, &mut each)?;
        (sampled.metrics, sampled.refused) = (metrics.found, metrics.refused);
        Ok(sampled)
    }
}

impl Kept {
    fn read(run: &Path) -> Result<Kept> {
        let file = run.join(FILE);
        if !file.exists() {
            return Ok(Kept::default());
        }
        let failed = |reason: Reason| {
            Error::new(reason, "can't read what was sampled").at(file.display()).remedy("remove the file")
        };
        let text = std::fs::read(&file).map_err(|error| failed(Reason::Unreadable).found_error(error))?;
        check_json(&text, &file.display().to_string()).map_err(|error| error.remedy("remove the file"))?;
        serde_json::from_slice(&text).map_err(|error| failed(Reason::Damaged).found_error(error))
    }
}

/// The keys of the sampler with their values, and which state of the training it draws from.
fn settings_of_sampler(trained: &Trained) -> String {
    let keys = trained.settings.resolved().iter();
    let of_sampler = keys.filter(|(key, _)| key.starts_with("sampler.") || key == "train.keep");
    of_sampler.map(|(key, value)| format!("{key} = {value}\n")).collect()
}
