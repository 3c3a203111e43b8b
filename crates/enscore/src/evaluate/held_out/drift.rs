//! Where Gibbs chains go from the data in k sweeps: how much of the rows they keep, and the change of the log
//! density f,
//!
//! ```text
//! ρ = Σ_i Cov(x_i, x_i after k sweeps) / √(Σ_i Var x_i Σ_i Var x_i after k sweeps),
//! Δ = E f(x after k sweeps) - E f(x) over rows x, nats.
//! ```
//!
//! Chains with ρ near 1 don't mix: they can't tell a training that what they never visit is too likely, and
//! its likelihood falls unnoticed (Fischer and Igel 2010). Δ is 0 for every k where the model is
//! the distribution of the rows, since sweeps leave that unchanged; where chains mix and climb, the model
//! likes other states better than the data, as short chains leave it.

use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::model::HostDensity;
use crate::sample::{TrainedDensity, TrainedModel, UnitChains};

/// What chains from rows of data come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// The correlation ρ of units before and after the sweeps; 1 where nothing moved.
    pub correlation: f64,
    /// The change of the log density Δ, a mean over chains, nats.
    pub log_density: Mean,
}

/// Chains from all `rows` `[n, row]` after `sweeps` sweeps.
///
/// # Errors
/// A model without two sides of units; rows of another length.
pub fn drift(model: &TrainedModel, rows: &[f32], sweeps: u64, seed: u64) -> Result<Drift> {
    let missing = || Error::input("this figure needs a bipartite model").at("model.kind");
    let units = model.model.bipartite().ok_or_else(missing)?;
    let row_len = model.row_len();
    let count = rows.len() / row_len.max(1);
    let mut chains = UnitChains::of(model, units, count, seed)?;
    chains.begin_at(rows, row_len)?;
    for sweep in 1..=sweeps {
        chains.sweep(sweep)?;
    }
    let mut density = TrainedDensity::new(model)?;
    let mut log_density = |rows: &[f32]| -> Result<Vec<f64>> {
        density.log_density(&rows.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>())
    };
    let rows = &rows[..count * row_len];
    let moved = chains.data(row_len)?;
    let before = log_density(rows)?;
    let after = log_density(&moved)?;
    let changes: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    Ok(Drift { correlation: correlation(rows, &moved, row_len), log_density: Mean::of(&changes)? })
}

/// ρ of the columns of two tables of as many rows.
fn correlation(before: &[f32], after: &[f32], row_len: usize) -> f64 {
    let mean = |values: &[f32], column: usize| {
        let column = values.iter().skip(column).step_by(row_len);
        column.clone().map(|x| f64::from(*x)).sum::<f64>() / column.len().max(1) as f64
    };
    let [mut between, mut of_before, mut of_after] = [0.0; 3];
    for column in 0..row_len {
        let [from, to] = [mean(before, column), mean(after, column)];
        for (a, b) in before.iter().zip(after).skip(column).step_by(row_len) {
            let [a, b] = [f64::from(*a) - from, f64::from(*b) - to];
            between += a * b;
            of_before += a * a;
            of_after += b * b;
        }
    }
    // Rows that are all equal have nothing to keep; chains that stand still keep all.
    if before == after { 1.0 } else { between / (of_before * of_after).sqrt().max(f64::MIN_POSITIVE) }
}
