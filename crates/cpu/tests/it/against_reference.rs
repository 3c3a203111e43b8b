//! Random programs on every instruction path, in f32 and f64, against the reference interpreter.
//!
//! Tolerance: every output element within `TOLERANCE` of the largest magnitude that enters its computation.
//! Values are kept near 1 by the generator, so that is an error relative to the value's scale: 2e-5 in f32
//! (some hundred operations of half an ulp, 6e-8, and sums of up to a few hundred terms), 1e-12 in f64.

use enscore_cpu::math::Math;
use enscore_cpu::simd::{Float, Instructions};
use enscore_cpu::{Argument, Executable, Options, conv::Algorithm};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Conv, Kind, Program, Scope, Value, Var, interpret};
use proptest::prelude::*;

/// A program of `choices.len()` steps on a few inputs; each pair of bytes picks an operation and an operand.
fn random_program(choices: &[(u8, u8)], batch: usize, width: usize) -> Program {
    let scope = Scope::new();
    let key = scope.input("key", Kind::Key, &[]);
    let mut values: Vec<Var> = vec![
        scope.input("x", Kind::Float, &[batch, width]),
        scope.input("w", Kind::Float, &[width, width]),
        scope.input("b", Kind::Float, &[width]),
    ];
    for (operation, operand) in choices {
        let matrices: Vec<Var> = values.iter().copied().filter(|v| v.shape() == [batch, width]).collect();
        let a = matrices[*operand as usize % matrices.len()];
        let b = matrices[(*operand / 16) as usize % matrices.len()];
        let any = values[*operand as usize % values.len()];
        let value = match operation % 28 {
            0 => (a + b) * 0.5,
            1 => a - b,
            2 => a * b * 0.5,
            3 => a / (b.square() + 1.0),
            4 => a.tanh(),
            5 => a.sigmoid() + b * 0.1,
            6 => a.softplus(),
            7 => a.sin() * b.cos(),
            8 => (-a.abs()).exp(),
            9 => (a.square() + 0.5).log(),
            10 => (a.square() + 0.5).sqrt(),
            11 => a.maximum(b),
            12 => a.less(b).select(a, -b),
            13 => a.matmul(values[1]) * (1.0 / width as f64),
            14 => a.matmul_with(values[1], false, true) * (1.0 / width as f64),
            15 => a - a.mean(&[1]).reshape(&[batch, 1]),
            16 => a - a.mean(&[0]),
            17 => a * (any.square().mean_all() + 1.0).sqrt() * 0.5,
            18 => a.reshape(&[width, batch]).swap_last_axes(),
            19 => a.concatenate(&[b], 1).slice(1, width / 2, width / 2 + width),
            20 => a.slice(0, 0, batch - 1).pad(&[(1, 0), (0, 0)]) + b,
            21 => key.normal(&[batch, width]) * 0.3 + a,
            22 => (key.uniform(&[batch, width]) + key.rademacher(&[batch, width])) * a * 0.5,
            23 => values[1].gather(key.random_index(width as u32, &[batch])),
            24 => a.scatter_add(key.random_index(3, &[batch]), batch) * 0.5,
            25 => a - a.max(&[1]).reshape(&[batch, 1]),
            26 => a.is_finite().and(b.less_equal(a).not()).to_float() - b.sign() * 0.1,
            _ => a + values[2],
        };
        values.push(value);
    }
    let last = values[values.len() - 1];
    let loss = (last * last).sum_all() * (1.0 / (batch * width) as f64);
    let gradient = scope.gradient(loss, &values[..3]);
    let second = scope.gradient(gradient[0].square().sum_all() * 0.1, &[values[0]])[0];
    let outputs = [
        ("last", last),
        ("loss", loss),
        ("dx", gradient[0]),
        ("dw", gradient[1]),
        ("db", gradient[2]),
        ("second", second),
        ("x again", values[0]),
    ];
    scope.finish(&outputs).expect("a right program")
}

fn normals(seed: u64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(seed, 0), 0, 0, &mut out);
    out
}

