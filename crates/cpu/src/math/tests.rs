//! Accuracy of the elementary functions against double precision, on every path.

use super::*;
use crate::simd::{Instructions, Kernel};

/// A function under test: its loop, its reference in double precision, its domain, its bounds in ulp.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Exp,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Tanh,
    Sigmoid,
    Softplus,
    Silu,
    Sin,
    Cos,
}
use Function::*;

const ALL: [Function; 11] = [Exp, Log, Log1p, Sqrt, Rsqrt, Tanh, Sigmoid, Softplus, Silu, Sin, Cos];

impl Function {
    fn reference(self, x: f64) -> f64 {
        match self {
            Exp => x.exp(),
            Log => x.ln(),
            Log1p => x.ln_1p(),
            Sqrt => x.sqrt(),
            Rsqrt => 1.0 / x.sqrt(),
            Tanh => x.tanh(),
            Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Silu => x * Sigmoid.reference(x),
            Sin => x.sin(),
            Cos => x.cos(),
        }
    }

    /// Documented bounds for f32 and f64.
    fn bounds(self) -> (f64, f64) {
        match self {
            Exp => (1.2, 1.2),
            Log => (0.9, 0.9),
            Log1p => (1.0, 1.0),
            Sqrt => (0.5, 0.5),
            Rsqrt => (1.5, 1.5),
            Tanh => (3.0, 3.0),
            Sigmoid => (2.5, 2.5),
            Softplus => (2.0, 2.0),
            Silu => (3.5, 3.5),
            Sin | Cos => (2.0, 2.5),
        }
    }

    fn covers(self, x: f64) -> bool {
        match self {
            Sin | Cos => x.abs() <= 1e5,
            Log1p => (0.0..=1.0).contains(&x),
            Silu => x.is_finite() && x > -80.0,
            _ => x.is_finite(),
        }
    }
}

struct Map<'a, T>(Function, &'a [T], &'a mut [T]);

impl<T: Math> Kernel for Map<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Map(function, input, out) = self;
        match function {
            Exp => map_exp::<T, FMA>(input, out),
            Log => map_log::<T, FMA>(input, out),
            Log1p => {
                for (x, y) in input.iter().zip(out) {
                    *y = log1p_unit::<T, FMA>(*x);
                }
            }
            Sqrt => map_sqrt::<T, FMA>(input, out),
            Rsqrt => map_rsqrt::<T, FMA>(input, out),
            Tanh => map_tanh::<T, FMA>(input, out),
            Sigmoid => map_sigmoid::<T, FMA>(input, out),
            Softplus => map_softplus::<T, FMA>(input, out),
            Silu => map_silu::<T, FMA>(input, out),
            Sin => map_sin::<T, FMA>(input, out),
            Cos => map_cos::<T, FMA>(input, out),
        }
    }
}

fn evaluate<T: Math>(path: Instructions, function: Function, input: &[T]) -> Vec<T> {
    let mut out = vec![T::ZERO; input.len()];
    path.run(Map(function, input, &mut out));
    out
}

/// |got - exact| in units of the last place of a number of size `exact`; 0 where both are the same
/// infinity or NaN.
fn ulps<T: Math>(got: T, exact: f64) -> f64 {
    let got = got.to_f64();
    let rounded = T::from_f64(exact).to_f64();
    if got == rounded || got.is_nan() && exact.is_nan() {
        // The rounding error of a correctly rounded result is not of interest.
        return if rounded.is_finite() { ((got - exact) / unit::<T>(exact)).abs() } else { 0.0 };
    }
    if !got.is_finite() || !exact.is_finite() {
        return f64::INFINITY;
    }
    ((got - exact) / unit::<T>(exact)).abs()
}

fn unit<T: Math>(exact: f64) -> f64 {
    let size = exact.abs().max(T::MIN_POSITIVE.to_f64());
    let exponent = ((size.to_bits() >> 52) as i32) - 1023;
    // Two factors, since the product may be subnormal.
    2f64.powi(exponent) * 2f64.powi(-(T::MANTISSA as i32))
}

/// The largest error over `inputs` and where it lies.
fn worst<T: Math>(path: Instructions, function: Function, inputs: impl Iterator<Item = T>) -> (f64, f64) {
    let inputs: Vec<T> = inputs.filter(|x| function.covers(x.to_f64())).collect();
    let outputs = evaluate(path, function, &inputs);
    let errors = inputs.iter().zip(outputs).map(|(x, y)| {
        let x = x.to_f64();
        (ulps(y, function.reference(x)), x)
    });
    errors.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
}

