//! The nearest training row of every sample, to see whether a model repeats its training data.
//!
//! Distances are Euclidean and exact: blocks of inner products in f64 find the candidates by
//! |x|² + |y|² - 2 x'y, and each candidate's distance is then computed from the differences.

use crate::error::Result;
use crate::evaluate::rows::{Rows, inner_products, shifted, squared_norms};
use rayon::prelude::*;
use serde::Serialize;

/// Training rows per block.
const BLOCK: usize = 512;

/// The training row that is nearest to a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// The row's index, the lowest where several are equally near.
    pub index: usize,
    /// Its Euclidean distance, in units of the data.
    pub distance: f64,
}

/// The nearest of `training`, `[n, d]`, to each of `samples`, `[m, d]`: m results.
///
/// # Errors
/// An input error if the row lengths differ.
pub fn nearest(samples: Rows, training: Rows) -> Result<Vec<Nearest>> {
    samples.same_row_len(training)?;
    let d = samples.row_len();
    let mean = samples.mean();
    let x = shifted(samples.values(), &mean);
    let blocks: Vec<Vec<Nearest>> = training
        .values()
        .par_chunks(BLOCK * d)
        .enumerate()
        .map(|(b, block)| {
            let found = nearest_in_block(&x, &shifted(block, &mean), d);
            found.into_iter().map(|n| Nearest { index: b * BLOCK + n.index, ..n }).collect()
        })
        .collect();
    let nearer = |a: Nearest, b: Nearest| if b.distance < a.distance { b } else { a };
    let start = vec![Nearest { index: 0, distance: f64::INFINITY }; samples.count()];
    let merged = blocks
        .into_iter()
        .fold(start, |best, block| best.into_iter().zip(block).map(|(a, b)| nearer(a, b)).collect());
    Ok(merged.into_iter().map(|n| Nearest { distance: n.distance.sqrt(), ..n }).collect())
}

/// The row of `y` nearest to each row of `x`, with the squared distance.
fn nearest_in_block(x: &[f64], y: &[f64], d: usize) -> Vec<Nearest> {
    let x_norms = squared_norms(x, d);
    let y_norms = squared_norms(y, d);
    let products = inner_products(x, y, d);
    let mut best = vec![Nearest { index: 0, distance: f64::INFINITY }; x_norms.len()];
    let columns = products.as_slice().chunks_exact(x_norms.len());
    for (index, ((y, y_norm), products)) in y.chunks_exact(d).zip(y_norms).zip(columns).enumerate() {
        let samples = x.chunks_exact(d).zip(&x_norms).zip(products);
        for (best, ((x, x_norm), product)) in best.iter_mut().zip(samples) {
            let norms = x_norm + y_norm;
            // Computed exactly only where it can be the lowest, rounding included.
            if norms - 2.0 * product - 1e-12 * norms < best.distance {
                let distance = y.iter().zip(x).map(|(y, x)| (x - y) * (x - y)).sum();
                if distance < best.distance {
                    *best = Nearest { index, distance };
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};

    #[test]
    fn finds_planted_rows_and_the_lowest_of_equals() {
        let n = 1500;
        let d = 20;
        let mut noise = vec![0.0; n * d];
        normal_row(Key::new(8, 0), 3, 0, &mut noise);
        let mut training: Vec<f32> = noise.iter().map(|v| *v as f32).collect();
        training.copy_within(700 * d..701 * d, 1300 * d);
        let mut samples: Vec<f32> =
            [3, 700, 1499].iter().flat_map(|i| training[i * d..(i + 1) * d].to_vec()).collect();
        samples[2 * d] += 0.25;
        let samples = Rows::new(&samples, d).unwrap();
        let training = Rows::new(&training, d).unwrap();
        let found = nearest(samples, training).unwrap();
        assert_eq!(found.iter().map(|f| f.index).collect::<Vec<_>>(), [3, 700, 1499]);
        assert_eq!(found[0].distance, 0.0);
        assert_eq!(found[1].distance, 0.0);
        assert!((found[2].distance - 0.25).abs() < 1e-6);
    }

    #[test]
    fn is_the_minimum_of_all_distances() {
        let d = 3;
        let table = |n: usize, seed| -> Vec<f32> {
            let mut x = vec![0.0; n * d];
            normal_row(Key::new(seed, 0), 3, 0, &mut x);
            x.iter().map(|v| *v as f32 + 100.0).collect()
        };
        let x = table(9, 1);
        let y = table(1100, 2);
        let x = Rows::new(&x, d).unwrap();
        let y = Rows::new(&y, d).unwrap();
        for (sample, found) in x.iter().zip(nearest(x, y).unwrap()) {
            let square = |row: &[f32]| -> f64 {
                row.iter().zip(sample).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
            };
            let least = y.iter().map(square).fold(f64::INFINITY, f64::min);
            assert!((found.distance - least.sqrt()).abs() < 1e-12);
        }
        assert!(nearest(x, Rows::new(&[0.0; 4], 2).unwrap()).is_err());
    }
}
