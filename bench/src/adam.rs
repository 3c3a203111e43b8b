//! Adam (Kingma and Ba 2015, algorithm 1) as part of a program.

use enscore_program::Var;

/// Learning rate.
const RATE: f64 = 1e-3;
/// Decay of the first moment.
pub const BETA1: f64 = 0.9;
/// Decay of the second moment.
const BETA2: f64 = 0.999;
/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// (parameter, first moment, second moment) after one step. `corrections` are those of [`corrections`].
pub fn step<'s>(state: [Var<'s>; 3], gradient: Var<'s>, corrections: [Var<'s>; 2]) -> [Var<'s>; 3] {
    let [parameter, first, second] = state;
    let first = first * BETA1 + gradient * (1.0 - BETA1);
    let second = second * BETA2 + gradient.square() * (1.0 - BETA2);
    let change = first * corrections[0] / ((second * corrections[1]).sqrt() + EPSILON);
    [parameter - change * RATE, first, second]
}

/// 1 / (1 - beta^t) of both moments at step t, counted from 1.
pub fn corrections(step: i32) -> [f32; 2] {
    [BETA1, BETA2].map(|beta| (1.0 / (1.0 - beta.powi(step))) as f32)
}
