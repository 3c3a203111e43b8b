//! Fits models whose scores are affine in x to rows of a Gaussian, and measures the error in standard errors.
//!
//! Rows come in chunks, each with its own draws of the objective's noise; the loss is the chunks' mean, so
//! that its minimiser θ̂ is an M-estimator. To first order θ̂ - θ = -H⁻¹ ḡ: the error of a number c'θ̂ is the
//! mean of c'H⁻¹ g_k over chunks k, and their spread at θ̂ gives its standard error. c is the slope of any
//! linear function of the score.

use crate::common::derivatives::{Derivatives, Slopes, dot, minimise, solve};
use enscore::model::{Network, Score, trace};
use enscore::objective::Objective;
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Initial, Kind, Parameter, Program, Value, interpret};
use nalgebra::{DMatrix, DVector};

/// Chunks of the rows: the degrees of freedom of standard errors, plus 1.
const CHUNKS: usize = 16;
const SEED: u64 = 7;

/// N(m, Σ), Σ = L L'.
pub struct Target {
    pub mean: DVector<f64>,
    pub factor: DMatrix<f64>,
}

impl Target {
    /// A Gaussian that favours no axis, with eigenvalues of Σ of one size: what Newton's method needs grows
    /// with their ratio.
    pub fn new(d: usize) -> Target {
        let z = normals(900_200, d * d + d);
        let factor = DMatrix::from_fn(d, d, |row, column| match row.cmp(&column) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.9 + 0.2 * z[row * d + column].tanh(),
            std::cmp::Ordering::Greater => z[row * d + column] * 0.3 * (2.0 / d as f64).powf(0.75),
        });
        Target { mean: DVector::from_iterator(d, z[d * d..].iter().map(|z| 0.5 * z.tanh())), factor }
    }

    pub fn dimensions(&self) -> usize {
        self.mean.len()
    }

    pub fn covariance(&self) -> DMatrix<f64> {
        &self.factor * self.factor.transpose()
    }

    /// Rows `[n, d]`.
    pub fn draw(&self, n: usize) -> Vec<f64> {
        let z = DMatrix::from_vec(self.dimensions(), n, normals(900_201, n * self.dimensions()));
        let mut rows = &self.factor * z;
        rows.column_iter_mut().for_each(|mut row| row += &self.mean);
        rows.as_slice().to_vec()
    }
}

pub fn normals(stream: u32, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(SEED, 0), stream, 0, &mut out);
    out
}

/// Mean and covariance of `rows` `[n, d]`, divided by n.
pub fn moments(rows: &[f64], d: usize) -> (DVector<f64>, DMatrix<f64>) {
    let rows = DMatrix::from_column_slice(d, rows.len() / d, rows);
    let mean = rows.column_mean();
    let scatter = &rows * rows.transpose() / rows.ncols() as f64;
    let covariance = scatter - &mean * mean.transpose();
    (mean, covariance)
}

/// An objective on rows.
pub struct Fit<'a> {
    model: &'a Network,
    derivatives: Derivatives,
    executable: Executable<f64>,
    rows: &'a [f64],
}

impl<'a> Fit<'a> {
    pub fn new(model: &'a Network, objective: &dyn Objective<Network>, rows: &'a [f64]) -> Fit<'a> {
        let d: usize = model.row_shape().iter().product();
        let derivatives = Derivatives::of(model, objective, rows.len() / d / CHUNKS);
        let executable = Executable::compile(&derivatives.program, Options::default()).unwrap();
        Fit { model, derivatives, executable, rows }
    }

    /// The slopes of the loss of chunk k.
    fn of_chunk(&mut self, k: usize, theta: &[f64], tangent: &[f64]) -> Slopes {
        let x = self.rows.chunks_exact(self.rows.len() / CHUNKS).nth(k).unwrap();
        let d: usize = self.model.row_shape().iter().product();
        let weights = vec![1.0; x.len() / d];
        let own = [Argument::Float(x), Argument::Float(&weights), Argument::Key(Key::new(SEED, k as u64))];
        let floats = |vector| self.derivatives.cut(vector).into_iter().map(Argument::Float);
        let inputs: Vec<Argument<f64>> = floats(theta).chain(own).chain(floats(tangent)).collect();
        let mut values = vec![0.0; 1 + 2 * self.derivatives.len()];
        let (loss, mut rest) = values.split_at_mut(1);
        let mut outputs = vec![loss];
        for parameter in self.derivatives.parameters.iter().chain(&self.derivatives.parameters) {
            let (own, others) = rest.split_at_mut(parameter.size());
            outputs.push(own);
            rest = others;
        }
        self.executable.run(&inputs, &mut outputs).unwrap();
        Slopes::of(&values)
    }

    /// The slopes of the mean of the chunks' losses.
    fn at(&mut self, theta: &[f64], tangent: &[f64]) -> Slopes {
        let mut sum = self.of_chunk(0, theta, tangent);
        for k in 1..CHUNKS {
            let one = self.of_chunk(k, theta, tangent);
            sum.loss += one.loss;
            sum.gradient.iter_mut().zip(&one.gradient).for_each(|(sum, one)| *sum += one);
            sum.product.iter_mut().zip(&one.product).for_each(|(sum, one)| *sum += one);
        }
        let mean = |values: Vec<f64>| values.into_iter().map(|v| v / CHUNKS as f64).collect();
        Slopes { loss: sum.loss / CHUNKS as f64, gradient: mean(sum.gradient), product: mean(sum.product) }
    }

    /// The minimiser, from the parameters' constant starts, 0 where they are random, or from the `known`
    /// values.
    pub fn minimise(&mut self, tolerance: f64, known: &[(&str, Vec<f64>)]) -> Vec<f64> {
        let value = |parameter: &Parameter| match known.iter().find(|(name, _)| *name == parameter.name) {
            Some((_, values)) => values.clone(),
            None => start(parameter),
        };
        let start: Vec<f64> = self.derivatives.parameters.iter().flat_map(value).collect();
        minimise(|theta, tangent| self.at(theta, tangent), &start, tolerance)
    }

    /// The value of a parameter of one element.
    pub fn scalar(&self, name: &str, theta: &[f64]) -> Option<f64> {
        let at = self.derivatives.parameters.iter().position(|p| p.name == name)?;
        Some(self.derivatives.cut(theta)[at][0])
    }

    /// The standard error of c'θ̂, for its gradient c.
    pub fn std_err(&mut self, theta: &[f64], c: &[f64]) -> f64 {
        let (weights, solved) = solve(|v| self.at(theta, v).product, c, 0.05);
        assert!(solved, "the Hessian is close to singular");
        let none = vec![0.0; theta.len()];
        let each: Vec<f64> =
            (0..CHUNKS).map(|k| dot(&weights, &self.of_chunk(k, theta, &none).gradient)).collect();
        let mean = each.iter().sum::<f64>() / CHUNKS as f64;
        let square = each.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (CHUNKS - 1) as f64;
        (square / CHUNKS as f64).sqrt()
    }
}

