//! The kernel inception distance's estimator (Binkowski, Sutherland, Arbel and Gretton 2018, section 3): MMD²
//! (unbiased, as in `mmd`) with the cubic polynomial kernel
//!
//! ```text
//! k(x, y) = (x'y / d + 1)³
//! ```
//!
//! of rows of d elements: 0 on average where mean, covariance and third moments agree, and negative at times.
//! It has no bandwidth to fit. Here x are rows themselves, in scaled units; on an Inception network's
//! features it is KID. It depends on where the origin lies, so that rows are not centred.

use rayon::prelude::*;

use super::metric::TwoSampleMetric;
use super::mmd::unbiased;
use crate::error::Result;
use crate::evaluate::rows::{Rows, inner_products, squared_norms};

/// Rows per block of the kernel matrix.
const BLOCK: usize = 256;

/// The unbiased MMD² with the cubic polynomial kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kid;

/// (x'y / d + 1)³ from x'y.
fn kernel(product: f64, d: usize) -> f64 {
    (product / d as f64 + 1.0).powi(3)
}

/// The sum of k(x_i, y_j) over all pairs of rows.
fn across(x: &[f64], y: &[f64], d: usize) -> f64 {
    let len = BLOCK * d;
    let of_pair = |x, y| inner_products(x, y, d).iter().map(|product| kernel(*product, d)).sum::<f64>();
    let of_block = |x| y.chunks(len).map(|y| of_pair(x, y)).sum();
    let partial: Vec<f64> = x.par_chunks(len).map(of_block).collect();
    partial.iter().sum()
}

/// The sum over all pairs of different rows.
fn within(x: &[f64], d: usize) -> f64 {
    let own: f64 = squared_norms(x, d).iter().map(|square| kernel(*square, d)).sum();
    across(x, x, d) - own
}

impl TwoSampleMetric for Kid {
    fn name(&self) -> String {
        "kid".into()
    }

    fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
        let d = real.row_len();
        let wide = |rows: Rows| rows.values().iter().map(|x| f64::from(*x)).collect();
        unbiased([samples, real], wide, |z| within(z, d), |x, y| across(x, y, d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};

    fn normal(seed: u64, n: usize, d: usize, shift: f64) -> Vec<f32> {
        let mut x = vec![0.0; n * d];
        normal_row(Key::new(seed, 0), 9, 0, &mut x);
        x.iter().map(|v| (v + shift) as f32).collect()
    }

    #[test]
    fn it_is_the_double_sum() {
        let d = 3;
        let [x, y] = [normal(1, 300, d, 0.2), normal(2, 270, d, 0.7)];
        let [x, y] = [Rows::new(&x, d).unwrap(), Rows::new(&y, d).unwrap()];
        let k = |a: &[f32], b: &[f32]| {
            let product: f64 = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            (product / 3.0 + 1.0).powi(3)
        };
        let mean = |a: Rows, b: Rows, same: bool| {
            let mut sum = 0.0;
            for (i, p) in a.iter().enumerate() {
                let others = b.iter().enumerate().filter(|(j, _)| !same || i != *j);
                sum += others.map(|(_, q)| k(p, q)).sum::<f64>();
            }
            sum / (a.count() as f64 * (b.count() as f64 - if same { 1.0 } else { 0.0 }))
        };
        let expected = mean(x, x, true) + mean(y, y, true) - 2.0 * mean(x, y, false);
        let value = Kid.value(x, y).unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} and {expected}");
    }

    /// Between N(0, I) and N(m, I) with M = |m|²: the moments of u = x'y are 0, d, 0 within the first,
    /// 0, d + M, 0 across, and M, d + 2 M + M², M³ + 6 M² + 3 (d + 2) M within the second.
    #[test]
    fn the_estimate_between_two_gaussians_is_unbiased() {
        let d = 3;
        let shift = 0.6;
        let m = d as f64 * shift * shift;
        let mean_kernel = |[first, second, third]: [f64; 3]| {
            let d = d as f64;
            third / d.powi(3) + 3.0 * second / (d * d) + 3.0 * first / d + 1.0
        };
        let d_ = d as f64;
        let third = m.powi(3) + 6.0 * m * m + 3.0 * (d_ + 2.0) * m;
        let expected = mean_kernel([0.0, d_, 0.0]) + mean_kernel([m, d_ + 2.0 * m + m * m, third])
            - 2.0 * mean_kernel([0.0, d_ + m, 0.0]);
        let draws: Vec<f64> = (0..30)
            .map(|seed| {
                let [x, y] = [normal(100 + seed, 400, d, 0.0), normal(200 + seed, 400, d, shift)];
                Kid.value(Rows::new(&x, d).unwrap(), Rows::new(&y, d).unwrap()).unwrap()
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / 30.0;
        let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 29.0;
        assert!((mean - expected).abs() < 5.0 * (variance / 30.0).sqrt(), "{mean}, not {expected}");
    }
}
