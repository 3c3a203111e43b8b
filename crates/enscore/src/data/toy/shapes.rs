//! Defines the toy densities that are mixtures of Gaussians, or such a mixture swirled.

use std::f64::consts::{PI, TAU};

use super::mixture::{Component, Mixture};
use super::point::Point;

fn polar(radius: f64, angle: f64) -> Point {
    [radius * angle.cos(), radius * angle.sin()]
}

/// `count` numbers in (0, 1): the middles of equal parts.
fn middles(count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(move |i| (f64::from(i) + 0.5) / f64::from(count))
}

/// (1/5) N((-5, -5), I) + (4/5) N((5, 5), I): Song and Ermon 2019, section 3.2.2.
pub(super) fn two_gaussians() -> Mixture {
    let at = |weight, c| Component { weight, mean: [c, c], direction: 0.0, deviations: [1.0; 2] };
    Mixture::new(vec![at(0.2, -5.0), at(0.8, 5.0)])
}

/// Eight equal Gaussians of standard deviation 0.5 on a circle of radius 4.
pub(super) fn eight_gaussians() -> Mixture {
    Mixture::round((0..8).map(|k| polar(4.0, TAU * f64::from(k) / 8.0)), 0.5)
}

/// Two half circles of radius 1 around (0, 0) and (1, 1/2), interleaved, blurred by noise of standard
/// deviation 0.1.
pub(super) fn two_moons() -> Mixture {
    let upper = middles(32).map(|t| polar(1.0, PI * t));
    let lower = middles(32).map(|t| polar(1.0, PI * t)).map(|[x, y]| [1.0 - x, 0.5 - y]);
    Mixture::round(upper.chain(lower), 0.1)
}

/// An Archimedean spiral of two turns from the origin to radius 3, even along its length, blurred by noise of
/// standard deviation 0.1.
pub(super) fn spiral() -> Mixture {
    // The length up to an angle t grows about as t^2, so t is the square root of a uniform number.
    Mixture::round(middles(192).map(|u| polar(3.0 * u.sqrt(), 4.0 * PI * u.sqrt())), 0.1)
}

/// The five straight arms that a swirl bends to a pinwheel: Gaussians at radius 2, of standard deviation 0.6
/// along and 0.2 across.
pub(super) fn pinwheel_arms() -> Mixture {
    let arm = |k| {
        let direction = TAU * f64::from(k) / 5.0;
        Component { weight: 1.0, mean: polar(2.0, direction), direction, deviations: [0.6, 0.2] }
    };
    Mixture::new((0..5).map(arm).collect())
}
