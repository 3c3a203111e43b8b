//! What an objective is: an estimate of a loss on a batch.

use enscore_program::{Parameters, Var};

use crate::model::Network;

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
    /// Where the objective learns from chains: their states, advanced by the host: `[chains, ..row_shape]`,
    /// or `[chains, first]` of two sides of units.
    pub chains: Option<Var<'s>>,
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

    /// `total` divided by the number of elements of a row.
    pub fn per_dimension(&self, total: Var<'s>) -> Var<'s> {
        total * (1.0 / self.dimensions().max(1) as f64)
    }
}

/// What an objective makes of a batch.
pub struct Estimate<'s> {
    /// The loss as the method defines it: a scalar, reported.
    pub loss: Var<'s>,
    /// What is differentiated: the loss in units where a network that knows nothing has about 1; for losses
    /// that are sums over dimensions, the loss per dimension. Adam does not see the factor; a limit on the
    /// gradient's norm keeps its meaning for every size of data.
    pub optimised: Var<'s>,
    /// Further scalars to report. The first is what progress shows.
    pub diagnostics: Vec<(Diagnostic, Var<'s>)>,
}

/// A number that an objective reports beside its loss. What the library looks for has a variant of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnostic {
    /// The loss divided by the number of elements of a row, which losses that are sums over dimensions
    /// report first.
    LossPerDim,
    /// E f over the data less E f over the chains, nats: what the watch over divergence looks at.
    EnergyGap,
    /// How well an energy tells data from the other side's draws, in [0, 1]: what decides whose turn it is
    /// in a game.
    Accuracy,
    /// The mean log density of the data under the flow of a game, nats: what the watch looks at, too.
    FlowLogLikelihood,
    /// Any other, which is shown and logged under this name.
    Named(&'static str),
}

impl Diagnostic {
    /// The name in metrics, and of the program's output.
    pub const fn name(self) -> &'static str {
        match self {
            Diagnostic::LossPerDim => "loss_per_dim",
            Diagnostic::EnergyGap => "energy_gap",
            Diagnostic::Accuracy => "accuracy",
            Diagnostic::FlowLogLikelihood => "flow_log_likelihood",
            Diagnostic::Named(name) => name,
        }
    }
}

impl<'s> Estimate<'s> {
    /// An estimate whose loss is a sum over dimensions.
    pub fn of_dimensions(batch: &Batch<'s>, loss: Var<'s>) -> Self {
        let per_dimension = batch.per_dimension(loss);
        Estimate {
            loss,
            optimised: per_dimension,
            diagnostics: vec![(Diagnostic::LossPerDim, per_dimension)],
        }
    }
}

/// A loss whose gradient in the parameters trains a model of kind `M`.
pub trait Objective<M: ?Sized = Network> {
    /// The estimate on one batch.
    fn estimate<'s>(&self, model: &M, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s>;
}
