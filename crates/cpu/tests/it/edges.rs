//! Every primitive at its edges on every instruction path: special values, tails of vectors, turned and
//! sliced operands, ties, repeated indices, rows and steps beyond 2^32. The reference is the interpreter,
//! which has tests by hand.

use enscore_cpu::math::Math;
use enscore_cpu::simd::{Float, Instructions};
use enscore_cpu::{Argument, Executable, Options, conv::Algorithm};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Conv, Kind, Program, Scope, Value, Var, interpret};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

fn normals(seed: u64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(seed, 0), 0, 0, &mut out);
    out
}

/// A program of named outputs.
fn program(build: impl for<'s> Fn(&'s Scope) -> Vec<Var<'s>>) -> Program {
    let scope = Scope::new();
    let outputs = build(&scope);
    let names: Vec<String> = (0..outputs.len()).map(|i| format!("output {i}")).collect();
    let named: Vec<(&str, Var)> = names.iter().map(String::as_str).zip(outputs).collect();
    scope.finish(&named).unwrap()
}

/// Runs `program` in width T and holds every output against the interpreter on the same (rounded) inputs.
fn check_in<T: Math>(what: &str, program: &Program, inputs: &[Value], tolerance: f64) {
    let narrow: Vec<Vec<T>> =
        inputs.iter().map(|v| v.floats().iter().map(|x| <T as Float>::from_f64(*x)).collect()).collect();
    let rounded: Vec<Value> = inputs
        .iter()
        .zip(&narrow)
        .map(|(input, narrow)| match input {
            Value::Float(_) => Value::Float(narrow.iter().map(|x| x.to_f64()).collect()),
            other => other.clone(),
        })
        .collect();
    let expected = interpret(program, &rounded).unwrap();
    let arguments: Vec<Argument<T>> = inputs
        .iter()
        .zip(&narrow)
        .map(|(input, narrow)| match input {
            Value::Index(indices) => Argument::Index(indices),
            Value::Key(key) => Argument::Key(*key),
            _ => Argument::Float(narrow),
        })
        .collect();
    for path in Instructions::available() {
        for conv in [Algorithm::Auto, Algorithm::Direct] {
            let options = Options { path, conv, ..Options::default() };
            let mut executable = Executable::<T>::compile(program, options).unwrap();
            let mut found: Vec<Vec<T>> =
                expected.iter().map(|v| vec![<T as Float>::from_f64(7.0); v.floats().len()]).collect();
            let mut outputs: Vec<&mut [T]> = found.iter_mut().map(Vec::as_mut_slice).collect();
            executable.run(&arguments, &mut outputs).unwrap();
            for (output, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let place = format!("{what} on {path:?}, {} bytes, output {output}", size_of::<T>());
                compare(&place, found, expected.floats(), tolerance);
            }
        }
    }
}

/// Within `tolerance` of the largest finite value; NaN and infinities as they are.
fn compare<T: Math>(place: &str, found: &[T], expected: &[f64], tolerance: f64) {
    let largest = expected.iter().filter(|x| x.is_finite()).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, rounded) = (found.to_f64(), <T as Float>::from_f64(*expected).to_f64());
        let equal = found == rounded || (found.is_nan() && expected.is_nan());
        let close = (found - expected).abs() <= tolerance * largest;
        assert!(equal || close, "{place}[{i}]: found {found}, expected {expected}");
    }
}

/// In both widths, exactly.
fn exact(what: &str, program: &Program, inputs: &[Value]) {
    check_in::<f32>(what, program, inputs, 0.0);
    check_in::<f64>(what, program, inputs, 0.0);
}

/// In both widths, up to the rounding of sums.
fn close(what: &str, program: &Program, inputs: &[Value]) {
    check_in::<f32>(what, program, inputs, 2e-6);
    check_in::<f64>(what, program, inputs, 1e-14);
}

const SPECIAL: [f64; 11] = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, INF, -INF, NAN, 1e30, -1e-30];

