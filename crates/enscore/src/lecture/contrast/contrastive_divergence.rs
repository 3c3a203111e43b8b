//! Contrastive divergence at work: the energy before, during and after.

use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{MOONS_ENERGY, log_z, truth};
use crate::lecture::studio::Studio;
use crate::report::{Figure, Panel, density_sheet};
use crate::sample::TrainedDensity;
use crate::trained::Trained;

const CAPTION: &str = "The density exp(f)/Z of an energy while contrastive divergence trains it: each \
    step pushes f up at the data and down at samples of chains that follow f. Before training the model \
    knows nothing; the chains show it where it puts mass that the data don't have. When samples and data \
    look alike the two pushes cancel.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let steps: u64 = studio.pick(4000, 1000);
    let stops = [1, steps / 16, steps / 4, steps];
    let side = studio.pick(110, 60);
    let mut panels = Vec::new();
    let mut divergences = Vec::new();
    let settings = format!(
        "{MOONS_ENERGY}[objective]\nkind = 'cd'\nstart = 'persistent'\nsteps = 20\nstep_size = 2e-3\nbuffer = 8192\nrestart = 0.02\n\
         [train]\nsteps = {steps}\nbatch = 256\nvalidate_every = 0\n"
    );
    studio.run_in_parts("cd", &settings, &stops, |step, run| {
        let trained = Trained::open(run, &[])?;
        let log_z = log_z(&truth, &trained.model)?;
        divergences.push(truth.fisher_divergence(&trained.model)?.relative);
        let title = if step == 1 { "1 step".to_string() } else { format!("{step} steps") };
        let panel = Panel::new(&title, "", truth.window())?;
        panels.push(panel.density_of(&mut TrainedDensity::new(&trained.model)?, log_z, side)?);
        Ok(())
    })?;
    let panel = Panel::new("Truth", "", truth.window())?;
    panels.push(panel.density_of(&mut truth.density()?, 0.0, side)?);
    let [first, .., last] = divergences[..] else { return Err(crate::Error::run("no part of the training")) };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing(
            "The model's density over training, and the truth.",
            density_sheet(&panels, 3)?,
        )],
        numbers: vec![
            Number::above("relative Fisher divergence after one step", first, 0.7),
            Number::below("relative Fisher divergence at the end", last, studio.pick(0.4, 0.85)),
        ],
    })
}
