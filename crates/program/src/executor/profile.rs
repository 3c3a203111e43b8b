//! What the steps of a compiled program do and what they cost.

use std::time::Duration;

/// The kind of work that a step is. A step of several kinds counts as the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Matrix products.
    Products,
    /// Convolutions and their gradients.
    Convolutions,
    /// Element by element, with sums or maxima at the end.
    Reductions,
    /// Element by element, random draws among them.
    Elementwise,
    /// Copies, gathers, padding; primitives that the reference computes.
    Other,
}

impl Group {
    /// All groups, in the order in which tables show them.
    pub const ALL: [Group; 5] =
        [Group::Products, Group::Convolutions, Group::Reductions, Group::Elementwise, Group::Other];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Group::Products => "products",
            Group::Convolutions => "convolutions",
            Group::Reductions => "reductions",
            Group::Elementwise => "elementwise",
            Group::Other => "other",
        }
    }
}

/// What one run of a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its kind.
    pub group: Group,
    /// Multiplications and additions of products and convolutions.
    pub operations: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

/// What a step cost.
#[derive(Clone, Debug)]
pub struct StepProfile {
    /// The primitives that the step computes.
    pub name: String,
    /// Runs.
    pub runs: u64,
    /// Seconds of the runs together.
    pub seconds: f64,
    /// Seconds of the shortest: other work on the machine only ever makes one longer.
    pub least: f64,
    /// What one run of it does.
    pub work: Work,
}

/// What a program cost.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Its steps; none where the executor doesn't take their time.
    pub steps: Vec<StepProfile>,
    /// Bytes that a run may touch: inputs, outputs, constants and what lies between.
    pub touched: usize,
}

/// What a device can do at most: the two limits of a roofline (Williams, Waterman and Patterson 2009).
pub trait Rates {
    /// Multiplications and additions per second of large matrix products in single precision, over tries
    /// that together take `budget`.
    fn products(&self, budget: Duration) -> f64;

    /// Bytes per second, read and written, of a copy in which source and target together have `bytes` bytes,
    /// over tries that together take `budget`.
    fn copies(&self, bytes: usize, budget: Duration) -> f64;

    /// Bytes of a copy that fits no cache.
    fn large(&self) -> usize;
}
