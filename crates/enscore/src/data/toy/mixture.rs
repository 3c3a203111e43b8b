//! Mixes Gaussians in the plane: p(x) = sum_k w_k N(x; m_k, C_k), with its exact log density, score and
//! draws.
//!
//! score(x) = sum_k r_k(x) C_k^-1 (m_k - x), where r_k(x) = w_k N(x; m_k, C_k) / p(x) is the share of
//! component k at x. An arc blurred by Gaussian noise is such a mixture by definition: its components stand
//! no further apart than their standard deviation, where the ripple of the density along the arc is below
//! exp(-2 pi^2) of it, about 3e-9.

use std::f64::consts::TAU;

use super::draws::Draws;
use super::point::{Point, Value};

/// One Gaussian of a mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Component {
    /// Its share of the draws, relative to the other components'.
    pub weight: f64,
    /// The mean of the component.
    pub mean: Point,
    /// The direction of its first axis, in radians from the x axis.
    pub direction: f64,
    /// The standard deviations along its first axis and across it.
    pub deviations: [f64; 2],
}

/// Gaussians with weights that sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mixture {
    gaussians: Vec<Gaussian>,
}

/// A component with what does not depend on the point.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Gaussian {
    /// The weights up to this one's, together.
    cumulative: f64,
    /// log w / (2 pi a b) with the standard deviations a, b.
    log_height: f64,
    mean: Point,
    /// The direction of the first axis, of length 1.
    axis: Point,
    deviations: [f64; 2],
}

impl Mixture {
    /// The mixture of `components`, whose weights are divided by their sum.
    pub fn new(components: Vec<Component>) -> Mixture {
        let total: f64 = components.iter().map(|c| c.weight).sum();
        let mut cumulative = 0.0;
        let prepared = |Component { weight, mean, direction, deviations }: Component| {
            cumulative += weight / total;
            let log_height = (weight / total).ln() - (TAU * deviations[0] * deviations[1]).ln();
            let (sin, cos) = direction.sin_cos();
            Gaussian { cumulative, log_height, mean, axis: [cos, sin], deviations }
        };
        Mixture { gaussians: components.into_iter().map(prepared).collect() }
    }

    /// Equal round Gaussians of standard deviation `sigma` at `means`.
    pub fn round(means: impl IntoIterator<Item = Point>, sigma: f64) -> Mixture {
        let at = |mean| Component { weight: 1.0, mean, direction: 0.0, deviations: [sigma; 2] };
        Mixture::new(means.into_iter().map(at).collect())
    }

    /// Log density and score at `x`, in one pass with the greatest term taken out.
    pub fn value(&self, x: Point) -> Value {
        let mut greatest = f64::NEG_INFINITY;
        let mut sum = 0.0;
        let mut score = [0.0; 2];
        for gaussian in &self.gaussians {
            let (log_term, gradient) = gaussian.term(x);
            if log_term > greatest {
                let shrink = (greatest - log_term).exp();
                sum *= shrink;
                score = score.map(|s| s * shrink);
                greatest = log_term;
            }
            let term = (log_term - greatest).exp();
            sum += term;
            score = [score[0] + term * gradient[0], score[1] + term * gradient[1]];
        }
        Value { log_density: greatest + sum.ln(), score: score.map(|s| s / sum) }
    }

    /// A draw: a component by its weight, then a normal pair along its axes.
    pub fn draw(&self, draws: &mut Draws) -> Point {
        let pick = draws.uniform();
        let [along, across] = draws.normal_pair();
        let picked = self.gaussians.iter().find(|gaussian| pick < gaussian.cumulative);
        // Rounding may leave the sum of the weights just below 1: the last component takes what is left.
        match picked.or(self.gaussians.last()) {
            Some(gaussian) => gaussian.place([along, across]),
            None => [0.0; 2],
        }
    }

    /// A box of `deviations` standard deviations of every component around its mean.
    pub fn window(&self, deviations: f64) -> [[f64; 2]; 2] {
        let side = |axis: usize| {
            let ends = |gaussian: &Gaussian| {
                let [cos, sin] = gaussian.axis;
                let [a, b] = gaussian.deviations;
                let reach = deviations * [(a * cos).hypot(b * sin), (a * sin).hypot(b * cos)][axis];
                (gaussian.mean[axis] - reach, gaussian.mean[axis] + reach)
            };
            let all = self.gaussians.iter().map(ends);
            all.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], (a, b)| [low.min(a), high.max(b)])
        };
        [side(0), side(1)]
    }
}

impl Gaussian {
    /// log w N(x; m, C) and its gradient in x.
    fn term(&self, x: Point) -> (f64, Point) {
        let [cos, sin] = self.axis;
        let [a, b] = self.deviations;
        let d = [x[0] - self.mean[0], x[1] - self.mean[1]];
        let [u, v] = [(cos * d[0] + sin * d[1]) / a, (cos * d[1] - sin * d[0]) / b];
        let log_term = self.log_height - 0.5 * (u * u + v * v);
        let along = -u / a;
        let across = -v / b;
        (log_term, [cos * along - sin * across, sin * along + cos * across])
    }

    /// The point `along` and `across` standard deviations from the centre on the two axes.
    fn place(&self, [along, across]: [f64; 2]) -> Point {
        let [cos, sin] = self.axis;
        let [a, b] = [along * self.deviations[0], across * self.deviations[1]];
        [self.mean[0] + cos * a - sin * b, self.mean[1] + sin * a + cos * b]
    }
}
