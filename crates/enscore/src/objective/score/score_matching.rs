//! Exact score matching (Hyvärinen 2005, theorem 1):
//!
//! ```text
//! (1/n) Σ_i  Tr ∇s(x_i) + ½ ‖s(x_i)‖²,
//! ```
//!
//! which is E ½ ‖s - ∇log p_data‖² up to a constant of the data. Of an energy Tr ∇s is the Laplacian of f, of
//! a score network the divergence of s; both come from one forward pass with a tangent for each coordinate,
//! in chunks that are differentiated one after the other, so that memory holds the tangents of one chunk.

use enscore_program::{Parameters, Var};

use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, keys, within};
use crate::model::{LogDensity, Network, Score, sum_rows};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

/// Score matching.
pub(super) const HYVARINEN: Citation = Citation {
    role: "score matching",
    authors: "Aapo Hyvärinen",
    year: 2005,
    title: "Estimation of Non-Normalized Statistical Models by Score Matching",
    venue: "Journal of Machine Learning Research 6, 695-709",
};

keys! {
    /// Settings of exact score matching.
    ScoreMatchingSettings {
        tangents: usize = 0, within(0, 1 << 20),
            "Second derivatives computed at once; 0: as many as the memory limit allows.";
    }
}

impl Kind for ScoreMatchingSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family.has_score() { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for ScoreMatchingSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(ScoreMatching { tangents: self.tangents }))
    }

    fn with_tangents(&self, tangents: usize) -> Option<Task> {
        (self.tangents == 0).then(|| Task::new(ScoreMatching { tangents }))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![HYVARINEN]
    }
}

/// Exact score matching.
#[derive(Clone, Copy, Debug)]
pub struct ScoreMatching {
    /// Coordinates whose tangents are carried at once; 0 for all.
    pub tangents: usize,
}

impl ScoreMatching {
    /// The loss of each row `[batch]`, in parts that add up to it: for every chunk of coordinates its share
    /// of the trace and of ½ ‖s‖².
    pub fn parts<'s>(&self, model: &Network, parameters: &Parameters<'s>, x: Var<'s>) -> Vec<Var<'s>> {
        let scope = x.scope();
        let coordinates: usize = x.shape().iter().skip(1).product();
        let chunk = self.chunk(coordinates);
        if model.has_density() {
            let f = model.log_density(parameters, x);
            return scope
                .laplacian_parts(f, x, chunk)
                .map(|part| part.laplacian + 0.5 * sum_rows(part.gradient.square()))
                .collect();
        }
        // A score network is told the level 1: there is no noise.
        let sigma = scope.constant(1.0).broadcast_to(&[x.extent(0)]);
        let score = model.score(parameters, x, sigma);
        let ranges = (0..coordinates).step_by(chunk.max(1)).map(|low| low..(low + chunk).min(coordinates));
        let mut parts: Vec<Var> = ranges.map(|range| scope.divergence_part(score, x, range)).collect();
        parts.push(0.5 * sum_rows(score.square()));
        parts
    }
}

impl Objective<Network> for ScoreMatching {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let coordinates = batch.dimensions();
        if self.chunk(coordinates) < coordinates && model.has_density() {
            return self.estimate_by_chunks(model, parameters, batch);
        }
        let parts = self.parts(model, parameters, batch.x);
        let sum = parts.into_iter().map(|rows| batch.mean(rows)).reduce(|sum, part| sum + part);
        Estimate::of_dimensions(batch, sum.unwrap_or_else(|| batch.x.scope().constant(0.0)))
    }
}

impl ScoreMatching {
    fn chunk(&self, coordinates: usize) -> usize {
        if self.tangents == 0 { coordinates } else { self.tangents.min(coordinates) }
    }

    /// The estimate of an energy with the tangents of one chunk in memory at a time: each chunk's gradient in
    /// the parameters is taken before the next chunk's tangents are formed. What is optimised is Σ_p <g_p, p>
    /// with these gradients g as constants: its gradient is g.
    fn estimate_by_chunks<'s>(
        &self,
        model: &Network,
        parameters: &Parameters<'s>,
        batch: &Batch<'s>,
    ) -> Estimate<'s> {
        let x = batch.x;
        let scope = batch.x.scope();
        let coordinates = batch.dimensions();
        let f = model.log_density(parameters, x);
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        let mut gradients: Vec<Var> = variables.iter().map(|var| var.zeros_like()).collect();
        let mut loss = scope.constant(0.0);
        let mut after = Vec::new();
        for low in (0..coordinates).step_by(self.chunk(coordinates).max(1)) {
            let range = low..(low + self.chunk(coordinates)).min(coordinates);
            let part = scope.laplacian_part_after(f, x, range, &after);
            let share = batch.mean(part.laplacian + 0.5 * sum_rows(part.gradient.square()));
            after = scope.gradient(batch.per_dimension(share), &variables);
            gradients.iter_mut().zip(&after).for_each(|(sum, part)| *sum = *sum + *part);
            loss = loss + share;
        }
        let terms = gradients.iter().zip(&variables);
        let linear = terms.map(|(gradient, var)| (gradient.stop_gradient() * *var).sum_all());
        let optimised = linear.reduce(|sum, term| sum + term).unwrap_or_else(|| scope.constant(0.0));
        Estimate { loss, optimised, diagnostics: vec![(Diagnostic::LossPerDim, batch.per_dimension(loss))] }
    }
}
