//! What the file of a sampler declares: its settings, and the chains that they describe.

use std::fmt::Debug;

use super::drawing::Drawing;
use super::trained::TrainedModel;
use super::transition::{Schedule, Transition};
use crate::citation::Citation;
use crate::error::Result;

/// Chains that are ready to run on a model, and for how long.
pub struct Sampling<'a> {
    /// The chains.
    pub chains: Box<dyn Transition + 'a>,
    /// Their steps.
    pub schedule: Schedule,
}

/// Called between steps; may end the work by an error.
pub type Tell<'a> = dyn FnMut() -> Result<()> + 'a;

/// A kind of sampler, as its file declares it.
pub trait SamplerKind: Debug {
    /// The chains that draw from `model`.
    ///
    /// # Errors
    /// A model that it can't draw from; what `tell` returns, which is called while pilot chains choose what
    /// the settings leave open.
    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        tell: &mut Tell,
    ) -> Result<Sampling<'a>>;

    /// What helps chains that have not arrived.
    fn remedy(&self) -> &'static str {
        "raise sampler.steps, or set sampler.step_size and sampler.steps to 0 to have them chosen"
    }

    /// What to do about samples far outside the data.
    fn far_remedy(&self) -> &'static str {
        "check the training, or use a smaller sampler.step_size"
    }

    /// Whether it draws from the flow that an objective trained beside the model, where there is one.
    fn draws_contrasted_flow(&self) -> bool {
        false
    }

    /// The works behind it.
    fn cites(&self) -> Vec<Citation> {
        Vec::new()
    }
}
