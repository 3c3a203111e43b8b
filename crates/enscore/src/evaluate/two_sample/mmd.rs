//! Maximum mean discrepancy, unbiased: for samples x_1..x_m and real rows y_1..y_n,
//! MMD² = 1/(m(m-1)) sum_{i != j} k(x_i, x_j) + 1/(n(n-1)) sum_{i != j} k(y_i, y_j) - 2/(mn) sum_{ij} k(x_i,
//! y_j) (Gretton et al. 2012, "A kernel two-sample test", eq. 3).
//!
//! The kernel is the mean of three Gaussians exp(-|x - y|² / (2 c² h²)), c = 1/2, 1, 2; h is the median of
//! the distances between real rows (the median heuristic, section 8 there), over at most 1,000 rows chosen by
//! a seed. Being unbiased, the value is 0 on average when both laws are equal, and can be negative.

use super::metric::{TwoSampleMetric, subset};
use crate::error::{Error, Result};
use crate::evaluate::rows::{Rows, inner_products, shifted, squared_norms};
use crate::streams;
use enscore_program::random::Key;
use rayon::prelude::*;

/// Rows that the median distance is taken over.
const MEDIAN_ROWS: usize = 1000;
/// Rows per block of the kernel matrix.
const BLOCK: usize = 256;

/// The unbiased MMD² with a fixed bandwidth, so that values with one reference can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Mmd {
    bandwidth: f64,
}

impl Mmd {
    /// MMD² with median distance `bandwidth` (h above, in units of the data).
    ///
    /// # Errors
    /// An input error unless the bandwidth is positive and finite.
    pub fn with_bandwidth(bandwidth: f64) -> Result<Self> {
        if bandwidth > 0.0 && bandwidth.is_finite() {
            return Ok(Mmd { bandwidth });
        }
        Err(Error::input("no usable bandwidth for the MMD")
            .found(bandwidth)
            .expected("a positive median distance between real rows")
            .remedy("check the real rows: more than half may be equal"))
    }

    /// The bandwidth by the median heuristic on real rows.
    ///
    /// # Errors
    /// An input error if there are fewer than 2 rows or the median distance is 0.
    pub fn fit(real: Rows, seed: u64) -> Result<Self> {
        let chosen = real.gather(&subset(real.count(), MEDIAN_ROWS, Key::new(seed, 0), streams::MEDIAN_ROWS));
        let d = real.row_len();
        let chosen = shifted(&chosen, &real.mean());
        let all = squared_distances(&chosen, &chosen, d);
        let columns = all.chunks_exact(chosen.len() / d).enumerate();
        let mut squares: Vec<f64> = columns.flat_map(|(j, column)| &column[..j]).copied().collect();
        if squares.is_empty() {
            return Err(Error::input("too few real rows for the MMD").found(1).expected("at least 2"));
        }
        let middle = squares.len() / 2;
        let (_, median, _) = squares.select_nth_unstable_by(middle, f64::total_cmp);
        Mmd::with_bandwidth(median.sqrt())
    }

    /// The median distance h.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    fn kernel(&self, squared_distance: f64) -> f64 {
        // The exponents of c = 2, 1, 1/2 are as 1 : 4 : 16, so one exponential serves all three.
        let wide = (-squared_distance / (8.0 * self.bandwidth * self.bandwidth)).exp();
        let middle = wide.powi(4);
        (wide + middle + middle.powi(4)) / 3.0
    }

    /// The sum of k(x_i, y_j) over all pairs of rows.
    fn across(&self, x: &[f64], y: &[f64], row_len: usize) -> f64 {
        let len = BLOCK * row_len;
        let of_block = |x| y.chunks(len).map(|y| self.block(x, y, row_len)).sum();
        let partial: Vec<f64> = x.par_chunks(len).map(of_block).collect();
        partial.iter().sum()
    }

    /// The sum of k(x_i, x_j) over all pairs i != j: blocks beyond the diagonal count twice.
    fn within(&self, x: &[f64], row_len: usize) -> f64 {
        let len = BLOCK * row_len;
        let of_block = |(b, block): (usize, &[f64])| {
            // k(x, x) = 1 on the diagonal, which the estimate leaves out.
            let own = self.block(block, block, row_len) - (block.len() / row_len) as f64;
            own + 2.0 * x.chunks(len).skip(b + 1).map(|later| self.block(block, later, row_len)).sum::<f64>()
        };
        let partial: Vec<f64> = x.par_chunks(len).enumerate().map(of_block).collect();
        partial.iter().sum()
    }

    fn block(&self, x: &[f64], y: &[f64], row_len: usize) -> f64 {
        squared_distances(x, y, row_len).into_iter().map(|square| self.kernel(square)).sum()
    }
}

/// |x_i - y_j|² of all pairs, by |x|² + |y|² - 2 x'y: column j, row i.
fn squared_distances(x: &[f64], y: &[f64], row_len: usize) -> Vec<f64> {
    let mut products = inner_products(x, y, row_len);
    let a = squared_norms(x, row_len);
    let b = squared_norms(y, row_len);
    for (mut column, b) in products.column_iter_mut().zip(&b) {
        column.iter_mut().zip(&a).for_each(|(p, a)| *p = (a + b - 2.0 * *p).max(0.0));
    }
    products.data.into()
}

