//! The log odds or means of independent units fitted to rows of data: the base that annealing begins at.
//!
//! ```text
//! a_i = log ((n1 + 1) / (n0 + 1))  for units in {0, 1} that are 1 in n1 rows and 0 in n0,
//! a_i = the mean                   for Gaussian ones.
//! ```

use crate::sample::WeightedBipartite;

/// The base fitted to rows `[n, row]`; 0 for units that the rows don't hold, and for all without rows.
pub fn base_rates(target: &WeightedBipartite, rows: &[f32]) -> Vec<f64> {
    let mut bias = vec![0.0; target.model.first_width()];
    let width: usize = target.model.row_shape().iter().product();
    let count = (rows.len() / width) as f64;
    if count == 0.0 {
        return bias;
    }
    let mut sums = vec![0.0f64; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    for (a, sum) in bias.iter_mut().zip(&sums) {
        *a = if target.is_binary() { ((sum + 1.0) / (count - sum + 1.0)).ln() } else { sum / count };
    }
    bias
}
