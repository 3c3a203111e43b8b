//! Sliced score matching (Song, Garg, Shi and Ermon 2019, eq. 7; with variance reduction eq. 8):
//!
//! ```text
//! SSM    (1/nM) Σ_i Σ_m  v_im' ∇s(x_i) v_im + ½ (v_im' s(x_i))²
//! SSM-VR (1/nM) Σ_i Σ_m  v_im' ∇s(x_i) v_im + ½ ‖s(x_i)‖²
//! ```
//!
//! with directions v of E vv' = I: then E v'∇s v = Tr ∇s, and both have the expectation of exact score matching. Directions
//! of unit length would shrink the first term by d: on the sphere the radius is √d. v'∇s v is one Jacobian-vector product
//! per direction (of an energy: of its gradient).

use enscore_program::{Parameters, Var};

use super::{Batch, Estimate, Objective};
use crate::model::{Score, sum_rows};
use crate::settings::Projection;

/// The law of the directions; each has E vv' = I.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Independent signs: the least variance for the trace.
    Rademacher,
    /// Standard normal.
    Gaussian,
    /// Uniform on the sphere of radius √d.
    Sphere,
}

impl From<Projection> for Directions {
    fn from(projection: Projection) -> Self {
        match projection {
            Projection::Rademacher => Directions::Rademacher,
            Projection::Gaussian => Directions::Gaussian,
            Projection::Sphere => Directions::Sphere,
        }
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
        let terms = directions.iter().map(|v| {
            let curvature = sum_rows(*v * scope.jvp(&[score], &[x], &[*v])[0]);
            match self.variance_reduction {
                true => curvature,
                false => curvature + 0.5 * sum_rows(*v * score).square(),
            }
        });
        let sum = terms.reduce(|sum, term| sum + term).unwrap_or_else(|| sum_rows(score).zeros_like());
        let mean = sum * (1.0 / directions.len().max(1) as f64);
        if self.variance_reduction { mean + 0.5 * sum_rows(score.square()) } else { mean }
    }
}

impl<M: Score + ?Sized> Objective<M> for SlicedScoreMatching {
    fn estimate<'s>(&self, model: &M, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        let directions: Vec<Var> =
            (0..self.projections).map(|_| self.directions.draw(batch.key, &x.shape())).collect();
        // A score network is told the level 1: there is no noise.
        let sigma = x.scope().constant(1.0).broadcast_to(&[x.extent(0)]);
        let score = model.score(parameters, x, sigma);
        Estimate::of_dimensions(batch, batch.mean(self.rows(x, score, &directions)))
    }
}
