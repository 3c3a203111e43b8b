//! Block Gibbs sampling of two sides of units (Geman and Geman 1984; for restricted Boltzmann machines Hinton
//! 2002): one sweep draws the second side given the first, then the first given the second,
//!
//! ```text
//! h ~ p(h | x),   x' ~ p(x | h).
//! ```
//!
//! It leaves p(x) invariant and is reversible with respect to it.

use enscore_program::{Kind, Parameter, Program, Var};

use crate::error::{Error, Result};
use crate::model::{Bipartite, draw_bernoulli, draw_units, mean_units, trace};

/// One sweep of `chains` chains. Inputs: the parameters, then `x` `[chains, first]`, `key`. Outputs: `x`,
/// moved, and `mean`, the expectation of the moved side that it was drawn at (probabilities, for pictures). A
/// draw depends on the key and the chain's row.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model that does not fit its own shapes.
pub fn gibbs_program(
    model: &(impl Bipartite + ?Sized),
    parameters: &[Parameter],
    chains: usize,
) -> Result<Program> {
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[chains, model.first_width()]);
        let key = scope.input("key", Kind::Key, &[]);
        let h = draw_bernoulli(key, model.second_inputs(parameters, x));
        let inputs = model.first_inputs(parameters, h);
        let moved = draw_units(key, model.first_units(), inputs);
        let mean = mean_units(model.first_units(), inputs);
        vec![("x".to_string(), moved), ("mean".to_string(), mean)]
    })?;
    Ok(program)
}

/// One sweep of chains at several inverse temperatures, then swaps of neighbouring ones: parallel tempering
/// (Desjardins, Courville, Bengio, Vincent and Delalleau 2010) between the model and its first side alone (as
/// Cho, Raiko and Ilin 2010),
///
/// ```text
/// p_β(x, h) ∝ exp(g(x) + β (c'h + x'Wh)),          f_β(x) = g(x) + Σ softplus(β (c + W'x)),
/// ```
///
/// for M inverse temperatures β = m / (M - 1), m = 0..M. The states x, y at β < β' swap with probability
/// min(1, exp(f_β(y) + f_β'(x) - f_β(x) - f_β'(y))). With M = 1 it is the sweep alone.
///
/// Inputs: the parameters, then `x` `[M, chains, first]`; with M > 1 `pairs` `[M - 1]`, 1 for each pair of
/// neighbours that may swap, no two of them overlapping; `key`. Outputs: `x`, moved; with M > 1 `swapped`
/// `[]`, the fraction of these swaps that were accepted.
#[derive(Clone, Debug)]
pub struct TemperedGibbsProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the first inputs.
    pub parameters: Vec<Parameter>,
    temperatures: usize,
}

impl TemperedGibbsProgram {
    /// Traces the sweep; `parameters` are those that the caller holds, in its order.
    ///
    /// # Errors
    /// A model that does not fit its own shapes; no temperature.
    pub fn trace(
        model: &(impl Bipartite + ?Sized),
        parameters: &[Parameter],
        chains: usize,
        temperatures: usize,
    ) -> Result<Self> {
        if temperatures == 0 {
            return Err(Error::input("no temperatures").found(0).expected("at least 1"));
        }
        let width = model.first_width();
        let (program, parameters) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[temperatures, chains, width]);
            let pairs = (temperatures > 1).then(|| scope.input("pairs", Kind::Float, &[temperatures - 1]));
            let key = scope.input("key", Kind::Key, &[]);
            let rows = x.reshape(&[temperatures * chains, width]);
            let Some(pairs) = pairs else {
                let h = draw_bernoulli(key, model.second_inputs(parameters, rows));
                let moved = draw_units(key, model.first_units(), model.first_inputs(parameters, h));
                return vec![("x".to_string(), moved.reshape(&x.shape()))];
            };
            let ladder = scope.table(&inverse_temperatures(temperatures), &[temperatures, 1, 1]);
            let h = draw_bernoulli(key, tempered(model.second_inputs(parameters, rows), ladder));
            let inputs = model.first_inputs(parameters, tempered(h, ladder));
            let moved = draw_units(key, model.first_units(), inputs);
            let inputs = model.second_inputs(parameters, moved);
            let inputs = inputs.reshape(&[temperatures, chains, model.second_width()]);
            let (moved, swapped) =
                swap(key, moved.reshape(&[temperatures, chains, width]), inputs, ladder, pairs);
            vec![("x".to_string(), moved), ("swapped".to_string(), swapped)]
        })?;
        Ok(TemperedGibbsProgram { program, parameters, temperatures })
    }

    /// The pairs of neighbours that may swap in this sweep: the even ones, then the odd ones. None without
    /// tempering.
    pub fn pairs(&self, sweep: u64) -> Option<Vec<f32>> {
        let may = |pair: usize| f32::from(u8::from(pair as u64 % 2 == sweep % 2 || self.temperatures == 2));
        (self.temperatures > 1).then(|| (0..self.temperatures - 1).map(may).collect())
    }
}

/// A side `[M * chains, units]` times the inverse temperatures `[M, 1, 1]` of its chains.
fn tempered<'s>(side: Var<'s>, ladder: Var<'s>) -> Var<'s> {
    let rows = side.extent(0);
    let units = side.extent(1);
    let by_temperature = side.reshape(&[ladder.extent(0), rows / ladder.extent(0), units]);
    (by_temperature * ladder).reshape(&[rows, units])
}

/// m / (M - 1) for m = 0..M.
fn inverse_temperatures(count: usize) -> Vec<f64> {
    (0..count).map(|m| m as f64 / (count - 1).max(1) as f64).collect()
}

/// x `[M, chains, first]` after the swaps, and the fraction that was accepted; `inputs` `[M, chains, second]`
/// are those of the second side at inverse temperature 1.
fn swap<'s>(
    key: Var<'s>,
    x: Var<'s>,
    inputs: Var<'s>,
    ladder: Var<'s>,
    pairs: Var<'s>,
) -> (Var<'s>, Var<'s>) {
    let count = x.extent(0);
    let chains = x.extent(1);
    let low = ladder.slice(0, 0, count - 1);
    let high = ladder.slice(0, 1, count);
    // What of f depends on β, at both temperatures of each pair.
    let difference = |x: Var<'s>| ((x * high).softplus() - (x * low).softplus()).sum(&[2]);
    let log_ratio = difference(inputs.slice(0, 0, count - 1)) - difference(inputs.slice(0, 1, count));
    let accepted = key.uniform(&[count - 1, chains]).less(log_ratio.exp()).to_float();
    let accepted = accepted * pairs.reshape(&[count - 1, 1]);
    let none = x.slice(0, 0, 1).slice(2, 0, 1).zeros_like();
    let accepted = accepted.reshape(&[count - 1, chains, 1]);
    let with_above = accepted.concatenate(&[none], 0);
    let with_below = none.concatenate(&[accepted], 0);
    let above = x.slice(0, 1, count).concatenate(&[x.slice(0, 0, 1)], 0);
    let below = x.slice(0, count - 1, count).concatenate(&[x.slice(0, 0, count - 1)], 0);
    // 0 and 1 as factors would turn an infinite neighbour into NaN.
    let half = with_above.full_like(0.5).broadcast_to(&x.shape());
    let moved = half.less(with_above.broadcast_to(&x.shape())).select(above, x);
    let moved = half.less(with_below.broadcast_to(&x.shape())).select(below, moved);
    (moved, accepted.sum_all() / (pairs.sum_all() * chains as f64))
}
