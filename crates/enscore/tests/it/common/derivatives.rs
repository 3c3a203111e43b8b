//! An objective's loss with its gradient and the products of its Hessian, as one program; Newton's method on
//! it.

use enscore::model::{Network, batch_shape, trace};
use enscore::objective::{Batch, Objective};
use enscore_program::{Kind, Parameter, Parameters, Program, Scope, Value, Var, interpret};

/// A loss with its slopes; vectors are the parameters one after the other.
#[derive(Clone, Debug)]
pub struct Slopes {
    pub loss: f64,
    pub gradient: Vec<f64>,
    /// The Hessian times the given tangent.
    pub product: Vec<f64>,
}

/// Inputs: the parameters, the loss's own inputs, tangents of the parameters. Outputs: loss, gradients,
/// Hessian times tangents.
pub struct Derivatives {
    pub program: Program,
    pub parameters: Vec<Parameter>,
}

impl Derivatives {
    /// Of the objective's loss of `rows` rows, with the inputs `x`, `weights`, `key`.
    pub fn of(model: &Network, objective: &dyn Objective<Network>, rows: usize) -> Derivatives {
        let shape = batch_shape(rows, model.row_shape());
        Derivatives::build(|scope, parameters| {
            let batch = Batch {
                x: scope.input("x", Kind::Float, &shape),
                weights: scope.input("row_weights", Kind::Float, &shape[..1]),
                key: scope.input("key", Kind::Key, &[]),
                chains: None,
            };
            objective.estimate(model, parameters, &batch).loss
        })
    }

    /// Of any loss.
    pub fn build(loss: impl for<'s> Fn(&'s Scope, &Parameters<'s>) -> Var<'s>) -> Derivatives {
        // A first pass finds the parameters, so that they can be the second's first inputs.
        let (_, known) =
            trace(&[], |scope, parameters| vec![("loss".to_string(), loss(scope, parameters))]).unwrap();
        let (program, parameters) = trace(&known, |scope, parameters| {
            let loss = loss(scope, parameters);
            let declared = parameters.declared();
            let values: Vec<Var> = declared.iter().map(|(_, var)| *var).collect();
            let tangent = |(p, _): &(Parameter, Var)| {
                scope.input(&format!("tangent.{}", p.name), Kind::Float, &p.shape)
            };
            let tangents: Vec<Var> = declared.iter().map(tangent).collect();
            let gradient = scope.gradient(loss, &values);
            let product = scope.jvp(&gradient, &values, &tangents);
            [loss].into_iter().chain(gradient).chain(product).map(|var| (String::new(), var)).collect()
        })
        .unwrap();
        Derivatives { program, parameters }
    }

    /// The number of parameters' elements.
    pub fn len(&self) -> usize {
        self.parameters.iter().map(Parameter::size).sum()
    }

    /// A vector cut into the parameters.
    pub fn cut<'a>(&self, vector: &'a [f64]) -> Vec<&'a [f64]> {
        let mut rest = vector;
        let mut next = |parameter: &Parameter| {
            let (own, others) = rest.split_at(parameter.size());
            rest = others;
            own
        };
        self.parameters.iter().map(&mut next).collect()
    }

    /// The slopes at θ by the reference interpreter; `own` are the loss's own inputs.
    pub fn interpret(&self, theta: &[f64], tangent: &[f64], own: &[Value]) -> Slopes {
        let floats = |vector| self.cut(vector).into_iter().map(|values| Value::Float(values.to_vec()));
        let inputs: Vec<Value> = floats(theta).chain(own.iter().cloned()).chain(floats(tangent)).collect();
        let outputs = interpret(&self.program, &inputs).unwrap();
        let values: Vec<f64> = outputs.iter().flat_map(|value| value.floats().to_vec()).collect();
        Slopes::of(&values)
    }
}

impl Slopes {
    /// From all outputs, one after the other.
    pub fn of(values: &[f64]) -> Slopes {
        let (gradient, product) = values[1..].split_at(values.len() / 2);
        Slopes { loss: values[0], gradient: gradient.to_vec(), product: product.to_vec() }
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The shortest x with H x = b, up to this fraction of b, by conjugate gradients, and whether it was reached.
/// H is positive on the span of b. What was not reached is still a direction along which b falls.
pub fn solve(mut product: impl FnMut(&[f64]) -> Vec<f64>, b: &[f64], tolerance: f64) -> (Vec<f64>, bool) {
    let (mut x, mut residual) = (vec![0.0; b.len()], b.to_vec());
    let (mut direction, mut square) = (b.to_vec(), dot(b, b));
    let goal = square * tolerance * tolerance;
    for _ in 0..100 {
        if square <= goal {
            return (x, true);
        }
        let image = product(&direction);
        let curvature = dot(&direction, &image);
        assert!(curvature > 0.0, "the loss is not convex: curvature {curvature}");
        let step = square / curvature;
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, h)| *r -= step * h);
        let next = dot(&residual, &residual);
        direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / square * *d);
        square = next;
    }
    (x, false)
}

/// The minimiser of a convex loss by Newton steps, halved while the loss rises; the gradient there is below
/// `tolerance` times that at the start.
pub fn minimise(mut at: impl FnMut(&[f64], &[f64]) -> Slopes, start: &[f64], tolerance: f64) -> Vec<f64> {
    let mut theta = start.to_vec();
    let none = vec![0.0; theta.len()];
    let mut here = at(&theta, &none);
    let goal = tolerance * dot(&here.gradient, &here.gradient).sqrt();
    for _ in 0..60 {
        if dot(&here.gradient, &here.gradient).sqrt() <= goal {
            return theta;
        }
        let (newton, _) = solve(|v| at(&theta, v).product, &here.gradient, 0.03);
        let mut length = 1.0;
        loop {
            let moved: Vec<f64> = theta.iter().zip(&newton).map(|(t, s)| t - length * s).collect();
            let there = at(&moved, &none);
            // Near the minimum, rounding decides which loss is less.
            if there.loss <= here.loss + 1e-13 * here.loss.abs() {
                (theta, here) = (moved, there);
                break;
            }
            length *= 0.5;
            assert!(length > 1e-6, "no step lowers the loss");
        }
    }
    panic!("Newton's method does not converge");
}