/// Every pair of special values, in vectors of every length up to two of the widest, one operand also a
/// single value.
#[test]
fn special_values_equal_the_reference_in_every_lane() {
    let pairs: Vec<[f64; 2]> = SPECIAL.iter().flat_map(|a| SPECIAL.iter().map(move |b| [*a, *b])).collect();
    for len in (1..=33).chain([pairs.len()]) {
        let rounds = if len == pairs.len() { 1 } else { 3 };
        for round in 0..rounds {
            let pair = |i: usize| pairs[(i * 7 + round * 41) % pairs.len()];
            let a: Vec<f64> = (0..len).map(|i| pair(i)[0]).collect();
            let b: Vec<f64> = (0..len).map(|i| pair(i)[1]).collect();
            let program = program(|scope| {
                let [a, b] = ["a", "b"].map(|name| scope.input(name, Kind::Float, &[len]));
                let one = b.slice(0, 0, 1);
                let (less, equal) = (a.less(b), a.equal(b));
                vec![
                    less.to_float(),
                    a.less_equal(b).to_float(),
                    equal.to_float(),
                    less.or(equal).to_float(),
                    a.less_equal(one).and(one.less_equal(a)).to_float(),
                    less.not().to_float(),
                    less.select(a, b),
                    equal.select(one, a),
                    a.maximum(b),
                    a.minimum(b),
                    one.maximum(a),
                    a.minimum(one),
                    a.is_finite().to_float(),
                    a.sign(),
                    a.abs(),
                    -a,
                    a.sqrt(),
                    a + b,
                    a - b,
                    one - a,
                    a * b,
                    a / b,
                    one / a,
                ]
            });
            exact(&format!("{len} elements"), &program, &[Value::Float(a), Value::Float(b)]);
        }
    }
}

/// The functions by polynomials at values where they would overflow or lose all digits.
#[test]
fn functions_far_from_zero_equal_the_reference() {
    let x: Vec<f64> =
        [0.0, -0.0, INF, -INF, NAN, 80.0, -80.0, 200.0, -200.0, 1e-30, -1e-30, 1e10, -1e10].to_vec();
    let program = program(|scope| {
        let x = scope.input("x", Kind::Float, &[13]);
        vec![x.tanh(), x.sigmoid(), x.softplus(), (-x.abs()).exp(), x.abs().log(), x.silu()]
    });
    check_in::<f64>("functions", &program, &[Value::Float(x.clone())], 1e-14);
    // Single precision has 0 where double precision has what rounds to it.
    check_in::<f32>("functions", &program, &[Value::Float(x)], 1e-6);
}

/// Rows of every length around a vector of each width, all negative: a maximum that starts from 0 shows, and
/// so does a sum that leaves out or doubles a tail.
#[test]
fn reductions_of_rows_of_every_length_equal_the_reference() {
    for len in (1..=36).chain([63, 64, 65, 100, 127, 129]) {
        let x: Vec<f64> = normals(len as u64, 3 * len * 2).iter().map(|x| -0.5 - x.abs()).collect();
        let program = program(|scope| {
            let x = scope.input("x", Kind::Float, &[3, len, 2]);
            let turned = x.transpose(&[0, 2, 1]);
            let most =
                [x.max(&[1]), turned.max(&[2]), x.max(&[0]), x.max(&[2]), x.max(&[0, 1, 2]), x.max(&[1, 2])];
            let single = x.slice(2, 1, 2).reshape(&[3, len]);
            let further =
                [single.max(&[1]), single.max(&[0]), (-single).max(&[1]), (single - 3.0).max(&[0, 1])];
            most.into_iter().chain(further).collect()
        });
        exact(&format!("maxima of {len}"), &program, &[Value::Float(x.clone())]);
        let sums = self::program(|scope| {
            let x = scope.input("x", Kind::Float, &[3, len, 2]);
            let turned = x.transpose(&[2, 0, 1]) * 2.0;
            let single = x.slice(2, 0, 1).reshape(&[3, len]);
            vec![
                x.sum(&[1]),
                turned.sum(&[2]),
                x.sum(&[0, 2]),
                x.sum_all(),
                single.sum(&[1]),
                single.sum(&[0]),
            ]
        });
        close(&format!("sums of {len}"), &sums, &[Value::Float(x)]);
    }
}

