//! Models with closed forms, and programs run in double precision.

use enscore::model::Score;
use enscore_program::random::{Key, normal_row};
use enscore_program::{Parameters, Program, Value, Var, interpret};

/// The exact score of N(mean, variance I), smoothed: -(x - mean) / (variance + σ²).
pub struct Gaussian {
    pub mean: f64,
    pub variance: f64,
    pub row_shape: Vec<usize>,
}

impl Gaussian {
    pub fn new(mean: f64, variance: f64, dimensions: usize) -> Self {
        Gaussian { mean, variance, row_shape: vec![dimensions] }
    }
}

impl Score for Gaussian {
    fn score<'s>(&self, _: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        (self.mean - x) / enscore::model::along_rows(sigma.square() + self.variance, &x.shape())
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// s = -slope x, at every σ.
pub struct Linear {
    pub slope: f64,
    pub row_shape: Vec<usize>,
}

impl Score for Linear {
    fn score<'s>(&self, _: &Parameters<'s>, x: Var<'s>, _: Var<'s>) -> Var<'s> {
        x * -self.slope
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// Standard normal numbers fixed by the seed; a stream that traced draws don't have.
pub fn normals(seed: u64, len: usize) -> Vec<f64> {
    let mut out = vec![0.0; len];
    normal_row(Key::new(seed, 0), 900_000, 0, &mut out);
    out
}

pub fn float(values: &[f64]) -> Value {
    Value::Float(values.to_vec())
}

pub fn key(seed: u64, step: u64) -> Value {
    Value::Key(Key::new(seed, step))
}

pub fn run(program: &Program, inputs: &[Value]) -> Vec<Vec<f64>> {
    let outputs = interpret(program, inputs).expect("inputs fit the program");
    outputs.iter().map(|value| value.floats().to_vec()).collect()
}

/// All rows of `elements` values, each one of `levels` levels from 0 to 1.
pub fn all_states(elements: usize, levels: usize) -> Vec<f64> {
    let value = move |state: usize, i: usize| state / levels.pow(i as u32) % levels;
    (0..levels.pow(elements as u32))
        .flat_map(|state| (0..elements).map(move |i| value(state, i) as f64 / (levels - 1) as f64))
        .collect()
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / values.len() as f64
}

/// Equal up to rounding.
pub fn assert_close(what: &str, found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs();
    assert!(error <= relative * expected.abs().max(1e-300), "{what}: found {found}, expected {expected}");
}

/// Equal up to five standard errors.
pub fn assert_within_errors(what: &str, found: f64, expected: f64, std_err: f64) {
    let z = (found - expected) / std_err;
    assert!(z.abs() < 5.0, "{what}: found {found}, expected {expected}, {z:.1} standard errors off");
}
