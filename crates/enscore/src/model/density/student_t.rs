//! The multivariate Student t with ν degrees of freedom, location m and scale matrix S = L L' (Kotz and
//! Nadarajah 2004, eq. 1.1):
//!
//! ```text
//! log p(x) = ln Γ((ν + d)/2) - ln Γ(ν/2) - (d/2) ln(νπ) - ln det L - (ν + d)/2 ln(1 + ‖L⁻¹(x - m)‖²/ν),
//! ```
//!
//! drawn as m + L e √(ν/c), where c is the sum of ν squared normal numbers. Its covariance is ν/(ν - 2) S for
//! ν > 2. Its tails are heavier than a Gaussian's: a proposal and a noise that covers the data.

use enscore_program::Var;

use super::gaussian::Gaussian;
use super::{check_elements, flat};
use crate::error::{Error, Result};
use crate::model::{NoiseDensity, batch_shape, sum_rows};

/// Beyond this a draw takes too many numbers, and a Gaussian is as good.
const MOST_DEGREES: f64 = 1000.0;

/// The Student t density: noise to contrast data with whose tails are heavier than the data's.
///
/// ```
/// use enscore::model::StudentT;
/// use enscore::objective::{Noise, NoiseContrastive, Task};
///
/// let noise = StudentT::new(&[2], &[0.0, 0.0], &[1.0, 0.0, 0.0, 1.0], 3.0)?;
/// let task = Task::new(NoiseContrastive { noise: Noise::new(noise), ratio: 1, log_z: 0.0 });
/// # assert!(task.chains.is_none());
/// # Ok::<(), enscore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StudentT {
    /// Location and scale.
    scale: Gaussian,
    degrees: usize,
}

impl StudentT {
    /// Location `[d]`, scale matrix `[d, d]` row-major, degrees of freedom ν, a whole number.
    ///
    /// # Errors
    /// Sizes that don't fit, a scale matrix that is not positive definite; degrees of freedom that are not
    /// whole, which a sum of squares can't give, or that are beyond 1 to 1000.
    pub fn new(row_shape: &[usize], location: &[f64], scale: &[f64], degrees: f64) -> Result<Self> {
        check_elements("location", location, row_shape)?;
        if !(degrees.fract() == 0.0 && (1.0..=MOST_DEGREES).contains(&degrees)) {
            return Err(Error::input("unsupported degrees of freedom")
                .at("degrees")
                .found(degrees)
                .expected("a whole number from 1 to 1000, since a draw sums that many squared normals")
                .remedy("round it, or use a Gaussian where it is large"));
        }
        Ok(StudentT { scale: Gaussian::new(row_shape, location, scale)?, degrees: degrees as usize })
    }

    /// log p of one row, on the host, in nats; NaN where the row has another length.
    pub fn log_density_of(&self, x: &[f64]) -> f64 {
        if x.len() != self.scale.mean.len() {
            return f64::NAN;
        }
        let centred: Vec<f64> = x.iter().zip(&self.scale.mean).map(|(x, m)| x - m).collect();
        self.ln_peak()
            - self.power() * (self.scale.factor.square_norm(&centred) / self.degrees as f64).ln_1p()
    }

    /// (ν + d)/2.
    fn power(&self) -> f64 {
        0.5 * (self.degrees + self.scale.mean.len()) as f64
    }

    /// log p at the location.
    fn ln_peak(&self) -> f64 {
        let degrees = self.degrees;
        let d = self.scale.mean.len();
        let width = 0.5 * d as f64 * (degrees as f64 * std::f64::consts::PI).ln();
        ln_gamma_of_half(degrees + d) - ln_gamma_of_half(degrees) - width - self.scale.factor.ln_determinant()
    }
}

impl NoiseDensity for StudentT {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        let square = sum_rows(self.scale.whiten(flat(x)).square());
        self.ln_peak() - (square * (1.0 / self.degrees as f64) + 1.0).log() * self.power()
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let d = self.scale.mean.len();
        let count = rows * each;
        let normal = |width: usize| key.normal(&[rows, each * width]).reshape(&[count, width]);
        let chi_square = sum_rows(normal(self.degrees).square());
        let stretch = (self.degrees as f64 / chi_square).sqrt().reshape(&[count, 1]);
        let e = normal(d) * stretch;
        self.scale.colour(e).reshape(&batch_shape(count, &self.scale.row_shape))
    }

    fn row_shape(&self) -> &[usize] {
        &self.scale.row_shape
    }
}

/// ln Γ(n/2) for n ≥ 1, from Γ(1/2) = √π, Γ(1) = 1 and Γ(x + 1) = x Γ(x).
fn ln_gamma_of_half(n: usize) -> f64 {
    let start = if n.is_multiple_of(2) { 0.0 } else { 0.5 * std::f64::consts::PI.ln() };
    let first = if n.is_multiple_of(2) { 2 } else { 1 };
    start + (first..n).step_by(2).map(|k| (0.5 * k as f64).ln()).sum::<f64>()
}
