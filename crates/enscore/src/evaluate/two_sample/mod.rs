//! Comparison of two samples: metrics with their null values, distances between fitted Gaussians, nearest
//! rows.

mod columns;
mod comparison;
mod frechet;
mod gaussian_kl;
mod inception_score;
mod kid;
mod metric;
mod mmd;
mod moments;
mod nearest;
mod principal;
mod shares;
mod sliced_wasserstein;

pub use columns::{ColumnComparison, QUANTILES, Spread, compare_columns, distance_by_chance};
pub(crate) use comparison::mean_and_std;
pub use comparison::{METRICS, MetricKind, Reference, TwoSample, TwoSampleSettings, two_sample};
pub use frechet::{DEFAULT_COMPONENTS, FrechetPca, frechet_distance};
pub use gaussian_kl::gaussian_kl;
pub use inception_score::inception_score;
pub use kid::Kid;
pub use metric::TwoSampleMetric;
pub use mmd::Mmd;
pub use moments::Moments;
pub(crate) use moments::eigen;
pub use nearest::{Nearest, nearest};
pub use principal::PrincipalSpace;
pub use shares::{DEFAULT_NEIGHBOUR, Share, SharedSupport};
pub use sliced_wasserstein::{DEFAULT_DIRECTIONS, SlicedWasserstein};
