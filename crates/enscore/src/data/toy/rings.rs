//! Defines densities that depend on the radius alone: p(x) = (1/Z) sum_k exp(-(|x| - R_k)^2 / (2 sigma^2)).
//!
//! Z = sum_k Z_k with Z_k = 2 pi int_0^inf r exp(-(r - R_k)^2 / (2 sigma^2)) dr by the trapezoid rule. For
//! R_k well above sigma Z_k is close to (2 pi)^(3/2) R_k sigma, so that all rings are equally bright.
//!
//! score(x) = (x / |x|) sum_k s_k(x) (R_k - |x|) / sigma^2, where s_k is the share of ring k; at the origin,
//! where the density has a cusp of height exp(-R_1^2 / (2 sigma^2)), it is 0.

use std::f64::consts::TAU;

use super::draws::Draws;
use super::point::{Point, Value};

/// A normal number of 32-bit words lies within this many standard deviations of its mean.
const REACH: f64 = 7.0;

/// Concentric rings with a Gaussian profile across.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rings {
    radii: Vec<f64>,
    sigma: f64,
    /// Z_k of each ring.
    constants: Vec<f64>,
}

impl Rings {
    /// Rings of these radii, each above 7 `sigma`.
    pub fn new(radii: &[f64], sigma: f64) -> Rings {
        let constants = radii.iter().map(|&radius| ring_constant(radius, sigma)).collect();
        Rings { radii: radii.to_vec(), sigma, constants }
    }

    /// log Z, nats.
    pub fn log_z(&self) -> f64 {
        self.constants.iter().sum::<f64>().ln()
    }

    /// Log density and score at `x`.
    pub fn value(&self, x: Point) -> Value {
        let r = x[0].hypot(x[1]);
        let log_terms = self.radii.iter().map(|radius| -0.5 * ((r - radius) / self.sigma).powi(2));
        let greatest = log_terms.clone().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        let mut slope = 0.0;
        for (log_term, radius) in log_terms.zip(&self.radii) {
            let term = (log_term - greatest).exp();
            sum += term;
            slope += term * (radius - r) / (self.sigma * self.sigma);
        }
        let outward = if r > 0.0 { slope / sum / r } else { 0.0 };
        Value { log_density: greatest + sum.ln() - self.log_z(), score: [outward * x[0], outward * x[1]] }
    }

    /// A draw: a ring by its constant; the radius, of density proportional to r exp(-(r - R)^2 / (2
    /// sigma^2)), by rejection from a normal, which has no r before the exponential and never lies beyond R +
    /// 7 sigma; any angle.
    pub fn draw(&self, draws: &mut Draws) -> Point {
        let total: f64 = self.constants.iter().sum();
        let pick = draws.uniform() * total;
        let mut below = 0.0;
        let picked = self.radii.iter().zip(&self.constants).find(|(_, constant)| {
            below += **constant;
            pick < below
        });
        let radius = picked.map(|(radius, _)| *radius).or(self.radii.last().copied()).unwrap_or(0.0);
        let (sin, cos) = (TAU * draws.uniform()).sin_cos();
        loop {
            let [normal, _] = draws.normal_pair();
            let r = radius + self.sigma * normal;
            if draws.uniform() * (radius + REACH * self.sigma) < r {
                return [r * cos, r * sin];
            }
        }
    }

    /// A square `deviations` standard deviations beyond the outermost ring.
    pub fn window(&self, deviations: f64) -> [[f64; 2]; 2] {
        let outermost = self.radii.iter().copied().fold(0.0, f64::max);
        let reach = outermost + deviations * self.sigma;
        [[-reach, reach]; 2]
    }
}

/// 2 pi int_0^inf r exp(-(r - R)^2 / (2 sigma^2)) dr: what lies 10 sigma from the ring is below 1e-20 of it.
fn ring_constant(radius: f64, sigma: f64) -> f64 {
    const STEPS: i32 = 400;
    let step = 20.0 * sigma / f64::from(STEPS);
    let term = |i: i32| {
        let r = radius + step * f64::from(i);
        if r > 0.0 { r * (-0.5 * ((r - radius) / sigma).powi(2)).exp() } else { 0.0 }
    };
    TAU * step * (-STEPS / 2..=STEPS / 2).map(term).sum::<f64>()
}