/// Runs a program in width T and gives its outputs in f64.
fn execute<T: Math>(
    program: &Program,
    key: Key,
    floats: &[Vec<f64>],
    path: Instructions,
    conv: Algorithm,
) -> Vec<Vec<f64>> {
    let mut executable =
        Executable::<T>::compile(program, Options { conv, path, ..Options::default() }).expect("it compiles");
    let narrow: Vec<Vec<T>> = floats.iter().map(|x| x.iter().map(|x| T::from_f64(*x)).collect()).collect();
    let mut rest = narrow.iter();
    let inputs: Vec<Argument<T>> = program
        .inputs()
        .iter()
        .map(|input| match input.kind {
            Kind::Key => Argument::Key(key),
            _ => Argument::Float(rest.next().expect("a value for each input")),
        })
        .collect();
    let lengths = program.outputs().iter().map(|(_, id)| program.nodes()[*id].size());
    let mut outputs: Vec<Vec<T>> = lengths.map(|len| vec![T::from_f64(7.0); len]).collect();
    for _ in 0..2 {
        // Twice, so that what the first run left in memory can be seen to do no harm.
        let mut slices: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        executable.run(&inputs, &mut slices).expect("inputs fit");
    }
    outputs.iter().map(|output| output.iter().map(|x| x.to_f64()).collect()).collect()
}

fn reference(program: &Program, key: Key, floats: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut rest = floats.iter();
    let inputs: Vec<Value> = program
        .inputs()
        .iter()
        .map(|input| match input.kind {
            Kind::Key => Value::Key(key),
            _ => Value::Float(rest.next().expect("a value for each input").clone()),
        })
        .collect();
    let outputs = interpret(program, &inputs).expect("inputs fit");
    outputs.iter().map(|value| value.floats().to_vec()).collect()
}

fn compare(what: &str, found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64) {
    for (output, (found, expected)) in found.iter().zip(expected).enumerate() {
        let scale = expected.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let close =
                (found - expected).abs() <= tolerance * scale || (found.is_nan() && expected.is_nan());
            assert!(close, "{what}: output {output}, element {i}: found {found}, expected {expected}");
        }
    }
}

