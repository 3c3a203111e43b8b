//! A kernel density estimate (Rosenblatt 1956; Parzen 1962): p(x) = (1/n) Σ_j N(x; x_j, H) over all training
//! rows x_j, with H = h² C:
//!
//! ```text
//! rule            Scott (1992)  h = n^(-1/(d+4)),   Silverman (1986)  h = (n (d + 2) / 4)^(-1/(d+4)),
//!                 leave-one-out h with the largest mean_i ln (1/(n-1)) Σ_{j≠i} N(x_i; x_j, h² C);
//! kernel          covariance    C = the rows' covariance, divided by n - 1 (as in SciPy),
//!                 isotropic     C = I (as in scikit-learn).
//! ```
//!
//! One pass fits it.

use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Initial, Parameters, Var};
use nalgebra::DMatrix;
use rayon::prelude::*;

use super::row_draws::RowDraws;
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::keys::{Kind, choice, keys};
use crate::model::density::{Factor, covariance_about, mean_of};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::log_determinant;
use crate::model::traits::{Fitted, LogDensity, Normalised, Pass, SequentialDraws, Support};
use crate::streams;

/// Rows that are left out to choose a width, at most.
const MOST_LEFT_OUT: usize = 1000;
/// Widths tried: steps of a golden-section search over e^-5 to e^2 times Scott's.
const SEARCH_STEPS: usize = 24;
const SEARCHED: [f64; 2] = [-5.0, 2.0];

choice! {
    /// How wide the kernels are.
    Bandwidth {
        /// n^(-1/(d+4)).
        Scott = "scott",
        /// (n (d + 2) / 4)^(-1/(d+4)).
        Silverman = "silverman",
        /// The width under which rows are likeliest given the others.
        LeaveOneOut = "leave-one-out",
    }
}

choice! {
    /// The shape of the kernels.
    KernelShape {
        /// That of the rows' covariance.
        Covariance = "covariance",
        /// The same in every direction.
        Isotropic = "isotropic",
    }
}

keys! {
    /// Settings of a kernel density estimate.
    KernelDensitySettings {
        bandwidth: Bandwidth = Bandwidth::LeaveOneOut, (), "Rule for the width of the kernels: two formulas, or the largest likelihood of rows given the others.";
        kernel: KernelShape = KernelShape::Covariance, (), "Shape of the kernels: that of the rows' covariance, or the same in every direction.";
    }
}

impl Kind for KernelDensitySettings {
    type Facts = ();
}

impl ModelKind for KernelDensitySettings {
    fn family(&self) -> Family {
        Family::Baseline
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let rows = data.count.ok_or_else(|| {
            Error::input("the number of rows of a kernel density estimate is not known").at("manifest.json")
        })?;
        let model = KernelDensity::new(data.row_shape, rows, self.bandwidth, self.kernel)?;
        Ok(Network::Normalised(Box::new(model)))
    }

    fn noun(&self) -> &'static str {
        "a kernel density estimate"
    }

    fn keeps_rows(&self) -> bool {
        true
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "kernel density estimate",
            authors: "Emanuel Parzen",
            year: 1962,
            title: "On Estimation of a Probability Density Function and Mode",
            venue: "Annals of Mathematical Statistics 33(3), 1065-1076",
        }]
    }
}

/// Parameters `rows` `[n, d]`, and `whitening` `[d, d]`, the inverse factor of H, lower triangular.
#[derive(Clone, Debug)]
pub struct KernelDensity {
    row_shape: Vec<usize>,
    count: usize,
    bandwidth: Bandwidth,
    kernel: KernelShape,
}

impl KernelDensity {
    /// Of this many rows of this shape.
    ///
    /// # Errors
    /// Fewer than two rows, rows without elements.
    pub fn new(row_shape: &[usize], count: usize, bandwidth: Bandwidth, kernel: KernelShape) -> Result<Self> {
        if count < 2 || row_shape.iter().product::<usize>() == 0 {
            return Err(Error::input("too few rows for a kernel density estimate")
                .found(format!("{count} rows of shape {row_shape:?}"))
                .expected("at least two rows with an element"));
        }
        Ok(KernelDensity { row_shape: row_shape.to_vec(), count, bandwidth, kernel })
    }

