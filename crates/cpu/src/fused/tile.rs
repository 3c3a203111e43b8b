//! One tile: loops that the compiler turns into vector instructions, and the loads of strided views.

use enscore_program::{Binary, Compare, Logic, Unary};
use std::hint::select_unpredictable as choose;

use super::instruction::View;
use crate::math::{self, Math};

/// What an operand is within a tile.
#[derive(Clone, Copy)]
pub(crate) enum Lane<'a, T> {
    Each(&'a [T]),
    All(T),
}

/// out = f(a)
#[inline(always)]
pub(crate) fn map<T: Copy>(a: Lane<T>, out: &mut [T], f: impl Fn(T) -> T) {
    match a {
        Lane::Each(a) => out.iter_mut().zip(a).for_each(|(out, a)| *out = f(*a)),
        Lane::All(a) => out.fill(f(a)),
    }
}

/// out = f(a, b)
#[inline(always)]
fn zip<T: Copy>(a: Lane<T>, b: Lane<T>, out: &mut [T], f: impl Fn(T, T) -> T) {
    match (a, b) {
        (Lane::Each(a), Lane::Each(b)) => {
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = f(*a, *b))
        }
        (Lane::Each(a), Lane::All(b)) => out.iter_mut().zip(a).for_each(|(out, a)| *out = f(*a, b)),
        (Lane::All(a), Lane::Each(b)) => out.iter_mut().zip(b).for_each(|(out, b)| *out = f(a, *b)),
        (Lane::All(a), Lane::All(b)) => out.fill(f(a, b)),
    }
}

/// out = f(a, b, c)
#[inline(always)]
fn zip3<T: Copy>(a: Lane<T>, b: Lane<T>, c: Lane<T>, out: &mut [T], f: impl Fn(T, T, T) -> T) {
    match (a, b, c) {
        (Lane::Each(a), Lane::Each(b), Lane::Each(c)) => out
            .iter_mut()
            .zip(a.iter().zip(b.iter().zip(c)))
            .for_each(|(out, (a, (b, c)))| *out = f(*a, *b, *c)),
        (Lane::All(a), b, c) => zip(b, c, out, |b, c| f(a, b, c)),
        (a, Lane::All(b), c) => zip(a, c, out, |a, c| f(a, b, c)),
        (a, b, Lane::All(c)) => zip(a, b, out, |a, b| f(a, b, c)),
    }
}

#[inline(always)]
pub(crate) fn unary<T: Math, const FMA: bool>(f: Unary, a: Lane<T>, out: &mut [T]) {
    match f {
        Unary::Neg => map(a, out, |x| -x),
        Unary::Exp => map(a, out, |x| math::exp::<T, FMA>(x)),
        Unary::Log => map(a, out, |x| math::log::<T, FMA>(x)),
        Unary::Sqrt => map(a, out, |x| math::sqrt::<T, FMA>(x)),
        Unary::Tanh => map(a, out, |x| math::tanh::<T, FMA>(x)),
        Unary::Sigmoid => map(a, out, |x| math::sigmoid::<T, FMA>(x)),
        Unary::Softplus => map(a, out, |x| math::softplus::<T, FMA>(x)),
        Unary::Silu => map(a, out, |x| math::silu::<T, FMA>(x)),
        Unary::SiluSlope => map(a, out, |x| math::silu_slope::<T, FMA>(x)),
        Unary::Sin => map(a, out, |x| math::sin::<T, FMA>(x)),
        Unary::Cos => map(a, out, |x| math::cos::<T, FMA>(x)),
        Unary::Abs => map(a, out, |x| choose(x < T::ZERO, -x, x)),
        Unary::Sign => map(a, out, |x| choose(x > T::ZERO, T::ONE, choose(x < T::ZERO, -T::ONE, x))),
    }
}

#[inline(always)]
pub(crate) fn binary<T: Math>(f: Binary, a: Lane<T>, b: Lane<T>, out: &mut [T]) {
    // Adding the operands carries a NaN of either.
    let with_nan = |a: T, b: T, chosen: T| choose(is_nan(a) | is_nan(b), a + b, chosen);
    match f {
        Binary::Add => zip(a, b, out, |a, b| a + b),
        Binary::Sub => zip(a, b, out, |a, b| a - b),
        Binary::Mul => zip(a, b, out, |a, b| a * b),
        Binary::Div => zip(a, b, out, |a, b| a / b),
        Binary::Maximum => zip(a, b, out, |a, b| with_nan(a, b, choose(a < b, b, a))),
        Binary::Minimum => zip(a, b, out, |a, b| with_nan(a, b, choose(b < a, b, a))),
    }
}

/// NaN is what does not equal itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<T: Math>(x: T) -> bool {
    x != x
}

#[inline(always)]
fn truth<T: Math>(condition: bool) -> T {
    choose(condition, T::ONE, T::ZERO)
}