fn check<T: Math>(program: &Program, floats: &[Vec<f64>], tolerance: f64) {
    let key = Key { seed: 11, step: 5, row: 2 };
    // Inputs are rounded first, so that only the computation differs.
    let rounded: Vec<Vec<f64>> =
        floats.iter().map(|x| x.iter().map(|x| <T as Float>::from_f64(*x).to_f64()).collect()).collect();
    let expected = reference(program, key, &rounded);
    for path in Instructions::available() {
        for conv in [Algorithm::Auto, Algorithm::Direct] {
            let found = execute::<T>(program, key, &rounded, path, conv);
            compare(&format!("{path:?}"), &found, &expected, tolerance);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn random_programs_equal_the_reference(
        choices in prop::collection::vec((any::<u8>(), any::<u8>()), 1..14),
        batch in 2usize..40,
        width in 2usize..40,
    ) {
        // A choice that breaks ties (maximum, comparison, sign) on rounding alone would differ in f32; smooth
        // draws make that improbable, and the f64 runs see the same programs with 1e-12.
        let program = random_program(&choices, batch, width);
        let floats = [normals(1, batch * width), normals(2, width * width), normals(3, width)];
        check::<f64>(&program, &floats, 1e-12);
        let smooth = choices.iter().all(|(operation, _)| !matches!(operation % 28, 11 | 12 | 25 | 26));
        if smooth {
            check::<f32>(&program, &floats, 2e-5);
        }
    }
}

/// Sizes at which tiles, tasks and partial sums end in the middle of something.
#[test]
fn large_passes_and_reductions_equal_the_reference() {
    for (batch, width) in [(1, 70_001), (70_001, 1), (3, 40_000), (40_000, 3), (257, 1025), (2048, 33)] {
        let scope = Scope::new();
        let x = scope.input("x", Kind::Float, &[batch, width]);
        let b = scope.input("b", Kind::Float, &[width]);
        let y = (x * b + 0.5).softplus();
        let outputs = [
            ("y", y),
            ("sum", y.sum_all()),
            ("rows", y.sum(&[1])),
            ("columns", y.sum(&[0])),
            ("max", (y + x).max(&[0])),
            ("gradient", scope.gradient((y * y).mean_all(), &[x])[0]),
        ];
        let program = scope.finish(&outputs).unwrap();
        let floats = [normals(1, batch * width), normals(2, width)];
        check::<f64>(&program, &floats, 1e-12);
        check::<f32>(&program, &floats, 3e-6);
    }
}

#[test]
fn convolutional_networks_and_their_gradients_equal_the_reference() {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[2, 8, 8, 3]);
    let w1 = scope.input("w1", Kind::Float, &[3, 3, 3, 16]);
    let w2 = scope.input("w2", Kind::Float, &[3, 3, 16, 16]);
    let w3 = scope.input("w3", Kind::Float, &[3, 3, 32, 1]);
    let one = scope.constant(1.0).broadcast_to(&[16]);
    let h = x.conv2d(w1, Conv::same(3));
    let g = h.group_norm(one, one * 0.1, 4).silu().conv2d(w2, Conv::same(3));
    let down = g.average_pool().conv2d(w2, Conv::strided(2, 1));
    let up = down.upsample_nearest().upsample_nearest();
    let y = h.concatenate(&[up + h], 3).conv2d(w3, Conv::same(3));
    let loss = (y * y).mean_all();
    let gradients = scope.gradient(loss, &[x, w1, w2, w3]);
    let second = scope.gradient(gradients[0].square().sum_all(), &[w2])[0];
    let mut outputs = vec![("y", y), ("loss", loss), ("second", second)];
    outputs.extend(["dx", "dw1", "dw2", "dw3"].into_iter().zip(gradients));
    let program = scope.finish(&outputs).unwrap();
    let floats: Vec<Vec<f64>> = program
        .inputs()
        .iter()
        .enumerate()
        .map(|(i, input)| {
            let size = input.shape.iter().product();
            normals(i as u64, size).iter().map(|x| if i == 0 { *x } else { x * 0.2 }).collect()
        })
        .collect();
    check::<f64>(&program, &floats, 1e-11);
    check::<f32>(&program, &floats, 5e-5);
}

/// Passes that can run part by part of the batch, beside some that read across the parts.
fn batch_program() -> Program {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[16, 24, 24, 16]);
    let [scale, shift] = ["scale", "shift"].map(|name| scope.input(name, Kind::Float, &[16]));
    let h = (x + shift).group_norm(scale, shift, 4).silu();
    let turned = h.transpose(&[1, 0, 2, 3]).reshape(&[24, 16, 24 * 16]);
    let across = h.slice(0, 1, 9).sum(&[1, 2]) + turned.sum(&[2]).slice(0, 4, 12) + h.sum(&[0, 1, 2]);
    let rows = (h * h).reshape(&[16, 24 * 24 * 16]).mean(&[1]);
    let mixed = h * rows.reshape(&[16, 1, 1, 1]) + across.mean_all() * 0.01;
    let short = mixed.reshape(&[16 * 24 * 24, 4, 4]);
    let loss = (short.sum(&[1]) - short.sum(&[2])).square().mean_all() + across.square().mean_all() * 1e-5;
    let gradients = scope.gradient(loss, &[x, scale, shift]);
    let mut outputs = vec![("mixed", mixed), ("across", across), ("loss", loss)];
    outputs.extend(["dx", "dscale", "dshift"].into_iter().zip(gradients));
    scope.finish(&outputs).expect("a right program")
}

