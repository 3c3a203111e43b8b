//! The affine coupling (Dinh, Sohl-Dickstein and Bengio 2017, eq. 4, 5 and 9): with a mask m that is 1 on
//! what stays,
//!
//! ```text
//! y = m x + (1 - m) (x exp(s) + t),    ln |det ∂y/∂x| = Σ (1 - m) s,    s, t functions of m x.
//! ```
//!
//! Since y agrees with x where m = 1, the inverse computes the same s and t: it needs no inverse of a
//! network.

use enscore_program::{Initial, Parameters, Var};

use crate::model::sum_rows;

/// x exp(s) + t and ln |det| = Σ s of each row: x, s, t `[batch, ..]` → (`[batch, ..]`, `[batch]`). s and t
/// must not depend on the elements of x that they change.
pub fn couple<'s>(x: Var<'s>, s: Var<'s>, t: Var<'s>) -> (Var<'s>, Var<'s>) {
    (x * s.exp() + t, sum_rows(s))
}

/// (y - t) exp(-s): the inverse of [`couple`].
pub fn uncouple<'s>(y: Var<'s>, s: Var<'s>, t: Var<'s>) -> Var<'s> {
    (y - t) * (-s).exp()
}

/// s and t of the elements (or channels) where `mask` is 0, and 0 where it is 1: `[n, .., d]` each, mask
/// `[d]`. `head` is the network's last layer, of width d with weights that start at 0; it is applied twice,
/// under two names.
///
/// s = a tanh(.) with a learnable scale a `[d]` that starts at 1 (their section 4.1): no step of training can
/// make exp(s) overflow at once. The coupling starts at the identity.
pub(super) fn heads<'s>(
    parameters: &Parameters<'s>,
    mask: &[f64],
    head: impl Fn(&Parameters<'s>) -> Var<'s>,
) -> [Var<'s>; 2] {
    let moved: Vec<f64> = mask.iter().map(|m| 1.0 - m).collect();
    let moved = parameters.scope().table(&moved, &[mask.len()]);
    let scale = parameters.get("scale", &[mask.len()], Initial::Constant(1.0));
    let s = head(&parameters.at("log_scale")).tanh() * scale;
    [s * moved, head(&parameters.at("shift")) * moved]
}
