//! Flow contrastive estimation: the energy's density and the flow's, over training.

use std::f64::consts::{E, TAU};

use crate::compare::Truth;
use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{MOONS_ENERGY, log_z, truth};
use crate::lecture::studio::Studio;
use crate::model::HostDensity;
use crate::report::{Figure, Panel, density_sheet};
use crate::sample::TrainedDensity;
use crate::trained::Trained;

/// Opens the flow of a run in place of its energy.
const FLOW: &str = "sampler.kind=exact";
/// Exact draws that the densities are compared on.
const ROWS: usize = 4000;

const CAPTION: &str = "Two densities of one training: above an energy, whose log Z is learnt, below the \
    flow that it is contrasted with. They take turns: the energy learns to tell data from the flow's \
    draws, the flow to draw what the energy takes for data. The flow has to stretch one piece into two \
    moons and leaves a bridge; the energy is free of that (Gao et al. 2020).";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let steps: u64 = studio.pick(7000, 2500);
    let stops = [steps / 10, steps / 3, steps];
    let side = studio.pick(110, 60);
    let rows = truth.draw(studio.seed + 7, ROWS);
    let mut energies = Vec::new();
    let mut flows = Vec::new();
    let mut likelihoods = Vec::new();
    let settings = format!(
        "{MOONS_ENERGY}[objective]\nkind = 'fce'\nflow_couplings = 8\nflow_width = 64\n\
         [train]\nsteps = {steps}\nbatch = 256\nvalidate_every = 0\n"
    );
    studio.run_in_parts("fce", &settings, &stops, |step, run| {
        let energy = Trained::open(run, &[])?;
        let flow = Trained::open(run, &[FLOW.to_string()])?;
        let log_z = log_z(&truth, &energy.model)?;
        let mut of_energy = TrainedDensity::new(&energy.model)?;
        let mut of_flow = TrainedDensity::new(&flow.model)?;
        likelihoods = vec![
            Mean::of(&of_energy.log_density(&rows)?.iter().map(|f| f - log_z).collect::<Vec<f64>>())?,
            Mean::of(&of_flow.log_density(&rows)?)?,
        ];
        let title = |what: &str| format!("{what}, {step} steps");
        let panel = Panel::new(&title("Energy"), "", truth.window())?;
        energies.push(panel.density_of(&mut of_energy, log_z, side)?);
        let panel = Panel::new(&title("Flow"), "", truth.window())?;
        flows.push(panel.density_of(&mut of_flow, 0.0, side)?);
        Ok(())
    })?;
    let of_exact = Mean::of(&truth.density()?.log_density(&rows)?)?;
    energies.extend(flows);
    let [of_energy, of_flow] = likelihoods[..] else { return Err(Error::run("no part of the training")) };
    let what = |name: &str| format!("log-likelihood of {ROWS} exact draws under the {name}, nats");
    let of_truth = format!("{}, beside the truth's", what("energy"));
    let than_gaussian = format!("{}, beside a Gaussian's", what("flow"));
    let within = studio.pick(0.2, 0.6);
    let numbers = vec![
        Number::beside(of_truth, of_energy.value, of_exact.value, within).with_std_err(of_energy.std_err),
        Number::above(than_gaussian, of_flow.value, gaussian(&truth)?).with_std_err(of_flow.std_err),
    ];
    Ok(Drawn {
        caption: CAPTION.to_string(),
        numbers,
        figures: vec![Figure::drawing(
            "The energy's density above, the flow's below, over training.",
            density_sheet(&energies, stops.len())?,
        )],
    })
}

/// The log-likelihood of the Gaussian with the truth's moments: -½ log det(2πe Σ), nats.
fn gaussian(truth: &Truth) -> Result<f64> {
    let grid = truth.grid(&mut truth.density()?)?;
    let [x, y, xx, xy, yy] = grid.expectation(|p| [p[0], p[1], p[0] * p[0], p[0] * p[1], p[1] * p[1]]);
    let determinant = (xx - x * x) * (yy - y * y) - (xy - x * y).powi(2);
    Ok(-(TAU * E).ln() - 0.5 * determinant.ln())
}
