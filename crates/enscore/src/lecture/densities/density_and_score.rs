//! A mixture's density and score: the gradient of the log density doesn't depend on its constant.

use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::truth;
use crate::lecture::studio::Studio;
use crate::model::HostDensity;
use crate::report::{Figure, Panel, centres, density_sheet};

const ARROWS: usize = 18;
/// The constant that the second density is off by, nats.
const SHIFT: f64 = 3.0;
/// The step of central differences, and the most that they may be off.
const STEP: f64 = 1e-5;
const WITHIN: f64 = 1e-6;

const CAPTION: &str = "Two Gaussians with weights 4/5 and 1/5. Left, the density: it needs its constant \
    Z. Right, the score, the gradient of the log density: arrows point to where the density grows, and \
    their length, the background, is 0 at the modes and at the saddle between them. Dividing the density \
    by another constant moves the whole left picture up or down and leaves the right one as it is.";

/// exp(SHIFT) times another density.
struct Shifted<D>(D);

impl<D: HostDensity> HostDensity for Shifted<D> {
    fn row_len(&self) -> usize {
        self.0.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        Ok(self.0.log_density(rows)?.into_iter().map(|value| value + SHIFT).collect())
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.0.score(rows)
    }
}

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-gaussians")?;
    let window = truth.window();
    let side = studio.pick(160, 80);
    let panels = [
        Panel::new("Density", "", window)?.density_of(&mut truth.density()?, 0.0, side)?,
        Panel::new("Score", "", window)?.score_of(&mut truth.density()?, ARROWS)?,
    ];
    let log_z = truth.grid(&mut truth.density()?)?.log_z();
    let shifted = truth.grid(&mut Shifted(truth.density()?))?.log_z();
    let worst = largest_difference(&mut truth.density()?, &mut Shifted(truth.density()?), window)?;
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
    let places = centres(window, [ARROWS; 2]);
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
