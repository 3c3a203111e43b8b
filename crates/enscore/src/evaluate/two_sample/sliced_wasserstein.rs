//! Sliced Wasserstein-2 distance: SW2² = E_theta W2²(theta'x, theta'y), theta uniform on the unit sphere.
//!
//! Bonneel, Rabin, Peyre and Pfister 2015, "Sliced and Radon Wasserstein barycenters of measures". In one
//! dimension, W2² of two sets of n is the mean squared difference of the sorted values. K directions keyed by
//! the seed stand for the expectation. The square root is returned, in units of the data. Both sides must
//! have the same number of rows; [`two_sample`](super::two_sample()) sees to that.

use super::metric::TwoSampleMetric;
use crate::error::{Error, Result};
use crate::evaluate::rows::{Rows, inner_products, shifted};
use crate::streams;
use enscore_program::random::{Key, normal_row};
use rayon::prelude::*;

/// Directions unless told otherwise.
pub const DEFAULT_DIRECTIONS: usize = 256;
/// Directions per matrix product.
const BLOCK: usize = 32;

/// The sliced Wasserstein-2 distance along `directions` random directions of `seed`.
#[derive(Clone, Copy, Debug)]
pub struct SlicedWasserstein {
    /// K, at least 1.
    pub directions: usize,
    /// The seed of the directions.
    pub seed: u64,
}

impl SlicedWasserstein {
    /// Directions `from..to`, `[to - from, d]`, of unit length.
    fn block(&self, from: usize, to: usize, d: usize) -> Vec<f64> {
        let mut block = vec![0.0; (to - from) * d];
        for (k, direction) in (from..to).zip(block.chunks_exact_mut(d)) {
            normal_row(Key::new(self.seed, 0), streams::SLICES, k as u64, direction);
            let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            direction.iter_mut().for_each(|v| *v /= length);
        }
        block
    }
}

/// The values of every direction, sorted: one vector of n a direction.
fn sorted_projections(rows: &[f64], directions: &[f64], d: usize) -> Vec<Vec<f64>> {
    let products = inner_products(directions, rows, d);
    let sorted = |direction: usize| {
        let mut values: Vec<f64> = products.row(direction).iter().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    };
    (0..products.nrows()).map(sorted).collect()
}

impl TwoSampleMetric for SlicedWasserstein {
    fn name(&self) -> String {
        format!("sliced_wasserstein{}", self.directions)
    }

    fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
        samples.same_row_len(real)?;
        if samples.count() != real.count() || self.directions == 0 {
            return Err(Error::input("can't compute the sliced Wasserstein distance")
                .found(format_args!(
                    "{} and {} rows, {} directions",
                    samples.count(),
                    real.count(),
                    self.directions
                ))
                .expected("equally many rows on both sides, and at least one direction"));
        }
        let d = real.row_len();
        let n = real.count() as f64;
        let mean = real.mean();
        let x = shifted(samples.values(), &mean);
        let y = shifted(real.values(), &mean);
        let blocks: Vec<f64> = (0..self.directions.div_ceil(BLOCK))
            .into_par_iter()
            .map(|b| {
                let directions = self.block(b * BLOCK, ((b + 1) * BLOCK).min(self.directions), d);
                let pairs = sorted_projections(&x, &directions, d).into_iter().zip(sorted_projections(
                    &y,
                    &directions,
                    d,
                ));
                pairs.map(|(x, y)| x.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / n).sum()
            })
            .collect();
        Ok((blocks.iter().sum::<f64>() / self.directions as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one dimension the direction doesn't matter.
    #[test]
    fn in_one_dimension_it_is_the_sorted_difference() {
        let x = [3.0f32, 0.0, 1.0];
        let y = [2.0f32, 5.0, 0.5];
        let metric = SlicedWasserstein { directions: 3, seed: 1 };
        let value = metric.value(Rows::new(&x, 1).unwrap(), Rows::new(&y, 1).unwrap()).unwrap();
        assert!((value.powi(2) - (0.25 + 1.0 + 4.0) / 3.0).abs() < 1e-12, "{value}");
    }

    /// A translation by m moves every projection by theta'm, and E (theta'm)² = |m|² / d.
    #[test]
    fn of_a_translation_it_is_its_length_over_root_d() {
        let d = 8;
        let x: Vec<f32> = (0..40 * d).map(|i| ((i * i) % 17) as f32).collect();
        let y: Vec<f32> = x.iter().enumerate().map(|(i, v)| if i % d == 2 { v + 3.0 } else { *v }).collect();
        let metric = SlicedWasserstein { directions: 20_000, seed: 1 };
        let value = metric.value(Rows::new(&x, d).unwrap(), Rows::new(&y, d).unwrap()).unwrap();
        // (theta'm)²/9 is Beta(1/2, (d-1)/2): variance 2 (d-1) / (d² (d+2)).
        let error = value * value / 9.0 - 1.0 / 8.0;
        let std_err = (2.0 * 7.0 / (64.0 * 10.0) / 20_000.0f64).sqrt();
        assert!(error.abs() < 5.0 * std_err, "off by {error}, standard error {std_err}");
    }

    #[test]
    fn refuses_unequal_sizes() {
        let metric = SlicedWasserstein { directions: 4, seed: 1 };
        let x = Rows::new(&[0.0; 3], 1).unwrap();
        let y = Rows::new(&[0.0; 4], 1).unwrap();
        assert!(metric.value(x, y).unwrap_err().to_string().contains("3 and 4 rows"));
        assert!(SlicedWasserstein { directions: 0, seed: 1 }.value(x, x).is_err());
    }
}
