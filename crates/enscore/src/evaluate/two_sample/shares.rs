//! How much of one set of rows lies where the other one does, by distances to nearest neighbours: with the
//! ball B(x) around each row x that reaches to its k-th nearest neighbour in its own set (itself not
//! counted),
//!
//! ```text
//! precision   share of samples in some B(real row),        recall     share of real rows in some B(sample)
//!             (Kynkäänniemi, Karras, Laine, Lehtinen and Aila 2019, eq. 1 and 2);
//! density     (1/(k m)) Σ over samples of the B(real row) that hold it,
//! coverage    share of real rows whose nearest sample lies in B(real row)
//!             (Naeem, Oh, Uh, Choi and Yoo 2020, eq. 3 and 4).
//! ```
//!
//! The larger the better. Samples that left out modes have a low recall and coverage, samples outside the
//! data a low precision and density.

use std::sync::Arc;

use rayon::prelude::*;

use super::metric::TwoSampleMetric;
use super::principal::PrincipalSpace;
use crate::error::{Error, Result};
use crate::evaluate::rows::Rows;
use nalgebra::DMatrix;

/// The neighbour that balls reach to: Naeem et al.'s choice.
pub const DEFAULT_NEIGHBOUR: usize = 5;

/// Which share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Of samples where the data are.
    Precision,
    /// Of data where the samples are.
    Recall,
    /// How densely the data lie around samples.
    Density,
    /// Of data with a sample nearby.
    Coverage,
}

/// A share in a space of principal components, or of the rows themselves.
#[derive(Clone, Debug)]
pub struct SharedSupport {
    share: Share,
    neighbour: usize,
    space: Option<Arc<PrincipalSpace>>,
}

impl SharedSupport {
    /// In the space of the rows themselves, with balls to the k-th `neighbour`.
    ///
    /// # Errors
    /// A neighbour of 0.
    pub fn new(share: Share, neighbour: usize) -> Result<Self> {
        if neighbour == 0 {
            return Err(Error::input("balls need a neighbour")
                .at("neighbour")
                .found(0)
                .expected("at least 1"));
        }
        Ok(SharedSupport { share, neighbour, space: None })
    }

    /// The same in a space of principal components.
    pub fn within(self, space: Arc<PrincipalSpace>) -> Self {
        SharedSupport { space: Some(space), ..self }
    }

    /// The rows in the space, column by column, `[dimensions, n]`.
    fn placed(&self, rows: Rows) -> DMatrix<f64> {
        match &self.space {
            Some(space) => space.placed(rows),
            None => {
                let wide: Vec<f64> = rows.values().iter().map(|value| f64::from(*value)).collect();
                DMatrix::from_column_slice(rows.row_len(), rows.count(), &wide)
            }
        }
    }
}

/// Squared distances from each column of `x` to each column of `y`.
fn distances(x: &DMatrix<f64>, y: &DMatrix<f64>) -> Vec<Vec<f64>> {
    let d = x.nrows().max(1);
    let of = |a: &[f64]| -> Vec<f64> {
        let square = |b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        y.as_slice().chunks_exact(d).map(square).collect()
    };
    x.as_slice().par_chunks_exact(d).map(of).collect()
}

/// The squared radius of each column's ball.
fn radii(x: &DMatrix<f64>, neighbour: usize) -> Vec<f64> {
    let radius = |(i, mut row): (usize, Vec<f64>)| {
        row.swap_remove(i);
        *row.select_nth_unstable_by(neighbour - 1, f64::total_cmp).1
    };
    distances(x, x).into_iter().enumerate().map(radius).collect()
}

impl TwoSampleMetric for SharedSupport {
    fn name(&self) -> String {
        let word = match self.share {
            Share::Precision => "precision",
            Share::Recall => "recall",
            Share::Density => "density",
            Share::Coverage => "coverage",
        };
        format!("{word}_k{}", self.neighbour)
    }

    fn larger_is_better(&self) -> bool {
        true
    }

    fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
        samples.same_row_len(real)?;
        self.space.as_ref().map_or(Ok(()), |space| space.require(samples))?;
        let k = self.neighbour;
        if samples.count().min(real.count()) <= k {
            return Err(Error::input("too few rows for their neighbours")
                .found(format_args!("{} samples, {} real rows", samples.count(), real.count()))
                .expected(format!("more than {k} of each")));
        }
        let [samples, real] = [self.placed(samples), self.placed(real)];
        let (n, m) = (real.ncols() as f64, samples.ncols() as f64);
        // A row for each of the set that is asked about, a column for each of the other one.
        let inside = |rows: &DMatrix<f64>, others: &DMatrix<f64>, radii: &[f64]| -> Vec<usize> {
            let count = |row: Vec<f64>| row.iter().zip(radii).filter(|(far, radius)| far <= radius).count();
            distances(rows, others).into_iter().map(count).collect()
        };
        let some = |counts: Vec<usize>| counts.into_iter().filter(|count| *count > 0).count() as f64;
        Ok(match self.share {
            Share::Precision => some(inside(&samples, &real, &radii(&real, k))) / m,
            Share::Recall => some(inside(&real, &samples, &radii(&samples, k))) / n,
            Share::Density => {
                let counts = inside(&samples, &real, &radii(&real, k));
                counts.into_iter().sum::<usize>() as f64 / (k as f64 * m)
            }
            Share::Coverage => {
                let nearest = |row: &Vec<f64>| row.iter().copied().fold(f64::INFINITY, f64::min);
                let found = distances(&real, &samples);
                let covered = found.iter().zip(radii(&real, k)).filter(|(row, r)| nearest(row) <= *r);
                covered.count() as f64 / n
            }
        })
    }
}
