//! What the elementary functions need to know about each float width: its bits, its limits, its polynomials.

use std::ops::{BitAnd, BitOr, BitXor, Shl, Shr};

use crate::simd::Float;

/// The unsigned integer that holds the bits of a float.
pub trait Bits:
    Copy
    + PartialEq
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The sum modulo 2^width.
    fn wrapping_add(self, other: Self) -> Self;
    /// The low bits of, or zeros before, a 32-bit word.
    fn from_word(word: u32) -> Self;
}

/// A float width with the constants and polynomials of the elementary functions.
///
/// A `SHIFT_*` number is so large that adding it rounds to an integer, which then stands in the low bits:
/// rounding and conversion to an integer in one addition, on any instruction set.
pub trait Math: Float {
    /// The integer of the same width.
    type Bits: Bits;
    /// Bits of the width.
    const WIDTH: u32;
    /// Stored bits of the mantissa.
    const MANTISSA: u32;
    /// The stored bits of the mantissa set.
    const MANTISSA_MASK: Self::Bits;
    /// The bits of sqrt(1/2), rounded down.
    const SQRT_HALF_BITS: Self::Bits;
    /// The bits of 1 less those of sqrt(1/2).
    const ONE_LESS_SQRT_HALF_BITS: Self::Bits;
    /// One half.
    const HALF: Self;
    /// Two.
    const TWO: Self;
    /// Infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// The smallest normal number.
    const MIN_POSITIVE: Self;
    /// The largest number below one.
    const BELOW_ONE: Self;
    /// Makes a subnormal number normal: 2^`SUBNORMAL_EXPONENT`.
    const SUBNORMAL_SCALE: Self;
    /// See `SUBNORMAL_SCALE`.
    const SUBNORMAL_EXPONENT: Self;
    /// From here on e^x is infinite.
    const EXP_MAX: Self;
    /// Up to here e^x rounds to zero.
    const EXP_MIN: Self;
    /// From here on tanh x rounds to one.
    const TANH_MAX: Self;
    /// 1 / ln 2.
    const LOG2_E: Self;
    /// ln 2 in so few bits that n times it is exact.
    const LN_2_HIGH: Self;
    /// ln 2 less `LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// 1.5 2^mantissa + twice the exponent bias.
    const SHIFT_TWO_BIASES: Self;
    /// 1.5 2^mantissa + the exponent bias.
    const SHIFT_ONE_BIAS: Self;
    /// 1.5 2^mantissa + the exponent bias + `LIFT`.
    const SHIFT_LIFTED: Self;
    /// An exponent that makes normal what e^x can be for x < 0.
    const LIFT: i32;
    /// 2^-`LIFT`.
    const LOWER: Self;
    /// 2^mantissa: its low bits are an integer.
    const SHIFT_INTEGER: Self;
    /// 2^mantissa + the exponent bias.
    const SHIFT_INTEGER_BIAS: Self;

    /// The bits of the number.
    fn to_bits(self) -> Self::Bits;
    /// The number with these bits.
    fn from_bits(bits: Self::Bits) -> Self;
    /// Rounds an unsigned word.
    fn from_u32(word: u32) -> Self;
    /// Rounds a signed word.
    fn from_i32(word: i32) -> Self;
    /// The square root.
    fn root(self) -> Self;
    /// The absolute value.
    fn magnitude(self) -> Self;
    /// This magnitude with the sign of `sign`.
    fn with_sign(self, sign: Self) -> Self;
    /// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2.
    fn exp_tail<const FMA: bool>(r: Self) -> Self;
    /// (2 atanh(s) / s - 2) / s^2 in z = s^2 for |s| <= 0.2.
    fn log_tail<const FMA: bool>(z: Self) -> Self;
    /// (sin r / r - 1) / r^2 in z = r^2 for |r| <= pi / 4.
    fn sin_tail<const FMA: bool>(z: Self) -> Self;
    /// (cos r - 1 + r^2 / 2) / r^4 in z = r^2 for |r| <= pi / 4.
    fn cos_tail<const FMA: bool>(z: Self) -> Self;
    /// r and, in the low bits of the second, q of x = r + q pi / 2.
    fn reduce_half_pi<const FMA: bool>(x: Self) -> (Self, Self::Bits);
}

