//! Langevin dynamics over steps, from far away to the density.

use enscore_program::random::Key;

use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{langevin, points, truth};
use crate::lecture::studio::Studio;
use crate::model::HostDensity;
use crate::report::{Figure, Panel, density_sheet};

const STEP_SIZE: f64 = 2e-3;
const SHOWN: usize = 600;
/// Steps at which the chains are shown.
const STOPS: [u64; 4] = [0, 20, 200, 2000];
/// What the discretisation and the finite number of steps may shift a mean by, beyond chance.
const BIAS: f64 = 0.05;
/// Standard errors that chance may bring.
const DEVIATIONS: f64 = 4.0;

const CAPTION: &str = "Chains of Langevin dynamics on the score of two moons, started from a wide \
    Gaussian. At first the score dominates and pulls all of them to the nearest part of the density; then \
    the noise spreads them along it. After 2,000 steps their moments are those of the density, up to a \
    bias of the order of the step size.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-moons")?;
    let count = studio.pick(4000, 1500);
    let mut density = truth.density()?;
    let window = truth.window().map(|[low, high]| [low - 1.0, high + 1.0]);
    let mut rows = vec![0.0; 2 * count];
    let wide = |score: &[f64]| -> Vec<f64> { score.iter().map(|x| -x).collect() };
    // One step of size 1 with drift -x leaves nothing of the start: N(0, 2 I).
    langevin(&mut |x| Ok(wide(x)), &mut rows, 1.0, 1, Key::new(studio.seed, 1 << 40))?;
    let side = studio.pick(110, 60);
    let mut panels = Vec::new();
    let mut done = 0;
    for stop in STOPS {
        studio.go_on()?;
        langevin(&mut |x| density.score(x), &mut rows, STEP_SIZE, stop - done, Key::new(studio.seed, done))?;
        done = stop;
        let panel = Panel::new(&format!("{stop} steps"), "", window)?;
        panels.push(panel.with_points(points(&rows).take(SHOWN)));
    }
    let panel = Panel::new("Density", "", window)?;
    panels.push(panel.density_of(&mut truth.density()?, 0.0, side)?);
    let grid = truth.grid(&mut truth.density()?)?;
    let moment = |f: fn(&[f64]) -> f64| {
        let [truth] = grid.expectation(|x| [f(x)]);
        let values: Vec<f64> = rows.chunks_exact(2).map(f).collect();
        crate::evaluate::Mean::of(&values).map(|mean| (mean, truth))
    };
    let numbers = [
        ("E x of the chains", (|x| x[0]) as fn(&[f64]) -> f64),
        ("E y of the chains", |x| x[1]),
        ("E (x² + y²) of the chains", |x| x[0] * x[0] + x[1] * x[1]),
    ];
    let numbers = numbers.into_iter().map(|(what, f)| {
        let (mean, truth) = moment(f)?;
        let within = BIAS + DEVIATIONS * mean.std_err;
        Ok(Number::beside(what, mean.value, truth, within).with_std_err(mean.std_err))
    });
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing(
            "Chains after more and more steps, and the density.",
            density_sheet(&panels, 3)?,
        )],
        numbers: numbers.collect::<Result<_>>()?,
    })
}
