//! Elementary functions that a plain loop over a slice vectorises: straight-line arithmetic and selects, no
//! branch, no table, no call.
//!
//! exp and the functions built on it reduce x = n ln 2 + r, |r| <= ln 2 / 2 (Cody and Waite 1980), and
//! evaluate a minimax polynomial of e^r. log writes x = 2^k (1 + f) and uses log(1 + f) = 2 atanh(s), s = f /
//! (2 + f), as fdlibm does (Sun Microsystems 1993). sin and cos reduce by multiples of pi / 2 in three parts.
//!
//! Every function is `#[inline(always)]` and takes `const FMA: bool`: call it inside a
//! [`Kernel`](crate::simd::Kernel). NaN in gives NaN out; only the sign of a zero from sin may differ from
//! IEEE 754.
//!
//! Errors are in units in the last place (ulp) of the exact result, on every instruction path: bounds on the
//! largest seen over dense grids, one in 1021 of all f32, random f64, and for f64 also 24,000 points a
//! function against results with 48 digits.

mod width;

#[cfg(test)]
mod tests;

pub use width::{Bits, Math};

/// The parts of x = n ln 2 + r, with n still in the low bits of `shifted`, and e^r - 1.
#[inline(always)]
fn reduce_exp<T: Math, const FMA: bool>(x: T, shift: T) -> (T, T, T) {
    let shifted = T::fma::<FMA>(x, T::LOG2_E, shift);
    let n = shifted - shift;
    let r = T::fma::<FMA>(-n, T::LN_2_LOW, T::fma::<FMA>(-n, T::LN_2_HIGH, x));
    (shifted, n, T::fma::<FMA>(r * r, T::exp_tail::<FMA>(r), r))
}

/// e^x. Error below 1.2 ulp (f32, f64). Overflows to infinity, underflows gradually through the
/// subnormal numbers to zero; exp(-inf) = 0.
#[inline(always)]
pub fn exp<T: Math, const FMA: bool>(x: T) -> T {
    let x = select(x > T::EXP_MAX, T::EXP_MAX, x);
    let x = select(x < T::EXP_MIN, T::EXP_MIN, x);
    let (shifted, _, tail) = reduce_exp::<T, FMA>(x, T::SHIFT_TWO_BIASES);
    // 2^n in two factors, since n runs from below the least to above the largest exponent.
    let bits = shifted.to_bits();
    let first = T::from_bits((bits >> 1) << T::MANTISSA);
    let second = T::from_bits((bits.wrapping_add(T::Bits::ONE) >> 1) << T::MANTISSA);
    (T::ONE + tail) * first * second
}

/// e^x for x <= 0, to the bit as [`exp`]: 2^n in one factor that is normal, and a constant one that rounds
/// once.
#[inline(always)]
fn exp_negative<T: Math, const FMA: bool>(x: T) -> T {
    let (shifted, _, tail) = reduce_exp::<T, FMA>(select(x < T::EXP_MIN, T::EXP_MIN, x), T::SHIFT_LIFTED);
    (T::ONE + tail) * T::from_bits(shifted.to_bits() << T::MANTISSA) * T::LOWER
}

/// e^x - 1 for x in [-2 `TANH_MAX`, 0], where one factor 2^n suffices.
#[inline(always)]
fn exp_m1_negative<T: Math, const FMA: bool>(x: T) -> T {
    let (shifted, _, tail) = reduce_exp::<T, FMA>(x, T::SHIFT_ONE_BIAS);
    let scale = T::from_bits(shifted.to_bits() << T::MANTISSA);
    T::fma::<FMA>(scale, tail, scale - T::ONE)
}

/// k ln 2 + log(1 + f) for f in [-0.3, 0.5].
#[inline(always)]
fn log_parts<T: Math, const FMA: bool>(k: T, f: T) -> T {
    let s = f / (T::TWO + f);
    let z = s * s;
    let half_square = T::HALF * f * f;
    let tail = z * T::log_tail::<FMA>(z);
    let small = T::fma::<FMA>(s, half_square + tail, k * T::LN_2_LOW);
    T::fma::<FMA>(k, T::LN_2_HIGH, f - (half_square - small))
}

