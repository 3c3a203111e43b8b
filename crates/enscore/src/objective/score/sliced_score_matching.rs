//! Sliced score matching (Song, Garg, Shi and Ermon 2019, eq. 7; with variance reduction eq. 8):
//!
//! ```text
//! SSM    (1/nM) Σ_i Σ_m  v_im' ∇s(x_i) v_im + ½ (v_im' s(x_i))²
//! SSM-VR (1/nM) Σ_i Σ_m  v_im' ∇s(x_i) v_im + ½ ‖s(x_i)‖²
//! ```
//!
//! with directions v of E vv' = I: then E v'∇s v = Tr ∇s, and both have the expectation of exact score
//! matching. Directions of unit length would shrink the first term by d: on the sphere the radius is √d. v'∇s
//! v is one Jacobian-vector product per direction; of an energy it is v'∇²f v, which the cotangents of s = ∇f
//! give by one pass forward ([`Scope::curvature`](enscore_program::Scope::curvature)).

use enscore_program::{Parameters, Var};

use super::score_matching::HYVARINEN;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, choice, keys, within};
use crate::model::{LogDensity, Network, Score, sum_rows};
use crate::objective::estimate::{Batch, Estimate, Objective};
use crate::objective::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

choice! {
    /// Distribution of the projection directions; each has E vv' = I.
    Directions {
        /// Independent signs: the least variance for the trace.
        Rademacher = "rademacher",
        /// Standard normal.
        Gaussian = "gaussian",
        /// Uniform on the sphere of radius √d.
        Sphere = "sphere",
    }
}

keys! {
    /// Settings of sliced score matching.
    SlicedScoreMatchingSettings {
        projections: usize = 1, within(1, 4096), "Projection directions per row.";
        direction: Directions = Directions::Rademacher, (), "Distribution of the projection directions.";
        variance_reduction: bool = true, (), "Reduce variance by using |s|^2 in place of (v's)^2, s the score and v the direction (SSM-VR).";
    }
}

impl Kind for SlicedScoreMatchingSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family.has_score() { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for SlicedScoreMatchingSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(SlicedScoreMatching {
            projections: self.projections,
            directions: self.direction,
            variance_reduction: self.variance_reduction,
        }))
    }

    fn cites(&self) -> Vec<Citation> {
        let sliced = Citation {
            role: "sliced score matching",
            authors: "Yang Song, Sahaj Garg, Jiaxin Shi, Stefano Ermon",
            year: 2019,
            title: "Sliced Score Matching: A Scalable Approach to Density and Score Estimation",
            venue: "Uncertainty in Artificial Intelligence, PMLR 115, 574-584",
        };
        vec![HYVARINEN, sliced]
    }
}

impl Directions {
    /// A direction for each row: `shape` is `[batch, ..]`.
    pub fn draw<'s>(self, key: Var<'s>, shape: &[usize]) -> Var<'s> {
        match self {
            Directions::Rademacher => key.rademacher(shape),
            Directions::Gaussian => key.normal(shape),
            Directions::Sphere => {
                let z = key.normal(shape);
                let dimensions: usize = shape.iter().skip(1).product();
                let length = (sum_rows(z.square()) * (1.0 / dimensions.max(1) as f64)).sqrt();
                z / length.broadcast_axes(shape, &[0])
            }
        }
    }
}

/// Sliced score matching.
#[derive(Clone, Copy, Debug)]
pub struct SlicedScoreMatching {
    /// Directions for each row, M.
    pub projections: usize,
    /// Their law.
    pub directions: Directions,
    /// Whether ‖s‖² stands in place of (v's)²: SSM-VR.
    pub variance_reduction: bool,
}

impl SlicedScoreMatching {
    /// The loss of each row `[batch]` for the score s(x) and given directions, each of the shape of x.
    pub fn rows<'s>(&self, x: Var<'s>, score: Var<'s>, directions: &[Var<'s>]) -> Var<'s> {
        let scope = x.scope();
        let curvature = |v: Var<'s>| sum_rows(v * scope.jvp(&[score], &[x], &[v])[0]);
        self.combine(score, directions.iter().map(|v| (*v, curvature(*v))))
    }

    /// The same for the score ∇f of an unnormalised log density f `[batch]`.
    pub fn rows_of_density<'s>(&self, x: Var<'s>, f: Var<'s>, directions: &[Var<'s>]) -> Var<'s> {
        let scope = x.scope();
        let score = scope.gradient(f.sum_all(), &[x])[0];
        self.combine(score, directions.iter().map(|v| (*v, scope.curvature(f, x, *v).along)))
    }

    /// The loss from the score and each direction v with v'∇s v.
    fn combine<'s>(&self, score: Var<'s>, curvatures: impl Iterator<Item = (Var<'s>, Var<'s>)>) -> Var<'s> {
        let terms: Vec<Var> = curvatures
            .map(|(v, curvature)| {
                if self.variance_reduction {
                    curvature
                } else {
                    curvature + 0.5 * sum_rows(v * score).square()
                }
            })
            .collect();
        let weight = 1.0 / terms.len().max(1) as f64;
        let sum = terms.into_iter().reduce(|sum, term| sum + term);
        let mean = sum.unwrap_or_else(|| sum_rows(score).zeros_like()) * weight;
        if self.variance_reduction { mean + 0.5 * sum_rows(score.square()) } else { mean }
    }
}

impl Objective<Network> for SlicedScoreMatching {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        let directions: Vec<Var> =
            (0..self.projections).map(|_| self.directions.draw(batch.key, &x.shape())).collect();
        let rows = if model.has_density() {
            self.rows_of_density(x, model.log_density(parameters, x), &directions)
        } else {
            // A score network is told the level 1: there is no noise.
            let sigma = x.scope().constant(1.0).broadcast_to(&[x.extent(0)]);
            self.rows(x, model.score(parameters, x, sigma), &directions)
        };
        Estimate::of_dimensions(batch, batch.mean(rows))
    }
}
