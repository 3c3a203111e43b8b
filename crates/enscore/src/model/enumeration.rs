//! log Z of two sides of units by enumerating the states of one, with the other summed out in closed form:
//!
//! ```text
//! Z = Σ_h ∫ p*(x, h) dx = Σ_x exp(f(x)).
//! ```
//!
//! It is a function of variables, so its gradient holds the model's exact moments.

use enscore_program::{Parameters, Var};

use super::{Bipartite, Units};

/// The most units that are enumerated: 65,536 states.
pub const MOST_ENUMERATED: usize = 16;

/// Whether a side of the model is small enough to be enumerated.
pub fn is_enumerable(model: &(impl Bipartite + ?Sized)) -> bool {
    smaller_side(model) <= MOST_ENUMERATED
}

/// The units of the smaller side in {0, 1}.
fn smaller_side(model: &(impl Bipartite + ?Sized)) -> usize {
    let bits = model.first_units().iter().all(|block| block.units == Units::Bernoulli);
    if bits { model.second_width().min(model.first_width()) } else { model.second_width() }
}

/// ln Z, nats: a scalar. A model with more units on both sides than can be enumerated is a mistake that the scope reports.
pub fn enumerated_log_z<'s>(
    model: &(impl Bipartite + ?Sized),
    parameters: &Parameters<'s>,
    like: Var<'s>,
) -> Var<'s> {
    let (scope, units) = (like.scope(), smaller_side(model));
    if units > MOST_ENUMERATED {
        return scope.fail(format!("{units} units can't be enumerated, at most {MOST_ENUMERATED}"));
    }
    let states = scope.table(&binary_states(units), &[1 << units, units]);
    let log_densities = match units == model.second_width() {
        true => model.second_log_density(parameters, states),
        false => model.first_log_density(parameters, states),
    };
    log_densities.log_sum_exp(0)
}

/// All states of so many units, row-major; bit i of the row's number is unit i.
fn binary_states(units: usize) -> Vec<f64> {
    (0..1usize << units).flat_map(|state| (0..units).map(move |i| (state >> i & 1) as f64)).collect()
}