/// k and f of x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for a positive normal x.
#[inline(always)]
fn split_log<T: Math>(x: T) -> (T, T) {
    let shifted = x.to_bits().wrapping_add(T::ONE_LESS_SQRT_HALF_BITS);
    let k = T::from_bits((shifted >> T::MANTISSA) | T::SHIFT_INTEGER.to_bits()) - T::SHIFT_INTEGER_BIAS;
    let mantissa = (shifted & T::MANTISSA_MASK).wrapping_add(T::SQRT_HALF_BITS);
    (k, T::from_bits(mantissa) - T::ONE)
}

/// The natural logarithm. Error below 0.9 ulp (f32, f64), subnormal arguments included. log(0) = -inf,
/// log(x < 0) = NaN, log(inf) = inf.
#[inline(always)]
pub fn log<T: Math, const FMA: bool>(x: T) -> T {
    let subnormal = x < T::MIN_POSITIVE;
    let (k, f) = split_log(select(subnormal, x * T::SUBNORMAL_SCALE, x));
    let y = log_parts::<T, FMA>(select(subnormal, k - T::SUBNORMAL_EXPONENT, k), f);
    let y = select(x < T::INFINITY, y, x);
    let y = select(x == T::ZERO, -T::INFINITY, y);
    select(x < T::ZERO, T::NAN, y)
}

/// log(1 + u) for u in [0, 1], accurate in relative terms near 0. Error below 1 ulp (f32, f64).
/// Outside the interval the result has no meaning.
#[inline(always)]
pub fn log1p_unit<T: Math, const FMA: bool>(u: T) -> T {
    // From 1/2 on, (1 + u) / 2 - 1 is exact.
    let small = u < T::HALF;
    log_parts::<T, FMA>(select(small, T::ZERO, T::ONE), select(small, u, T::HALF * (u - T::ONE)))
}

/// log u for u = 1 - `complement` in (0, 1), where `near_one` may be set if u > 0.7072 and then makes the
/// result accurate in relative terms even where u rounds to 1.
#[inline(always)]
pub(crate) fn log_complement<T: Math, const FMA: bool>(u: T, complement: T, near_one: bool) -> T {
    let (k, f) = split_log(u);
    log_parts::<T, FMA>(select(near_one, T::ZERO, k), select(near_one, -complement, f))
}

/// The square root, correctly rounded. NaN below zero.
#[inline(always)]
pub fn sqrt<T: Math, const FMA: bool>(x: T) -> T {
    x.root()
}

/// 1 / sqrt(x). Error below 1.5 ulp (f32, f64). rsqrt(0) = inf, NaN below zero.
#[inline(always)]
pub fn rsqrt<T: Math, const FMA: bool>(x: T) -> T {
    T::ONE / x.root()
}

/// tanh x = -m / (2 + m) with m = e^(-2 |x|) - 1, and the sign of x. Error below 3 ulp (f32, f64), near 0
/// too.
#[inline(always)]
pub fn tanh<T: Math, const FMA: bool>(x: T) -> T {
    let size = x.magnitude();
    let m = exp_m1_negative::<T, FMA>(-T::TWO * select(size > T::TANH_MAX, T::TANH_MAX, size));
    (-m / (T::TWO + m)).with_sign(x)
}

/// The logistic function 1 / (1 + e^-x). Error below 2.5 ulp (f32, f64), for very negative x too, where it
/// underflows gradually like e^x.
#[inline(always)]
pub fn sigmoid<T: Math, const FMA: bool>(x: T) -> T {
    let e = exp_negative::<T, FMA>(-x.magnitude());
    select(x < T::ZERO, e, T::ONE) / (T::ONE + e)
}

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). Error below 2 ulp (f32, f64), for very negative x too,
/// where it is e^x.
#[inline(always)]
pub fn softplus<T: Math, const FMA: bool>(x: T) -> T {
    let e = exp_negative::<T, FMA>(-x.magnitude());
    select(x > T::ZERO, x, T::ZERO) + log1p_unit::<T, FMA>(e)
}

/// x / (1 + e^-x). Error below 3.5 ulp (f32, f64) for x > -80; below it vanishes like x e^x, with the digits
/// that the logistic function has left.
#[inline(always)]
pub fn silu<T: Math, const FMA: bool>(x: T) -> T {
    x * sigmoid::<T, FMA>(x)
}

