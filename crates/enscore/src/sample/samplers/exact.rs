//! Exact draws of a density: of a flow x = T⁻¹(z) with z ~ N(0, I), of a latent variable model x ~ p(x|z), of
//! an autoregressive model element by element.

use std::ops::Range;

use enscore_program::random::Key;
use enscore_program::{Kind as ValueKind, Parameters, Var};

use super::sequential::PlaceByPlace;
use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Kind, keys};
use crate::mcmc::SamplerFacts;
use crate::model::{Family, Network, Support, batch_shape, round_to_level, trace};
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
            (
                Family::Flow
                | Family::Autoregressive
                | Family::LatentVariable
                | Family::Generator
                | Family::Baseline,
                _,
            ) => Fit::Default,
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
        let batch = drawing.batch;
        let (program, _) = trace(model.parameters(), |scope, parameters| {
            let key = scope.input("key", ValueKind::Key, &[]);
            base_draws(&model.model, parameters, key, batch)
        })?;
        let x = vec![0.0f32; batch * model.row_len()];
        let has_means = model.model.latent_variable().is_some();
        let draws = BaseDraws {
            model,
            draw: model.compile(&program)?,
            seed: drawing.seed,
            first: 0,
            means: has_means.then(|| x.clone()),
            x,
        };
        // A draw has no way to keep: it is the image of a base draw.
        Ok(Sampling { chains: Box::new(draws), schedule: Schedule { steps: 1, ..Schedule::default() } })
    }

    fn draws_contrasted_flow(&self) -> bool {
        true
    }
}

/// The image of base draws: `x` `[batch, ..]`, and the `means` that pictures show of a latent variable model.
fn base_draws<'s>(
    model: &Network,
    parameters: &Parameters<'s>,
    key: Var<'s>,
    batch: usize,
) -> Vec<(String, Var<'s>)> {
    match model {
        Network::Flow(flow) => {
            let z = key.normal(&batch_shape(batch, flow.row_shape()));
            vec![("x".to_string(), flow.invert(parameters, z))]
        }
        Network::LatentVariable(model) => {
            let z = key.normal(&[batch, model.latents()]);
            let means = model.expected(parameters, z);
            vec![("x".to_string(), model.draw(parameters, z, key)), ("means".to_string(), means)]
        }
        Network::Generator(model) => {
            let z = key.normal(&[batch, model.latents()]);
            vec![("x".to_string(), model.generate(parameters, z))]
        }
        Network::Score(_) | Network::Energy(_) | Network::Bipartite(_) | Network::Normalised(_) => {
            vec![("x".to_string(), key.scope().fail("this model has no exact draws".to_string()))]
        }
    }
}

/// Draws that need one step: a chain forgets its past at once.
struct BaseDraws<'a> {
    model: &'a TrainedModel,
    draw: Routine,
    seed: u64,
    /// The number of the first draw.
    first: u64,
    x: Vec<f32>,
    means: Option<Vec<f32>>,
}

impl Transition for BaseDraws<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start as u64;
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        for step in steps {
            let key = Key { seed: self.seed, step, row: self.first };
            let mut call = self.draw.call().weights(&self.model.weights).with("key", key);
            call = call.to("x", &mut self.x);
            if let Some(means) = &mut self.means {
                call = call.to("means", means);
            }
            call.run()?;
            if let Support::Levels(levels) = self.model.model.support() {
                self.x.iter_mut().for_each(|x| *x = round_to_level(f64::from(*x), levels) as f32);
            }
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.x.clone())
    }

    fn means(&self) -> Result<Option<Vec<f32>>> {
        Ok(self.means.clone())
    }
}