#[inline(always)]
pub(crate) fn compare<T: Math>(f: Compare, a: Lane<T>, b: Lane<T>, out: &mut [T]) {
    match f {
        Compare::Less => zip(a, b, out, |a, b| truth(a < b)),
        Compare::LessEqual => zip(a, b, out, |a, b| truth(a <= b)),
        Compare::Equal => zip(a, b, out, |a, b| truth(a == b)),
    }
}

#[inline(always)]
pub(crate) fn logic<T: Math>(f: Logic, a: Lane<T>, b: Lane<T>, out: &mut [T]) {
    match f {
        Logic::And => zip(a, b, out, |a, b| a * b),
        Logic::Or => zip(a, b, out, |a, b| choose(a > b, a, b)),
    }
}

#[inline(always)]
pub(crate) fn not<T: Math>(a: Lane<T>, out: &mut [T]) {
    map(a, out, |a| T::ONE - a);
}

#[inline(always)]
pub(crate) fn is_finite<T: Math>(a: Lane<T>, out: &mut [T]) {
    // 0 x is 0 for finite x and NaN otherwise.
    map(a, out, |x| truth(x * T::ZERO == T::ZERO));
}

#[inline(always)]
pub(crate) fn select<T: Math>(condition: Lane<T>, yes: Lane<T>, no: Lane<T>, out: &mut [T]) {
    zip3(condition, yes, no, out, |c, yes, no| choose(c > T::ZERO, yes, no));
}

#[inline(always)]
pub(crate) fn multiply_add<T: Math, const FMA: bool>(a: Lane<T>, b: Lane<T>, c: Lane<T>, out: &mut [T]) {
    zip3(a, b, c, out, |a, b, c| T::fma::<FMA>(a, b, c));
}

/// Axes that a view can have after neighbours that move together are made one.
pub(crate) const MAX_AXES: usize = 12;

/// The elements of a view from position `start` of the pass on; `source` begins at element `skipped` of the
/// value.
#[inline(always)]
pub(crate) fn load<T: Copy>(view: &View, source: &[T], skipped: usize, start: usize, out: &mut [T]) {
    let Some(((extent, step), outer)) = view.axes.split_last() else {
        out.fill(source[view.offset - skipped]);
        return;
    };
    let extent = *extent;
    let step = *step;
    let mut index = [0usize; MAX_AXES];
    let mut rest = start / extent;
    let mut column = start % extent;
    let mut at = view.offset;
    for (axis, (extent, step)) in outer.iter().enumerate().rev() {
        index[axis] = rest % extent;
        rest /= extent;
        at += index[axis] * step;
    }
    let mut done = 0;
    while done < out.len() {
        let len = (extent - column).min(out.len() - done);
        let run = &mut out[done..done + len];
        // Subtracted last: behind the view's last element `at` is back at its first, which may lie before
        // `source`.
        let first = at + column * step - skipped;
        match step {
            1 => run.copy_from_slice(&source[first..first + len]),
            0 => run.fill(source[first]),
            _ => run.iter_mut().enumerate().for_each(|(i, out)| *out = source[first + i * step]),
        }
        done += len;
        column = 0;
        for (axis, (extent, step)) in outer.iter().enumerate().rev() {
            index[axis] += 1;
            at += step;
            if index[axis] < *extent {
                break;
            }
            index[axis] = 0;
            at -= extent * step;
        }
    }
}

/// The sum or maximum of a tile, in lanes so that it is vectorised.
#[inline(always)]
pub(crate) fn fold<T: Math>(values: Lane<T>, len: usize, is_max: bool) -> T {
    const LANES: usize = 32;
    let values = match values {
        Lane::Each(values) => values,
        Lane::All(value) if is_max => return value,
        Lane::All(value) => return value * T::from_f64(len as f64),
    };
    let start = if is_max { -T::INFINITY } else { T::ZERO };
    let mut lanes = [start; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, *value, is_max);
        }
    }
    let rest = chunks.remainder().iter().fold(start, |sum, value| combine(sum, *value, is_max));
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = combine(lanes[i], lanes[i + width], is_max);
        }
        width /= 2;
    }
    combine(lanes[0], rest, is_max)
}

/// out = the sum or maximum over the rows of `values`, each as long as `out`.
#[inline(always)]
pub(crate) fn fold_rows<T: Math>(values: &[T], out: &mut [T], is_max: bool) {
    if let [out] = out {
        *out = match values.len() {
            0..32 => values[1..].iter().fold(values[0], |sum, value| combine(sum, *value, is_max)),
            len => fold(Lane::Each(values), len, is_max),
        };
        return;
    }
    let mut rows = values.chunks_exact(out.len());
    if let Some(first) = rows.next() {
        out.copy_from_slice(first);
    }
    for row in rows {
        out.iter_mut().zip(row).for_each(|(out, value)| *out = combine(*out, *value, is_max));
    }
}

/// a + b, or the larger; NaN if one is.
#[inline(always)]
pub(crate) fn combine<T: Math>(a: T, b: T, is_max: bool) -> T {
    if is_max { choose(is_nan(a) | is_nan(b), a + b, choose(a < b, b, a)) } else { a + b }
}
