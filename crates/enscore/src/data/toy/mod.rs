//! Defines densities in the plane whose log density and score are known exactly, as a truth for what is
//! learnt from their draws.
//!
//! | name | what | normalised by |
//! |---|---|---|
//! | `two-gaussians` | weights 1/5 and 4/5 far apart (Song and Ermon 2019, section 3.2.2) | closed form |
//! | `eight-gaussians` | equal Gaussians on a circle | closed form |
//! | `ring`, `rings` | one circle, three concentric circles | quadrature in the radius |
//! | `two-moons`, `spiral` | arcs blurred by Gaussian noise | closed form |
//! | `pinwheel` | five Gaussians, swirled by a map that keeps areas | closed form |
//! | `checkerboard` | filled squares with soft edges | closed form |
//! | `four-wells` | two coupled double wells | quadrature in the plane |
//!
//! Points are `[x, y]`; log densities are normalised, in nats; the score is the gradient of the log density
//! in x. A draw is a function of (seed, row).

mod checkerboard;
mod draws;
mod four_wells;
mod mixture;
mod point;
mod rings;
mod shapes;
mod swirl;

use draws::Draws;
use four_wells::FourWells;
use mixture::Mixture;
use point::{Point, Value};
use rings::Rings;
use swirl::Swirl;

use super::{Dataset, Split, Values};
use crate::error::Result;
use crate::streams;

/// How many rows the named data sets have for training and for testing.
pub(super) const ROWS: [usize; 2] = [50_000, 10_000];
/// How many standard deviations of a component lie in the window.
const WINDOW: f64 = 4.2;

const NAMES: [&str; 9] = [
    "two-gaussians",
    "eight-gaussians",
    "ring",
    "rings",
    "two-moons",
    "pinwheel",
    "spiral",
    "checkerboard",
    "four-wells",
];

/// A density in the plane with exact log density, score and draws.
#[derive(Clone, Debug, PartialEq)]
pub struct ToyDensity {
    name: &'static str,
    form: Form,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Mixture(Mixture),
    Swirl(Swirl),
    Rings(Rings),
    Checkerboard,
    FourWells(FourWells),
}

/// The names that [`toy`] knows; [`super::load`] takes them too.
pub fn toy_names() -> &'static [&'static str] {
    &NAMES
}

/// The density of this name, if there is one.
///
/// ```
/// let moons = enscore::data::toy("two-moons").unwrap();
/// let there = moons.log_density(&[0.0, 1.0]);
/// assert!(there > moons.log_density(&[0.0, 0.0]));
/// ```
pub fn toy(name: &str) -> Option<ToyDensity> {
    let name = NAMES.iter().find(|known| **known == name)?;
    let form = match *name {
        "two-gaussians" => Form::Mixture(shapes::two_gaussians()),
        "eight-gaussians" => Form::Mixture(shapes::eight_gaussians()),
        "ring" => Form::Rings(Rings::new(&[2.0], 0.2)),
        "rings" => Form::Rings(Rings::new(&[1.0, 2.0, 3.0], 0.1)),
        "two-moons" => Form::Mixture(shapes::two_moons()),
        "pinwheel" => Form::Swirl(Swirl { mixture: shapes::pinwheel_arms(), rate: 0.1 }),
        "spiral" => Form::Mixture(shapes::spiral()),
        "checkerboard" => Form::Checkerboard,
        "four-wells" => Form::FourWells(FourWells::new()),
        _ => return None,
    };
    Some(ToyDensity { name, form })
}

impl ToyDensity {
    /// The name in settings and on the command line.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The normalised log density at `x`, in nats; finite wherever squares of `x` are.
    pub fn log_density(&self, x: &[f64; 2]) -> f64 {
        self.value(*x).log_density
    }

    /// The gradient of the log density at `x`.
    pub fn score(&self, x: &[f64; 2]) -> [f64; 2] {
        self.value(*x).score
    }

    fn value(&self, x: Point) -> Value {
        match &self.form {
            Form::Mixture(mixture) => mixture.value(x),
            Form::Swirl(swirl) => swirl.value(x),
            Form::Rings(rings) => rings.value(x),
            Form::Checkerboard => checkerboard::value(x),
            Form::FourWells(wells) => wells.value(x),
        }
    }

    /// The logarithm of the constant Z that its definition divides by, in nats: log density + log Z is the
    /// definition without the constant. 0 for what is normalised as it stands (mixtures of Gaussians).
    pub fn log_z(&self) -> f64 {
        match &self.form {
            Form::Mixture(_) | Form::Swirl(_) => 0.0,
            Form::Rings(rings) => rings.log_z(),
            Form::Checkerboard => checkerboard::log_z(),
            Form::FourWells(wells) => wells.log_z,
        }
    }

    /// Row `row` of the exact, independent draws under `seed`.
    pub fn draw(&self, seed: u64, row: u64) -> [f64; 2] {
        self.draw_from(&mut Draws::new(seed, streams::TOY_DRAW, row))
    }

    fn draw_from(&self, draws: &mut Draws) -> Point {
        match &self.form {
            Form::Mixture(mixture) => mixture.draw(draws),
            Form::Swirl(swirl) => swirl.draw(draws),
            Form::Rings(rings) => rings.draw(draws),
            Form::Checkerboard => checkerboard::draw(draws),
            Form::FourWells(wells) => wells.draw(draws),
        }
    }

    /// `[[x low, x high], [y low, y high]]`: a box with all but about 1e-4 of the mass, for pictures and
    /// quadrature.
    pub fn window(&self) -> [[f64; 2]; 2] {
        match &self.form {
            Form::Mixture(mixture) => mixture.window(WINDOW),
            Form::Swirl(swirl) => swirl.window(WINDOW),
            Form::Rings(rings) => rings.window(WINDOW),
            Form::Checkerboard => checkerboard::window(),
            Form::FourWells(_) => [[-3.5, 3.5]; 2],
        }
    }
}

/// The named data set of a toy density: 50,000 rows for training or 10,000 others for testing, always the
/// same, in single precision; none when no toy has this name.
///
/// # Errors
/// Never: the rows are finite and fill the shape.
pub(super) fn generated(name: &str, split: Split) -> Option<Result<Dataset>> {
    let toy = toy(name)?;
    let (stream, rows) = match split {
        Split::Train => (streams::TOY_TRAIN, ROWS[0]),
        Split::Test => (streams::TOY_TEST, ROWS[1]),
    };
    let row = |row| toy.draw_from(&mut Draws::new(0, stream, row)).map(|x| x as f32);
    let values: Vec<f32> = (0..rows as u64).flat_map(row).collect();
    let source = format!("generated: {} rows of {name}", split.name());
    let named = |data: Dataset| data.with_columns(vec!["x".to_string(), "y".to_string()]);
    Some(Dataset::new(name, &source, &[2], Values::F32(values)).and_then(named))
}

#[cfg(test)]
mod tests;
