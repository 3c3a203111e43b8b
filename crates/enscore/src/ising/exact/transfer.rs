//! log Z of a strip site by site (Kramers and Wannier 1941, "Statistics of the two-dimensional ferromagnet",
//! with the matrix split into one factor a site): couplings and fields may differ from bond to bond and site
//! to site.
//!
//! The state is a vector over the 2^w configurations of a row, w the shorter side. A bond downwards mixes the
//! two halves of the vector that differ in one spin, the fields and the bonds of a row multiply it: O(2^w) a
//! site. A torus is a trace: the strip is walked through once for each configuration of its first row (half
//! of them without a field). Vectors are rescaled row by row; where entries could underflow all the same,
//! their logarithms are kept.

use rayon::prelude::*;

use super::super::lattice::{IsingModel, Lattice};
use super::enumeration::LogSum;
use crate::error::{Error, Result};

/// log2 of the operations that a strip may take: about half a minute.
pub(super) const MOST_LOG2_OPERATIONS: i32 = 34;
/// log2 of the numbers that may be held: 1 GiB.
const MOST_LOG2_NUMBERS: f64 = 27.0;
/// The largest ratio of entries, as a logarithm, at which plain numbers are kept.
const LINEAR_RANGE: f64 = 600.0;

/// What a strip takes.
pub(super) struct Cost {
    pub log2_operations: f64,
    log2_numbers: f64,
}

impl Cost {
    pub fn affordable(&self) -> bool {
        self.log2_operations <= f64::from(MOST_LOG2_OPERATIONS) && self.log2_numbers <= MOST_LOG2_NUMBERS
    }
}

/// The cost of the transfer matrix; none on graphs.
pub(super) fn cost(model: &IsingModel) -> Option<Cost> {
    let (height, width, starts) = match model.lattice() {
        Lattice::Grid { height, width } => (height, width, 0.0),
        Lattice::Torus { height, width } => (height, width, 1.0),
        Lattice::Graph { .. } => return None,
    };
    let short = height.min(width) as f64;
    let long = height.max(width) as f64;
    let tables = if model.uniform_coupling().is_some() { 1.0 } else { long };
    Some(Cost {
        log2_operations: short * (1.0 + starts) + (height as f64 * width as f64).log2(),
        log2_numbers: short + tables.log2(),
    })
}

/// log Z by the transfer matrix, nats.
///
/// # Errors
/// An input error on a graph, and with the cost where the shorter side is too long.
pub fn log_z_by_transfer_matrix(model: &IsingModel) -> Result<f64> {
    let Some(cost) = cost(model) else {
        return Err(Error::input("a graph has no transfer matrix").expected("a grid or a torus"));
    };
    if !cost.affordable() {
        return Err(Error::input("a strip too wide for the transfer matrix")
            .found(format_args!("2^{:.0} operations", cost.log2_operations.ceil()))
            .expected(format_args!(
                "at most 2^{MOST_LOG2_OPERATIONS}, and at most 2^{MOST_LOG2_NUMBERS:.0} numbers held"
            )));
    }
    let strip = Strip::new(model);
    Ok(if strip.range(model) < LINEAR_RANGE { strip.log_z::<Linear>() } else { strip.log_z::<Logs>() })
}

/// How entries are kept: weights relative to the largest, or their logarithms.
trait Entries: Sync {
    const ONE: f64;
    const ZERO: f64;
    /// Entries of spin -1 and +1 above → below, through a bond K; |K| is taken out.
    fn through(minus: &mut [f64], plus: &mut [f64], k: f64);
    /// Multiplies by weights given as logarithms and as numbers.
    fn weigh(vector: &mut [f64], row: &Row);
    /// Rescales; gives the logarithm taken out.
    fn rescale(vector: &mut [f64]) -> f64;
    /// log of the sum.
    fn log_sum(vector: &[f64]) -> f64;
}

struct Linear;
struct Logs;

impl Entries for Linear {
    const ONE: f64 = 1.0;
    const ZERO: f64 = 0.0;

    #[inline]
    fn through(minus: &mut [f64], plus: &mut [f64], k: f64) {
        let small = (-2.0 * k.abs()).exp();
        let (same, other) = if k >= 0.0 { (1.0, small) } else { (small, 1.0) };
        for (a, b) in minus.iter_mut().zip(plus) {
            (*a, *b) = (same * *a + other * *b, other * *a + same * *b);
        }
    }

    fn weigh(vector: &mut [f64], row: &Row) {
        vector.iter_mut().zip(&row.weights).for_each(|(entry, weight)| *entry *= weight);
    }

    fn rescale(vector: &mut [f64]) -> f64 {
        let most = vector.iter().copied().fold(0.0, f64::max);
        vector.iter_mut().for_each(|entry| *entry /= most);
        most.ln()
    }

    fn log_sum(vector: &[f64]) -> f64 {
        vector.iter().sum::<f64>().ln()
    }
}

impl Entries for Logs {
    const ONE: f64 = 0.0;
    const ZERO: f64 = f64::NEG_INFINITY;

    fn through(minus: &mut [f64], plus: &mut [f64], k: f64) {
        let same = k - k.abs();
        let other = -k - k.abs();
        for (a, b) in minus.iter_mut().zip(plus) {
            (*a, *b) = (log_add(same + *a, other + *b), log_add(other + *a, same + *b));
        }
    }

    fn weigh(vector: &mut [f64], row: &Row) {
        vector.iter_mut().zip(&row.logs).for_each(|(entry, log)| *entry += log);
    }

    fn rescale(_: &mut [f64]) -> f64 {
        0.0
    }

