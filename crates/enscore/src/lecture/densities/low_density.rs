//! Where data are rare: estimated scores are wrong there, and Langevin dynamics mixes modes with wrong
//! weights.

use enscore_program::random::Key;

use super::perturbed::{MEANS, WEIGHTS};
use crate::compare::Truth;
use crate::error::Result;
use crate::evaluate::{IsotropicMixture, Mean};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::plane::{langevin, points, truth};
use crate::lecture::studio::Studio;
use crate::model::HostDensity;
use crate::report::{Figure, Panel, centres, density_sheet};
use crate::sample::TrainedDensity;

const ARROWS: usize = 18;
/// A row is where data are common if its log density is above this, nats: within 2.5 deviations of a mode.
const COMMON: f64 = -6.5;
/// Noise levels of the annealed chains, their steps at the last level and the steps at each.
const LEVELS: usize = 10;
const LARGEST: f64 = 20.0;
const SMALLEST: f64 = 0.1;
const STEP_SIZE: f64 = 1e-3;
const EACH: u64 = 100;
/// Standard errors that chance may bring, and the bias of finite steps.
const DEVIATIONS: f64 = 4.0;
const BIAS: f64 = 0.04;

const CAPTION: &str = "Two Gaussians, weights 1/5 at the lower left and 4/5 at the upper right. Above: \
    the true score, and the score that sliced score matching learns from samples; where there are none, \
    between the modes and in the corners, it is wrong. Below: exact draws; Langevin dynamics on the true \
    score from uniform noise, which puts about half of the chains into each mode, since the score knows \
    nothing of the weights where the modes don't overlap; annealed Langevin dynamics, which gets the \
    weights back (Song and Ermon 2019, figures 2 and 3).";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let truth = truth("two-gaussians")?;
    let window = [[-8.0, 8.0]; 2];
    let steps = studio.pick(3000, 500);
    let trained = studio.trained(
        &format!(
            "data.name = 'two-gaussians'\nmodel = {{ kind = 'mlp', hidden = [128, 128] }}\n\
             objective = {{ kind = 'ssm', variance_reduction = true }}\n\
             optimiser = {{ learning_rate = 2e-3, decay = 'cosine' }}\ntrain = {{ steps = {steps}, batch = 256 }}"
        ),
        |_| Ok(()),
    )?;
    let mut learnt = TrainedDensity::new(&trained)?;
    let [common, rare] = relative_errors(&truth, &mut learnt, window)?;
    let count = studio.pick(1280, 640);
    let exact = truth.draw(studio.seed, count);
    let plain = plain_chains(studio, &truth, count)?;
    let annealed = annealed_chains(studio, count)?;
    let weight = |rows: &[f64]| {
        Mean::of(&points(rows).map(|[x, y]| if x + y < 0.0 { 1.0 } else { 0.0 }).collect::<Vec<f64>>())
    };
    let panels = [
        Panel::new("True score", "", window)?.score_of(&mut truth.density()?, ARROWS)?,
        Panel::new("Learnt score", "", window)?.score_of(&mut learnt, ARROWS)?,
        Panel::new("Training data", "", window)?.with_points(points(&truth.draw(studio.seed + 1, count))),
        Panel::new("Exact draws", "", window)?.with_points(points(&exact)),
        Panel::new("Langevin dynamics", "", window)?.with_points(points(&plain)),
        Panel::new("Annealed Langevin dynamics", "", window)?.with_points(points(&annealed)),
    ];
    let share = |what: &str, rows: &[f64], truth: f64, bias: f64| -> Result<Number> {
        let mean = weight(rows)?;
        let within = bias + DEVIATIONS * mean.std_err;
        Ok(Number::beside(what, mean.value, truth, within).with_std_err(mean.std_err))
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::drawing("Scores above, draws below.", density_sheet(&panels, 3)?)],
        numbers: vec![
            Number::below("relative error of the learnt score where data are common", common, 0.35),
            Number::above("relative error of the learnt score where they are rare", rare, common),
            share("share of exact draws in the lighter mode", &exact, WEIGHTS[0], 0.0)?,
            share(
                "share of Langevin's chains there (about half the square is nearer to it)",
                &plain,
                0.5,
                BIAS,
            )?,
            share("share of annealed chains there", &annealed, WEIGHTS[0], BIAS)?,
        ],
    })
}

/// The error of a score relative to the true one's length, where data are common and where they are rare.
fn relative_errors(truth: &Truth, learnt: &mut dyn HostDensity, window: [[f64; 2]; 2]) -> Result<[f64; 2]> {
    let places = centres(window, [40, 40]);
    let mut truth = truth.density()?;
    let (found, known) = (learnt.score(&places)?, truth.score(&places)?);
    let log_density = truth.log_density(&places)?;
    let mut sums = [[0.0f64; 2]; 2];
    for ((found, known), log_density) in found.chunks(2).zip(known.chunks(2)).zip(log_density) {
        let sum = &mut sums[usize::from(log_density < COMMON)];
        sum[0] += (found[0] - known[0]).powi(2) + (found[1] - known[1]).powi(2);
        sum[1] += known[0].powi(2) + known[1].powi(2);
    }
    Ok(sums.map(|[error, all]| (error / all).sqrt()))
}

/// Chains on the true score, from uniform noise.
fn plain_chains(studio: &Studio, truth: &Truth, count: usize) -> Result<Vec<f64>> {
    let mut density = truth.density()?;
    let mut rows = uniform_square(count);
    for part in 0..10 {
        studio.go_on()?;
        langevin(&mut |x| density.score(x), &mut rows, 0.05, EACH, Key::new(studio.seed + 2, part * EACH))?;
    }
    Ok(rows)
}

/// Chains on the true scores of noisier and noisier densities, from the noisiest to the least noisy.
fn annealed_chains(studio: &Studio, count: usize) -> Result<Vec<f64>> {
    let mixture = IsotropicMixture::new(&WEIGHTS, &MEANS, &[1.0, 1.0], 2)?;
    let mut rows = uniform_square(count);
    for level in 0..LEVELS {
        studio.go_on()?;
        let sigma = LARGEST * (SMALLEST / LARGEST).powf(level as f64 / (LEVELS - 1) as f64);
        let noisy = mixture.noisy(sigma)?;
        let mut score = |rows: &[f64]| -> Result<Vec<f64>> {
            let scores: Vec<Vec<f64>> =
                rows.chunks_exact(2).map(|x| noisy.score(x)).collect::<Result<_>>()?;
            Ok(scores.concat())
        };
        // As Song and Ermon's, in proportion to the noise; at most a tenth of the data's own variance.
        let step_size = (STEP_SIZE * (sigma / SMALLEST).powi(2)).min(0.1 * (1.0 + sigma * sigma));
        let key = Key::new(studio.seed + 3, level as u64 * EACH);
        langevin(&mut score, &mut rows, step_size, EACH, key)?;
    }
    Ok(rows)
}

/// Points of an even grid over the square [-8, 8]².
fn uniform_square(count: usize) -> Vec<f64> {
    let side = count.isqrt() + 1;
    let mut places = centres([[-8.0, 8.0]; 2], [side, side]);
    places.truncate(2 * count);
    places
}
