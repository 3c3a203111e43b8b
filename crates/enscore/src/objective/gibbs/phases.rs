//! The gradient of the log-likelihood of two sides of units from the statistics of two phases, data and
//! model, plain or centred (Montavon and Müller 2012; Melchior, Fischer and Wiskott 2016, algorithm 1):
//!
//! ```text
//! dW = E_data x h' - E_model x h',     db = E_data x - E_model x,     dc = E_data h - E_model h.
//! ```
//!
//! Where units count from offsets μ (first side) and λ (second side), here their means over the data's phase,
//! the energy is (x-μ)'W(h-λ) + b'(x-μ) + c'(h-λ), and a step along its gradient is, in the parameters
//! without offsets, the step
//!
//! ```text
//! W: dW* = E_data (x-μ)(h-λ)' - E_model (x-μ)(h-λ)',      b: db - dW* λ,      c: dc - dW*' μ.
//! ```
//!
//! x stands for x / σ² of Gaussian units. With both phases' rows below each other, A of the first side as it
//! is and B of the second, from its offset and with the rows' weights (1/n of data, -1/n of chains), dW* =
//! A'B - μ (1'B) is one product, whose first operand is states of units and not numbers close to them, and
//! dW* λ = A'(B λ) - μ (1'B λ) needs no pass over the weights.

use enscore_program::{Parameters, Var};

use crate::model::{Bipartite, Interaction, scaled_units};

/// Rows of both sides, a state or an expectation each.
#[derive(Clone, Copy)]
pub struct Phase<'s> {
    /// `[rows, first]`.
    pub first: Var<'s>,
    /// `[rows, second]`.
    pub second: Var<'s>,
    /// Of each row, with the sum 1: `[rows]`.
    pub weights: Var<'s>,
}

/// A function whose gradient in the parameters is that of the log-likelihood, with the phases as constants:
/// linear in the parameters. `phases` are the data's and the model's.
pub fn contrast_phases<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    phases: [Phase<'s>; 2],
    centring: bool,
) -> Var<'s> {
    let [data, chains] = phases.map(|phase| Phase {
        first: scaled_units(model.first_units(), phase.first).stop_gradient(),
        second: phase.second.stop_gradient(),
        weights: phase.weights.reshape(&[phase.weights.extent(0), 1]),
    });
    let scope = data.first.scope();
    let offset = |side: Var<'s>| {
        if centring {
            (side * data.weights).sum(&[0]).reshape(&[1, side.extent(1)])
        } else {
            scope.constant(0.0).broadcast_to(&[1, side.extent(1)])
        }
    };
    let mu = offset(data.first);
    let lambda = offset(data.second);
    let weights = data.weights.concatenate(&[-chains.weights], 0);
    let a = data.first.concatenate(&[chains.first], 0);
    let b = weights * (data.second - lambda).concatenate(&[chains.second - lambda], 0);
    let mut sum = scope.constant(0.0);
    let declared = parameters.declared();
    let mut add = |name: &str, gradient: Var<'s>| {
        sum = match declared.iter().find(|(parameter, _)| parameter.name == name) {
            Some((_, var)) => sum + (*var * gradient.stop_gradient()).sum_all(),
            None => scope.fail(format!("{name} is no parameter of the model")),
        };
    };
    let mut biases: Vec<&str> = Vec::new();
    for Interaction { weights: name, transposed, first: (first_bias, xs), second: (second_bias, hs) } in
        model.interactions()
    {
        let a = a.slice(1, xs.start, xs.end);
        let b = b.slice(1, hs.start, hs.end);
        let mu = mu.slice(1, xs.start, xs.end);
        let lambda = lambda.slice(1, hs.start, hs.end);
        let product = a.matmul_with(b, true, false);
        let of_b = b.sum(&[0]);
        let moved = if centring { product - mu.reshape(&[a.extent(1), 1]) * of_b } else { product };
        add(name, if transposed { moved.transpose(&[1, 0]) } else { moved });
        // The weights of the rows of each phase sum to 1 and -1: offsets cancel in their sums.
        if !biases.contains(&first_bias) {
            add(first_bias, (weights * a).sum(&[0]));
        }
        if !biases.contains(&second_bias) {
            add(second_bias, of_b);
        }
        biases.extend([first_bias, second_bias]);
        if centring {
            add(first_bias, -((a - mu) * (b * lambda).sum(&[1]).reshape(&[b.extent(0), 1])).sum(&[0]));
            add(second_bias, -(b * ((a - mu) * mu).sum(&[1]).reshape(&[a.extent(0), 1])).sum(&[0]));
        }
    }
    sum
}
