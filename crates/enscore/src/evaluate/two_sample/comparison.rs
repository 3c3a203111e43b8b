//! Compare samples with held-out real rows, and say what the same comparison gives for real against real.
//!
//! A distance between two finite sets is not 0 when both come from one distribution, and its size depends on
//! n and on the data. So every value stands beside its null value: in each of a few draws the real rows give
//! two disjoint random subsets A and B of n rows, the samples one of n rows; `value` is the mean of
//! metric(samples, A), `null` the mean of metric(B, A), `null_std` the standard deviation of the latter over
//! the draws. n = min(samples, real rows / 2, max_rows). A subset is keyed by (seed, draw).

use std::cell::OnceCell;
use std::sync::Arc;

use super::frechet::{DEFAULT_COMPONENTS, FrechetPca};
use super::kid::Kid;
use super::metric::{TwoSampleMetric, subset};
use super::mmd::Mmd;
use super::principal::PrincipalSpace;
use super::shares::{DEFAULT_NEIGHBOUR, Share, SharedSupport};
use super::sliced_wasserstein::{DEFAULT_DIRECTIONS, SlicedWasserstein};
use crate::error::{Error, Result};
use crate::evaluate::Rows;
use crate::streams;
use enscore_program::random::Key;
use serde::{Deserialize, Serialize};

/// How many rows and draws a comparison takes.
#[derive(Clone, Copy, Debug)]
pub struct TwoSampleSettings {
    /// At most this many rows on each side, at least 2.
    pub max_rows: usize,
    /// Random subsets averaged over, at least 2.
    pub draws: usize,
    /// The seed of the subsets.
    pub seed: u64,
}

impl Default for TwoSampleSettings {
    fn default() -> Self {
        TwoSampleSettings { max_rows: 2000, draws: 4, seed: 0 }
    }
}

/// A metric's value and its null value at the same n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSample {
    /// The metric's name: mmd, sliced_wasserstein or frechet.
    pub name: String,
    /// Samples against real rows: mean over the draws.
    pub value: f64,
    /// Real against real rows: mean over the draws.
    pub null: f64,
    /// Standard deviation of the null value over the draws.
    pub null_std: f64,
    /// Rows on each side.
    pub n: usize,
    /// Whether a larger value is better.
    pub larger_is_better: bool,
}

impl TwoSample {
    /// How much worse the samples are than real rows, in the unit of the value.
    pub fn excess(&self) -> f64 {
        if self.larger_is_better { self.null - self.value } else { self.value - self.null }
    }
}

/// Runs `metric` on samples against real rows, and on real against real.
///
/// # Errors
/// An input error if the row lengths differ, fewer than 2 samples or 4 real rows are given, or `settings`
/// allow fewer than 2 rows or draws; and the metric's errors.
pub fn two_sample(
    metric: &dyn TwoSampleMetric,
    samples: Rows,
    real: Rows,
    settings: TwoSampleSettings,
) -> Result<TwoSample> {
    samples.same_row_len(real)?;
    let n = samples.count().min(real.count() / 2).min(settings.max_rows);
    if n < 2 || settings.draws < 2 {
        return Err(Error::input("too few rows or draws for a two-sample metric")
            .at(metric.name())
            .found(format_args!(
                "{} samples, {} real rows, at most {} rows, {} draws",
                samples.count(),
                real.count(),
                settings.max_rows,
                settings.draws
            ))
            .expected("at least 2 samples, 4 real rows (two disjoint halves), 2 rows and 2 draws"));
    }
    let d = real.row_len();
    let mut values = Vec::new();
    let mut nulls = Vec::new();
    for draw in 0..settings.draws as u64 {
        let chosen = subset(real.count(), 2 * n, Key::new(settings.seed, draw), streams::COMPARED_REAL);
        let a = real.gather(&chosen[..n]);
        let b = real.gather(&chosen[n..]);
        let generated = samples.gather(&subset(
            samples.count(),
            n,
            Key::new(settings.seed, draw),
            streams::COMPARED_SAMPLES,
        ));
        let a = Rows::new(&a, d)?;
        values.push(metric.value(Rows::new(&generated, d)?, a)?);
        nulls.push(metric.value(Rows::new(&b, d)?, a)?);
    }
    let (value, _) = mean_and_std(&values);
    let (null, null_std) = mean_and_std(&nulls);
    let larger_is_better = metric.larger_is_better();
    Ok(TwoSample { name: metric.name(), value, null, null_std, n, larger_is_better })
}

