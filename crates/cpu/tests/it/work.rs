//! Operations and bytes of steps, against counts by hand.

use enscore_cpu::conv::Algorithm;
use enscore_cpu::{Argument, Executable, Group, Options, StepProfile};
use enscore_program::random::Key;
use enscore_program::{Conv, Kind, Program, Scope, Var};

/// The steps of a program in single precision, after one run.
fn steps(program: &Program, conv: Algorithm) -> Vec<StepProfile> {
    let mut executable = Executable::<f32>::compile(program, Options { conv, ..Options::default() }).unwrap();
    let len = |shape: &[usize]| shape.iter().product::<usize>();
    let floats: Vec<Vec<f32>> = program.inputs().iter().map(|input| vec![0.5; len(&input.shape)]).collect();
    let inputs: Vec<Argument<f32>> = program
        .inputs()
        .iter()
        .zip(&floats)
        .map(|(input, values)| match input.kind {
            Kind::Key => Argument::Key(Key::default()),
            _ => Argument::Float(values),
        })
        .collect();
    let lengths = program.outputs().iter().map(|(_, id)| program.nodes()[*id].size());
    let mut outputs: Vec<Vec<f32>> = lengths.map(|len| vec![0.0; len]).collect();
    let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    executable.start_profile();
    executable.run(&inputs, &mut slices).unwrap();
    executable.end_profile()
}

fn program(build: impl for<'s> Fn(&'s Scope) -> Vec<Var<'s>>) -> Program {
    let scope = Scope::new();
    let outputs = build(&scope);
    let names: Vec<String> = (0..outputs.len()).map(|i| format!("out{i}")).collect();
    let named: Vec<(&str, Var)> = names.iter().map(String::as_str).zip(outputs).collect();
    scope.finish(&named).unwrap()
}

fn operations(steps: &[StepProfile]) -> u64 {
    steps.iter().map(|step| step.work.operations).sum()
}

/// The one step of a program.
fn only(program: &Program) -> (Group, u64, u64) {
    let steps = steps(program, Algorithm::Auto);
    let [step] = &steps[..] else { panic!("{steps:?}") };
    (step.work.group, step.work.operations, step.work.bytes)
}

#[test]
fn the_work_of_a_perceptron_is_that_of_its_products() {
    // Small enough for halves side by side, and too small for them.
    for rows in [128u64, 10] {
        let program = program(|scope| {
            let x = scope.input("x", Kind::Float, &[rows as usize, 64]);
            let [a, b] = [("a", [64, 96]), ("b", [96, 32])]
                .map(|(name, shape)| scope.input(name, Kind::Float, &shape));
            let y = x.matmul(a).softplus().matmul(b);
            scope.gradient(y.square().sum_all(), &[a, b])
        });
        let steps = steps(&program, Algorithm::Auto);
        let [first, second] = [2 * rows * 64 * 96, 2 * rows * 96 * 32];
        // Forward, both weight gradients, and the cotangent of the hidden layer.
        assert_eq!(operations(&steps), 2 * first + 3 * second, "{rows} rows");
        assert!(steps.iter().all(|step| step.seconds > 0.0));
    }
}

#[test]
fn products_count_each_operand_once() {
    let program = program(|scope| {
        let a = scope.input("a", Kind::Float, &[3, 20, 30]);
        vec![a.matmul(scope.input("b", Kind::Float, &[3, 30, 40]))]
    });
    assert_eq!(
        only(&program),
        (Group::Products, 2 * 3 * 20 * 30 * 40, 4 * 3 * (20 * 30 + 30 * 40 + 20 * 40))
    );
}

#[test]
fn convolutions_by_tiles_take_fewer_operations() {
    let layer = |taps: usize, conv: Conv| {
        program(move |scope| {
            let x = scope.input("x", Kind::Float, &[8, 32, 32, 16]);
            let w = scope.input("w", Kind::Float, &[taps, taps, 16, 24]);
            let y = x.conv2d(w, conv);
            let gradients = scope.gradient(y.square().sum_all(), &[x, w]);
            vec![gradients[0], gradients[1]]
        })
    };
    let strided = Conv { stride: [2, 2], padding: [[1, 1], [1, 1]], dilation: [1, 1] };
    for (taps, conv, pixels, tiled) in
        [(3, Conv::same(3), 32 * 32, [36, 144]), (4, strided, 16 * 16, [25, 64])]
    {
        let program = layer(taps, conv);
        let direct = 3 * 2 * 8 * pixels * (taps * taps) as u64 * 16 * 24;
        assert_eq!(operations(&steps(&program, Algorithm::Direct)), direct);
        assert_eq!(operations(&steps(&program, Algorithm::Auto)), direct * tiled[0] / tiled[1]);
    }
}

#[test]
fn passes_count_what_they_use() {
    let sliced = program(|scope| {
        let x = scope.input("x", Kind::Float, &[100, 64]);
        let row = scope.input("row", Kind::Float, &[1, 16]);
        vec![x.slice(1, 8, 24) * row + key(scope).normal(&[100, 16])]
    });
    assert_eq!(only(&sliced), (Group::Elementwise, 0, 4 * (1600 + 16 + 1600)));
    let summed = program(|scope| vec![scope.input("x", Kind::Float, &[100, 64]).square().sum(&[1])]);
    assert_eq!(only(&summed), (Group::Reductions, 0, 4 * (6400 + 100)));
    let side_by_side = program(|scope| {
        let [a, b] = ["a", "b"].map(|name| scope.input(name, Kind::Float, &[10, 3]));
        vec![a.concatenate(&[b], 1)]
    });
    assert_eq!(only(&side_by_side), (Group::Other, 0, 4 * (60 + 60)));
}

fn key<'s>(scope: &'s Scope) -> Var<'s> {
    scope.input("key", Kind::Key, &[])
}

#[test]
fn bands_count_what_passes_their_borders() {
    let (rows, width) = (1024, 256);
    let program = program(|scope| {
        let x = scope.input("x", Kind::Float, &[rows, width]);
        // Each row's sum is read back in the next pass.
        let scaled = x / (x.square().sum(&[1]).sqrt() + 1.0).reshape(&[rows, 1]);
        let again = scaled.exp() / scaled.exp().sum(&[1]).reshape(&[rows, 1]);
        vec![again]
    });
    let (group, operations, bytes) = only(&program);
    let size = 4 * (rows * width) as u64;
    assert_eq!((group, operations), (Group::Reductions, 0));
    assert_eq!(bytes, 2 * size);
}
