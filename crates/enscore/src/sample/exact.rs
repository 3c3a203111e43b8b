//! Samples of a flow: x = T⁻¹(z) with z ~ N(0, I), exact draws of its density.

use enscore_program::Kind as ValueKind;
use enscore_program::random::Key;

use super::drawing::{Drawing, Drawn};
use super::kind::SamplerKind;
use super::trained::TrainedModel;
use crate::error::{Error, Result};
use crate::keys::{Fit, Kind, keys};
use crate::mcmc::SamplerFacts;
use crate::model::{Family, batch_shape, trace};

keys! {
    /// Settings of exact draws: none.
    ExactSettings {}
}

impl Kind for ExactSettings {
    type Facts = SamplerFacts;

    /// Flow contrastive estimation has a flow to draw from, too.
    fn fits(facts: &SamplerFacts) -> Fit {
        match (facts.family, facts.has_flow) {
            (Family::Flow, _) => Fit::Default,
            (Family::Score | Family::Energy | Family::Bipartite, true) => Fit::Yes,
            (Family::Score | Family::Energy | Family::Bipartite, false) => Fit::No,
        }
    }
}

impl SamplerKind for ExactSettings {
    fn draw(
        &self,
        model: &TrainedModel,
        drawing: &Drawing,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Drawn> {
        draw(model, drawing, progress)
    }

    fn draws_contrasted_flow(&self) -> bool {
        true
    }
}

/// Draws from the model, which must be a flow.
fn draw(
    model: &TrainedModel,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let Some(flow) = model.model.flow() else {
        return Err(Error::input("exact draws need a flow").at("sampler.kind"));
    };
    let (batch, total) = (drawing.batch, drawing.count.div_ceil(drawing.batch) as u64);
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let key = scope.input("key", ValueKind::Key, &[]);
        let z = key.normal(&batch_shape(batch, flow.row_shape()));
        vec![("x".to_string(), flow.invert(parameters, z))]
    })?;
    let mut routine = model.compile(&program)?;
    drawing.by_batches(model, 0, |first, _, _| {
        let mut x = vec![0.0f32; batch * model.row_len()];
        let key = Key { seed: drawing.seed, step: 1, row: first as u64 };
        routine.call().weights(&model.weights).with("key", key).to("x", &mut x).run()?;
        progress((first / batch) as u64 + 1, total)?;
        Ok(x)
    })
}
