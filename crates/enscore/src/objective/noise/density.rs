//! The noise that data are contrasted with: a density that programs draw from and evaluate, fitted to the
//! training rows or trained before.

use enscore_program::executor::Width;
use enscore_program::{Kind, Parameter, Parameters, Var};

use crate::data::{Subset, wide_rows_of};
use crate::error::{Error, Reason, Result};
use crate::executor::{Routine, default_executor};
use crate::keys::{above, choice, keys, within};
use crate::model::{Covariance, Gaussian, GaussianMixture, Uniform};
use crate::model::{DataFacts, Flow, LogDensity, NoiseDensity, batch_shape, trace};

choice! {
    /// The noise that data are contrasted with.
    NoiseKind {
        /// A Gaussian with the data's mean and covariance.
        Gaussian = "gaussian",
        /// A mixture of Gaussians fitted to the data.
        Mixture = "mixture",
        /// Uniform on a box.
        Uniform = "uniform",
        /// A trained flow.
        Flow = "flow",
    }
}

keys! {
    /// Settings of the noise.
    NoiseSettings {
        noise: NoiseKind = NoiseKind::Gaussian, (),
            "Noise that the data are contrasted with. Where the data don't vary, Gaussian and uniform noise get a thousandth of their mean variance.";
        components: usize = 8, within(1, 1024), "With noise = \"mixture\": components of the mixture.";
        widen: f64 = 1.0, above(0.0),
            "Factor on the standard deviation of Gaussian and mixture noise, or on the width of the data's range for uniform noise.";
        flow_run: String = String::new(), (), "With noise = \"flow\": run folder of a trained flow.";
    }
}

/// The seed of the fit of a mixture: its start is part of the method, not of the run.
const FIT_SEED: u64 = 0;
/// Rows that noise is fitted to, at most: the first ones.
const MAX_ROWS: usize = 20_000;

/// The share of the mean variance that noise has where the data don't vary: it is drawn near them there, and
/// has a density at them.
const LEAST_VARIANCE: f64 = 1e-3;

/// Rows whose density is checked at once.
const CHECKED_AT_ONCE: usize = 1024;

/// A noise.
pub struct Noise(Box<dyn NoiseDensity>);

impl Noise {
    /// Noise from this density.
    pub fn new(density: impl NoiseDensity + 'static) -> Self {
        Noise(Box::new(density))
    }

    /// `each` draws for each of `rows` rows, keyed by it: `[rows * each, ..row_shape]`.
    pub fn draw<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        self.0.draw_each(key, rows, each)
    }

    /// log p_n at x `[batch, ..]`: `[batch]`.
    pub fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.0.log_density(x)
    }
}

/// A flow whose weights are constants.
pub struct FrozenFlow {
    flow: Box<dyn Flow>,
    weights: Vec<(Parameter, Vec<f32>)>,
}

impl FrozenFlow {
    /// The flow with these values of its parameters.
    pub fn new(flow: Box<dyn Flow>, weights: Vec<(Parameter, Vec<f32>)>) -> Self {
        FrozenFlow { flow, weights }
    }

    /// The weights as constants of the scope of `var`.
    fn parameters<'s>(&self, var: Var<'s>) -> Parameters<'s> {
        let parameters = Parameters::new(var.scope());
        for (parameter, values) in &self.weights {
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            parameters.fix(&parameter.name, var.scope().table(&values, &parameter.shape));
        }
        parameters
    }
}

impl NoiseDensity for FrozenFlow {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.flow.log_density(&self.parameters(x), x)
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let shape = LogDensity::row_shape(&*self.flow);
        let z = key.normal(&[rows, each * shape.iter().product::<usize>()]);
        self.flow.invert(&self.parameters(key), z.reshape(&batch_shape(rows * each, shape)))
    }

    fn row_shape(&self) -> &[usize] {
        LogDensity::row_shape(&*self.flow)
    }
}

/// The noise that `settings` describe, fitted to the training rows; `flow` is the one of `noise = "flow"`.
///
/// # Errors
/// Rows that the noise can't be fitted to; a flow of other rows, or none where one is needed.
pub(super) fn build(
    settings: &NoiseSettings,
    data: &DataFacts,
    training: &Subset,
    flow: Option<FrozenFlow>,
) -> Result<Noise> {
    let rows = wide_rows_of(training, MAX_ROWS)?;
    let shape = data.row_shape;
    let widen = settings.widen;
    let noise = match (settings.noise, flow) {
        (NoiseKind::Gaussian, _) => {
            Noise::new(gaussian(&rows, shape, widen).map_err(|error| of(training, error))?)
        }
        (NoiseKind::Mixture, _) => {
            let full = Covariance::Full;
            Noise::new(GaussianMixture::fitted(&rows, shape, settings.components, full, FIT_SEED, widen)?)
        }
        (NoiseKind::Uniform, _) => {
            Noise::new(uniform(&rows, shape, widen).map_err(|error| of(training, error))?)
        }
        (NoiseKind::Flow, Some(flow)) => Noise::new(flow),
        (NoiseKind::Flow, None) => {
            return Err(Error::input("the noise needs a trained flow").at("objective.flow_run"));
        }
    };
    if noise.0.row_shape() == shape {
        return Ok(noise);
    }
    Err(Error::new(Reason::Shape, "the noise draws rows of a different shape")
        .at("objective.flow_run")
        .found(format!("{:?}", noise.0.row_shape()))
        .expected(format!("{shape:?}")))
}

