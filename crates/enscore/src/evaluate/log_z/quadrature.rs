//! Integrate exp(f) over a box in one, two or three dimensions by the composite trapezoid rule,
//!
//! ```text
//! Z ≈ Π_k h_k Σ_i w_i exp(f(x_i)),   w_i = Π_k (½ at an end of axis k, 1 between),
//! ```
//!
//! summed as logarithms. For a smooth density that vanishes at the border the error falls faster than any
//! power of h (Trefethen and Weideman 2014, "The exponentially convergent trapezoidal rule", section 5). Two
//! things can go wrong, and both are measured: the step (log Z at h against 2h) and the box (log Z against
//! that of a box 1.5 times as wide, and the density at the border). Expectations under exp(f) / Z are sums
//! over the same grid. Log units are nats.

use super::grid::{Grid, Part, Window};
use crate::error::{Error, Result};
use crate::evaluate::host::{DEFAULT_BATCH, log_densities, same_row_len, scores};
use crate::evaluate::{FisherDivergence, log_sum_exp, weighted_fisher_divergence};
use crate::model::HostDensity;
use serde::Serialize;

/// How far below its greatest value, nats, a log density no longer counts.
const SMALLEST: f64 = 30.0;

/// Points along an axis that the mass is spread over, at least, where a step resolves it: 1.4 steps to a
/// deviation of a Gaussian. On fewer the rule at h and at 2h may be off alike.
const FEWEST_POINTS: f64 = 2.5;
/// The error of a density that a step does not resolve, nats.
const UNRESOLVED: f64 = 1.0;

/// Whether 1 / Σ p² points are enough.
fn is_resolved(log_mass: &[f64], dims: usize) -> bool {
    let squares: Vec<f64> = log_mass.iter().map(|mass| 2.0 * mass).collect();
    -log_sum_exp(&squares) >= dims as f64 * FEWEST_POINTS.ln()
}

/// How fine the grid is.
#[derive(Clone, Copy, Debug)]
pub struct QuadratureSettings {
    /// Steps along each axis, a multiple of 4.
    pub intervals: usize,
    /// Rows a call to the density.
    pub batch: usize,
    /// The relative error of log densities.
    pub epsilon: f64,
}

impl Default for QuadratureSettings {
    fn default() -> Self {
        QuadratureSettings { intervals: 200, batch: DEFAULT_BATCH, epsilon: f64::EPSILON }
    }
}

/// log Z over a box with the figures that say how far it can be trusted, in nats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogZ {
    /// log Z over the box.
    pub value: f64,
    /// |log Z at step h - log Z at 2h|: more than the error at h, where the rule converges; at least 1 where
    /// the mass lies on a few points.
    pub step_error: f64,
    /// What log Z gains in a box 1.5 times as wide.
    pub outside: f64,
    /// The greatest density on the border times the volume, over Z: about the share outside where tails are
    /// heavy.
    pub border: f64,
    /// What rounding leaves open: the relative error of log densities times the largest that counts.
    pub rounding: f64,
}

impl LogZ {
    /// A bound on |error| of log Z over all of space, as far as the grid can tell.
    pub fn error(&self) -> f64 {
        self.step_error + self.outside.abs().max(self.border) + self.rounding
    }

    /// log Z, where it is known within `tolerance` nats.
    ///
    /// # Errors
    /// An input error that says whether the step or the box is at fault.
    pub fn within(&self, tolerance: f64) -> Result<f64> {
        if self.error() <= tolerance {
            return Ok(self.value);
        }
        let coarse = self.step_error > self.outside.abs().max(self.border);
        Err(Error::input("log Z by quadrature is not accurate enough")
            .found(format_args!(
                "{} +- {:.1e} from the step, {:.1e} from a wider box, {:.1e} from the border",
                self.value, self.step_error, self.outside, self.border
            ))
            .expected(format_args!("an error of at most {tolerance:.1e} nats"))
            .remedy(if coarse {
                "use more intervals"
            } else {
                "use a larger box, and check that exp(f) vanishes"
            }))
    }
}

/// exp(f) / Z on a grid.
#[derive(Clone, Debug)]
pub struct Quadrature {
    window: Window,
    intervals: usize,
    /// `[n, dims]`, the last axis fastest.
    points: Vec<f64>,
    log_density: Vec<f64>,
    /// log of weight times density over Z.
    log_mass: Vec<f64>,
    log_z: LogZ,
    batch: usize,
}