/// A metric by the word that asks for it. Each is fitted by itself: one that can't be leaves the others.
pub struct MetricKind {
    /// The word, with which the metric's name begins.
    pub word: &'static str,
    /// What is shown where it can't be computed: its name, without settings.
    pub label: &'static str,
    fit: fn(&Reference) -> Result<Box<dyn TwoSampleMetric>>,
}

/// The usual metrics, their bandwidth and components fitted to the real rows: MMD² with Gaussian and with
/// cubic polynomial kernels, sliced Wasserstein; in the space of 64 principal components the Frechet
/// distance, precision, recall and coverage.
pub const METRICS: [MetricKind; 7] = [
    MetricKind { word: "mmd", label: "mmd2", fit: |to| Ok(Box::new(Mmd::fit(to.real, to.seed)?)) },
    MetricKind {
        word: "sliced_wasserstein",
        label: "sliced_wasserstein",
        fit: |to| Ok(Box::new(SlicedWasserstein { directions: DEFAULT_DIRECTIONS, seed: to.seed })),
    },
    MetricKind {
        word: "frechet",
        label: "frechet_pca",
        fit: |to| Ok(Box::new(FrechetPca::new(to.space()?))),
    },
    MetricKind { word: "kid", label: "kid", fit: |_| Ok(Box::new(Kid)) },
    MetricKind { word: "precision", label: "precision", fit: |to| to.shared(Share::Precision) },
    MetricKind { word: "recall", label: "recall", fit: |to| to.shared(Share::Recall) },
    MetricKind { word: "coverage", label: "coverage", fit: |to| to.shared(Share::Coverage) },
];

/// The real rows that metrics are fitted to, with what several of them need.
pub struct Reference<'a> {
    real: Rows<'a>,
    seed: u64,
    space: OnceCell<Arc<PrincipalSpace>>,
}

impl<'a> Reference<'a> {
    /// These rows; `seed` chooses directions and subsets.
    pub fn new(real: Rows<'a>, seed: u64) -> Self {
        Reference { real, seed, space: OnceCell::new() }
    }

    /// The space of the rows' first principal components, found once.
    fn space(&self) -> Result<Arc<PrincipalSpace>> {
        if let Some(space) = self.space.get() {
            return Ok(space.clone());
        }
        let space = Arc::new(PrincipalSpace::fit(self.real, DEFAULT_COMPONENTS)?);
        Ok(self.space.get_or_init(|| space).clone())
    }

    /// A share in that space, or of the rows themselves where they have no more columns than it would.
    pub(crate) fn share(&self, share: Share) -> Result<SharedSupport> {
        let plain = SharedSupport::new(share, DEFAULT_NEIGHBOUR)?;
        if self.real.row_len() <= DEFAULT_COMPONENTS {
            return Ok(plain);
        }
        Ok(plain.within(self.space()?))
    }

    fn shared(&self, share: Share) -> Result<Box<dyn TwoSampleMetric>> {
        Ok(Box::new(self.share(share)?))
    }
}

impl MetricKind {
    /// The metric, fitted to real rows.
    ///
    /// # Errors
    /// As [`Mmd::fit`] and [`PrincipalSpace::fit`].
    pub fn fit(&self, reference: &Reference) -> Result<Box<dyn TwoSampleMetric>> {
        (self.fit)(reference)
    }
}