impl TwoSampleMetric for Mmd {
    fn name(&self) -> String {
        "mmd2".into()
    }

    fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
        let d = real.row_len();
        let mean = real.mean();
        let centred = |rows: Rows| shifted(rows.values(), &mean);
        unbiased([samples, real], centred, |z| self.within(z, d), |x, y| self.across(x, y, d))
    }
}

/// The unbiased MMD² between samples and real rows, each made wide by `wide`: `within` is the sum of the
/// kernel over all pairs of different rows, `across` over all pairs of one of either side.
pub(super) fn unbiased(
    [samples, real]: [Rows; 2],
    wide: impl Fn(Rows) -> Vec<f64>,
    within: impl Fn(&[f64]) -> f64,
    across: impl Fn(&[f64], &[f64]) -> f64,
) -> Result<f64> {
    samples.same_row_len(real)?;
    if samples.count() < 2 || real.count() < 2 {
        return Err(Error::input("too few rows for the unbiased MMD")
            .found(format_args!("{} and {}", samples.count(), real.count()))
            .expected("at least 2 on each side"));
    }
    let [x, y] = [samples, real].map(wide);
    let [m, n] = [samples, real].map(|rows| rows.count() as f64);
    let mean_within = |z: &[f64], n: f64| within(z) / (n * (n - 1.0));
    Ok(mean_within(&x, m) + mean_within(&y, n) - 2.0 * across(&x, &y) / (m * n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::normal_row;

    fn normal(seed: u64, n: usize, d: usize, shift: f64) -> Vec<f32> {
        let mut x = vec![0.0; n * d];
        normal_row(Key::new(seed, 0), 9, 0, &mut x);
        x.iter().map(|v| (v + shift) as f32).collect()
    }

    #[test]
    fn it_is_the_double_sum() {
        let d = 3;
        let x = normal(1, 300, d, 0.0);
        let y = normal(2, 270, d, 0.7);
        let x = Rows::new(&x, d).unwrap();
        let y = Rows::new(&y, d).unwrap();
        let mmd = Mmd::with_bandwidth(1.3).unwrap();
        let k = |a: &[f32], b: &[f32]| {
            let square: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
            [0.5, 1.0, 2.0].map(|c: f64| (-square / (2.0 * c * c * 1.3 * 1.3)).exp()).iter().sum::<f64>()
                / 3.0
        };
        let mean = |a: Rows, b: Rows, same: bool| {
            let mut sum = 0.0;
            for (i, p) in a.iter().enumerate() {
                sum +=
                    b.iter().enumerate().filter(|(j, _)| !same || i != *j).map(|(_, q)| k(p, q)).sum::<f64>();
            }
            sum / (a.count() as f64 * (b.count() as f64 - if same { 1.0 } else { 0.0 }))
        };
        let expected = mean(x, x, true) + mean(y, y, true) - 2.0 * mean(x, y, false);
        let value = mmd.value(x, y).unwrap();
        assert!((value - expected).abs() < 1e-12, "{value} and {expected}");
    }

    /// Between N(0, I) and N(m, I), E k = (c²h² / (c²h² + 2))^{d/2} exp(-|m|² / (2 (c²h² + 2))) across.
    #[test]
    fn the_estimate_between_two_gaussians_is_unbiased() {
        let d = 2;
        let n = 400;
        let shift = 0.8;
        let h = 1.5;
        let mmd = Mmd::with_bandwidth(h).unwrap();
        let term = |c: f64| {
            let v = c * c * h * h;
            2.0 * v / (v + 2.0) * (1.0 - (-(d as f64) * shift * shift / (2.0 * (v + 2.0))).exp())
        };
        let expected = (term(0.5) + term(1.0) + term(2.0)) / 3.0;
        let draws: Vec<f64> = (0..20)
            .map(|seed| {
                let x = normal(100 + seed, n, d, 0.0);
                let y = normal(200 + seed, n, d, shift);
                mmd.value(Rows::new(&x, d).unwrap(), Rows::new(&y, d).unwrap()).unwrap()
            })
            .collect();
        let mean = draws.iter().sum::<f64>() / 20.0;
        let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 19.0;
        assert!((mean - expected).abs() < 5.0 * (variance / 20.0).sqrt(), "{mean}, not {expected}");
    }

    #[test]
    fn bandwidth_is_the_median_distance() {
        let x = [0.0f32, 1.0, 3.0];
        assert_eq!(Mmd::fit(Rows::new(&x, 1).unwrap(), 0).unwrap().bandwidth(), 2.0);
        assert!(Mmd::fit(Rows::new(&[1.0; 8], 2).unwrap(), 0).is_err());
        assert!(Mmd::fit(Rows::new(&[1.0; 2], 2).unwrap(), 0).is_err());
    }
}
