//! Small programs, whose steps a crew of threads runs side by side: the reference's results, and the same
//! bits on any number of threads, run after run.

use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Program, Scope, Value, interpret};

const BATCH: usize = 128;
const WIDTH: usize = 96;

/// Second-order denoising score matching of a perceptron energy with two hidden layers, and a step of its
/// weights.
fn program() -> Program {
    let scope = Scope::new();
    let [x, z] = ["x", "z"].map(|name| scope.input(name, Kind::Float, &[BATCH, WIDTH]));
    let weights = ["a", "b"].map(|name| scope.input(name, Kind::Float, &[WIDTH, WIDTH]));
    let bias = scope.input("bias", Kind::Float, &[WIDTH]);
    let noisy = x + 0.3 * z;
    let hidden = (noisy.matmul(weights[0]) + bias).softplus().matmul(weights[1]).softplus();
    let score = scope.gradient(hidden.sum_all() * (1.0 / WIDTH as f64), &[noisy])[0];
    let loss = (0.3 * score + z).square().mean_all();
    let gradient = scope.gradient(loss, &[weights[0], weights[1], bias]);
    let outputs = [
        ("loss", loss),
        ("a", weights[0] - 0.1 * gradient[0]),
        ("b", weights[1] - 0.1 * gradient[1]),
        ("bias", bias - 0.1 * gradient[2]),
    ];
    scope.finish(&outputs).expect("a right program")
}

fn inputs(program: &Program) -> Vec<Vec<f64>> {
    let normals = |(number, len): (usize, usize)| {
        let mut out = vec![0.0; len];
        normal_row(Key::new(1, number as u64), 0, 0, &mut out);
        // Weights of a size that keeps every layer's values near 1.
        out.iter_mut().for_each(|x| *x *= if number < 2 { 1.0 } else { 0.1 });
        out
    };
    let sizes = program.inputs().iter().map(|input| input.shape.iter().product());
    sizes.enumerate().map(normals).collect()
}

#[test]
fn a_crew_computes_what_the_reference_does_with_the_same_bits_on_any_number_of_threads() {
    let program = program();
    let values = inputs(&program);
    let expected: Vec<Vec<f64>> =
        interpret(&program, &values.iter().cloned().map(Value::Float).collect::<Vec<_>>())
            .expect("the reference runs")
            .iter()
            .map(|value| value.floats().to_vec())
            .collect();
    let single: Vec<Vec<f32>> = values.iter().map(|v| v.iter().map(|x| *x as f32).collect()).collect();
    let arguments: Vec<Argument<f32>> = single.iter().map(|values| Argument::Float(values)).collect();
    let mut executable = Executable::<f32>::compile(&program, Options::default()).expect("compiles");
    let mut first: Option<Vec<Vec<f32>>> = None;
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        for _ in 0..40 {
            let mut found: Vec<Vec<f32>> =
                expected.iter().map(|values| vec![f32::NAN; values.len()]).collect();
            let mut outputs: Vec<&mut [f32]> = found.iter_mut().map(Vec::as_mut_slice).collect();
            pool.install(|| executable.run(&arguments, &mut outputs)).expect("runs");
            let same = first.get_or_insert_with(|| found.clone());
            assert!(
                same.iter().flatten().map(|x| x.to_bits()).eq(found.iter().flatten().map(|x| x.to_bits()))
            );
        }
    }
    for (found, expected) in first.iter().flatten().zip(&expected) {
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() < 2e-5 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    }
}
