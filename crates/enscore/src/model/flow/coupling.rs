//! The affine coupling (Dinh, Sohl-Dickstein and Bengio 2017, eq. 4, 5 and 9): with a mask m that is 1 on what stays,
//!
//! ```text
//! y = m x + (1 - m) (x exp(s) + t),    ln |det ∂y/∂x| = Σ (1 - m) s,    s, t functions of m x.
//! ```
//!
//! Since y agrees with x where m = 1, the inverse computes the same s and t: it needs no inverse of a network.

use enscore_program::{Initial, Parameters, Var};

use crate::model::layers::{Start, dense};
use crate::model::sum_rows;

/// x exp(s) + t and ln |det| = Σ s of each row: x, s, t `[batch, ..]` → (`[batch, ..]`, `[batch]`). s and t must not
/// depend on the elements of x that they change.
pub fn couple<'s>(x: Var<'s>, s: Var<'s>, t: Var<'s>) -> (Var<'s>, Var<'s>) {
    (x * s.exp() + t, sum_rows(s))
}

/// (y - t) exp(-s): the inverse of [`couple`].
pub fn uncouple<'s>(y: Var<'s>, s: Var<'s>, t: Var<'s>) -> Var<'s> {
    (y - t) * (-s).exp()
}

/// s and t of the elements where `mask` is 0, and 0 where it is 1: from the network's last hidden layer `hidden`
/// `[n, width]` as `[n, d]`, mask `[d]`.
///
/// s = a tanh(.) with a learnable scale a of each element that starts at 1 (their section 4.1): no step of training can
/// make exp(s) overflow at once. Both heads start at 0, so that the coupling starts at the identity.
pub(super) fn heads<'s>(parameters: &Parameters<'s>, hidden: Var<'s>, mask: &[f64]) -> [Var<'s>; 2] {
    let width = mask.len();
    let moved: Vec<f64> = mask.iter().map(|m| 1.0 - m).collect();
    let moved = hidden.scope().table(&moved, &[width]);
    let scale = parameters.get("scale", &[width], Initial::Constant(1.0));
    let s = dense(&parameters.at("log_scale"), hidden, width, Start::Zero).tanh() * scale;
    let t = dense(&parameters.at("shift"), hidden, width, Start::Zero);
    [s * moved, t * moved]
}
