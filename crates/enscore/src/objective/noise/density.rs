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
        noise: NoiseKind = NoiseKind::Gaussian, (), "Noise that the data are contrasted with.";
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

/// Rows whose density is checked at once.
const CHECKED_AT_ONCE: usize = 1024;

/// A noise.
pub struct Noise(Box<dyn NoiseDensity>);

impl Noise {
    /// Noise from this density.
    pub fn new(density: impl NoiseDensity + 'static) -> Self {
        Noise(Box::new(density))
    }

    /// `rows` draws: `[rows, ..row_shape]`.
    pub fn draw<'s>(&self, key: Var<'s>, rows: usize) -> Var<'s> {
        self.0.draw(key, rows)
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

    fn draw<'s>(&self, key: Var<'s>, rows: usize) -> Var<'s> {
        let shape = [&[rows], LogDensity::row_shape(&*self.flow)].concat();
        self.flow.invert(&self.parameters(key), key.normal(&shape))
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
        (NoiseKind::Gaussian, _) => Noise::new(Gaussian::fitted(&rows, shape, widen, 0.0)?),
        (NoiseKind::Mixture, _) => {
            let full = Covariance::Full;
            Noise::new(GaussianMixture::fitted(&rows, shape, settings.components, full, FIT_SEED, widen)?)
        }
        (NoiseKind::Uniform, _) => Noise::new(Uniform::fitted(&rows, shape, widen)?),
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