#[test]
fn a_maximum_of_contiguous_negative_rows_equals_the_reference() {
    for len in 1..=17 {
        let x: Vec<f64> = (0..5 * len).map(|i| -1.0 - ((i * 11) % 23) as f64).collect();
        let program = program(|scope| vec![scope.input("x", Kind::Float, &[5, len]).max(&[1])]);
        exact(&format!("rows of {len}"), &program, &[Value::Float(x.clone())]);
        let expected: Vec<f64> = x.chunks(len).map(|row| row.iter().copied().fold(-INF, f64::max)).collect();
        let narrow: Vec<f32> = x.iter().map(|x| *x as f32).collect();
        for path in Instructions::available() {
            let options = Options { path, ..Options::default() };
            let mut executable = Executable::<f32>::compile(&program, options).unwrap();
            let mut found = [7.0f32; 5];
            executable.run(&[Argument::Float(&narrow)], &mut [&mut found]).unwrap();
            assert_eq!(found.map(f64::from).to_vec(), expected, "rows of {len} on {path:?}");
        }
    }
}

#[test]
fn maxima_carry_nan_and_infinities_from_any_place() {
    for (len, special) in
        [1, 5, 16, 31, 32, 40, 70].into_iter().flat_map(|len| [NAN, INF, -INF].map(|s| (len, s)))
    {
        for at in 0..len {
            let mut x = vec![-4.0; 2 * len];
            x[len + at] = special;
            let program = program(|scope| {
                let x = scope.input("x", Kind::Float, &[2, len]);
                vec![x.max(&[1]), x.max(&[0]), x.max(&[0, 1])]
            });
            exact(&format!("{special} at {at} of {len}"), &program, &[Value::Float(x)]);
        }
    }
}

