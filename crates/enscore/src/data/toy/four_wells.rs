//! Defines two coupled double wells: p(x, y) = exp(-E(x, y)) / Z, known up to Z, which quadrature gives.
//!
//! > E(x, y) = (x^2 - 4)^2 / 4 + (y^2 - 4)^2 / 4 + x y / 4
//!
//! Four wells near (+-2, +-2), where those of unequal signs are deeper by about 2 nats, behind barriers of
//! about 4 nats; the coupling keeps the density from being a product.

use super::draws::Draws;
use super::point::{Point, Value};

/// The coefficient of x y.
const COUPLING: f64 = 0.25;
/// The half side of the box of the quadrature: the density outside is below e^-60.
const HALF: f64 = 4.5;
const STEPS: i32 = 256;

/// The density with its constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FourWells {
    /// log Z, nats.
    pub log_z: f64,
}

fn well(t: f64) -> f64 {
    0.25 * (t * t - 4.0).powi(2)
}

impl FourWells {
    /// Sums exp(-E) by the trapezoid rule on 257 x 257 points, which for a smooth density that is 0 at the
    /// edge of the box is exact to rounding.
    pub fn new() -> FourWells {
        let step = 2.0 * HALF / f64::from(STEPS);
        let points: Vec<f64> = (0..=STEPS).map(|i| -HALF + step * f64::from(i)).collect();
        let row =
            |&x: &f64| points.iter().map(|&y| (-well(x) - well(y) - COUPLING * x * y).exp()).sum::<f64>();
        let sum: f64 = points.iter().map(row).sum();
        FourWells { log_z: (sum * step * step).ln() }
    }

    /// Log density and score at `x`.
    pub fn value(&self, [x, y]: Point) -> Value {
        let pull = |t: f64, other: f64| -t * (t * t - 4.0) - COUPLING * other;
        Value {
            log_density: -well(x) - well(y) - COUPLING * x * y - self.log_z,
            score: [pull(x, y), pull(y, x)],
        }
    }

    /// A draw by rejection: E(x, y) = g(x) + g(y) + (x + y)^2 / 8 with g(t) = (t^2 - 17/4)^2 / 4 + constant,
    /// so x and y are drawn from exp(-g) on their own and kept with probability exp(-(x + y)^2 / 8).
    pub fn draw(&self, draws: &mut Draws) -> Point {
        loop {
            let [x, y] = [single(draws), single(draws)];
            if draws.uniform() < (-0.5 * COUPLING * (x + y) * (x + y)).exp() {
                return [x, y];
            }
        }
    }
}

/// A draw of density proportional to exp(-(t^2 - m^2)^2 / 4), m^2 = 17/4: its size, by rejection from a
/// normal around m of variance 2 / m^2, since (t^2 - m^2)^2 >= m^2 (t - m)^2 for t >= 0; and either sign.
fn single(draws: &mut Draws) -> f64 {
    let m2: f64 = 4.0 + COUPLING;
    let m = m2.sqrt();
    loop {
        let [normal, _] = draws.normal_pair();
        let t = m + normal * 2.0f64.sqrt() / m;
        let keep = (0.5 * normal * normal - 0.25 * (t * t - m2).powi(2)).exp();
        if draws.uniform() < keep && t >= 0.0 {
            return t * draws.sign();
        }
    }
}
