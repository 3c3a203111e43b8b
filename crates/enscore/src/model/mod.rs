//! Models: unnormalised log densities and scores as plain functions over symbolic variables.
//!
//! A model names its parameters where it uses them ([`Parameters::get`]); the caller that traces it decides
//! what they are: inputs of an update, of a sampler, of an evaluation.

use enscore_program::{Kind, Parameter, Parameters, Program, Scope, ShapeError, Var};

use crate::error::{Error, Result};

mod bipartite;
mod build;
mod closed_form;
mod confinement;
mod conv_energy;
mod dbm;
mod density;
mod dkef;
mod enumeration;
mod flow;
mod gaussian_energy;
mod initial;
mod layers;
mod mlp;
mod network;
mod noise_levels;
mod rbm;
mod residual_energy;
mod standardise;
mod unet;

pub use bipartite::{
    Bipartite, Interaction, UnitBlock, Units, draw_bernoulli, draw_units, mean_units, scaled_units,
};
pub use build::{DataFacts, build, deep_machine, starting_rows};
pub use confinement::Confinement;
pub use conv_energy::ConvEnergy;

pub use closed_form::ClosedForm;
pub use dbm::{DBM_BIASES, DBM_WEIGHTS, Dbm};
pub use density::{Covariance, Gaussian, GaussianMixture, StudentT, Uniform};
pub use dkef::{Dkef, DkefSettings};
pub use enumeration::{MOST_TRACED_UNITS, enumerated_log_z, is_enumerable, side_log_density, smaller_side};
pub use flow::{MultiScaleFlow, RealNvp, couple, uncouple};
pub use gaussian_energy::{GaussianEnergy, GaussianMixtureEnergy};
pub use initial::initialise;
pub use layers::{Activation, FREQUENCIES};
pub use mlp::{Mlp, MlpEnergy};
pub use network::Network;
pub use noise_levels::NoiseLevels;
pub use rbm::{RBM_PARAMETERS, Rbm};
pub use residual_energy::ResidualEnergy;
pub use unet::{UNet, UNetSettings};

/// A score: s(x, σ) = ∇ₓ log p_σ(x), where p_σ is the density of the data with noise N(0, σ² I) added.
pub trait Score {
    /// The score at `x` `[batch, ..row_shape]`, for noise of standard deviation `sigma` `[batch]` > 0: the
    /// shape of x.
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s>;

    /// The extents of one row of x, without the batch: `[d]`, or `[height, width, channels]`.
    fn row_shape(&self) -> &[usize];
}

/// An unnormalised log density: p(x) = exp(f(x)) / Z. The energy is -f.
pub trait LogDensity {
    /// f at `x` `[batch, ..row_shape]`: `[batch]`, nats. Row i of the result depends on row i of x only.
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s>;

    /// The extents of one row of x, without the batch.
    fn row_shape(&self) -> &[usize];
}

/// A normalizing flow: an invertible map T whose base z = T(x) is N(0, I), so that its log density is
/// normalised: log p(x) = log N(T(x); 0, I) + ln |det ∂T/∂x|.
pub trait Flow: LogDensity {
    /// z = T(x) and ln |det ∂T/∂x| of each row: x `[batch, ..row_shape]` → (`[batch, ..row_shape]`,
    /// `[batch]`).
    fn transform<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>);

    /// x = T⁻¹(z), of the shape of z: a sample where z is N(0, I).
    fn invert<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s>;
}

/// A normalised density without parameters that programs draw from and evaluate: noise to contrast data with,
/// a known target.
pub trait NoiseDensity {
    /// log p at `x` `[batch, ..row_shape]`: `[batch]`, nats; -inf where p is 0.
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s>;

    /// `rows` independent draws: `[rows, ..row_shape]`.
    fn draw<'s>(&self, key: Var<'s>, rows: usize) -> Var<'s>;

    /// The extents of one row, without the batch.
    fn row_shape(&self) -> &[usize];
}