/// The gradient of a maximum at ties is shared; what the executor makes of it.
#[test]
fn ties_of_a_maximum_share_its_gradient() {
    let x = vec![1.0, 3.0, 3.0, 2.0, 2.0, 2.0, -1.0, -1.0, -2.0];
    let gradient = program(|scope| {
        let x = scope.input("x", Kind::Float, &[3, 3]);
        vec![scope.gradient(x.max(&[1]).sum_all(), &[x])[0], scope.gradient(x.max(&[0]).sum_all(), &[x])[0]]
    });
    close("a gradient", &gradient, &[Value::Float(x.clone())]);
    let single: Vec<f32> = x.iter().map(|x| *x as f32).collect();
    let mut executable = Executable::<f32>::compile(&gradient, Options::default()).unwrap();
    let (mut rows, mut columns) = ([0.0f32; 9], [0.0f32; 9]);
    executable.run(&[Argument::Float(&single)], &mut [&mut rows, &mut columns]).unwrap();
    let third = 1.0 / 3.0;
    assert_eq!(rows, [0.0, 0.5, 0.5, third, third, third, 0.5, 0.5, 0.0]);
    assert_eq!(columns, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

/// Operands that are read through strides, at extents that don't fill vectors, and axes of one.
#[test]
fn turned_sliced_and_repeated_operands_equal_the_reference() {
    for (n, m) in [(1, 1), (1, 7), (5, 1), (3, 5), (17, 9), (33, 34)] {
        let program = program(|scope| {
            let x = scope.input("x", Kind::Float, &[n, m, 3]);
            let [rows, columns] =
                [("r", n), ("c", m)].map(|(name, len)| scope.input(name, Kind::Float, &[len]));
            let turned = x.transpose(&[1, 0, 2]);
            let middle = x.slice(2, 1, 2);
            let grid = rows.reshape(&[n, 1]) - columns;
            vec![
                turned.transpose(&[1, 2, 0]).transpose(&[0, 2, 1]) + x,
                turned * rows.reshape(&[n, 1]),
                middle.reshape(&[n, m]) - columns + rows.reshape(&[n, 1]),
                grid.transpose(&[1, 0]),
                x.slice(0, n / 2, n).slice(1, m / 3, m).slice(2, 0, 2) * 2.0,
                x.pad(&[(1, 2), (0, 1), (2, 0)]),
                x.concatenate(&[x.slice(1, 0, 1), x], 1),
                middle.concatenate(&[x.slice(2, 2, 3), middle], 2) - 1.0,
                x.reshape(&[n * m, 3]).transpose(&[1, 0]).reshape(&[3 * n, m]).transpose(&[1, 0]),
                rows.broadcast_axes(&[m, n, 2], &[1]) + 0.0,
                scope.iota(&[n, m], 0).to_float() * 100.0 + scope.iota(&[n, m], 1).to_float(),
            ]
        });
        let inputs = [normals(1, n * m * 3), normals(2, n), normals(3, m)].map(Value::Float);
        check_in::<f64>(&format!("{n}x{m}"), &program, &inputs, 0.0);
        check_in::<f32>(&format!("{n}x{m}"), &program, &inputs, 2e-7);
    }
}

#[test]
fn rows_by_repeated_and_outlying_indices_equal_the_reference() {
    for (rows, width, count) in [(1, 1, 4), (3, 5, 7), (9, 17, 40), (4, 33, 2)] {
        let indices: Vec<i32> = (0..count as i32).map(|i| (i * 5) % (rows as i32 + 3) - 1).collect();
        let program = program(|scope| {
            let table = scope.input("table", Kind::Float, &[rows, width]);
            let added = scope.input("added", Kind::Float, &[count, width]);
            let at = scope.input("at", Kind::Index, &[count]);
            vec![table.gather(at), added.scatter_add(at, rows), table.gather(at) + added, at.to_float()]
        });
        // Whole numbers, whose sums are exact in any order.
        let whole = |len: usize| Value::Float((0..len).map(|i| ((i * 13) % 29) as f64 - 14.0).collect());
        let inputs = [whole(rows * width), whole(count * width), Value::Index(indices)];
        exact(&format!("{count} of {rows} rows of {width}"), &program, &inputs);
    }
}

#[test]
fn products_of_every_orientation_equal_the_reference() {
    for (batch, m, k, n) in
        [(1, 1, 1, 1), (1, 3, 5, 7), (3, 2, 1, 9), (2, 33, 4, 17), (1, 40, 31, 66), (5, 1, 19, 2)]
    {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let program = program(|scope| {
                let shape_a = if ta { [batch, k, m] } else { [batch, m, k] };
                let shape_b = if tb { [batch, n, k] } else { [batch, k, n] };
                let a = scope.input("a", Kind::Float, &shape_a);
                let b = scope.input("b", Kind::Float, &shape_b);
                // Zeros and ones, and numbers.
                let bits = (scope.constant(0.0).less(a)).to_float();
                vec![
                    a.matmul_with(b, ta, tb),
                    bits.matmul_with(b, ta, tb) * 0.5,
                    (a * 2.0).matmul_with(b, ta, tb),
                ]
            });
            let inputs = [normals(5, batch * m * k), normals(6, batch * k * n)].map(Value::Float);
            check_in::<f32>(&format!("{batch} {m}x{k}x{n} {ta} {tb}"), &program, &inputs, 4e-6);
            check_in::<f64>(&format!("{batch} {m}x{k}x{n} {ta} {tb}"), &program, &inputs, 1e-13);
        }
    }
}

#[test]
fn convolutions_of_every_parity_and_their_adjoints_equal_the_reference() {
    let mut number = 0;
    for kernel in [[1, 1], [2, 2], [3, 3], [4, 4], [2, 3], [5, 1]] {
        for stride in [[1, 1], [2, 2], [1, 3]] {
            for padding in [[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[0, 1], [2, 0]], [[1, 2], [1, 2]]] {
                number += 1;
                let dilation = if number % 3 == 0 { [2, 1] } else { [1, 1] };
                let (conv, [channels, out]) =
                    (Conv { stride, padding, dilation }, [[1, 2], [3, 1], [2, 9]][number % 3]);
                let extents = [0, 1].map(|axis| conv.output_extent(axis, [8, 7][axis], kernel[axis]));
                let [Some(h), Some(w)] = extents else { continue };
                let program = program(|scope| {
                    let x = scope.input("x", Kind::Float, &[2, 8, 7, channels]);
                    let weights = [kernel[0], kernel[1], channels, out];
                    let k = scope.input("w", Kind::Float, &weights);
                    let dy = scope.input("dy", Kind::Float, &[2, h, w, out]);
                    vec![
                        x.conv2d(k, conv),
                        dy.conv2d_input_gradient(k, conv, &x.shape()),
                        x.conv2d_weight_gradient(dy, conv, &weights),
                    ]
                });
                let lens = [2 * 56 * channels, kernel[0] * kernel[1] * channels * out, 2 * h * w * out];
                let inputs = [0, 1, 2].map(|i| Value::Float(normals(i as u64, lens[i])));
                check_in::<f32>(&format!("{conv:?} {kernel:?}"), &program, &inputs, 1e-5);
                check_in::<f64>(&format!("{conv:?} {kernel:?}"), &program, &inputs, 1e-13);
            }
        }
    }
}

/// Kernels of both parities that keep the size, whose padding the program chooses.
#[test]
fn convolutions_that_keep_the_size_equal_the_reference() {
    for kernel in 1..=5 {
        for channels in [1, 16] {
            let program = program(|scope| {
                let x = scope.input("x", Kind::Float, &[1, 9, 8, channels]);
                let w = scope.input("w", Kind::Float, &[kernel, kernel, channels, channels]);
                vec![x.conv2d(w, Conv::same(kernel))]
            });
            let inputs = [72 * channels, kernel * kernel * channels * channels]
                .map(|len| Value::Float(normals(len as u64, len)));
            check_in::<f64>(&format!("kernel {kernel}"), &program, &inputs, 1e-12);
        }
    }
}

/// Draws of every distribution where rows or steps pass 2^32, within a batch too.
#[test]
fn draws_of_rows_beyond_two_to_the_32_equal_the_reference() {
    for (rows, width) in [(5, 3), (3, 70), (70, 1)] {
        let program = program(|scope| {
            let key = scope.input("key", Kind::Key, &[]);
            let shape = [rows, width];
            let plain =
                [key.uniform(&shape), key.rademacher(&shape), key.random_index(60_000, &shape).to_float()];
            plain.into_iter().chain([key.uniform(&[rows, width, 2]).slice(2, 1, 2)]).collect()
        });
        let normal = self::program(|scope| {
            let key = scope.input("key", Kind::Key, &[]);
            vec![key.normal(&[rows, width]), key.normal(&[rows, width]) * 2.0 + 1.0]
        });
        for (step, row) in [
            (3, 7),
            (3 + (1 << 32), 7),
            (1 << 40, 0),
            (3, (1 << 32) - 2),
            (9 << 33, (5 << 32) - 1),
            (3, 7 << 36),
        ] {
            let key = Value::Key(Key { seed: 1 << 50 | 5, step, row });
            let what = format!("{rows}x{width}, step {step}, row {row}");
            exact(&what, &program, std::slice::from_ref(&key));
            check_in::<f32>(&what, &normal, std::slice::from_ref(&key), 2e-6);
            check_in::<f64>(&what, &normal, &[key], 1e-13);
        }
    }
}

/// Several factors at a time, of which the triangle that isn't read holds NaN.
#[test]
fn factors_and_systems_read_their_triangle_alone() {
    for n in [1, 2, 3, 5, 9] {
        let mut a = Vec::new();
        for matrix in 0..3u64 {
            let x = normals(matrix, n * n);
            for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                let dot: f64 = (0..n).map(|k| x[i * n + k] * x[j * n + k]).sum();
                a.push(if j > i { NAN } else { dot + if i == j { 4.0 } else { 0.0 } });
            }
        }
        let program = program(|scope| {
            let a = scope.input("a", Kind::Float, &[3, n, n]);
            let b = scope.input("b", Kind::Float, &[3, n, 2]);
            vec![a.cholesky(), a.triangular_solve(b, false), a.triangular_solve(b, true)]
        });
        let inputs = [Value::Float(a), Value::Float(normals(9, 3 * n * 2))];
        check_in::<f32>(&format!("{n}x{n}"), &program, &inputs, 1e-5);
        check_in::<f64>(&format!("{n}x{n}"), &program, &inputs, 1e-13);
    }
}