/// The derivative of x / (1 + e^-x), s (1 + x (1 - s)) with s = 1 / (1 + e^-x). Error below 6 units of the
/// last place of a number in [1/2, 1) (f32, f64); in relative terms it has no digits near its root at -1.278.
#[inline(always)]
pub fn silu_slope<T: Math, const FMA: bool>(x: T) -> T {
    // 1 - s is computed as e^-|x| s and not as a difference, whose error x would multiply.
    let e = exp_negative::<T, FMA>(-x.magnitude());
    let large = T::ONE / (T::ONE + e);
    let below = x < T::ZERO;
    let small = e * large;
    let s = select(below, small, large);
    let rest = select(below, large, small);
    s * T::fma::<FMA>(x, rest, T::ONE)
}

/// sin and cos of r + q pi / 2 for |r| <= pi / 4, from the two low bits of q.
#[inline(always)]
pub(crate) fn sin_cos_quadrant<T: Math, const FMA: bool>(r: T, q: T::Bits) -> (T, T) {
    let z = r * r;
    let sin = T::fma::<FMA>(r * z, T::sin_tail::<FMA>(z), r);
    let half = T::HALF * z;
    let near = T::ONE - half;
    // What 1 - z/2 lost to rounding is added back.
    let cos = near + T::fma::<FMA>(z * z, T::cos_tail::<FMA>(z), (T::ONE - near) - half);
    let even = q & T::Bits::ONE == T::Bits::ZERO;
    let a = select(even, sin, cos);
    let b = select(even, cos, sin);
    let sign = |q: T::Bits| ((q >> 1) & T::Bits::ONE) << (T::WIDTH - 1);
    let flip = |x: T, sign: T::Bits| T::from_bits(x.to_bits() ^ sign);
    (flip(a, sign(q)), flip(b, sign(q.wrapping_add(T::Bits::ONE))))
}

/// r and the bits of q of x = r + q pi / 2. Where the reduction has no digits left, r = 0.
#[inline(always)]
fn reduce_quadrant<T: Math, const FMA: bool>(x: T) -> (T, T::Bits) {
    let (r, q) = T::reduce_half_pi::<FMA>(x);
    (select(r.magnitude() > T::ONE, T::ZERO, r), q)
}

/// sin x. Error below 2 ulp (f32) and 2.5 ulp (f64) for |x| <= 1e5; beyond it loses digits, and from about
/// 1e7 (f32) or 1e15 (f64) on has none, but stays in [-1, 1]. NaN at the infinities.
#[inline(always)]
pub fn sin<T: Math, const FMA: bool>(x: T) -> T {
    let (r, q) = reduce_quadrant::<T, FMA>(x);
    sin_cos_quadrant::<T, FMA>(r, q).0
}

/// cos x: see [`sin`].
#[inline(always)]
pub fn cos<T: Math, const FMA: bool>(x: T) -> T {
    let (r, q) = reduce_quadrant::<T, FMA>(x);
    sin_cos_quadrant::<T, FMA>(r, q).1
}

/// A select that stays one: out of an `if` the compiler may make a branch with the code after it once on each
/// side.
#[inline(always)]
fn select<T>(condition: bool, yes: T, no: T) -> T {
    std::hint::select_unpredictable(condition, yes, no)
}

/// Writes out one loop per function: a call through a generic closure could stay a call, compiled without the
/// instructions of the path.
macro_rules! maps {
    ($($map:ident $function:ident),*) => {$(
        #[doc = concat!("`out[i] = ", stringify!($function), "(input[i])`, as far as the shorter slice goes.")]
        #[inline(always)]
        pub fn $map<T: Math, const FMA: bool>(input: &[T], out: &mut [T]) {
            for (x, y) in input.iter().zip(out) {
                *y = $function::<T, FMA>(*x);
            }
        }
    )*};
}
maps!(
    map_exp exp, map_log log, map_sqrt sqrt, map_rsqrt rsqrt, map_tanh tanh, map_sigmoid sigmoid,
    map_softplus softplus, map_silu silu, map_silu_slope silu_slope, map_sin sin, map_cos cos
);
