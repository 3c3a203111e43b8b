//! Fit a Gaussian to rows: mean m = (1/n) sum x_i and covariance S = (1/n) sum (x_i - m)(x_i - m)'.
//!
//! Sums are accumulated in f64 over fixed groups of rows whose number depends on the shape only, and added up
//! in order, so that the bits don't depend on the number of threads.

use crate::error::{Error, Result};
use crate::evaluate::rows::{Rows, right_side, shifted, transposed};
use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector, Dyn};
use rayon::prelude::*;

/// Rows per matrix product.
const BLOCK: usize = 512;
/// Columns per tile of the covariance; only tiles on and above the diagonal are computed.
const TILE: usize = 128;
/// Columns whose covariance takes 512 MiB.
const MOST_DIMS: usize = 8192;
/// Bound on the numbers held by all partial sums together (256 MiB).
const PARTIAL_NUMBERS: usize = 1 << 25;

/// Mean `[d]` and covariance `[d, d]` of a distribution.
#[derive(Clone, Debug)]
pub struct Moments {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl Moments {
    /// Checks a given mean `[d]` and covariance `[d, d]`.
    ///
    /// # Errors
    /// An input error if the shapes disagree, a number is not finite, or the covariance is not symmetric to
    /// 1e-9 of its largest entry.
    pub fn new(mean: &[f64], covariance: &[f64]) -> Result<Self> {
        let d = mean.len();
        if d == 0 || covariance.len() != d * d {
            return Err(Error::input("mean and covariance don't match")
                .found(format_args!("{d} and {} numbers", covariance.len()))
                .expected("d and d*d"));
        }
        // Beyond this bound the squares inside the eigenvalue iteration overflow.
        if !mean.iter().chain(covariance).all(|v| v.abs() < 1e100) {
            return Err(Error::input("a mean or covariance is out of range").expected("numbers below 1e100"));
        }
        let covariance = DMatrix::from_row_slice(d, d, covariance);
        let asymmetry = (&covariance - covariance.transpose()).amax();
        if asymmetry > 1e-9 * covariance.amax() {
            return Err(Error::input("the covariance is not symmetric")
                .found(format_args!("entries that differ by {asymmetry:e}")));
        }
        Ok(Moments { mean: DVector::from_column_slice(mean), covariance })
    }

    /// The moments of rows, with divisor n.
    ///
    /// # Errors
    /// An input error if there are more than 8,192 columns: the covariance would not fit in memory.
    pub fn of(rows: Rows) -> Result<Self> {
        if rows.row_len() > MOST_DIMS {
            return Err(Error::input("too many columns for a covariance")
                .found(rows.row_len())
                .expected(format_args!("at most {MOST_DIMS}"))
                .remedy("use a metric without a covariance (MMD, sliced Wasserstein), or smaller images"));
        }
        let mean = rows.mean();
        let covariance = covariance(rows, &mean);
        Ok(Moments { mean: DVector::from_vec(mean), covariance })
    }

    /// Moments that are known to fit together.
    pub(crate) fn from_parts(mean: DVector<f64>, covariance: DMatrix<f64>) -> Self {
        Moments { mean, covariance }
    }

    /// The number of dimensions d.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The mean, `[d]`.
    pub fn mean(&self) -> &[f64] {
        self.mean.as_slice()
    }

    /// The covariance, `[d, d]`.
    pub fn covariance(&self) -> &DMatrix<f64> {
        &self.covariance
    }

    /// The eigenvalues of the covariance in descending order; those that rounding made negative are 0.
    ///
    /// # Errors
    /// A run error if the iteration does not converge.
    pub fn eigenvalues(&self) -> Result<Vec<f64>> {
        let eigenvalues = self.covariance.symmetric_eigenvalues();
        if !eigenvalues.iter().all(|v| v.is_finite()) {
            return Err(no_eigenvalues());
        }
        let mut eigenvalues: Vec<f64> = eigenvalues.iter().map(|v| v.max(0.0)).collect();
        eigenvalues.sort_by(|a, b| b.total_cmp(a));
        Ok(eigenvalues)
    }