    fn elements(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// The inverse factor of H, `[d, d]` row-major, for these rows, and the mean log-likelihood of rows given
    /// the others.
    ///
    /// # Errors
    /// Rows whose covariance is singular.
    pub fn fit(&self, rows: &[f64]) -> Result<(Vec<f64>, f64)> {
        let d = self.elements();
        let unit = match self.kernel {
            KernelShape::Isotropic => DMatrix::identity(d, d).as_slice().to_vec(),
            KernelShape::Covariance => match Factor::of(&covariance(rows, d), d)? {
                Factor::Full { inverse, .. } => inverse,
                Factor::Diagonal(deviations) => deviations,
            },
        };
        let (n, d) = (self.count as f64, d as f64);
        let scott = n.powf(-1.0 / (d + 4.0));
        let width = match self.bandwidth {
            Bandwidth::Scott => scott,
            Bandwidth::Silverman => (n * (d + 2.0) / 4.0).powf(-1.0 / (d + 4.0)),
            Bandwidth::LeaveOneOut => best_width(rows, &unit, scott)?,
        };
        let whitening: Vec<f64> = unit.iter().map(|value| value / width).collect();
        let each = leave_one_out(rows, &whitening, self.elements(), MOST_LEFT_OUT);
        Ok((whitening, each.iter().sum::<f64>() / each.len().max(1) as f64))
    }
}

/// The covariance of rows `[n, d]`, divided by n - 1.
fn covariance(rows: &[f64], d: usize) -> Vec<f64> {
    let n = (rows.len() / d) as f64;
    let covariance = covariance_about(rows, &mean_of(rows, d)) * (n / (n - 1.0));
    covariance.as_slice().to_vec()
}

/// The width, as a factor on a kernel of this inverse factor, under which rows are likeliest given the
/// others.
fn best_width(rows: &[f64], unit: &[f64], scott: f64) -> Result<f64> {
    let d = unit.len().isqrt();
    let score = |log_ratio: f64| {
        let width = scott * log_ratio.exp();
        let whitening: Vec<f64> = unit.iter().map(|value| value / width).collect();
        leave_one_out(rows, &whitening, d, MOST_LEFT_OUT).iter().sum::<f64>()
    };
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let [mut low, mut high] = SEARCHED;
    let [mut left, mut right] = [high - golden * (high - low), low + golden * (high - low)];
    let [mut of_left, mut of_right] = [score(left), score(right)];
    for _ in 0..SEARCH_STEPS {
        if of_left > of_right {
            (high, right, of_right) = (right, left, of_left);
            left = high - golden * (high - low);
            of_left = score(left);
        } else {
            (low, left, of_left) = (left, right, of_right);
            right = low + golden * (high - low);
            of_right = score(right);
        }
    }
    let best = 0.5 * (low + high);
    if best - SEARCHED[0] < 0.01 {
        return Err(Error::input("rows that occur twice have no best kernel")
            .at("model.bandwidth")
            .found("\"leave-one-out\"")
            .remedy("set model.bandwidth = \"scott\", or add noise to the rows"));
    }
    Ok(scott * best.exp())
}

/// ln (1/(n-1)) Σ_{j≠i} N(x_i; x_j, H) of the first `most` rows i, by the inverse factor `[d, d]` of H.
pub fn leave_one_out(rows: &[f64], whitening: &[f64], d: usize, most: usize) -> Vec<f64> {
    let n = rows.len() / d;
    let lower = DMatrix::from_row_slice(d, d, whitening);
    let x = &lower * DMatrix::from_column_slice(d, n, rows);
    let log_determinant: f64 = (0..d).map(|i| lower[(i, i)].ln()).sum();
    let level = log_determinant - 0.5 * d as f64 * std::f64::consts::TAU.ln() - ((n - 1) as f64).ln();
    let points = x.as_slice();
    let of = |i: usize| {
        let own = &points[i * d..][..d];
        let term = |other: &[f64]| -0.5 * own.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let others = || points.chunks_exact(d).enumerate().filter(move |(j, _)| *j != i);
        let max = others().map(|(_, other)| term(other)).fold(f64::NEG_INFINITY, f64::max);
        level + max + others().map(|(_, other)| (term(other) - max).exp()).sum::<f64>().ln()
    };
    (0..n.min(most)).into_par_iter().map(of).collect()
}

impl LogDensity for KernelDensity {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (n, d) = (self.count, self.elements());
        let rows = parameters.get("rows", &[n, d], Initial::Constant(0.0));
        let whitening = parameters.get("whitening", &[d, d], Initial::Identity);
        // Distances from the rows' mean are short, so that their squares lose little to rounding.
        let centre = rows.mean(&[0]);
        let white = |rows: Var<'s>| (rows - centre).matmul_with(whitening, false, true);
        let [x, rows] = [white(x.reshape(&[x.extent(0), d])), white(rows)];
        let norms = x.square().sum(&[1]).reshape(&[x.extent(0), 1]);
        let far = norms + rows.square().sum(&[1]) - x.matmul_with(rows, false, true) * 2.0;
        let level =
            log_determinant(whitening) - 0.5 * d as f64 * std::f64::consts::TAU.ln() - (n as f64).ln();
        (far * -0.5).log_sum_exp(1) + level
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Normalised for KernelDensity {
    fn support(&self) -> Support {
        Support::Real
    }

    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>> {
        let (n, d) = (self.count, self.elements());
        let rows = weights.get::<f32>("rows")?.into_owned();
        let whitening: Vec<f64> = weights.get::<f32>("whitening")?.iter().map(|v| f64::from(*v)).collect();
        let lower = DMatrix::from_row_slice(d, d, &whitening);
        let factor = lower
            .try_inverse()
            .ok_or_else(|| Error::input("the weights are not those of a kernel density estimate"))?;
        Ok(Box::new(RowDraws::new(d, move |row| {
            let key = Key::new(seed, 0);
            let mut word = [0];
            row_words(key, streams::ROW_COMPONENT, row, &mut word);
            let chosen = ((uniform(word[0]) * n as f64) as usize).min(n - 1);
            let mut e = vec![0.0; d];
            normal_row(key, streams::ROW_NORMAL, row, &mut e);
            let moved = &factor * DMatrix::from_column_slice(d, 1, &e);
            let centre = &rows[chosen * d..][..d];
            centre.iter().zip(moved.iter()).map(|(x, e)| x + *e as f32).collect()
        })))
    }

    fn fitted(&self) -> Option<&dyn Fitted> {
        Some(self)
    }
}

impl Fitted for KernelDensity {
    /// The log-likelihood is that of rows given the others.
    fn pass(&self, rows: &[f64], _current: Option<&[Vec<f32>]>, _seed: u64) -> Result<Pass> {
        if rows.len() != self.count * self.elements() {
            return Err(Error::input("not the rows of this estimate")
                .found(rows.len() / self.elements())
                .expected(self.count));
        }
        let (whitening, log_likelihood) = self.fit(rows)?;
        let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Ok(Pass { values: vec![single(rows), single(&whitening)], log_likelihood })
    }
}
