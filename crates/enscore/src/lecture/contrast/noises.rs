//! Noise contrastive estimation against one noise and another.

use super::learnt_log_z::{learnt, settings};
use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{log_z, truth};
use crate::lecture::studio::Studio;
use crate::report::{Figure, Panel, density_sheet};
use crate::sample::TrainedDensity;

const NOISES: [(&str, &str, &str); 4] = [
    ("wide", "Gaussian noise, 4 times too wide", "noise = 'gaussian'\nwiden = 4.0"),
    ("uniform", "Uniform noise", "noise = 'uniform'\nwiden = 1.5"),
    ("gaussian", "Gaussian noise", "noise = 'gaussian'"),
    ("mixture", "Mixture of 16 Gaussians", "noise = 'mixture'\ncomponents = 16"),
];

const CAPTION: &str = "The same energy, trained as long, against four kinds of noise. Noise far from the \
    data is told apart with ease and teaches little: the closer the noise is to the data, the better. But \
    it has to be everywhere, too. A mixture fitted to the data leaves the middle and the corners empty, \
    and where neither data nor noise is, the energy is free: exp(f) has mass there that the learnt log Z \
    knows nothing of. Flow contrastive estimation learns the noise, too.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let steps: u64 = studio.pick(3500, 800);
    let side = studio.pick(110, 60);
    let mut panels = Vec::new();
    let mut numbers = Vec::new();
    let mut divergences = Vec::new();
    for (name, title, noise) in NOISES {
        let trained = studio.run(&format!("nce-{name}"), &settings(steps, noise))?;
        let log_z = log_z(&truth, &trained.model)?;
        let divergence = truth.fisher_divergence(&trained.model)?.relative;
        let subtitle = format!("relative Fisher divergence {divergence:.3}");
        let panel = Panel::new(title, &subtitle, truth.window())?;
        panels.push(panel.density_of(&mut TrainedDensity::new(&trained.model)?, log_z, side)?);
        let gap = log_z - learnt(&trained)?;
        let what = format!("{title}: log Z by quadrature less the learnt one, nats");
        numbers.push(match name {
            "mixture" => Number::above(what, gap, 0.3),
            _ => Number::beside(what, gap, 0.0, studio.pick(0.25, 0.5)),
        });
        divergences.push(divergence);
    }
    let [wide, _, gaussian, _] = divergences[..] else { return Err(crate::Error::run("a noise is missing")) };
    let what = "divergence with Gaussian noise of the data's width over that with the widest";
    numbers.push(Number::below(what, gaussian / wide, 1.0));
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing(
            "Densities by the noise that taught them.",
            density_sheet(&panels, 2)?,
        )],
        numbers,
    })
}