fn start(parameter: &Parameter) -> Vec<f64> {
    let side = parameter.shape.first().copied().unwrap_or(1);
    let value = |i: usize| match parameter.initial {
        Initial::Constant(value) => value,
        Initial::Identity => f64::from(u8::from(i.is_multiple_of(side + 1))),
        _ => 0.0,
    };
    (0..parameter.size()).map(value).collect()
}

/// The affine score s = -P (x - m') of fitted weights, as numbers that are linear in it.
pub struct AffineScore {
    program: Program,
    parameters: Vec<Parameter>,
}

impl AffineScore {
    /// Of a model with these parameters and maybe others, at the noise `sigma`.
    pub fn of(fit: &Fit, sigma: f64) -> AffineScore {
        let d: usize = fit.model.row_shape().iter().product();
        let (program, parameters) = trace(&fit.derivatives.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[d + 1, d]);
            let score = fit.model.score(parameters, x, scope.constant(sigma).broadcast_to(&[d + 1]));
            let coefficients = scope.input("coefficients", Kind::Float, &[d + 1, d]);
            let number = (coefficients * score).sum_all();
            let values: Vec<_> = parameters.declared().into_iter().map(|(_, var)| var).collect();
            let gradient = scope.gradient(number, &values);
            [score].into_iter().chain(gradient).map(|var| (String::new(), var)).collect()
        })
        .unwrap();
        AffineScore { program, parameters }
    }

    fn run(&self, theta: &[f64], mean: &DVector<f64>, coefficients: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let d = mean.len();
        let mut x = mean.as_slice().repeat(d + 1);
        (0..d).for_each(|k| x[(k + 1) * d + k] += 1.0);
        let mut rest = theta;
        let mut inputs = Vec::new();
        for parameter in &self.parameters {
            let (own, others) = rest.split_at(parameter.size());
            inputs.push(Value::Float(own.to_vec()));
            rest = others;
        }
        inputs.extend([Value::Float(x), Value::Float(coefficients.to_vec())]);
        let mut outputs = interpret(&self.program, &inputs).unwrap().into_iter();
        let score = outputs.next().unwrap().floats().to_vec();
        (score, outputs.flat_map(|value| value.floats().to_vec()).collect())
    }

    /// s at `mean` `[d]`, and the precision P `[d, d]`: minus the change of s along each axis.
    pub fn read(&self, theta: &[f64], mean: &DVector<f64>) -> (DVector<f64>, DMatrix<f64>) {
        let d = mean.len();
        let (score, _) = self.run(theta, mean, &vec![0.0; (d + 1) * d]);
        (
            DVector::from_column_slice(&score[..d]),
            DMatrix::from_fn(d, d, |j, k| score[j] - score[(k + 1) * d + j]),
        )
    }

    /// The gradient in θ of u's(mean) - <V, ∂s/∂x>, the second with the signs of P.
    pub fn gradient(
        &self,
        theta: &[f64],
        mean: &DVector<f64>,
        u: &DVector<f64>,
        v: &DMatrix<f64>,
    ) -> Vec<f64> {
        let d = mean.len();
        let mut coefficients = vec![0.0; (d + 1) * d];
        for j in 0..d {
            coefficients[j] = u[j] + v.row(j).sum();
            (0..d).for_each(|k| coefficients[(k + 1) * d + j] = -v[(j, k)]);
        }
        self.run(theta, mean, &coefficients).1
    }
}