/// Horner's rule, highest coefficient first.
macro_rules! horner {
    ($x:expr; $first:expr, $($next:expr),*) => {{
        let y = $first;
        $(let y = Self::fma::<FMA>(y, $x, $next);)*
        y
    }};
}

/// The members that read the same in both widths.
macro_rules! common {
    ($t:ident, $bits:ident) => {
        type Bits = $bits;
        const WIDTH: u32 = $bits::BITS;
        const MANTISSA: u32 = $t::MANTISSA_DIGITS - 1;
        const MANTISSA_MASK: $bits = (1 << Self::MANTISSA) - 1;
        const ONE_LESS_SQRT_HALF_BITS: $bits = (1.0 as $t).to_bits() - Self::SQRT_HALF_BITS;
        const HALF: Self = 0.5;
        const TWO: Self = 2.0;
        const INFINITY: Self = $t::INFINITY;
        const NAN: Self = $t::NAN;
        const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
        const BELOW_ONE: Self = 1.0 - $t::EPSILON / 2.0;
        const SUBNORMAL_SCALE: Self = (1_u64 << $t::MANTISSA_DIGITS) as $t;
        const SUBNORMAL_EXPONENT: Self = $t::MANTISSA_DIGITS as $t;
        const LOG2_E: Self = std::$t::consts::LOG2_E;
        const SHIFT_TWO_BIASES: Self = 1.5 * Self::SHIFT_INTEGER + (2 * ($t::MAX_EXP - 1)) as $t;
        const SHIFT_ONE_BIAS: Self = 1.5 * Self::SHIFT_INTEGER + ($t::MAX_EXP - 1) as $t;
        const SHIFT_LIFTED: Self = Self::SHIFT_ONE_BIAS + Self::LIFT as $t;
        const LIFT: i32 = 64;
        const LOWER: Self = 1.0 / (1_u128 << Self::LIFT) as $t;
        const SHIFT_INTEGER: Self = (1_u64 << Self::MANTISSA) as $t;
        const SHIFT_INTEGER_BIAS: Self = Self::SHIFT_INTEGER + ($t::MAX_EXP - 1) as $t;
        #[inline(always)]
        fn to_bits(self) -> $bits {
            $t::to_bits(self)
        }
        #[inline(always)]
        fn from_bits(bits: $bits) -> Self {
            $t::from_bits(bits)
        }
        #[inline(always)]
        fn from_u32(word: u32) -> Self {
            word as $t
        }
        #[inline(always)]
        fn from_i32(word: i32) -> Self {
            word as $t
        }
        #[inline(always)]
        fn root(self) -> Self {
            self.sqrt()
        }
        #[inline(always)]
        fn magnitude(self) -> Self {
            self.abs()
        }
        #[inline(always)]
        fn with_sign(self, sign: Self) -> Self {
            self.copysign(sign)
        }
    };
}

macro_rules! bits {
    ($bits:ident) => {
        impl Bits for $bits {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn wrapping_add(self, other: Self) -> Self {
                $bits::wrapping_add(self, other)
            }
            #[inline(always)]
            fn from_word(word: u32) -> Self {
                word as $bits
            }
        }
    };
}
bits!(u32);
bits!(u64);

/// 1.5 2^52: adding it rounds a double to an integer.
const SHIFT_F64: f64 = 6_755_399_441_055_744.0;
/// pi / 2 in three parts of 33 bits and a rest: q times a part is exact for q < 2^20.
const HALF_PI_33: [f64; 4] =
    [1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32];

impl Math for f32 {
    common!(f32, u32);
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    const EXP_MAX: f32 = 89.0;
    const EXP_MIN: f32 = -104.5;
    const TANH_MAX: f32 = 9.25;
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.4286068e-6;

    #[inline(always)]
    fn exp_tail<const FMA: bool>(r: f32) -> f32 {
        horner!(r; 1.392625e-3, 8.363233e-3, 4.1666552e-2, 1.6666576e-1, 0.5)
    }

