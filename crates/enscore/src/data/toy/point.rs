//! Points of the plane, and what a density is there.

/// A point of the plane, or a gradient there.
pub(super) type Point = [f64; 2];

/// Log density and score at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) log_density: f64,
    pub(super) score: Point,
}
