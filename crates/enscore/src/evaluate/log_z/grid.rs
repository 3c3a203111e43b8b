//! Lay a grid over a box and around it, and cut parts from it with the weights of the trapezoid rule.

use crate::error::{Error, Result};

/// Grids beyond this would take minutes and gigabytes.
const MOST_POINTS: usize = 1 << 24;
const MOST_DIMS: usize = 3;

/// A box [low_k, high_k] along each axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl Window {
    /// The box between two corners, `[d]` each.
    ///
    /// # Errors
    /// More than 3 dimensions or none, or an axis that is not finite with low < high.
    pub fn new(low: &[f64], high: &[f64]) -> Result<Window> {
        if low.is_empty() || low.len() > MOST_DIMS || low.len() != high.len() {
            return Err(Error::input("invalid box for a grid")
                .found(format_args!("{} and {} dimensions", low.len(), high.len()))
                .expected(format_args!("1 to {MOST_DIMS}, the same for both corners"))
                .remedy("in more dimensions, estimate log Z by annealed importance sampling"));
        }
        for (axis, (low, high)) in low.iter().zip(high).enumerate() {
            if !(low < high && (high - low).is_finite()) {
                return Err(Error::input("an axis of the box is empty or not finite")
                    .at(format_args!("axis {axis}"))
                    .found(format_args!("{low} to {high}"))
                    .expected("finite ends, lower first"));
            }
        }
        Ok(Window { low: low.to_vec(), high: high.to_vec() })
    }

    /// [-half, half] along each of `dims` axes.
    ///
    /// # Errors
    /// As [`Window::new`].
    pub fn centred(dims: usize, half: f64) -> Result<Window> {
        Window::new(&vec![-half; dims], &vec![half; dims])
    }

    /// Whether every side is within a fifth of the other box's width.
    pub(super) fn is_near(&self, other: &Window) -> bool {
        (0..self.dims()).all(|axis| {
            let most = 0.2 * (other.high[axis] - other.low[axis]);
            let near = |a: &[f64], b: &[f64]| (a[axis] - b[axis]).abs() <= most;
            near(&self.low, &other.low) && near(&self.high, &other.high)
        })
    }

    /// The number of axes.
    pub fn dims(&self) -> usize {
        self.low.len()
    }
}

/// A grid over a box and a quarter of its width around it: `per_axis` points along each axis.
pub(super) struct Grid {
    low: Vec<f64>,
    step: Vec<f64>,
    margin: usize,
    per_axis: usize,
}

/// Every `stride`-th point of a part of the grid, with the logarithms of the rule's weights.
pub(super) struct Part {
    pub(super) indices: Vec<usize>,
    log_weights: Vec<f64>,
    pub(super) log_volume: f64,
}

impl Grid {
    pub(super) fn new(window: &Window, intervals: usize) -> Result<Grid> {
        let per_axis = intervals.saturating_add(intervals / 2).saturating_add(1);
        let points = per_axis.checked_pow(window.dims() as u32).filter(|points| *points <= MOST_POINTS);
        if intervals == 0 || !intervals.is_multiple_of(4) || points.is_none() {
            return Err(Error::input("invalid number of intervals of a grid")
                .found(format_args!("{intervals} along each of {} axes", window.dims()))
                .expected(format_args!("a positive multiple of 4, at most {MOST_POINTS} points")));
        }
        let widths = window.low.iter().zip(&window.high);
        let step = widths.map(|(low, high)| (high - low) / intervals as f64).collect();
        Ok(Grid { low: window.low.clone(), step, margin: intervals / 4, per_axis })
    }

    pub(super) fn points(&self) -> Vec<f64> {
        let dims = self.low.len();
        let mut points = Vec::with_capacity(dims * self.per_axis.pow(dims as u32));
        for index in 0..self.per_axis.pow(dims as u32) {
            for axis in 0..dims {
                let at = self.along(index, axis) as f64 - self.margin as f64;
                points.push(self.low[axis] + at * self.step[axis]);
            }
        }
        points
    }

    /// The position along an axis of the point with this flat index.
    fn along(&self, index: usize, axis: usize) -> usize {
        index / self.per_axis.pow((self.low.len() - 1 - axis) as u32) % self.per_axis
    }

    /// `cells` steps of `stride` along each axis from position `from`.
    pub(super) fn part(&self, from: usize, stride: usize, cells: usize) -> Part {
        let dims = self.low.len();
        let last = from + stride * cells;
        let mut indices = Vec::new();
        let mut log_weights = Vec::new();
        for index in 0..self.per_axis.pow(dims as u32) {
            let positions = || (0..dims).map(|axis| self.along(index, axis));
            if positions().all(|at| at >= from && at <= last && (at - from).is_multiple_of(stride)) {
                let ends = positions().filter(|at| *at == from || *at == last).count();
                indices.push(index);
                log_weights.push(ends as f64 * 0.5f64.ln());
            }
        }
        let log_volume = self.step.iter().map(|step| (step * stride as f64).ln()).sum();
        Part { indices, log_weights, log_volume }
    }
}

impl Part {
    /// log (w_i exp(f_i)) of the part's points, from f at all points of the grid.
    pub(super) fn masses(&self, values: &[f64]) -> Vec<f64> {
        self.indices.iter().zip(&self.log_weights).map(|(index, weight)| values[*index] + weight).collect()
    }

    /// The points on the border.
    pub(super) fn border(&self) -> impl Iterator<Item = usize> {
        self.indices.iter().zip(&self.log_weights).filter(|(_, w)| **w < 0.0).map(|(index, _)| *index)
    }
}