    #[inline(always)]
    fn log_tail<const FMA: bool>(z: f32) -> f32 {
        horner!(z; 2.3751342e-1, 2.8532544e-1, 4.0000314e-1, 6.666667e-1)
    }

    #[inline(always)]
    fn sin_tail<const FMA: bool>(z: f32) -> f32 {
        horner!(z; -1.9587387e-4, 8.332746e-3, -1.6666664e-1)
    }

    #[inline(always)]
    fn cos_tail<const FMA: bool>(z: f32) -> f32 {
        horner!(z; 2.4547437e-5, -1.38883e-3, 4.1666664e-2)
    }

    /// With one rounding in single precision; without it three parts don't suffice, so in double precision.
    #[inline(always)]
    fn reduce_half_pi<const FMA: bool>(x: f32) -> (f32, u32) {
        if FMA {
            let shift = 1.5 * Self::SHIFT_INTEGER;
            let shifted = x.mul_add(std::f32::consts::FRAC_2_PI, shift);
            let q = shift - shifted;
            let r = q.mul_add(1.5707964, x);
            let r = q.mul_add(-4.371139e-8, r);
            (q.mul_add(-1.7151245e-15, r), shifted.to_bits())
        } else {
            let wide = f64::from(x);
            let shifted = wide * std::f64::consts::FRAC_2_PI + SHIFT_F64;
            let q = SHIFT_F64 - shifted;
            let r = (wide + q * HALF_PI_33[0]) + q * HALF_PI_33[1];
            (r as f32, shifted.to_bits() as u32)
        }
    }
}

impl Math for f64 {
    common!(f64, u64);
    const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
    const EXP_MAX: f64 = 710.0;
    const EXP_MIN: f64 = -746.0;
    const TANH_MAX: f64 = 20.0;
    const LN_2_HIGH: f64 = 0.6931471804855391;
    const LN_2_LOW: f64 = 7.440617110012397e-11;

    #[inline(always)]
    fn exp_tail<const FMA: bool>(r: f64) -> f64 {
        horner!(r; 2.09147553258932e-9, 2.5105312729622103e-8, 2.755727347871858e-7, 2.755725517000089e-6,
            2.480158732567746e-5, 0.0001984126987500228, 0.0013888888888883711, 0.008333333333326084,
            0.04166666666666667, 0.1666666666666667, 0.5)
    }

    #[inline(always)]
    fn log_tail<const FMA: bool>(z: f64) -> f64 {
        horner!(z; 0.13609030262858499, 0.13209708242059462, 0.15388867805613718, 0.18181737626302938,
            0.2222222304835159, 0.28571428567275936, 0.4000000000000794, 0.6666666666666666)
    }

    #[inline(always)]
    fn sin_tail<const FMA: bool>(z: f64) -> f64 {
        horner!(z; 1.5917848524808262e-10, -2.5051127944014188e-8, 2.755731608381636e-6,
            -0.00019841269836722418, 0.008333333333330925, -0.16666666666666666)
    }

    #[inline(always)]
    fn cos_tail<const FMA: bool>(z: f64) -> f64 {
        horner!(z; -1.1382456778061306e-11, 2.0876143827993133e-9, -2.7557317260008837e-7,
            2.480158729874307e-5, -0.0013888888888887382, 0.041666666666666664)
    }

    #[inline(always)]
    fn reduce_half_pi<const FMA: bool>(x: f64) -> (f64, u64) {
        let shifted = Self::fma::<FMA>(x, std::f64::consts::FRAC_2_PI, SHIFT_F64);
        let q = SHIFT_F64 - shifted;
        let r = if FMA {
            let r = q.mul_add(std::f64::consts::FRAC_PI_2, x);
            let r = q.mul_add(6.123233995736766e-17, r);
            q.mul_add(-1.4973849048591698e-33, r)
        } else {
            let r = (x + q * HALF_PI_33[0]) + q * HALF_PI_33[1];
            (r + q * HALF_PI_33[2]) + q * HALF_PI_33[3]
        };
        (r, shifted.to_bits())
    }
}
