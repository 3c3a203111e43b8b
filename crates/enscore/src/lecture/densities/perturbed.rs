//! A density under more and more noise, and its scores.

use crate::error::Result;
use crate::evaluate::IsotropicMixture;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::grid;
use crate::lecture::studio::Studio;
use crate::model::ClosedForm;
use crate::report::{Figure, Panel, density_sheet};

/// The mixture of Song and Ermon (2019, section 3.2.2).
pub(in crate::lecture) const WEIGHTS: [f64; 2] = [0.2, 0.8];
pub(in crate::lecture) const MEANS: [f64; 4] = [-5.0, -5.0, 5.0, 5.0];
const SIGMAS: [f64; 4] = [0.0, 1.5, 4.0, 8.0];
const ARROWS: usize = 14;

const CAPTION: &str = "The mixture of two Gaussians with noise of standard deviation 0, 1.5, 4 and 8: \
    above the density, below its score. With little noise the score far from the modes is all but unknown \
    to data, and the modes don't see each other; with much, the density is one hill and its score points \
    to it from everywhere. Annealed Langevin dynamics goes through these from right to left.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let mixture = IsotropicMixture::new(&WEIGHTS, &MEANS, &[1.0, 1.0], 2)?;
    let window = [[-14.0, 14.0]; 2];
    let side = studio.pick(120, 60);
    let mut densities = Vec::new();
    let mut scores = Vec::new();
    let mut numbers = Vec::new();
    for sigma in SIGMAS {
        studio.go_on()?;
        let noisy = mixture.noisy(sigma)?;
        let density = || {
            ClosedForm::new(
                2,
                |x: &[f64]| noisy.log_density(x).unwrap_or(f64::NAN),
                |x: &[f64], score: &mut [f64]| match noisy.score(x) {
                    Ok(found) => score.copy_from_slice(&found),
                    Err(_) => score.fill(f64::NAN),
                },
            )
        };
        let title = format!("σ = {sigma}");
        densities.push(Panel::new(&title, "", window)?.density_of(&mut density()?, 0.0, side)?);
        scores.push(Panel::new(&title, "", window)?.score_of(&mut density()?, ARROWS)?);
        let wide = [[-60.0, 60.0]; 2];
        let [square] = grid(&mut density()?, wide)?.expectation(|x| [x[0] * x[0] + x[1] * x[1]]);
        // E ‖x‖² of both components is ‖m‖² + 2 (1 + σ²).
        let truth = 50.0 + 2.0 * (1.0 + sigma * sigma);
        numbers.push(Number::beside(format!("E ‖x‖² at σ = {sigma} by quadrature"), square, truth, 1e-3));
    }
    densities.extend(scores);
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing(
            "Densities above, scores below, with more noise to the right.",
            density_sheet(&densities, SIGMAS.len())?,
        )],
        numbers,
    })
}