fn grid(bound: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |i| bound * (2.0 * i as f64 / count as f64 - 1.0))
}

#[test]
fn f32_stays_within_its_bounds() {
    for path in Instructions::available() {
        for function in ALL {
            let patterns = (0..=u32::MAX / 1021).map(|i| f32::from_bits(i * 1021));
            let dense = [1.0, 30.0, 110.0, 1e5].into_iter().flat_map(|b| grid(b, 200_000)).map(|x| x as f32);
            let (error, x) = worst(path, function, patterns.chain(dense));
            println!("f32 {path:?} {function:?}: {error:.3} ulp at {x}");
            assert!(error <= function.bounds().0, "{path:?} {function:?}: {error} ulp at {x}");
        }
    }
}

#[test]
fn f64_stays_within_its_bounds() {
    for path in Instructions::available() {
        for function in ALL {
            let patterns = (0..1_000_000_u64).map(|i| f64::from_bits(enscore_program::random::mix(i)));
            let dense = [1e-3, 1.0, 30.0, 750.0, 1e5].into_iter().flat_map(|b| grid(b, 200_000));
            let (error, x) = worst(path, function, patterns.chain(dense));
            println!("f64 {path:?} {function:?}: {error:.3} ulp at {x}");
            // The reference has an error too: at most an ulp, or two where it is composed.
            let reference = if matches!(function, Sqrt | Rsqrt) { 0.0 } else { 1.0 };
            assert!(error <= function.bounds().1 + reference, "{path:?} {function:?}: {error} ulp at {x}");
        }
    }
}

/// Beside the root its error is small, but not in relative terms.
fn slope_of_silu<T: Math>() {
    struct Slope<'a, T>(&'a [T], &'a mut [T]);
    impl<T: Math> Kernel for Slope<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<const FMA: bool>(self) {
            map_silu_slope::<T, FMA>(self.0, self.1);
        }
    }
    let inputs: Vec<T> =
        [2.0, 30.0, 1000.0].into_iter().flat_map(|b| grid(b, 100_000)).map(T::from_f64).collect();
    for path in Instructions::available() {
        let mut out = vec![T::ZERO; inputs.len()];
        path.run(Slope(&inputs, &mut out));
        for (x, y) in inputs.iter().map(|x| x.to_f64()).zip(&out) {
            let s = Sigmoid.reference(x);
            let error = (y.to_f64() - s * (1.0 + x * Sigmoid.reference(-x))).abs() / unit::<T>(0.5);
            assert!(error <= 6.0, "{path:?}: {error} units at {x}");
        }
    }
}

#[test]
fn the_slope_of_silu_stays_within_its_bound_in_both_widths() {
    slope_of_silu::<f32>();
    slope_of_silu::<f64>();
}

#[test]
fn f64_agrees_with_values_of_a_multiple_precision_library() {
    // mpmath 1.3 with 50 digits, rounded to double precision.
    let cases = [
        (Exp, -0.34, 0.7117703227626097),
        (Exp, 700.5, 1.6721859620674984e304),
        (Log, 0.7, -0.35667494393873245),
        (Log, 1e-300, -690.7755278982137),
        (Tanh, 1e-5, 9.999999999666668e-6),
        (Tanh, -0.7, -0.6043677771171635),
        (Sigmoid, -700.0, 9.85967654375977e-305),
        (Sigmoid, 0.3, 0.574442516811659),
        (Softplus, -40.0, 4.248354255291589e-18),
        (Softplus, 0.1, 0.7443966600735709),
        (Sin, 22.0, -0.008851309290403876),
        (Cos, 99999.5, -0.8598827309222711),
    ];
    for path in Instructions::available() {
        for (function, x, exact) in cases {
            let error = ulps(evaluate(path, function, &[x])[0], exact);
            assert!(error <= function.bounds().1 + 0.5, "{path:?} {function:?}({x}): {error} ulp");
        }
    }
}