#[test]
fn bands_of_the_batch_equal_the_reference_on_any_number_of_threads() {
    let program = batch_program();
    let floats = [normals(1, 16 * 24 * 24 * 16), normals(2, 16), normals(3, 16)];
    check::<f64>(&program, &floats, 1e-12);
    check::<f32>(&program, &floats, 2e-5);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            execute::<f32>(&program, Key::default(), &floats, Instructions::detect(), Algorithm::Auto)
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

/// A step along the gradient of a perceptron, which is one band of parts with products, and a product that
/// reads across the parts.
fn chain_program(rows: usize) -> Program {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[rows, 3]);
    let [w1, w2, w3] = [("w1", [3, 64]), ("w2", [64, 48]), ("w3", [48, 1])]
        .map(|(name, shape)| scope.input(name, Kind::Float, &shape));
    let key = scope.input("key", Kind::Key, &[]);
    let hidden = (x.matmul(w1).softplus().matmul(w2) * 0.2).tanh();
    let score = scope.gradient(hidden.matmul(w3).sum_all(), &[x])[0];
    let next = x + score * 0.1 + key.normal(&[rows, 3]) * 0.3;
    let across = hidden.matmul_with(hidden, false, true).sum(&[1]) * (1.0 / rows as f64);
    scope.finish(&[("next", next), ("across", across), ("hidden", hidden)]).expect("a right program")
}

fn has_products_in_bands(program: &Program, floats: &[Vec<f64>]) -> bool {
    let mut executable = Executable::<f64>::compile(program, Options::default()).expect("it compiles");
    let mut inputs: Vec<Argument<f64>> = floats.iter().map(|x| Argument::Float(x.as_slice())).collect();
    inputs.push(Argument::Key(Key::default()));
    let lengths = program.outputs().iter().map(|(_, id)| program.nodes()[*id].size());
    let mut outputs: Vec<Vec<f64>> = lengths.map(|len| vec![0.0; len]).collect();
    let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    executable.start_profile();
    executable.run(&inputs, &mut slices).expect("inputs fit");
    executable.end_profile().iter().any(|step| step.name.starts_with("band") && step.name.contains("matmul"))
}

#[test]
fn bands_with_products_equal_the_reference_on_any_number_of_threads() {
    for rows in [1024, 1031] {
        let program = chain_program(rows);
        let floats = [normals(1, rows * 3), normals(2, 3 * 64), normals(3, 64 * 48), normals(4, 48)];
        assert_eq!(has_products_in_bands(&program, &floats), rows == 1024);
        check::<f64>(&program, &floats, 1e-12);
        check::<f32>(&program, &floats, 2e-5);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                execute::<f32>(&program, Key::default(), &floats, Instructions::detect(), Algorithm::Auto)
            })
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[16, 12, 12, 16]);
    let w = scope.input("w", Kind::Float, &[3, 3, 16, 16]);
    let y = x.conv2d(w, Conv::same(3)).silu();
    let rows = y.reshape(&[16 * 144, 16]);
    let loss = (rows.matmul_with(rows, true, false)).square().mean_all() + y.sum_all();
    let gradient = scope.gradient(loss, &[x, w]);
    let program = scope.finish(&[("loss", loss), ("dx", gradient[0]), ("dw", gradient[1])]).unwrap();
    let floats = [normals(1, 16 * 144 * 16), normals(2, 9 * 256)];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            execute::<f32>(&program, Key::default(), &floats, Instructions::detect(), Algorithm::Auto)
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[3]);
    let program = scope.finish(&[("y", x * 2.0)]).unwrap();
    let mut executable = Executable::<f32>::compile(&program, Options::default()).unwrap();
    let (short, mut out) = ([1.0f32; 2], [0.0f32; 3]);
    let error = executable.run(&[Argument::Float(&short)], &mut [&mut out]).unwrap_err();
    assert_eq!(error.to_string(), "input \"x\" does not fit: expected Float [3]");
    let mut wrong = [0.0f32; 4];
    let input = [1.0f32; 3];
    assert!(executable.run(&[Argument::Float(&input)], &mut [&mut wrong]).is_err());
    assert!(executable.run(&[], &mut [&mut out]).is_err());

    let empty = Scope::new();
    let program = empty.finish(&[("y", empty.input("x", Kind::Float, &[0, 3]) * 2.0)]).unwrap();
    let refused = Executable::<f32>::compile(&program, Options::default()).err().expect("refused");
    assert!(refused.to_string().contains("empty value"), "{refused}");
}
