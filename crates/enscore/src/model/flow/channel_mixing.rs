//! An invertible 1x1 convolution (Kingma and Dhariwal 2018, "Glow", section 3.2): every pixel's channels
//! `[c]` are mixed by the same matrix
//!
//! ```text
//! y = W x,   W = L (D + U) P,   ln |det| = h w Σ ln |D|,
//! ```
//!
//! L unit lower triangular, U strictly upper, D = exp(d) diagonal, P a fixed permutation: eq. 10 with the
//! permutation at the other side, which is the same family. P turns the channels around, so that the
//! couplings before and after see different halves; L, U and d start at 0, W at P.
//!
//! Inverses of unit triangular matrices are products, exact since powers of a strictly triangular N vanish
//! from N^c on: (I + N)⁻¹ = (I - N)(I + N²)(I + N⁴).. . No elimination, and derivatives to any order.

use enscore_program::{Initial, Parameters, Var};

/// The channels of x `[n, h, w, c]` mixed, and ln |det| of each row: `[n]`.
pub(super) fn mix<'s>(parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
    let factors = Factors::of(parameters, x.extent(3));
    let y = factors.apply(x, factors.upper.matmul(factors.permutation), factors.lower);
    let pixels = (x.extent(1) * x.extent(2)) as f64;
    let ln_det = factors.ln_diagonal.sum_all() * pixels;
    (y, ln_det.broadcast_to(&[x.extent(0)]))
}

/// The inverse of [`mix`].
pub(super) fn unmix<'s>(parameters: &Parameters<'s>, y: Var<'s>) -> Var<'s> {
    let c = y.extent(3);
    let factors = Factors::of(parameters, c);
    let identity = factors.identity;
    let lower = inverse_of_unit(factors.lower - identity, identity, c);
    // D + U = D (I + D⁻¹ U).
    let shrink = (-factors.ln_diagonal).exp();
    let strict = factors.strict_upper * shrink.reshape(&[c, 1]);
    let upper = inverse_of_unit(strict, identity, c) * shrink.reshape(&[1, c]);
    factors.apply(y, lower, factors.permutation.transpose(&[1, 0]).matmul(upper))
}

struct Factors<'s> {
    identity: Var<'s>,
    permutation: Var<'s>,
    /// L.
    lower: Var<'s>,
    /// U.
    strict_upper: Var<'s>,
    /// D + U.
    upper: Var<'s>,
    /// d `[c]`.
    ln_diagonal: Var<'s>,
}

impl<'s> Factors<'s> {
    fn of(parameters: &Parameters<'s>, c: usize) -> Self {
        let scope = parameters.scope();
        let table = |entry: &dyn Fn(usize, usize) -> bool| {
            let entries = (0..c * c).map(|i| f64::from(u8::from(entry(i / c, i % c))));
            scope.table(&entries.collect::<Vec<f64>>(), &[c, c])
        };
        let free = |name: &str| parameters.get(name, &[c, c], Initial::Constant(0.0));
        let identity = table(&|row, column| row == column);
        let lower = identity + free("lower") * table(&|row, column| row > column);
        let strict_upper = free("upper") * table(&|row, column| row < column);
        let ln_diagonal = parameters.get("ln_diagonal", &[c], Initial::Constant(0.0));
        let upper = strict_upper + identity * ln_diagonal.exp().reshape(&[c, 1]);
        let permutation = table(&|row, column| row + column == c - 1);
        Factors { identity, permutation, lower, strict_upper, upper, ln_diagonal }
    }

    /// `second` times `first` times the channels of every pixel.
    fn apply(&self, x: Var<'s>, first: Var<'s>, second: Var<'s>) -> Var<'s> {
        let shape = x.shape();
        let c = shape[3];
        let pixels = x.reshape(&[shape[..3].iter().product(), c]);
        // Rows hold the channels: y' = x' W'.
        let by = |matrix: Var<'s>| matrix.transpose(&[1, 0]);
        pixels.matmul(by(first)).matmul(by(second)).reshape(&shape)
    }
}

/// (I + N)⁻¹ of a strictly triangular N `[c, c]`.
fn inverse_of_unit<'s>(strict: Var<'s>, identity: Var<'s>, c: usize) -> Var<'s> {
    let mut inverse = identity - strict;
    let mut power = strict.matmul(strict);
    let mut degree = 2;
    while degree < c {
        inverse = inverse.matmul(identity + power);
        power = power.matmul(power);
        degree *= 2;
    }
    inverse
}
