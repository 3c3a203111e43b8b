//! Every primitive alone, on every instruction path, in f32 and f64, against the reference: the tolerance of
//! each is stated in its row, in units in the last place (ulp) of the exact value, or relative to the largest
//! value where terms cancel (sums, products of matrices, convolutions).

use enscore_cpu::math::Math;
use enscore_cpu::simd::{Float, Instructions};
use enscore_cpu::{Argument, Executable, Options, conv::Algorithm};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Conv, Kind, Program, Scope, Value, Var, interpret};

/// How far a value may be from the reference.
#[derive(Clone, Copy)]
enum Tolerance {
    /// Equal.
    Exact,
    /// In units in the last place of the reference value: (f32, f64).
    Ulp(f64, f64),
    /// In units of the width's rounding, relative to the largest reference value.
    Relative(f64),
}
use Tolerance::{Exact, Relative, Ulp};

type Build = for<'s> fn(&'s Scope, &[Var<'s>]) -> Var<'s>;

/// Operands x `[6, 10]`, y `[6, 10]`, p `[6, 10]` (positive), w `[10, 7]`, images `[2, 6, 6, 8]`, kernels
/// `[3, 3, 8, 8]`, a lower triangle `[4, 4]`.
const OPERATIONS: &[(&str, Tolerance, Build)] = &[
    ("add", Exact, |_, v| v[0] + v[1]),
    ("sub", Exact, |_, v| v[0] - v[1]),
    ("mul", Exact, |_, v| v[0] * v[1]),
    ("div", Exact, |_, v| v[0] / v[1]),
    ("neg", Exact, |_, v| -v[0]),
    ("abs", Exact, |_, v| v[0].abs()),
    ("sign", Exact, |_, v| v[0].sign()),
    ("maximum", Exact, |_, v| v[0].maximum(v[1])),
    ("minimum", Exact, |_, v| v[0].minimum(v[1])),
    ("sqrt", Exact, |_, v| v[2].sqrt()),
    ("exp", Ulp(2.0, 2.0), |_, v| v[0].exp()),
    ("log", Ulp(2.0, 2.0), |_, v| v[2].log()),
    ("tanh", Ulp(4.0, 4.0), |_, v| v[0].tanh()),
    ("sigmoid", Ulp(4.0, 4.0), |_, v| v[0].sigmoid()),
    ("softplus", Ulp(3.0, 3.0), |_, v| v[0].softplus()),
    ("sin", Ulp(3.0, 3.0), |_, v| v[0].sin()),
    ("cos", Ulp(3.0, 3.0), |_, v| v[0].cos()),
    ("less", Exact, |_, v| v[0].less(v[1]).to_float()),
    ("less_equal", Exact, |_, v| v[0].less_equal(v[0]).to_float()),
    ("equal", Exact, |_, v| v[0].equal(v[0]).to_float()),
    ("and", Exact, |_, v| v[0].less(v[1]).and(v[1].less(v[2])).to_float()),
    ("or", Exact, |_, v| v[0].less(v[1]).or(v[1].less(v[2])).to_float()),
    ("not", Exact, |_, v| v[0].less(v[1]).not().to_float()),
    ("is_finite", Exact, |_, v| (v[0] / v[1].sign().maximum(v[1].zeros_like())).is_finite().to_float()),
    ("select", Exact, |_, v| v[0].less(v[1]).select(v[0], v[2])),
    ("iota", Exact, |s, v| v[0] * s.iota(&[6, 10], 1).to_float()),
    ("stop_gradient", Exact, |_, v| v[0].stop_gradient()),
    ("sum of columns", Relative(16.0), |_, v| v[0].sum(&[0])),
    ("sum of rows", Relative(16.0), |_, v| v[0].sum(&[1])),
    ("sum of all", Relative(16.0), |_, v| v[0].sum_all()),
    ("max", Exact, |_, v| v[0].max(&[1])),
    ("reshape", Exact, |_, v| v[0].reshape(&[15, 4])),
    ("broadcast", Exact, |_, v| v[0].broadcast_axes(&[6, 3, 10], &[0, 2])),
    ("transpose", Exact, |_, v| v[0].transpose(&[1, 0])),
    ("slice", Exact, |_, v| v[0].slice(1, 2, 7)),
    ("pad", Exact, |_, v| v[0].pad(&[(1, 2), (0, 3)])),
    ("concatenate", Exact, |_, v| v[0].concatenate(&[v[1]], 0)),
    ("matmul", Relative(16.0), |_, v| v[0].matmul(v[3])),
    ("matmul, transposed", Relative(16.0), |_, v| v[0].matmul_with(v[1], true, false)),
    ("conv2d", Relative(64.0), |_, v| v[4].conv2d(v[5], Conv::same(3))),
    ("conv2d, strided", Relative(64.0), |_, v| v[4].conv2d(v[5], Conv::strided(2, 1))),
    ("conv2d_input_gradient", Relative(64.0), |_, v| {
        v[4].conv2d_input_gradient(v[5], Conv::same(3), &[2, 6, 6, 8])
    }),
    ("conv2d_weight_gradient", Relative(64.0), |_, v| {
        v[4].conv2d_weight_gradient(v[4], Conv::same(3), &[3, 3, 8, 8])
    }),
    ("gather", Exact, |s, v| v[0].gather(s.iota(&[9], 0))),
    ("scatter_add", Relative(4.0), |s, v| v[0].scatter_add(s.iota(&[6], 0), 4)),
    ("cholesky", Relative(32.0), |_, v| (v[6].matmul_with(v[6], false, true) * 0.25).cholesky()),
    ("triangular_solve", Relative(32.0), |_, v| v[6].triangular_solve(v[6], false)),
];

fn normals(seed: u64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(seed, 0), 0, 0, &mut out);
    out
}