fn special_values<T: Math>() {
    let inf = f64::INFINITY;
    let nan = f64::NAN;
    let tiny = T::MIN_POSITIVE.to_f64() / 8.0;
    let cases = [
        (Exp, [(-inf, 0.0), (inf, inf), (0.0, 1.0), (-0.0, 1.0), (1e30, inf), (-1e30, 0.0)]),
        (Log, [(0.0, -inf), (-0.0, -inf), (-1.0, nan), (-inf, nan), (inf, inf), (1.0, 0.0)]),
        (Log, [(-tiny, nan), (tiny, tiny.ln()), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]),
        (Sqrt, [(0.0, 0.0), (-1.0, nan), (inf, inf), (4.0, 2.0), (1.0, 1.0), (-inf, nan)]),
        (Rsqrt, [(0.0, inf), (-1.0, nan), (inf, 0.0), (4.0, 0.5), (1.0, 1.0), (-inf, nan)]),
        (Tanh, [(0.0, 0.0), (inf, 1.0), (-inf, -1.0), (1e30, 1.0), (-1e30, -1.0), (tiny, tiny)]),
        (Sigmoid, [(0.0, 0.5), (inf, 1.0), (-inf, 0.0), (1e30, 1.0), (-1e30, 0.0), (-0.0, 0.5)]),
        (Softplus, [(-inf, 0.0), (inf, inf), (1e30, 1e30), (-1e30, 0.0), (50.0, 50.0), (1e5, 1e5)]),
        (Sin, [(0.0, 0.0), (-0.0, 0.0), (inf, nan), (-inf, nan), (tiny, tiny), (-tiny, -tiny)]),
        (Cos, [(0.0, 1.0), (-0.0, 1.0), (inf, nan), (-inf, nan), (tiny, 1.0), (-tiny, 1.0)]),
    ];
    for path in Instructions::available() {
        for (function, cases) in cases {
            for (x, expected) in cases {
                let got = evaluate(path, function, &[T::from_f64(x)])[0];
                let near = ulps(got, T::from_f64(expected).to_f64());
                assert!(near <= 1.0, "{path:?} {function:?}({x}) = {got:?}, expected {expected}");
            }
        }
        for function in ALL {
            let got = evaluate(path, function, &[T::from_f64(nan); 40]);
            assert!(got.iter().all(|y| y.to_f64().is_nan()), "{path:?} {function:?}(NaN) = {got:?}");
        }
    }
}

#[test]
fn special_values_give_their_limits_in_both_widths() {
    special_values::<f32>();
    special_values::<f64>();
}

#[test]
fn sin_and_cos_of_huge_arguments_stay_bounded() {
    for path in Instructions::available() {
        for function in [Sin, Cos] {
            let singles: Vec<f32> =
                (0..4000).map(|i| 1e5 * 1.021_f32.powi(i)).filter(|x| x.is_finite()).collect();
            assert!(evaluate(path, function, &singles).iter().all(|y| y.abs() <= 1.000_001));
            let doubles: Vec<f64> =
                (0..4000).map(|i| -1e5 * 1.19_f64.powi(i)).filter(|x| x.is_finite()).collect();
            assert!(evaluate(path, function, &doubles).iter().all(|y| y.abs() <= 1.000_001));
        }
    }
}

/// [`exp_negative`] and [`exp`] of the same arguments.
struct BothExponentials<'a, T>(&'a [T], &'a mut [(T, T)]);

impl<T: Math> Kernel for BothExponentials<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for (x, out) in self.0.iter().zip(self.1) {
            *out = (exp_negative::<T, FMA>(*x), exp::<T, FMA>(*x));
        }
    }
}

fn exponentials_agree<T: Math>(inputs: &[T]) {
    for path in Instructions::available() {
        let mut out = vec![(T::NAN, T::NAN); inputs.len()];
        path.run(BothExponentials(inputs, &mut out));
        for ((short, long), x) in out.iter().zip(inputs) {
            assert!(short.to_bits() == long.to_bits(), "{path:?}: e^{x:?} is {short:?} and {long:?}");
        }
    }
}

#[test]
fn both_exponentials_have_the_same_bits() {
    let special = [0.0, -0.0, f64::NEG_INFINITY, -1e-40, -87.4, -103.9, -104.0, -745.1, -745.2, -1e30];
    let dense = [1.0, 30.0, 110.0, 800.0].into_iter().flat_map(|bound| grid(bound, 100_000));
    let doubles: Vec<f64> = special.into_iter().chain(dense.map(|x| -x.abs())).collect();
    exponentials_agree(&doubles);
    exponentials_agree(&doubles.iter().map(|x| *x as f32).collect::<Vec<f32>>());
}
