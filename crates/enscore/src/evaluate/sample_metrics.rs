//! Metrics of samples beside the same metrics of real rows. One that can't be computed leaves the others.

use super::{METRICS, MetricKind, Reference, Refused, Rows, TwoSample, TwoSampleSettings, two_sample};
use crate::data::{Subset, rows_of};
use crate::error::{Error, Result};
use crate::text::counted;

/// Rows that metrics are fitted on and compared with, at most.
const MAX_REAL: usize = 10_000;

/// Metrics of samples, and those that can't be computed, with the reason.
#[derive(Clone, Debug, Default)]
pub struct SampleMetrics {
    /// Each metric beside its null value.
    pub found: Vec<TwoSample>,
    /// What was not found.
    pub refused: Vec<Refused>,
}

/// Each wanted metric of `samples`, whole rows as the model has them, against `real` rows, beside its null
/// value, or the reason why there is none; subsets are those of `seed`.
///
/// # Errors
/// Rows that can't be read; samples that don't fill whole rows; whatever `progress` returns.
pub fn sample_metrics(
    wanted: &[&MetricKind],
    samples: &[f32],
    real: &Subset,
    seed: u64,
    progress: &mut dyn FnMut(&str, u64, u64) -> Result<()>,
) -> Result<SampleMetrics> {
    let row_len = real.dataset().row_len();
    let real = rows_of(real, MAX_REAL)?;
    let real = Rows::new(&real, row_len)?;
    let samples = Rows::new(samples, row_len)?;
    let reference = Reference::new(real, seed);
    let comparison = TwoSampleSettings { seed, ..Default::default() };
    let mut metrics = SampleMetrics::default();
    for (number, kind) in wanted.iter().enumerate() {
        progress("metrics", number as u64, wanted.len() as u64)?;
        let found = if samples.count() >= 2 && real.count() >= 4 {
            kind.fit(&reference).and_then(|metric| two_sample(&*metric, samples, real, comparison))
        } else {
            Err(too_few(samples, real))
        };
        match found {
            Ok(found) if [found.value, found.null, found.null_std].iter().all(|value| value.is_finite()) => {
                metrics.found.push(found);
            }
            found => {
                let error = found.err().unwrap_or_else(|| Error::run("the value is not finite"));
                metrics.refused.push(Refused::unless_ended(kind.word, kind.label, error)?);
            }
        }
    }
    Ok(metrics)
}

fn too_few(samples: Rows, real: Rows) -> Error {
    Error::input("too few rows to compare samples with data")
        .found(format_args!(
            "{}, {}",
            counted(samples.count(), "sample", "samples"),
            counted(real.count(), "real row", "real rows")
        ))
        .expected("at least 2 samples and 4 real rows")
}

/// The metrics asked for by their words, all where none is named.
///
/// # Errors
/// A word that is no metric's.
pub fn wanted_metrics<S: AsRef<str>>(words: &[S]) -> Result<Vec<&'static MetricKind>> {
    let known = |word: &S| METRICS.iter().any(|kind| kind.word == word.as_ref());
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        let known = METRICS.map(|kind| kind.word).join(", ");
        return Err(Error::input("unknown metric").at("metrics").found(unknown.as_ref()).expected(known));
    }
    let all = words.is_empty();
    Ok(METRICS.iter().filter(|kind| all || words.iter().any(|word| word.as_ref() == kind.word)).collect())
}
