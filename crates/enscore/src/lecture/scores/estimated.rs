//! Scores that exact, sliced and denoising score matching learn, beside the true one.

use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{MOONS_ENERGY, truth};
use crate::lecture::studio::Studio;
use crate::report::{Figure, Panel, density_sheet};
use crate::sample::TrainedDensity;

const ARROWS: usize = 16;
/// Each with the relative Fisher divergence that it stays below, at full size and at quick size.
const OBJECTIVES: [(&str, &str, [f64; 2]); 3] = [
    ("Exact score matching", "kind = 'sm'", [0.15, 0.6]),
    ("Sliced score matching", "kind = 'ssm'\nvariance_reduction = true", [0.15, 0.6]),
    ("Denoising score matching", "kind = 'dsm'\nsigma = 0.05", [0.5, 0.95]),
];

const CAPTION: &str = "The score of two moons, and the scores of three energies of one architecture that \
    were trained by exact, sliced and denoising score matching. None of them has seen a density or a \
    score, only samples. Below each stands its Fisher divergence relative to that of the score 0: 0 is \
    perfect, 1 is no better than nothing. Denoising score matching learns the score of the noisy data, \
    here with noise of 0.05; the smaller the noise, the longer its targets, and the more steps it takes.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let steps = studio.pick(5000, 1200);
    let mut panels =
        vec![Panel::new("True score", "", truth.window())?.score_of(&mut truth.density()?, ARROWS)?];
    let mut numbers = Vec::new();
    for (title, objective, [full, quick]) in OBJECTIVES {
        let trained = studio.trained(
            &format!("{MOONS_ENERGY}[objective]\n{objective}\n[train]\nsteps = {steps}\nbatch = 256"),
            |_| Ok(()),
        )?;
        let divergence = truth.fisher_divergence(&trained)?;
        let subtitle = format!("relative Fisher divergence {:.3}", divergence.relative);
        let panel = Panel::new(title, &subtitle, truth.window())?;
        panels.push(panel.score_of(&mut TrainedDensity::new(&trained)?, ARROWS)?);
        let what = format!("{title}: relative Fisher divergence");
        numbers.push(Number::below(what, divergence.relative, studio.pick(full, quick)));
    }
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing("The true score and three learnt ones.", density_sheet(&panels, 2)?)],
        numbers,
    })
}