/// Mean and standard deviation (divisor n - 1) of at least two numbers; of fewer, the deviation is NaN.
pub(crate) fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::normal_row;

    fn normal(seed: u64, n: usize, d: usize, shift: f64) -> Vec<f32> {
        let mut x = vec![0.0; n * d];
        normal_row(Key::new(seed, 0), 5, 0, &mut x);
        x.iter().map(|v| (v + shift) as f32).collect()
    }

    #[test]
    fn a_subset_has_every_index_once() {
        let mut all = subset(50, 50, Key::new(1, 0), 0);
        assert_ne!(all, (0..50).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert_eq!(subset(50, 7, Key::new(1, 0), 0).len(), 7);
        assert_ne!(subset(50, 7, Key::new(1, 0), 0), subset(50, 7, Key::new(1, 1), 0));
    }

    /// The contract of every metric: samples of the same law look like the null, shifted ones don't.
    #[test]
    fn every_metric_tells_a_shift_from_its_null() {
        let d = 6;
        let real = normal(1, 800, d, 0.0);
        let same = normal(2, 300, d, 0.0);
        let off = normal(3, 300, d, 0.4);
        // Balls around rows reach far.
        let far = normal(3, 300, d, 2.0);
        let real = Rows::new(&real, d).unwrap();
        let settings = TwoSampleSettings { draws: 6, ..TwoSampleSettings::default() };
        for kind in METRICS {
            let metric = kind.fit(&Reference::new(real, 4)).unwrap();
            assert!(kind.label.starts_with(kind.word) && metric.name().starts_with(kind.label));
            let run = |x: &[f32]| two_sample(&*metric, Rows::new(x, d).unwrap(), real, settings).unwrap();
            let same = run(&same);
            let off = run(if metric.larger_is_better() { &far } else { &off });
            assert_eq!(same.n, 300);
            assert_eq!(same.null, off.null);
            assert!((same.value - same.null).abs() < 6.0 * same.null_std, "{same:?}");
            assert!(off.excess() > 3.0 * off.null_std && off.excess() > 0.0, "{off:?}");
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_threads() {
        let d = 7;
        let real = normal(1, 1400, d, 0.0);
        let samples = normal(2, 700, d, 0.1);
        let real = Rows::new(&real, d).unwrap();
        let samples = Rows::new(&samples, d).unwrap();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| -> Vec<TwoSample> {
                let value = |kind: &MetricKind| {
                    let metric = kind.fit(&Reference::new(real, 4)).unwrap();
                    two_sample(&*metric, samples, real, TwoSampleSettings::default()).unwrap()
                };
                METRICS.iter().map(value).collect()
            })
        };
        assert_eq!(on(1), on(3));
    }

    /// The null of a set against itself would be 0: the halves must be disjoint.
    #[test]
    fn the_null_is_of_disjoint_halves() {
        struct Shared;
        impl TwoSampleMetric for Shared {
            fn name(&self) -> String {
                "rows in common".into()
            }
            fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
                Ok(samples.iter().filter(|x| real.iter().any(|y| x == &y)).count() as f64)
            }
        }
        let real: Vec<f32> = (0..101).map(|v| v as f32).collect();
        let rows = Rows::new(&real, 1).unwrap();
        let result = two_sample(&Shared, rows, rows, TwoSampleSettings::default()).unwrap();
        assert_eq!((result.null, result.n), (0.0, 50));
        assert!(result.value > 0.0);
    }

    #[test]
    fn refuses_too_few_rows() {
        let x = normal(1, 3, 2, 0.0);
        let rows = Rows::new(&x, 2).unwrap();
        let metric = SlicedWasserstein { directions: 4, seed: 0 };
        let message = two_sample(&metric, rows, rows, TwoSampleSettings::default()).unwrap_err().to_string();
        assert!(message.contains("3 samples, 3 real rows"), "{message}");
        let one = Rows::new(&x, 1).unwrap();
        assert!(two_sample(&metric, one, rows, TwoSampleSettings::default()).is_err());
    }
}
