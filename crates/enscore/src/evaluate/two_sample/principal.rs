//! The first principal components of rows: orthonormal directions of the largest variance, by the way that
//! the shape of the table makes cheap.
//!
//! Up to 800 columns they are the eigenvectors of the covariance X'X / n (X the centred rows). Wider tables
//! have the eigenvectors u of the inner products XX' of at most 800 rows instead, and X'u / |X'u| (the dual
//! form: Turk and Pentland 1991, "Eigenfaces for recognition", eq. 6). Where there are more rows than that,
//! these directions start a subspace iteration over all rows, which ends with a projection (Halko,
//! Martinsson and Tropp 2011, "Finding structure with randomness", algorithms 4.4 and 5.3).

use super::metric::subset;
use super::moments::{Moments, eigen};
use crate::error::{Error, Result};
use crate::evaluate::rows::{Rows, right_side, shifted, transposed};
use crate::streams;
use enscore_program::random::Key;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// Columns or rows whose eigenvectors take about a second.
const EXACT: usize = 800;
/// Further directions that the iteration carries along, so that those kept converge.
const SPARE: usize = 16;
/// Rounds of the iteration: it starts close.
const ROUNDS: usize = 3;
/// Rows per matrix product of the iteration.
const BLOCK: usize = 512;
/// A variance below this share of the largest is rounding.
const LEAST: f64 = 1e-12;

/// The space of the first principal components of reference rows.
#[derive(Clone, Debug)]
pub struct PrincipalSpace {
    mean: Vec<f64>,
    /// The directions with the largest variance, `[d, components]`.
    directions: DMatrix<f64>,
}

impl PrincipalSpace {
    /// The principal components of `reference`; at most `components`, the columns, or the rows less one.
    ///
    /// # Errors
    /// Rows of more than 800 columns that are all equal; a run error if an eigenvalue iteration does not
    /// converge.
    pub fn fit(reference: Rows, components: usize) -> Result<Self> {
        let kept = components.min(reference.row_len()).min(reference.count().saturating_sub(1)).max(1);
        let (mean, directions) = principal_components(reference, kept)?;
        Ok(PrincipalSpace { mean, directions })
    }

    /// The number of components kept.
    pub fn components(&self) -> usize {
        self.directions.ncols()
    }

    /// Refuses rows of another length than the reference's.
    pub(super) fn require(&self, rows: Rows) -> Result<()> {
        if rows.row_len() == self.mean.len() {
            return Ok(());
        }
        Err(Error::input("the rows don't match the principal components in length")
            .found(rows.row_len())
            .expected(self.mean.len()))
    }

    /// The moments of rows in the space.
    pub(super) fn moments(&self, rows: Rows) -> Moments {
        moments_along(rows, &self.mean, &self.directions)
    }

    /// Rows in the space, a column for each: `[components, n]`.
    pub(super) fn placed(&self, rows: Rows) -> DMatrix<f64> {
        let centred = shifted(rows.values(), &self.mean);
        self.directions.tr_mul(&DMatrix::from_column_slice(rows.row_len(), rows.count(), &centred))
    }
}

/// The mean of `rows` and their first principal components, `[d, at most kept]`.
///
/// # Errors
/// Wide rows that are all equal; a run error if an eigenvalue iteration does not converge.
fn principal_components(rows: Rows, kept: usize) -> Result<(Vec<f64>, DMatrix<f64>)> {
    components_within(rows, kept, EXACT)
}

fn components_within(rows: Rows, kept: usize, exact: usize) -> Result<(Vec<f64>, DMatrix<f64>)> {
    if rows.row_len() <= exact {
        let moments = Moments::of(rows)?;
        let directions = leading(moments.covariance().clone(), kept)?.1;
        return Ok((moments.mean().to_vec(), directions));
    }
    let mean = rows.mean();
    if rows.count() <= exact {
        let directions = dual(&shifted(rows.values(), &mean), rows.row_len(), kept)?;
        return Ok((mean, directions));
    }
    let chosen = subset(rows.count(), exact, Key::new(0, 0), streams::MEDIAN_ROWS);
    let some = shifted(&rows.gather(&chosen), &mean);
    let start = dual(&some, rows.row_len(), kept + SPARE)?;
    let directions = iterate(rows, &mean, start, kept)?;
    Ok((mean, directions))
}

/// The largest eigenvalues of a symmetric matrix in descending order, with their eigenvectors.
fn leading(matrix: DMatrix<f64>, kept: usize) -> Result<(Vec<f64>, DMatrix<f64>)> {
    let eigen = eigen(matrix)?;
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    order.truncate(kept);
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    Ok((values, eigen.eigenvectors.select_columns(order.iter())))
}

/// The components of centred rows by their inner products; those without variance are left out.
fn dual(centred: &[f64], d: usize, kept: usize) -> Result<DMatrix<f64>> {
    let rows = DMatrix::from_row_slice(centred.len() / d, d, centred);
    let (values, vectors) = leading(&rows * transposed(centred, d), kept)?;
    let largest = values.first().copied().unwrap_or(0.0);
    let some = values.iter().take_while(|value| **value > LEAST * largest && **value > 0.0).count();
    if some == 0 {
        return Err(Error::input("no principal components")
            .found("real rows that are all equal")
            .expected("rows that differ"));
    }
    let mut directions = transposed(centred, d) * vectors.columns(0, some);
    directions.column_iter_mut().for_each(|mut column| _ = column.normalize_mut());
    Ok(directions)
}

