//! What the file of a sampler declares: its settings, and how it draws.

use std::fmt::Debug;

use super::drawing::{Drawing, Drawn};
use super::trained::TrainedModel;
use crate::citation::Citation;
use crate::error::Result;

/// A kind of sampler, as its file declares it.
pub trait SamplerKind: Debug {
    /// Draws from `model`. `progress` is told how many steps of how many are done, and may end the drawing by
    /// returning an error.
    ///
    /// # Errors
    /// Samples that are not finite, naming the first; a model that it can't draw from; whatever `progress`
    /// returns.
    fn draw(
        &self,
        model: &TrainedModel,
        drawing: &Drawing,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Drawn>;

    /// Whether it draws from the flow that an objective trained beside the model, where there is one.
    fn draws_contrasted_flow(&self) -> bool {
        false
    }

    /// The works behind it.
    fn cites(&self) -> Vec<Citation> {
        Vec::new()
    }
}
