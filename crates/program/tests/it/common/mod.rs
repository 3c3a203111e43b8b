//! Central differences against derivative transforms, first and second order.

pub mod by_rows;

use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Program, Scope, Value, Var, interpret};

/// A function of float variables, traced.
pub type Traced = dyn for<'s> Fn(&'s Scope, &[Var<'s>]) -> Var<'s>;

/// Outputs of variables and their tangents, traced.
type WithTangents<'a> = dyn for<'s> Fn(&'s Scope, &[Var<'s>], &[Var<'s>]) -> Vec<Var<'s>> + 'a;

/// Values that are fixed by (seed, position), of moderate size.
pub fn values(seed: u64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(seed, 0), 0, 0, &mut out);
    out
}

fn run(program: &Program, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let inputs: Vec<Value> = inputs.iter().map(|x| Value::Float(x.clone())).collect();
    let outputs = interpret(program, &inputs).expect("inputs fit");
    outputs.into_iter().map(|value| value.floats().to_vec()).collect()
}

/// Inputs named x0, x1, .. and, after them, tangents t0, t1, ..
fn trace(shapes: &[&[usize]], build: &WithTangents) -> Program {
    let scope = Scope::new();
    let named = |letter: &str| -> Vec<Var> {
        let name = |(i, shape): (usize, &&[usize])| scope.input(&format!("{letter}{i}"), Kind::Float, shape);
        shapes.iter().enumerate().map(name).collect()
    };
    let (xs, ts) = (named("x"), named("t"));
    let outputs = build(&scope, &xs, &ts);
    let names: Vec<String> = (0..outputs.len()).map(|i| format!("y{i}")).collect();
    let outputs: Vec<(&str, Var)> = names.iter().map(String::as_str).zip(outputs).collect();
    scope.finish(&outputs).expect("a right program")
}

/// A scalar that depends on every element of y in a different way.
pub fn weigh<'s>(y: Var<'s>) -> Var<'s> {
    let len: usize = y.shape().iter().product();
    let weights = y.scope().table(&values(99, len), &y.shape());
    (y * weights).sum_all()
}

fn dot(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a * b).sum()
}

fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let scale = 1.0 + expected.abs();
    assert!((found - expected).abs() <= tolerance * scale, "{what}: found {found}, expected {expected}");
}

/// Checks y = f(x) at `points`: JVP against central differences, VJP against JVP, and both again for the
/// gradient of Σ w y, so second derivatives in every order of modes.
pub fn check_derivatives(what: &str, shapes: &[&[usize]], points: &[Vec<f64>], f: &Traced) {
    let tangents: Vec<Vec<f64>> =
        shapes.iter().enumerate().map(|(i, shape)| values(50 + i as u64, shape.iter().product())).collect();
    let all: Vec<Vec<f64>> = points.iter().chain(&tangents).cloned().collect();
    let moved = |h: f64| -> Vec<Vec<f64>> {
        let shifted =
            points.iter().zip(&tangents).map(|(x, t)| x.iter().zip(t).map(|(x, t)| x + h * t).collect());
        shifted.chain(tangents.iter().cloned()).collect()
    };
    let h = 1e-5;

    let value = trace(shapes, &|s, x, _| vec![weigh(f(s, x))]);
    let forward = trace(shapes, &|s, x, t| s.jvp(&[weigh(f(s, x))], x, t));
    let reverse = trace(shapes, &|s, x, _| s.gradient(weigh(f(s, x)), x));
    let difference = (run(&value, &moved(h))[0][0] - run(&value, &moved(-h))[0][0]) / (2.0 * h);
    let jvp = run(&forward, &all)[0][0];
    close(&format!("{what}: jvp against differences"), jvp, difference, 1e-6);
    close(&format!("{what}: vjp against jvp"), dot(&run(&reverse, &all), &tangents), jvp, 1e-10);

    // Second order: the derivative of |∇f|² along t, by differences, reverse over reverse, forward over
    // reverse and reverse over forward.
    let gradient_norm = trace(shapes, &|s, x, _| {
        let parts = s.gradient(weigh(f(s, x)).square(), x).into_iter().map(|g| g.square().sum_all());
        vec![parts.reduce(|a, b| a + b).expect("an input")]
    });
    let second = |program: &Program| dot(&run(program, &all), &tangents);
    let reverse_reverse = trace(shapes, &|s, x, _| {
        let parts = s.gradient(weigh(f(s, x)).square(), x).into_iter().map(|g| g.square().sum_all());
        s.gradient(parts.reduce(|a, b| a + b).expect("an input"), x)
    });
    let forward_reverse = trace(shapes, &|s, x, t| {
        let parts = s.gradient(weigh(f(s, x)).square(), x).into_iter().map(|g| g.square().sum_all());
        s.jvp(&[parts.reduce(|a, b| a + b).expect("an input")], x, t)
    });
    let difference =
        (run(&gradient_norm, &moved(h))[0][0] - run(&gradient_norm, &moved(-h))[0][0]) / (2.0 * h);
    let found = second(&reverse_reverse);
    close(&format!("{what}: second order against differences"), found, difference, 2e-5);
    close(&format!("{what}: forward over reverse"), run(&forward_reverse, &all)[0][0], found, 1e-9);

    let hessian_vector = trace(shapes, &|s, x, t| {
        let along = s.jvp(&[weigh(f(s, x)).square()], x, t);
        s.gradient(along[0], x)
    });
    let vector_hessian = trace(shapes, &|s, x, t| {
        let gradient = s.gradient(weigh(f(s, x)).square(), x);
        let along = gradient.iter().zip(t).map(|(g, t)| (*g * t.stop_gradient()).sum_all());
        s.gradient(along.reduce(|a, b| a + b).expect("an input"), x)
    });
    for (a, b) in run(&hessian_vector, &all).iter().flatten().zip(run(&vector_hessian, &all).iter().flatten())
    {
        close(&format!("{what}: reverse over forward"), *a, *b, 1e-9);
    }
}