impl Quadrature {
    /// Evaluates `density` on a grid over `window`, and around it for the check of the box: about
    /// (1.5 intervals)^dims rows.
    ///
    /// # Errors
    /// Intervals that are no positive multiple of 4, more points than memory should hold, a density over
    /// other rows, log densities that are NaN or plus infinity, a density that is 0 on the whole box.
    pub fn new(density: &mut dyn HostDensity, window: &Window, settings: QuadratureSettings) -> Result<Self> {
        let grid = Grid::new(window, settings.intervals)?;
        same_row_len(density.row_len(), window.dims())?;
        let n = settings.intervals;
        let margin = settings.intervals / 4;
        let points = grid.points();
        let values = log_densities(density, &points, settings.batch)?;
        let inner = grid.part(margin, 1, n);
        let log_z = |part: &Part| log_sum_exp(&part.masses(&values)) + part.log_volume;
        let value = log_z(&inner);
        if value == f64::NEG_INFINITY {
            return Err(Error::run("the density is 0 on the whole box").remedy("use another box"));
        }
        let greatest = inner.indices.iter().map(|at| values[*at]).fold(f64::NEG_INFINITY, f64::max);
        let border = inner.border().map(|at| values[at]).fold(f64::NEG_INFINITY, f64::max);
        let log_volume: f64 = window.low.iter().zip(&window.high).map(|(low, high)| (high - low).ln()).sum();
        let counts = |f: &&f64| **f > greatest - SMALLEST;
        let largest = values.iter().filter(counts).fold(0.0f64, |largest, f| largest.max(f.abs()));
        let log_mass: Vec<f64> =
            inner.masses(&values).iter().map(|mass| mass + inner.log_volume - value).collect();
        let dims = window.dims();
        let twice = (value - log_z(&grid.part(margin, 2, n / 2))).abs();
        let step_error = if is_resolved(&log_mass, dims) { twice } else { twice.max(UNRESOLVED) };
        let log_z = LogZ {
            value,
            rounding: settings.epsilon * largest,
            step_error,
            outside: log_z(&grid.part(0, 1, n + 2 * margin)) - value,
            border: (border + log_volume - value).exp(),
        };
        let at = |index: &usize| points[index * dims..][..dims].iter().copied();
        Ok(Quadrature {
            window: window.clone(),
            intervals: n,
            points: inner.indices.iter().flat_map(at).collect(),
            log_density: inner.indices.iter().map(|index| values[*index]).collect(),
            log_mass,
            log_z,
            batch: settings.batch,
        })
    }

    /// log Z over the box.
    pub fn log_z(&self) -> LogZ {
        self.log_z
    }

    /// The box that fits the density better: moved outwards by half its width on a side where the density has
    /// not fallen off at the border, else drawn in to where it has.
    ///
    /// # Errors
    /// A box that is no longer finite.
    pub(super) fn fitted_window(&self) -> Result<Window> {
        let dims = self.window.dims();
        let greatest = self.log_density.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut low = self.window.high.clone();
        let mut high = self.window.low.clone();
        for (point, f) in self.points.chunks_exact(dims).zip(&self.log_density) {
            if *f > greatest - SMALLEST {
                low.iter_mut().zip(point).for_each(|(low, x)| *low = low.min(*x));
                high.iter_mut().zip(point).for_each(|(high, x)| *high = high.max(*x));
            }
        }
        for axis in 0..dims {
            let width = self.window.high[axis] - self.window.low[axis];
            let step = width / self.intervals as f64;
            let beyond = |reaches: bool| if reaches { 0.5 * width } else { 2.0 * step };
            low[axis] -= beyond(low[axis] < self.window.low[axis] + 0.5 * step);
            high[axis] += beyond(high[axis] > self.window.high[axis] - 0.5 * step);
        }
        Window::new(&low, &high)
    }

    /// The points of the grid, `[n, dims]`, the last axis fastest.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// f at the points, `[n]`, nats.
    pub fn log_density(&self) -> &[f64] {
        &self.log_density
    }

    /// The probability that the rule gives to each point, `[n]`, with sum 1.
    pub fn probabilities(&self) -> Vec<f64> {
        self.log_mass.iter().map(|mass| mass.exp()).collect()
    }

    /// E[g(x)] under exp(f) / Z, for K functions at once. Points of probability 0 are left out.
    pub fn expectation<const K: usize>(&self, g: impl Fn(&[f64]) -> [f64; K]) -> [f64; K] {
        let mut sums = [0.0; K];
        for (point, mass) in self.points.chunks_exact(self.window.dims()).zip(&self.log_mass) {
            let probability = mass.exp();
            if probability > 0.0 {
                sums.iter_mut().zip(g(point)).for_each(|(sum, value)| *sum += probability * value);
            }
        }
        sums
    }

    /// ½ E_p ‖∇ log p - s‖² under this p = exp(f) / Z, whose score `own` gives (the density of the grid, or
    /// its noisy version for another question), and s that of `model`.
    ///
    /// # Errors
    /// Rows of other lengths; scores that are not finite where p is not 0.
    pub fn fisher_divergence(
        &self,
        own: &mut dyn HostDensity,
        model: &mut dyn HostDensity,
    ) -> Result<FisherDivergence> {
        let dims = self.window.dims();
        same_row_len(own.row_len(), dims)?;
        same_row_len(model.row_len(), dims)?;
        let mut rows = Vec::new();
        let mut weights = Vec::new();
        for (point, mass) in self.points.chunks_exact(dims).zip(self.probabilities()) {
            if mass > 0.0 {
                rows.extend_from_slice(point);
                weights.push(mass);
            }
        }
        let found = scores(model, &rows, self.batch)?;
        let known = scores(own, &rows, self.batch)?;
        weighted_fisher_divergence(&found, &known, &weights, dims)
    }

    /// KL(p | q) = E_p[log p - log q] in nats, where p is this density and q the other, each normalised over
    /// the same box; infinite where q is 0 and p is not.
    ///
    /// # Errors
    /// Grids that are not the same.
    pub fn kl(&self, other: &Quadrature) -> Result<f64> {
        if self.window != other.window || self.intervals != other.intervals {
            return Err(Error::input("two densities on different grids").expected("the same box and step"));
        }
        let normaliser = self.log_z.value - other.log_z.value;
        let terms = self.log_mass.iter().zip(self.log_density.iter().zip(&other.log_density));
        Ok(terms
            .filter(|(mass, _)| mass.exp() > 0.0)
            .map(|(mass, (p, q))| mass.exp() * (p - q - normaliser))
            .sum())
    }
}

#[cfg(test)]
mod tests;
