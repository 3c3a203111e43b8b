//! Objectives: what training minimises. Each is a plain function of a model, a batch and a key; one file per
//! method.

use enscore_program::{Parameters, Var};

mod build;
mod dsm;
mod evaluation;
mod ncsn;

pub use build::{build, noise_levels};
pub use dsm::Dsm;
pub use evaluation::EvaluationProgram;
pub use ncsn::{Ncsn, denoising_loss, loss_at};

/// The rows that one estimate is made from.
#[derive(Clone, Copy)]
pub struct Batch<'s> {
    /// Data, scaled as the model expects: `[batch, ..row_shape]`.
    pub x: Var<'s>,
    /// The weight of each row: `[batch]`, 0 for rows that only fill the batch. Means divide by the weights'
    /// sum.
    pub weights: Var<'s>,
    /// The key of every draw of this step.
    pub key: Var<'s>,
}

impl<'s> Batch<'s> {
    /// Σ w_i v_i / Σ w_i for values `[batch]`.
    pub fn mean(&self, values: Var<'s>) -> Var<'s> {
        (self.weights * values).sum_all() / self.weights.sum_all()
    }

    /// The number of elements of a row.
    pub fn dimensions(&self) -> usize {
        self.x.shape().iter().skip(1).product()
    }
}

/// What an objective makes of a batch.
pub struct Estimate<'s> {
    /// The loss as the method defines it: a scalar, reported.
    pub loss: Var<'s>,
    /// What is differentiated: the loss per dimension, in units where a network that knows nothing has about 1.
    /// Adam does not see the factor; a limit on the gradient's norm keeps its meaning for every size of data.
    pub optimised: Var<'s>,
    /// Further scalars to report, by name.
    pub diagnostics: Vec<(&'static str, Var<'s>)>,
}

/// A loss whose gradient in the parameters trains a model of kind `M`.
pub trait Objective<M: ?Sized> {
    /// The estimate on one batch.
    fn estimate<'s>(&self, model: &M, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s>;
}