/// Directions that `start` turns into by iteration over all rows.
fn iterate(rows: Rows, mean: &[f64], start: DMatrix<f64>, kept: usize) -> Result<DMatrix<f64>> {
    let mut directions = start.qr().q();
    for _ in 0..ROUNDS {
        let turned = sum_over_blocks(rows, mean, |block, centred| {
            transposed(centred, mean.len()) * (block * &directions)
        });
        directions = turned.qr().q();
    }
    let products = sum_over_blocks(rows, mean, |block, _| {
        let features = block * &directions;
        features.transpose() * &features
    });
    let turn = leading(products, kept)?.1;
    Ok(directions * turn)
}

/// The sum over blocks of centred rows of what `of` makes of them, in their order on any number of threads.
fn sum_over_blocks(
    rows: Rows,
    mean: &[f64],
    of: impl Fn(&DMatrix<f64>, &[f64]) -> DMatrix<f64> + Sync,
) -> DMatrix<f64> {
    let of_block = |block: &[f32]| {
        let centred = shifted(block, mean);
        let matrix = right_side(&centred, mean.len()).into_owned();
        of(&matrix, &centred)
    };
    let parts: Vec<DMatrix<f64>> = rows.values().par_chunks(BLOCK * mean.len()).map(of_block).collect();
    parts.into_iter().reduce(|sum, part| sum + part).unwrap_or_else(|| DMatrix::zeros(0, 0))
}

/// Mean and covariance (divisor n) of `rows` along `directions`: those of y = V'(x - mean).
fn moments_along(rows: Rows, mean: &[f64], directions: &DMatrix<f64>) -> Moments {
    let (d, k) = directions.shape();
    let mut sum = DVector::zeros(k);
    let mut products = DMatrix::zeros(k, k);
    // Blocks of rows keep the widened copy small.
    for block in rows.values().chunks(4096 * d) {
        let block = DMatrix::from_row_slice(block.len() / d, d, &shifted(block, mean));
        let features = block * directions;
        sum += features.row_sum_tr();
        products += features.transpose() * &features;
    }
    let n = rows.count() as f64;
    sum /= n;
    let covariance = products / n - &sum * sum.transpose();
    Moments::from_parts(sum, covariance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::normal_row;

    /// Rows whose variance falls from column to column, in a mixed order.
    fn table(n: usize, d: usize) -> Vec<f32> {
        let mut x = vec![0.0; n * d];
        normal_row(Key::new(5, 0), 1, 0, &mut x);
        let scale = |column: usize| 0.9f64.powi((column * 7 % d) as i32);
        x.iter().enumerate().map(|(i, v)| (v * scale(i % d) + 3.0) as f32).collect()
    }

    /// Variance along directions.
    fn variance(rows: Rows, mean: &[f64], directions: &DMatrix<f64>) -> f64 {
        moments_along(rows, mean, directions).covariance().trace()
    }

    fn assert_orthonormal(directions: &DMatrix<f64>) {
        let k = directions.ncols();
        let error = (directions.transpose() * directions - DMatrix::identity(k, k)).amax();
        assert!(error < 1e-9, "off by {error}");
    }

    #[test]
    fn all_ways_find_the_components_of_the_covariance() {
        for (n, d, exact) in [(40, 90, 50), (300, 90, 60)] {
            let x = table(n, d);
            let rows = Rows::new(&x, d).unwrap();
            let (mean, known) = components_within(rows, 8, d).unwrap();
            let (other_mean, found) = components_within(rows, 8, exact).unwrap();
            assert_eq!(mean, other_mean);
            assert_orthonormal(&found);
            let best = variance(rows, &mean, &known);
            let lost = 1.0 - variance(rows, &mean, &found) / best;
            assert!(lost.abs() < 1e-6, "{n}x{d}: {lost} of the variance is lost");
        }
    }

    /// A covariance of these columns would take 1.3 GB.
    #[test]
    fn wide_rows_have_as_many_components_as_they_span() {
        let x = table(12, 13_000);
        let rows = Rows::new(&x, 13_000).unwrap();
        let (mean, directions) = principal_components(rows, 64).unwrap();
        assert_eq!(directions.ncols(), 11, "of 12 rows around their mean");
        assert_orthonormal(&directions);
        let all: f64 = shifted(&x, &mean).iter().map(|v| v * v).sum::<f64>() / 12.0;
        assert!((variance(rows, &mean, &directions) / all - 1.0).abs() < 1e-9);
        let equal = vec![1.5; 3 * 900];
        let error = principal_components(Rows::new(&equal, 900).unwrap(), 64).unwrap_err();
        assert!(error.to_string().contains("all equal"), "{error}");
    }

    #[test]
    fn the_bits_do_not_depend_on_threads() {
        let x = table(1300, 90);
        let rows = Rows::new(&x, 90).unwrap();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| components_within(rows, 8, 60).unwrap())
        };
        assert_eq!(on(1), on(3));
    }
}
