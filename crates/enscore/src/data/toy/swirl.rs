//! Swirls a mixture: x = R(rate |z|^2) z turns every circle around the origin by an angle that grows with its
//! radius.
//!
//! The map keeps areas (in polar coordinates it is a shear), so with z(x) = R(-rate |x|^2) x
//!
//! > log p(x) = log q(z(x)),  score(x) = J(x)^T score_q(z(x)),  J(x) = R(-rate |x|^2) - 2 rate K z x^T
//!
//! where R turns by an angle and K by a right angle.

use super::draws::Draws;
use super::mixture::Mixture;
use super::point::{Point, Value};

/// A mixture whose circles are turned by `rate` radians times their squared radius.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Swirl {
    pub mixture: Mixture,
    pub rate: f64,
}

fn turned([x, y]: Point, angle: f64) -> Point {
    let (sin, cos) = angle.sin_cos();
    [cos * x - sin * y, sin * x + cos * y]
}

impl Swirl {
    /// Log density and score at `x`.
    pub fn value(&self, x: Point) -> Value {
        let angle = self.rate * (x[0] * x[0] + x[1] * x[1]);
        let z = turned(x, -angle);
        let Value { log_density, score } = self.mixture.value(z);
        // score . K z: how the density changes as z turns.
        let turn = score[1] * z[0] - score[0] * z[1];
        let back = turned(score, angle);
        let pull = 2.0 * self.rate * turn;
        Value { log_density, score: [back[0] - pull * x[0], back[1] - pull * x[1]] }
    }

    /// A draw of the mixture, swirled.
    pub fn draw(&self, draws: &mut Draws) -> Point {
        let z = self.mixture.draw(draws);
        turned(z, self.rate * (z[0] * z[0] + z[1] * z[1]))
    }

    /// A square around the circle through the corners of the mixture's box.
    pub fn window(&self, deviations: f64) -> [[f64; 2]; 2] {
        let reach =
            self.mixture.window(deviations).as_flattened().iter().fold(0.0, |m: f64, end| m.max(end.abs()));
        [[-reach, reach]; 2]
    }
}