const SHAPES: [&[usize]; 7] = [&[6, 10], &[6, 10], &[6, 10], &[10, 7], &[2, 6, 6, 8], &[3, 3, 8, 8], &[4, 4]];

fn operands() -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> =
        SHAPES.iter().enumerate().map(|(i, shape)| normals(i as u64, shape.iter().product())).collect();
    values[2].iter_mut().for_each(|x| *x = x.abs() + 0.1);
    for (i, x) in values[6].iter_mut().enumerate() {
        *x = match (i / 4).cmp(&(i % 4)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 2.0 + x.abs(),
            std::cmp::Ordering::Greater => *x * 0.5,
        };
    }
    values
}

fn trace(build: Build) -> Program {
    let scope = Scope::new();
    let name = |(i, shape): (usize, &&[usize])| scope.input(&format!("v{i}"), Kind::Float, shape);
    let vars: Vec<Var> = SHAPES.iter().enumerate().map(name).collect();
    scope.finish(&[("out", build(&scope, &vars))]).expect("a right program")
}

/// The distance between neighbours of the width at `x`.
fn ulp<T: Math>(x: f64) -> f64 {
    let bits = if size_of::<T>() == 4 { 24 } else { 53 };
    let exponent = if x == 0.0 { 0 } else { x.abs().log2().floor() as i32 };
    2f64.powi(exponent + 1 - bits)
}

fn check<T: Math>(name: &str, tolerance: Tolerance, build: Build) {
    let program = trace(build);
    let narrow: Vec<Vec<T>> =
        operands().iter().map(|v| v.iter().map(|x| <T as Float>::from_f64(*x)).collect()).collect();
    let wide: Vec<Value> =
        narrow.iter().map(|v| Value::Float(v.iter().map(|x| x.to_f64()).collect())).collect();
    let expected = interpret(&program, &wide).expect("inputs fit")[0].floats().to_vec();
    let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    for path in Instructions::available() {
        for conv in [Algorithm::Auto, Algorithm::Direct] {
            let mut executable =
                Executable::<T>::compile(&program, Options { conv, path, ..Options::default() })
                    .expect("it compiles");
            let inputs: Vec<Argument<T>> = narrow.iter().map(|v| Argument::Float(v)).collect();
            let mut out = vec![T::ZERO; expected.len()];
            executable.run(&inputs, &mut [&mut out]).expect("inputs fit");
            for (found, expected) in out.iter().map(|x| x.to_f64()).zip(&expected) {
                let allowed = match tolerance {
                    // Equal to the reference rounded once to the width.
                    Exact => (<T as Float>::from_f64(*expected).to_f64() - expected).abs(),
                    Ulp(single, double) => {
                        ulp::<T>(*expected) * if size_of::<T>() == 4 { single } else { double }
                    }
                    Relative(units) => units * largest * ulp::<T>(1.0),
                };
                let close = (found - expected).abs() <= allowed || found == *expected;
                assert!(close, "{name} on {path:?}: found {found}, expected {expected}, allowed {allowed}");
            }
        }
    }
}

#[test]
fn every_operation_equals_the_reference_on_every_path() {
    for (name, tolerance, build) in OPERATIONS {
        check::<f32>(name, *tolerance, *build);
        check::<f64>(name, *tolerance, *build);
    }
}
