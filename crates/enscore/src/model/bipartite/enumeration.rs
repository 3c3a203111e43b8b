//! log Z of two sides of units by enumerating the states of one, with the other summed out in closed form:
//!
//! ```text
//! Z = Σ_h ∫ p*(x, h) dx = Σ_x exp(f(x)).
//! ```
//!
//! It is a function of variables, so its gradient holds the model's exact moments.

use enscore_program::{Parameters, Var};

use super::units::Bipartite;

/// The most units that are enumerated: 65,536 states.
pub const MOST_TRACED_UNITS: usize = 16;

/// Whether a side of the model is small enough to be enumerated.
pub fn is_enumerable(model: &(impl Bipartite + ?Sized)) -> bool {
    smaller_side(model).1 <= MOST_TRACED_UNITS
}

/// The smaller side whose states can be enumerated: whether it is the second, and its units.
pub fn smaller_side(model: &(impl Bipartite + ?Sized)) -> (bool, usize) {
    let first = model.first_width();
    let second = model.second_width();
    if model.is_binary() && first < second { (false, first) } else { (true, second) }
}

/// The log density of states `[rows, units]` of a side, the other one summed out: `[rows]`, nats.
pub fn side_log_density<'s>(
    model: &(impl Bipartite + ?Sized),
    parameters: &Parameters<'s>,
    is_second: bool,
    states: Var<'s>,
) -> Var<'s> {
    if is_second {
        model.second_log_density(parameters, states)
    } else {
        model.first_log_density(parameters, states)
    }
}

/// ln Z, nats: a scalar. A model with more units on both sides than can be enumerated is a mistake that the
/// scope reports.
pub fn enumerated_log_z<'s>(
    model: &(impl Bipartite + ?Sized),
    parameters: &Parameters<'s>,
    like: Var<'s>,
) -> Var<'s> {
    let scope = like.scope();
    let (is_second, units) = smaller_side(model);
    if units > MOST_TRACED_UNITS {
        return scope.fail(format!("{units} units can't be enumerated, at most {MOST_TRACED_UNITS}"));
    }
    let states = scope.table(&binary_states(units), &[1 << units, units]);
    side_log_density(model, parameters, is_second, states).log_sum_exp(0)
}

/// All states of this many units, row-major; bit i of the row's number is unit i.
fn binary_states(units: usize) -> Vec<f64> {
    (0..1usize << units).flat_map(|state| (0..units).map(move |i| (state >> i & 1) as f64)).collect()
}
