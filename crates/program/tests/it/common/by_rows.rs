//! Functions of rows at a point, their traces by central differences, and derivatives of those.

use crate::common::values;
use enscore_program::{Kind, Scope, Value, Var, interpret};

/// A function of x `[batch, ..]` and weights.
pub type Function = dyn for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Var<'s>;

/// Where a function is evaluated.
pub struct At {
    pub shape: Vec<usize>,
    pub x: Vec<f64>,
    pub weights: Vec<(Vec<usize>, Vec<f64>)>,
}

impl At {
    pub fn new(shape: &[usize], weights: &[&[usize]]) -> At {
        let weight =
            |(i, shape): (usize, &&[usize])| (shape.to_vec(), values(40 + i as u64, shape.iter().product()));
        let weights = weights.iter().enumerate().map(weight).collect();
        At { shape: shape.to_vec(), x: values(31, shape.iter().product()), weights }
    }

    pub fn positive(self) -> At {
        At { x: self.x.iter().map(|x| x.abs() + 0.5).collect(), ..self }
    }

    pub fn count(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// Traces `trace` and runs it at `x` and these weights.
    pub fn run(
        &self,
        x: &[f64],
        weights: &[Vec<f64>],
        trace: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Vec<Var<'s>>,
    ) -> Vec<Vec<f64>> {
        let scope = Scope::new();
        let var = scope.input("x", Kind::Float, &self.shape);
        let vars: Vec<Var> = self
            .weights
            .iter()
            .enumerate()
            .map(|(i, (shape, _))| scope.input(&format!("w{i}"), Kind::Float, shape))
            .collect();
        let outputs = trace(&scope, var, &vars);
        let names: Vec<String> = (0..outputs.len()).map(|i| i.to_string()).collect();
        let named: Vec<(&str, Var)> = names.iter().map(String::as_str).zip(outputs).collect();
        let program = scope.finish(&named).unwrap();
        let inputs: Vec<Value> =
            std::iter::once(x.to_vec()).chain(weights.iter().cloned()).map(Value::Float).collect();
        interpret(&program, &inputs).unwrap().iter().map(|value| value.floats().to_vec()).collect()
    }

    pub fn here(
        &self,
        trace: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Vec<Var<'s>>,
    ) -> Vec<Vec<f64>> {
        let weights: Vec<Vec<f64>> = self.weights.iter().map(|(_, values)| values.clone()).collect();
        self.run(&self.x, &weights, trace)
    }

    /// The unit vector of coordinate `k` in every row.
    pub fn unit<'s>(&self, scope: &'s Scope, k: usize) -> Var<'s> {
        let unit = |i: usize| if i % self.count() == k { 1.0 } else { 0.0 };
        scope.table(&(0..self.x.len()).map(unit).collect::<Vec<_>>(), &self.shape)
    }
}

pub fn assert_near(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let scale = 1.0 + expected.abs();
        assert!((found - expected).abs() <= tolerance * scale, "{what} [{i}]: {found} against {expected}");
    }
}

/// One value per row that depends on each of a row's values in a different way.
pub fn per_row(y: Var) -> Var {
    let shape = y.shape();
    let weights = y.scope().table(&values(77, shape[1..].iter().product()), &shape[1..]);
    (y * weights).sum(&(1..shape.len()).collect::<Vec<_>>())
}

/// The trace of a field's Jacobian by central differences.
pub fn check_differences(
    what: &str,
    at: &At,
    expected: &[f64],
    field: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Var<'s>,
) {
    const STEP: f64 = 1e-5;
    let (count, mut trace) = (at.count(), vec![0.0; expected.len()]);
    let weights: Vec<Vec<f64>> = at.weights.iter().map(|(_, values)| values.clone()).collect();
    for k in 0..count {
        let moved = |step: f64| {
            let move_it = |(i, x): (usize, &f64)| if i % count == k { x + step } else { *x };
            at.run(&at.x.iter().enumerate().map(move_it).collect::<Vec<_>>(), &weights, |s, x, w| {
                vec![field(s, x, w)]
            })
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        for (row, sum) in trace.iter_mut().enumerate() {
            *sum += (up[0][row * count + k] - down[0][row * count + k]) / (2.0 * STEP);
        }
    }
    assert_near(&format!("{what}: central differences"), &trace, expected, 3e-7);
}

/// The derivative of Σ value² in each weight, and in x, against central differences.
pub fn check_again(what: &str, at: &At, value: impl for<'s> Fn(&'s Scope, Var<'s>, &[Var<'s>]) -> Var<'s>) {
    const STEP: f64 = 1e-5;
    let weights: Vec<Vec<f64>> = at.weights.iter().map(|(_, values)| values.clone()).collect();
    let gradients = at.here(|s, x, w| {
        let all: Vec<Var> = std::iter::once(x).chain(w.iter().copied()).collect();
        s.gradient(value(s, x, w).square().sum_all(), &all)
    });
    let run = |x: &[f64], weights: &[Vec<f64>]| {
        at.run(x, weights, |s, x, w| vec![value(s, x, w).square().sum_all()])[0][0]
    };
    for (which, gradient) in gradients.iter().enumerate() {
        for i in 0..gradient.len().min(4) {
            let moved = |step: f64| {
                let (mut x, mut weights) = (at.x.clone(), weights.clone());
                match which.checked_sub(1) {
                    None => x[i] += step,
                    Some(weight) => weights[weight][i] += step,
                }
                run(&x, &weights)
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert_near(&format!("{what}: derivative in {which} at {i}"), &[gradient[i]], &[slope], 2e-6);
        }
    }
}