/// The refusal of noise for these rows.
fn of(training: &Subset, error: Error) -> Error {
    let source = training.dataset().source();
    let place =
        if error.place.is_empty() { source.to_string() } else { format!("{source}, {}", error.place) };
    error.at(place).remedy("use noise = \"mixture\", or data whose rows differ")
}

/// The Gaussian of the rows; where they don't vary in every direction its covariance gets the least variance
/// on its diagonal.
fn gaussian(rows: &[f64], shape: &[usize], widen: f64) -> Result<Gaussian> {
    Gaussian::fitted(rows, shape, widen, 0.0)
        .or_else(|_| Gaussian::fitted(rows, shape, widen, LEAST_VARIANCE))
}

/// The box of the rows; elements that are constant get the least variance, that of an interval of √12 times
/// its root.
fn uniform(rows: &[f64], shape: &[usize], widen: f64) -> Result<Uniform> {
    Uniform::fitted(rows, shape, widen).or_else(|_| {
        let d = shape.iter().product::<usize>().max(1);
        let variance = mean_variance(rows, d);
        let half = 0.5 * (12.0 * LEAST_VARIANCE * variance).sqrt();
        let column = |at: usize| rows.iter().skip(at).step_by(d).copied();
        let constant: Vec<bool> =
            (0..d).map(|at| column(at).all(|value| Some(value) == column(at).next())).collect();
        // A row at either end of each such interval, in the middle of the others.
        let ends = [-half, half].into_iter().flat_map(|end| {
            let value = |at: usize| rows[at] + if constant[at] { end } else { 0.0 };
            (0..d).map(value).collect::<Vec<_>>()
        });
        Uniform::fitted(&rows.iter().copied().chain(ends).collect::<Vec<_>>(), shape, widen)
    })
}

/// The variance of each of `d` columns, averaged over them.
fn mean_variance(rows: &[f64], d: usize) -> f64 {
    let n = (rows.len() / d).max(1) as f64;
    let of_column = |at: usize| {
        let values = || rows.iter().skip(at).step_by(d);
        let mean = values().sum::<f64>() / n;
        values().map(|value| (value - mean).powi(2)).sum::<f64>() / n
    };
    (0..d).map(of_column).sum::<f64>() / d as f64
}

/// Refuses rows at which the noise has no density: nothing could be learnt there.
///
/// # Errors
/// The first such row, by its number in the data set.
pub fn refuse_zero_density(noise: &Noise, rows: &Subset) -> Result<()> {
    let data = rows.dataset();
    let batch = CHECKED_AT_ONCE.min(rows.rows().len());
    let (program, _) = trace(&[], |scope, _| {
        let x = scope.input("x", Kind::Float, &batch_shape(batch, data.row_shape()));
        vec![("log_density".to_string(), noise.log_density(x))]
    })?;
    let mut routine = Routine::compile(&*default_executor(), &program, Width::Single)?;
    let densities = routine.over(rows).per_row("log_density")?;
    if let Some(at) = densities.iter().position(|density| !density.is_finite()) {
        return Err(Error::input("the noise density is zero at a row of the data")
            .at(format!("{}, row {}", data.source(), rows.rows()[at]))
            .found(format!("log density {}", densities[at]))
            .remedy("widen it with objective.widen, or use noise = \"gaussian\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second element is constant, the third a sum.
    const ROWS: [f64; 12] = [0.0, 5.0, 5.0, 1.0, 5.0, 6.0, 3.0, 5.0, 8.0, 4.0, 5.0, 9.0];

    #[test]
    fn noise_has_a_density_where_data_do_not_vary() {
        assert!(
            Gaussian::fitted(&ROWS, &[3], 1.0, 0.0).is_err() && Uniform::fitted(&ROWS, &[3], 1.0).is_err()
        );
        let gaussian = gaussian(&ROWS, &[3], 1.0).unwrap();
        let uniform = uniform(&ROWS, &[3], 1.0).unwrap();
        for row in ROWS.chunks(3) {
            assert!(gaussian.log_density_of(row).is_finite() && uniform.log_density_of(row).is_finite());
        }
        // A box of 4 x √(12 v / 1000) x 4 with v the mean of 2.5, 0 and 2.5.
        let width = (12.0 * 2.5 * 2.0 / 3.0 / 1000.0f64).sqrt();
        let expected = -(16.0 * width).ln();
        assert!((uniform.log_density_of(&[1.0, 5.0, 6.0]) - expected).abs() < 1e-9);
        assert_eq!(uniform.log_density_of(&[1.0, 5.0 + width, 6.0]), f64::NEG_INFINITY);
        assert!(super::gaussian(&[1.0; 6], &[2], 1.0).is_err(), "rows that are all equal have no noise");
    }

    #[test]
    fn data_that_vary_have_their_own_covariance() {
        let rows = [0.0, 1.0, 2.0, 0.5, 1.0, 3.0, 4.0, 1.5];
        let own = Gaussian::fitted(&rows, &[2], 1.2, 0.0).unwrap();
        let found = gaussian(&rows, &[2], 1.2).unwrap();
        assert_eq!(own.log_density_of(&[0.3, 0.7]), found.log_density_of(&[0.3, 0.7]));
    }
}
