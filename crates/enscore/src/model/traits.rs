//! What a model is: a score, an unnormalised log density, a flow, a density to draw noise from; and a density
//! as the host sees it.

use std::ops::Range;

use enscore_program::{Parameters, Var};

use crate::error::Result;
use crate::executor::Weights;

/// A score: s(x, σ) = ∇ₓ log p_σ(x), where p_σ is the density of the data with noise N(0, σ² I) added.
pub trait Score {
    /// The score at `x` `[batch, ..row_shape]`, for noise of standard deviation `sigma` `[batch]` > 0: the
    /// shape of x.
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s>;

    /// Something that reads every parameter, in the order of first use: the score, where there is one.
    fn read_all<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        self.score(parameters, x, sigma)
    }

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

/// The values that the elements of a row have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Real numbers: rows have densities.
    Real,
    /// 0 and 1: rows have probabilities.
    Bits,
    /// This many levels from 0 to 1: rows have probabilities.
    Levels(u32),
}

impl Support {
    /// Whether rows have probabilities, not densities.
    pub fn is_discrete(self) -> bool {
        self != Support::Real
    }
}

/// N(m, diag s²) of each row: `[n, latents]` each.
#[derive(Clone, Copy)]
pub struct Posterior<'s> {
    /// m.
    pub mean: Var<'s>,
    /// ln s².
    pub log_variance: Var<'s>,
}

/// A latent variable model: p(x) = ∫ p(x|z) N(z; 0, I) dz, with an approximation q(z|x) of p(z|x).
pub trait LatentVariable {
    /// The extents of one row of x, without the batch.
    fn row_shape(&self) -> &[usize];

    /// The values of an element.
    fn support(&self) -> Support;

    /// The number of latent variables.
    fn latents(&self) -> usize;

    /// q(z|x) at x `[n, ..row_shape]`.
    fn encode<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Posterior<'s>;

    /// ln p(x|z) at x `[n, ..row_shape]` and z `[n, latents]`: `[n]`, nats.
    fn log_likelihood<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, z: Var<'s>) -> Var<'s>;

    /// E[x|z] at z `[n, latents]`: `[n, ..row_shape]`; what pictures show.
    fn expected<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s>;

    /// x drawn from p(x|z) at z `[n, latents]`: `[n, ..row_shape]`; of levels before it is rounded to one
    /// ([`crate::model::round_to_level`]).
    fn draw<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>, key: Var<'s>) -> Var<'s>;
}

/// A normalised log density from which rows are drawn on the host: at once, or, of an autoregressive model,
/// element by element.
pub trait Normalised: LogDensity {
    /// The values of an element.
    fn support(&self) -> Support;

    /// What an update takes the log density for: the log density at `x` `[batch, ..row_shape]`, `[batch]`, or
    /// a draw with `key` of what it is a mixture of.
    fn log_density_in_training<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, key: Var<'s>) -> Var<'s> {
        let _ = key;
        self.log_density(parameters, x)
    }

    /// Draws under `seed` with these weights, on the host.
    ///
    /// # Errors
    /// Weights of another model.
    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>>;

    /// How its parameters are found without gradients, where they are.
    fn fitted(&self) -> Option<&dyn Fitted> {
        None
    }
}

/// A density whose parameters are found in closed form or by expectation maximisation.
pub trait Fitted {
    /// One pass over all `rows` `[n, d]`: new values of the parameters, in their order, from the `current`
    /// ones, or without any at first, from a start that depends on `seed` alone.
    ///
    /// # Errors
    /// Rows that can't be fitted, as those of constant data.
    fn pass(&self, rows: &[f64], current: Option<&[Vec<f32>]>, seed: u64) -> Result<Pass>;
}

/// What a pass came to.
pub struct Pass {
    /// The parameters' values.
    pub values: Vec<Vec<f32>>,
    /// The mean log-likelihood of the rows, nats: before a pass of expectation maximisation, after one in
    /// closed form.
    pub log_likelihood: f64,
}

/// A row part of which is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The row, of any value where it is not known.
    pub row: Vec<f32>,
    /// Whether each value is known.
    pub known: Vec<bool>,
}

/// Rows that are drawn place by place of their order. A draw depends on (seed, place, row) alone.
pub trait SequentialDraws {
    /// The places of a row.
    fn places(&self) -> usize;

    /// Takes what is known instead of drawing it, in all rows.
    ///
    /// # Errors
    /// Known values that do not come first in the order: what follows of them can't be drawn.
    fn give(&mut self, given: Given) -> Result<()>;

    /// Starts the rows with these numbers.
    ///
    /// # Errors
    /// Weights of another model.
    fn start(&mut self, rows: Range<usize>) -> Result<()>;

    /// Draws these places, from 0 on, one after the other.
    ///
    /// # Errors
    /// An executor that refuses.
    fn advance(&mut self, places: Range<usize>) -> Result<()>;

    /// Places that are drawn before progress is told.
    fn places_at_once(&self) -> usize {
        1
    }

    /// The rows as they stand, 0 where nothing is drawn yet: `[rows, ..row_shape]`.
    fn rows(&self) -> Vec<f32>;
}

/// A generator of rows x = G(z) from noise z ~ N(0, I), whose density is not known.
pub trait Generator {
    /// The extents of one row of x, without the batch.
    fn row_shape(&self) -> &[usize];

    /// The numbers of noise that a row is made of.
    fn latents(&self) -> usize;

    /// G(z) at z `[n, latents]`: `[n, ..row_shape]`.
    fn generate<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s>;
}

/// A normalised density without parameters that programs draw from and evaluate: noise to contrast data with,
/// a known target.
pub trait NoiseDensity {
    /// log p at `x` `[batch, ..row_shape]`: `[batch]`, nats; -inf where p is 0.
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s>;

    /// `each` independent draws for each of `rows` rows: `[rows * each, ..row_shape]`, those of a row
    /// together. They are keyed by that row, so that batches of rows side by side share no draw.
    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s>;

    /// `rows` independent draws: `[rows, ..row_shape]`.
    fn draw<'s>(&self, key: Var<'s>, rows: usize) -> Var<'s> {
        self.draw_each(key, rows, 1)
    }

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
///
/// ```
/// use enscore::model::{Differentiated, GaussianEnergy, parameters_of};
///
/// let score = Differentiated(GaussianEnergy::new(&[3])?);      // what samplers of scores take
/// assert_eq!(parameters_of(&score)?.len(), 2);
/// # Ok::<(), enscore::Error>(())
/// ```
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