    fn log_sum(vector: &[f64]) -> f64 {
        let mut sum = LogSum::default();
        vector.iter().filter(|entry| **entry > f64::NEG_INFINITY).for_each(|entry| sum.add(*entry, 1.0));
        sum.value()
    }
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// A row of the strip: what its fields and bonds weigh, relative to the most, and its bonds to the next row.
struct Row {
    /// Row r has the weights of row `weights_of`: equal rows share them.
    weights_of: usize,
    fields: Vec<f64>,
    /// β J of each site and its neighbour along the row.
    along: Vec<f64>,
    /// β J of each site and the one in the next row.
    down: Vec<f64>,
    logs: Vec<f64>,
    weights: Vec<f64>,
    most: f64,
}

struct Strip {
    width: usize,
    rows: Vec<Row>,
    torus: bool,
    symmetric: bool,
}

impl Strip {
    /// The strip along the longer side.
    fn new(model: &IsingModel) -> Strip {
        let (height, width, torus) = match model.lattice() {
            Lattice::Torus { height, width } => (height, width, true),
            Lattice::Grid { height, width } => (height, width, false),
            Lattice::Graph { sites } => (sites, 1, false),
        };
        let turned = width > height;
        let (length, across) = if turned { (width, height) } else { (height, width) };
        let beta = model.beta();
        let mut rows: Vec<Row> = Vec::with_capacity(length);
        for r in 0..length {
            let place = |c: usize| if turned { (c, r) } else { (r, c) };
            let bonds = (0..across).map(|c| {
                let [right, down] = model.couplings_at(place(c).0, place(c).1);
                if turned { [beta * down, beta * right] } else { [beta * right, beta * down] }
            });
            let (along, down): (Vec<f64>, Vec<f64>) = bonds.map(|[along, down]| (along, down)).unzip();
            let field = |c: usize| beta * model.field_at(place(c).0 * width + place(c).1);
            let fields: Vec<f64> = (0..across).map(field).collect();
            let equal = |row: &&Row| row.fields == fields && row.along == along;
            let weights_of = rows.last().filter(equal).map_or(r, |row| row.weights_of);
            let mut row = Row { weights_of, fields, along, down, logs: vec![], weights: vec![], most: 0.0 };
            if weights_of == r {
                row.weigh();
            }
            rows.push(row);
        }
        Strip { width: across, rows, torus, symmetric: model.has_no_field() }
    }

    /// A bound of the logarithm of the ratio of two entries of a vector: each spin of a row takes part in up
    /// to four bonds and a field.
    fn range(&self, model: &IsingModel) -> f64 {
        let mut strongest: f64 = 0.0;
        model.for_each_bond(|_, _, j| strongest = strongest.max(j.abs()));
        let field = (0..model.sites()).map(|site| model.field_at(site).abs()).fold(0.0, f64::max);
        2.0 * model.beta() * self.width as f64 * (4.0 * strongest + field)
    }

    fn log_z<E: Entries>(&self) -> f64 {
        let states = 1usize << self.width;
        let first = &self.rows[0];
        if !self.torus {
            let mut vector = vec![E::ONE; states];
            E::weigh(&mut vector, first);
            let log = first.most + self.walk::<E>(&mut vector, &self.rows[1..], 0);
            return log + E::log_sum(&vector);
        }
        // Flipping all spins of a state without a field changes nothing: the last spin of the first row is
        // fixed.
        let starts = if self.symmetric { states / 2 } else { states };
        let traces: Vec<f64> = (0..starts)
            .into_par_iter()
            .map(|start| {
                let mut vector = vec![E::ZERO; states];
                vector[start] = E::ONE;
                let mut log =
                    first.most + first.logs[start] + self.walk::<E>(&mut vector, &self.rows[1..], 0);
                log += self.through::<E>(&mut vector, self.rows.len() - 1);
                log + E::log_sum(&vector[start..=start])
            })
            .collect();
        let mut sum = LogSum::default();
        traces.iter().for_each(|log| sum.add(*log, 1.0));
        sum.value() + if self.symmetric { std::f64::consts::LN_2 } else { 0.0 }
    }

    /// Takes the vector of row `before` through `rows`, which follow it; gives the logarithm taken out.
    fn walk<E: Entries>(&self, vector: &mut [f64], rows: &[Row], before: usize) -> f64 {
        let mut log = 0.0;
        for (index, row) in rows.iter().enumerate() {
            let weights = &self.rows[row.weights_of];
            log += self.through::<E>(vector, before + index) + weights.most;
            E::weigh(vector, weights);
            log += E::rescale(vector);
        }
        log
    }

    /// Takes the vector through the bonds from row `row` to the next.
    fn through<E: Entries>(&self, vector: &mut [f64], row: usize) -> f64 {
        let mut log = 0.0;
        for (site, k) in self.rows[row].down.iter().enumerate() {
            let half = 1 << site;
            for pair in vector.chunks_exact_mut(2 * half) {
                let (minus, plus) = pair.split_at_mut(half);
                E::through(minus, plus, *k);
            }
            log += k.abs();
        }
        log
    }
}

impl Row {
    /// Computes the weights of all configurations of this row.
    fn weigh(&mut self) {
        let width = self.fields.len();
        let spin = |state: usize, site: usize| if state >> site & 1 == 1 { 1.0 } else { -1.0 };
        let log = |state: usize| -> f64 {
            let site = |c: usize| {
                let x = spin(state, c);
                x * (self.fields[c] + self.along[c] * spin(state, (c + 1) % width))
            };
            (0..width).map(site).sum()
        };
        let mut logs: Vec<f64> = (0..1usize << width).map(log).collect();
        self.most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.iter_mut().for_each(|log| *log -= self.most);
        self.weights = logs.iter().map(|log| log.exp()).collect();
        self.logs = logs;
    }
}