/// An unnormalised log density as the host sees it, whatever computes it: rows in, double precision out.
/// Samplers on the host, importance sampling, quadrature and diagnostics know only this.
pub trait HostDensity {
    /// Elements of a row.
    fn row_len(&self) -> usize;

    /// f of each row: `rows` `[n, row_len]` → `[n]`, nats.
    ///
    /// # Errors
    /// Values that don't fill whole rows; an executor that refuses.
    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>>;

    /// ∇ₓ f of each row: `[n, row_len]` → `[n, row_len]`.
    ///
    /// # Errors
    /// As [`HostDensity::log_density`].
    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>>;
}

/// The score of a log density: ∇ₓ f(x). It models the smoothed data at one noise level, whichever it was
/// trained at, so sigma is ignored.
#[derive(Clone, Debug)]
pub struct Differentiated<M>(pub M);

impl<M: LogDensity> Score for Differentiated<M> {
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, _sigma: Var<'s>) -> Var<'s> {
        // Rows don't depend on each other, so the gradient of the sum holds every row's gradient.
        let total = self.0.log_density(parameters, x).sum_all();
        x.scope().gradient(total, &[x])[0]
    }

    fn row_shape(&self) -> &[usize] {
        self.0.row_shape()
    }
}

/// Values `[batch]`, one for each row, repeated to `shape` `[batch, ..]`.
pub fn along_rows<'s>(values: Var<'s>, shape: &[usize]) -> Var<'s> {
    values.broadcast_axes(shape, &[0])
}

/// The sum of each row of x `[batch, ..]`: `[batch]`.
pub fn sum_rows(x: Var) -> Var {
    x.sum(&(1..x.shape().len()).collect::<Vec<_>>())
}

/// log N(z; 0, I) of each row of z `[batch, ..]`: `[batch]`, nats.
pub fn standard_normal(z: Var) -> Var {
    let elements: usize = z.shape().iter().skip(1).product();
    sum_rows(z.square()) * -0.5 - 0.5 * elements as f64 * std::f64::consts::TAU.ln()
}

/// `[batch, ..row_shape]`.
pub fn batch_shape(batch: usize, row_shape: &[usize]) -> Vec<usize> {
    std::iter::once(batch).chain(row_shape.iter().copied()).collect()
}

/// The parameters that a score reads, in the order of first use.
///
/// # Errors
/// A model that does not fit its own row shape.
pub fn parameters_of(model: &(impl Score + ?Sized)) -> Result<Vec<Parameter>> {
    let (_, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(1, model.row_shape()));
        let sigma = scope.input("sigma", Kind::Float, &[1]);
        vec![("score".to_string(), model.score(parameters, x, sigma))]
    })?;
    Ok(parameters)
}

/// Traces a program whose first inputs are the parameters `known`, in this order; `build` adds its own inputs
/// and gives the outputs. Parameters that are not known become inputs where they are first used. Returns the
/// program with all its parameters.
///
/// # Errors
/// The first mistake made while tracing, with the operation and the shapes.
pub fn trace(
    known: &[Parameter],
    build: impl for<'s> FnOnce(&'s Scope, &Parameters<'s>) -> Vec<(String, Var<'s>)>,
) -> Result<(Program, Vec<Parameter>)> {
    let scope = Scope::new();
    let parameters = Parameters::new(&scope);
    for parameter in known {
        parameters.get(&parameter.name, &parameter.shape, parameter.initial.clone());
    }
    let outputs = build(&scope, &parameters);
    let named: Vec<(&str, Var)> = outputs.iter().map(|(name, var)| (name.as_str(), *var)).collect();
    let program = scope.finish(&named).map_err(untraceable)?;
    let declared = parameters.declared().into_iter().map(|(parameter, _)| parameter).collect();
    Ok((program, declared))
}

fn untraceable(error: ShapeError) -> Error {
    Error::input("the model does not match its data")
        .found(error)
        .remedy("check the model's settings and row shape")
}
