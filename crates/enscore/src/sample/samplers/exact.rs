//! Exact draws of a density: of a flow x = T⁻¹(z) with z ~ N(0, I), of an autoregressive model element by
//! element.

use std::ops::Range;

use enscore_program::Kind as ValueKind;
use enscore_program::random::Key;

use super::sequential::PlaceByPlace;
use crate::error::{Error, Result};
use crate::executor::Routine;
use crate::keys::{Fit, Kind, keys};
use crate::mcmc::SamplerFacts;
use crate::model::{Family, batch_shape, trace};
use crate::sample::drawing::Drawing;
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

keys! {
    /// Settings of exact draws: none.
    ExactSettings {}
}

impl Kind for ExactSettings {
    type Facts = SamplerFacts;

    /// Flow contrastive estimation has a flow to draw from, too.
    fn fits(facts: &SamplerFacts) -> Fit {
        match (facts.family, facts.has_flow) {
            (Family::Flow | Family::Autoregressive, _) => Fit::Default,
            (Family::Score | Family::Energy | Family::Bipartite, true) => Fit::Yes,
            (Family::Score | Family::Energy | Family::Bipartite, false) => Fit::No,
        }
    }
}

impl SamplerKind for ExactSettings {
    fn far_remedy(&self) -> &'static str {
        "check the training: its steps may have been too large"
    }

    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        _tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        if let Some((draws, schedule)) = PlaceByPlace::of(model, drawing.seed)? {
            return Ok(Sampling { chains: Box::new(draws), schedule });
        }
        let Some(flow) = model.model.flow() else {
            return Err(Error::input("exact draws need a flow or an autoregressive model").at("sampler.kind"));
        };
        let (program, _) = trace(model.parameters(), |scope, parameters| {
            let key = scope.input("key", ValueKind::Key, &[]);
            let z = key.normal(&batch_shape(drawing.batch, flow.row_shape()));
            vec![("x".to_string(), flow.invert(parameters, z))]
        })?;
        let x = vec![0.0f32; drawing.batch * model.row_len()];
        let draws = FlowDraws { model, draw: model.compile(&program)?, seed: drawing.seed, first: 0, x };
        // A draw has no way to keep: it is the flow's image of a base draw.
        Ok(Sampling { chains: Box::new(draws), schedule: Schedule { steps: 1, ..Schedule::default() } })
    }

    fn draws_contrasted_flow(&self) -> bool {
        true
    }
}

/// Draws that need one step: a chain forgets its past at once.
struct FlowDraws<'a> {
    model: &'a TrainedModel,
    draw: Routine,
    seed: u64,
    /// The number of the first draw.
    first: u64,
    x: Vec<f32>,
}

impl Transition for FlowDraws<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start as u64;
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        for step in steps {
            let key = Key { seed: self.seed, step, row: self.first };
            self.draw.call().weights(&self.model.weights).with("key", key).to("x", &mut self.x).run()?;
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.x.clone())
    }
}
