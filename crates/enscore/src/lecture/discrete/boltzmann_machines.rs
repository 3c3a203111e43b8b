//! A restricted and a deep Boltzmann machine as pictures of what they draw.

use crate::error::{Error, Result};
use crate::evaluate::{LogZMethod, LogZSettings, SideEnumeration, Temperatures, log_z_estimate};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Figure, sheet::sheet};
use crate::sample::{self, WeightedBipartite};
use crate::trained::Trained;

const SHOWN: usize = 32;
const ROW_SHAPE: [usize; 3] = [8, 8, 1];
/// Hidden units that can be enumerated: log Z is then exact.
const FEW: usize = 14;
/// Standard errors that chance may bring to annealed importance sampling.
const DEVIATIONS: f64 = 4.0;

const CAPTION: &str = "Digits of 8 x 8 black and white pixels that a restricted Boltzmann machine (64 \
    hidden units) and a deep one (two layers of 64) draw by Gibbs sweeps from random bits; shown are the \
    probabilities of the last sweep. With 14 hidden units all 16,384 states can be enumerated, so that \
    the log Z of annealed importance sampling stands beside the exact one.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let steps: u64 = studio.pick(4000, 400);
    let settings = |model: &str, steps: u64, more: &str| {
        format!(
            "data = {{ name = 'digits', binarise = true }}\nmodel = {{ {model} }}\n\
             objective = {{ kind = 'cd', start = 'persistent', steps = 5{more} }}\n\
             optimiser = {{ kind = 'sgd', learning_rate = 0.05, momentum = 0.5, weight_decay = 1e-4, decay = 'linear', \
             clip_norm = 0 }}\ntrain = {{ steps = {steps}, batch = 100, validate_every = 0 }}"
        )
    };
    let pretrain = format!(", pretrain_steps = [{0}, {0}], pretrain_rate = 2", steps / 6);
    let restricted = studio.run("rbm", &settings("kind = 'rbm', hidden = 64", steps, ""))?;
    let deep = studio.run("dbm", &settings("kind = 'dbm', hidden = [64, 64]", steps, &pretrain))?;
    let few =
        studio.run("rbm-few", &settings(&format!("kind = 'rbm', hidden = {FEW}"), steps.min(1500), ""))?;
    let mut figures = Vec::new();
    for (caption, trained) in [("The restricted machine.", &restricted), ("The deep machine.", &deep)] {
        studio.go_on()?;
        let drawn =
            sample::draw(&trained.model, trained.settings.sampler(), SHOWN, studio.seed, 0, &mut |_, _| {
                studio.go_on()
            })?;
        figures.push(Figure::picture(caption, &sheet(drawn.shown(), ROW_SHAPE, 16, 4, 2)?)?);
    }
    Ok(Drawn { caption: CAPTION.to_string(), figures, numbers: vec![annealed_beside_exact(studio, &few)?] })
}

/// log Z by annealed importance sampling beside enumeration.
fn annealed_beside_exact(studio: &Studio, few: &Trained) -> Result<Number> {
    let target = WeightedBipartite::of(&few.model)?.ok_or_else(|| Error::run("not a Boltzmann machine"))?;
    let exact = SideEnumeration::new(&target, &mut |_, _, _| studio.go_on())?.log_z();
    let settings = LogZSettings {
        method: LogZMethod::Ais,
        chains: 200,
        temperatures: Some(Temperatures::linear(studio.pick(3000, 1000))?),
        sweeps: 0,
        width: f64::INFINITY,
        seed: studio.seed,
    };
    let found = log_z_estimate(&target, None, &settings, &mut |_, _, _| studio.go_on())?;
    let what = "log Z by annealed importance sampling, nats, beside enumeration";
    Ok(Number::beside(what, found.log_z, exact, DEVIATIONS * found.std_err).with_std_err(found.std_err))
}