    /// The difference of two means, or an input error if the dimensions differ.
    pub(crate) fn mean_difference(&self, other: &Moments) -> Result<DVector<f64>> {
        if self.dim() != other.dim() {
            return Err(Error::input("two Gaussians of different dimensions")
                .found(self.dim())
                .expected(other.dim()));
        }
        Ok(&self.mean - &other.mean)
    }
}

/// Eigenvalues and eigenvectors of a symmetric matrix, or a run error if they don't converge.
pub(crate) fn eigen(matrix: DMatrix<f64>) -> Result<SymmetricEigen<f64, Dyn>> {
    let iterations = 100 * matrix.nrows().max(10);
    SymmetricEigen::try_new(matrix, f64::EPSILON, iterations)
        .filter(|e| e.eigenvalues.iter().all(|v| v.is_finite()))
        .ok_or_else(no_eigenvalues)
}

fn no_eigenvalues() -> Error {
    Error::run("the eigenvalues of the covariance don't converge").remedy("check the scale of the data")
}

/// Covariance around `mean`: the sum over groups of rows, of the tiles on and above the diagonal.
fn covariance(rows: Rows, mean: &[f64]) -> DMatrix<f64> {
    let d = rows.row_len();
    let groups = (PARTIAL_NUMBERS / (d * d).max(1)).clamp(1, 16);
    let group_len = rows.count().div_ceil(groups).max(1) * d;
    let partial: Vec<DMatrix<f64>> = rows
        .values()
        .par_chunks(group_len)
        .map(|group| {
            let mut sum = DMatrix::zeros(d, d);
            group.chunks(BLOCK * d).for_each(|block| add_products(&shifted(block, mean), &mut sum));
            sum
        })
        .collect();
    let mut sum = DMatrix::zeros(d, d);
    partial.iter().for_each(|part| sum += part);
    sum.fill_lower_triangle_with_upper_triangle();
    sum / rows.count() as f64
}

/// Adds block' block to the upper triangle of `sum`, tile by tile.
fn add_products(block: &[f64], sum: &mut DMatrix<f64>) {
    let d = sum.nrows();
    let across = right_side(block, d);
    let down = transposed(block, d);
    for i in (0..d).step_by(TILE) {
        let height = TILE.min(d - i);
        let width = d - i;
        sum.view_mut((i, i), (height, width)).gemm(
            1.0,
            &down.rows(i, height),
            &across.columns(i, width),
            1.0,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};

    fn noise(n: usize, d: usize) -> Vec<f32> {
        let mut x = vec![0.0; n * d];
        normal_row(Key::new(3, 0), 1, 0, &mut x);
        x.iter().enumerate().map(|(i, v)| (*v * (1.0 + (i % d) as f64) + 5.0) as f32).collect()
    }

    /// Sizes around the tile, the block and the group, against the definition.
    #[test]
    fn covariance_is_the_definition() {
        for (n, d) in [(1, 1), (2, 3), (700, 5), (1030, 131), (40, 260)] {
            let x = noise(n, d);
            let rows = Rows::new(&x, d).unwrap();
            let moments = Moments::of(rows).unwrap();
            for (i, j) in [(0, 0), (d - 1, 0), (0, d - 1), (d / 2, d - 1), (d - 1, d - 1)] {
                let column = |j: usize| rows.iter().map(move |r| f64::from(r[j]));
                let mean = |j: usize| column(j).sum::<f64>() / n as f64;
                let a = mean(i);
                let b = mean(j);
                let expected =
                    column(i).zip(column(j)).map(|(x, y)| (x - a) * (y - b)).sum::<f64>() / n as f64;
                let error = moments.covariance()[(i, j)] - expected;
                assert!(error.abs() < 1e-10 * (1.0 + expected.abs()), "{n}x{d} at {i},{j}: off by {error}");
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_threads() {
        let x = noise(3000, 40);
        let rows = Rows::new(&x, 40).unwrap();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Moments::of(rows).unwrap().covariance)
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn refuses_what_is_no_covariance() {
        assert!(Moments::new(&[0.0, 0.0], &[1.0, 0.0, 0.5, 1.0]).is_err());
        assert!(Moments::new(&[0.0, 0.0], &[1.0, 0.0, 1.0]).is_err());
        assert!(Moments::new(&[f64::NAN], &[1.0]).is_err());
        assert!(Moments::new(&[], &[]).is_err());
        let wide = vec![0.0; 2 * (MOST_DIMS + 1)];
        assert!(Moments::of(Rows::new(&wide, MOST_DIMS + 1).unwrap()).is_err());
    }
}
