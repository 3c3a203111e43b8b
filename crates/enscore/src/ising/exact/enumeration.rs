//! log Z as the sum over all 2^n states, up to 30 sites.
//!
//! The last sites are walked through in Gray code. For each of their states the first ten are summed at once:
//! what they weigh among themselves is a table of 2^10, the field that the others put on them is a factor for
//! each,
//!
//! ```text
//! Σ_x w(x) Π_i exp(f_i x_i) = Σ_{x_1..x_{l-1}} (w(x, -) exp(-f_l) + w(x, +) exp(f_l)) Π_{i<l} exp(f_i x_i),
//! ```
//!
//! so that folding the table in halves takes one multiplication and addition a state.

use rayon::prelude::*;

use super::super::lattice::IsingModel;
use crate::error::{Error, Result};

/// Sites whose states are enumerated, at most.
pub const MOST_ENUMERATED_SITES: usize = 30;
const TABLE_SITES: usize = 10;
/// States of the other sites that one task walks through: a power of two, fixed.
const TASK: usize = 1 << 10;

/// β J of every pair and β h of every site, in a form made for enumeration.
pub(super) struct Dense {
    pub sites: usize,
    /// `[sites, sites]`, symmetric.
    pub coupling: Vec<f64>,
    pub field: Vec<f64>,
    /// What bonds of a site to itself add to f.
    pub constant: f64,
}

impl Dense {
    /// # Errors
    /// An input error with the number of states beyond [`MOST_ENUMERATED_SITES`] sites.
    pub fn new(model: &IsingModel) -> Result<Dense> {
        let n = model.sites();
        let beta = model.beta();
        if n > MOST_ENUMERATED_SITES {
            return Err(Error::input("too many states to enumerate")
                .found(format_args!("2^{n} states"))
                .expected(format_args!("at most 2^{MOST_ENUMERATED_SITES}")));
        }
        let mut coupling = vec![0.0; n * n];
        let mut constant = 0.0;
        model.for_each_bond(|i, j, value| {
            if i == j {
                constant += beta * value;
            } else {
                coupling[i * n + j] += beta * value;
                coupling[j * n + i] += beta * value;
            }
        });
        let field = (0..n).map(|site| beta * model.field_at(site)).collect();
        Ok(Dense { sites: n, coupling, field, constant })
    }

    /// Bit i of `state` as the spin of site `from + i`.
    pub fn spin(state: usize, i: usize) -> f64 {
        if state >> i & 1 == 1 { 1.0 } else { -1.0 }
    }

    /// f of the sites `from..from + count` among themselves, with the fields, in `state`.
    pub fn within(&self, from: usize, count: usize, state: usize) -> f64 {
        let mut f = 0.0;
        for i in 0..count {
            let row = &self.coupling[(from + i) * self.sites + from..][..i];
            let local: f64 = row.iter().enumerate().map(|(j, value)| value * Dense::spin(state, j)).sum();
            f += Dense::spin(state, i) * (local + self.field[from + i]);
        }
        f
    }
}

/// log Z by summing over all states, nats.
///
/// # Errors
/// An input error with the number of states beyond 30 sites.
pub fn log_z_by_enumeration(model: &IsingModel) -> Result<f64> {
    let dense = Dense::new(model)?;
    let low = dense.sites.min(TABLE_SITES);
    let inner: Vec<f64> = (0..1 << low).map(|state| dense.within(0, low, state)).collect();
    let most = inner.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let table: Vec<f64> = inner.iter().map(|f| (f - most).exp()).collect();
    let high_states = 1usize << (dense.sites - low);
    let walk = Walk { dense: &dense, low, inner: &inner, table: &table, most };
    let parts: Vec<LogSum> =
        (0..high_states.div_ceil(TASK)).into_par_iter().map(|task| walk.sum(task, high_states)).collect();
    let mut total = LogSum::default();
    parts.iter().for_each(|part| total.add(part.most, part.sum));
    Ok(dense.constant + total.value())
}

struct Walk<'a> {
    dense: &'a Dense,
    /// Sites in the table: the first ones.
    low: usize,
    inner: &'a [f64],
    /// exp(inner - most).
    table: &'a [f64],
    most: f64,
}

impl Walk<'_> {
    /// The sum over the states of a task's share of the last sites.
    fn sum(&self, task: usize, high_states: usize) -> LogSum {
        let n = self.dense.sites;
        let low = self.low;
        let mut total = LogSum::default();
        let mut buffer = vec![0.0; self.table.len()];
        for step in task * TASK..high_states.min((task + 1) * TASK) {
            let state = step ^ (step >> 1);
            let mut fields = vec![0.0; low];
            for (i, field) in fields.iter_mut().enumerate() {
                let row = &self.dense.coupling[i * n + low..][..n - low];
                *field = row.iter().enumerate().map(|(j, value)| value * Dense::spin(state, j)).sum::<f64>();
            }
            let outer = self.dense.within(low, n - low, state);
            let (scale, sum) = self.fold(&fields, &mut buffer);
            total.add(outer + scale, sum);
        }
        total
    }

    /// (a, s) with Σ over the table's states = exp(a) s.
    fn fold(&self, fields: &[f64], buffer: &mut [f64]) -> (f64, f64) {
        buffer.copy_from_slice(self.table);
        let mut len = buffer.len();
        let mut scale = self.most;
        for field in fields.iter().rev() {
            len /= 2;
            let (minus, plus) = buffer.split_at_mut(len);
            // The larger factor is taken out.
            let small = (-2.0 * field.abs()).exp();
            let (for_minus, for_plus) = if *field > 0.0 { (small, 1.0) } else { (1.0, small) };
            minus.iter_mut().zip(&*plus).for_each(|(a, b)| *a = *a * for_minus + b * for_plus);
            scale += field.abs();
        }
        if buffer[0] > 1e-200 {
            return (scale, buffer[0]);
        }
        // Strong fields against strong couplings: every product may underflow, so their logarithms are added.
        let mut sum = LogSum::default();
        for (state, f) in self.inner.iter().enumerate() {
            sum.add(f + fields.iter().enumerate().map(|(i, h)| h * Dense::spin(state, i)).sum::<f64>(), 1.0);
        }
        (sum.most, sum.sum)
    }
}

/// Σ exp(a_i) s_i as exp(most) · sum.
pub(super) struct LogSum {
    most: f64,
    sum: f64,
}

impl Default for LogSum {
    fn default() -> Self {
        LogSum { most: f64::NEG_INFINITY, sum: 0.0 }
    }
}

impl LogSum {
    /// Adds exp(a) s.
    pub fn add(&mut self, a: f64, s: f64) {
        if a <= self.most {
            self.sum += s * (a - self.most).exp();
        } else {
            self.sum = self.sum * (self.most - a).exp() + s;
            self.most = a;
        }
    }

    /// The logarithm of the sum.
    pub fn value(&self) -> f64 {
        self.most + self.sum.ln()
    }
}
