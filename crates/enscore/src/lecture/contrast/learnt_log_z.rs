//! Noise contrastive estimation learns log Z as a parameter: beside quadrature, over training.

use crate::error::{Error, Result};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{MOONS_ENERGY, log_z, truth};
use crate::lecture::studio::Studio;
use crate::report::{Chart, Figure, Mark, Scale, Series};
use crate::trained::Trained;

const PARTS: u64 = 16;
/// How far the learnt log Z may be from quadrature, nats.
const WITHIN: f64 = 0.1;

const CAPTION: &str = "Noise contrastive estimation treats log Z as one more parameter c. At every moment \
    of the training exp(f) has a true log Z, here by quadrature, which c does not know; both move, and \
    they meet, since the best f and c together make exp(f - c) the data's density.";

/// Settings of a training on two moons against `noise`, keys of the objective.
pub(super) fn settings(steps: u64, noise: &str) -> String {
    format!(
        "{MOONS_ENERGY}[objective]\nkind = 'nce'\n{noise}\n\
         [train]\nsteps = {steps}\nbatch = 256\nvalidate_every = 0\n"
    )
}

/// log Z as a training learnt it.
pub(super) fn learnt(trained: &Trained) -> Result<f64> {
    trained.learnt_log_z.ok_or_else(|| Error::run("the training learnt no log Z"))
}

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let steps: u64 = studio.pick(5000, 1000);
    let stops: Vec<u64> = (1..=PARTS).map(|part| steps * part / PARTS).collect();
    let mut of_training = Vec::new();
    let mut by_quadrature = Vec::new();
    studio.run_in_parts("nce", &settings(steps, "noise = 'gaussian'\nratio = 4"), &stops, |step, run| {
        let trained = Trained::open(run, &[])?;
        of_training.push((step as f64, learnt(&trained)?));
        by_quadrature.push((step as f64, log_z(&truth, &trained.model)?));
        Ok(())
    })?;
    let last = |series: &[(f64, f64)]| series.last().map_or(f64::NAN, |(_, value)| *value);
    let chart = Chart {
        title: "log Z over training".into(),
        x_label: "step".into(),
        y_label: "log Z (nats)".into(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        series: vec![
            Series::new("learnt", &of_training, Mark::Dots),
            Series::new("quadrature", &by_quadrature, Mark::Dashed),
        ],
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart("The learnt log Z and the true one of the same moment.", &chart)?],
        numbers: vec![Number::beside(
            "log Z as learnt at the end, nats, beside quadrature",
            last(&of_training),
            last(&by_quadrature),
            WITHIN,
        )],
    })
}
