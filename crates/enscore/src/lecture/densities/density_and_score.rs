//! A mixture's density and score: the gradient of the log density doesn't depend on its constant.

use crate::data::toy;
use crate::error::{Error, Result};
use crate::evaluate::{Quadrature, QuadratureSettings, Window};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::model::{ClosedForm, HostDensity};
use crate::report::{Figure, Panel, density_sheet};

const ARROWS: usize = 18;
/// The constant that the second density is off by, nats.
const SHIFT: f64 = 3.0;
/// The step of central differences, and the most that they may be off.
const STEP: f64 = 1e-5;
const WITHIN: f64 = 1e-6;

const CAPTION: &str = "Two Gaussians with weights 4/5 and 1/5. Left, the density: it needs its constant \
    Z. Right, the score, the gradient of the log density: arrows point to where the density grows, and \
    their length, the background, is 0 at the modes and on the ridge between them. Dividing the density \
    by another constant moves the whole left picture up or down and leaves the right one as it is.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = toy("two-gaussians").ok_or_else(|| Error::run("a built-in density is missing"))?;
    let window = truth.window();
    let point = |x: &[f64]| [x[0], x[1]];
    let density = |shift: f64| {
        let truth = &truth;
        ClosedForm::new(
            2,
            move |x: &[f64]| truth.log_density(&point(x)) + shift,
            move |x: &[f64], score: &mut [f64]| score.copy_from_slice(&truth.score(&point(x))),
        )
    };
    let side = studio.pick(160, 80);
    let panels = [
        Panel::new("Density", "", window)?.density_of(&mut density(0.0)?, 0.0, side)?,
        Panel::new("Score", "", window)?.score_of(&mut density(0.0)?, ARROWS)?,
    ];
    let box_of = Window::new(&window.map(|side| side[0]), &window.map(|side| side[1]))?;
    let settings = QuadratureSettings { intervals: 200, ..Default::default() };
    let log_z = Quadrature::new(&mut density(0.0)?, &box_of, settings)?.log_z();
    let shifted = Quadrature::new(&mut density(SHIFT)?, &box_of, settings)?.log_z();
    let worst = largest_difference(&mut density(0.0)?, &mut density(SHIFT)?, window)?;
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing("Density and score of two Gaussians.", density_sheet(&panels, 2)?)],
        numbers: vec![
            Number::beside("log Z of the density by quadrature, nats", log_z.value, 0.0, 1e-3),
            Number::beside(
                format!("log Z of exp({SHIFT}) times the density, nats"),
                shifted.value,
                SHIFT,
                1e-3,
            ),
            Number::beside(
                "largest difference between the first one's score and the second one's by central differences",
                worst,
                0.0,
                WITHIN,
            ),
        ],
    })
}

/// The largest difference, over a grid, between the score of one density and central differences of
/// another.
fn largest_difference(
    first: &mut dyn HostDensity,
    second: &mut dyn HostDensity,
    window: [[f64; 2]; 2],
) -> Result<f64> {
    let places = crate::report::centres(window, [ARROWS; 2]);
    let scores = first.score(&places)?;
    let mut worst = 0.0f64;
    for axis in 0..2 {
        let moved = |by: f64| -> Vec<f64> {
            places.iter().enumerate().map(|(at, x)| if at % 2 == axis { x + by } else { *x }).collect()
        };
        let (above, below) = (second.log_density(&moved(STEP))?, second.log_density(&moved(-STEP))?);
        for (row, (above, below)) in above.iter().zip(&below).enumerate() {
            worst = worst.max(((above - below) / (2.0 * STEP) - scores[2 * row + axis]).abs());
        }
    }
    Ok(worst)
}
