//! A corrupted picture and what the Ising model makes of it: the most probable one and the marginals.

use enscore_program::random::{Key, normal_row};

use crate::error::Result;
use crate::ising::denoise::{GibbsSettings, IsingDenoising, posterior};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Figure, sheet::sheet};
use crate::streams;

/// The share of pixels that are flipped, and how much neighbours agree.
const FLIP: f64 = 0.15;
const BETA: f64 = 0.9;
/// The side of the corner whose marginals are enumerated.
const CORNER: usize = 4;
/// How far a share or a marginal may be from its truth by chance, in standard errors.
const DEVIATIONS: f64 = 4.0;

const CAPTION: &str = "From left to right: a picture of two grey levels, the same with 15 % of its pixels \
    flipped, the most probable picture given the flipped one, and the posterior mean of each pixel by \
    Gibbs sampling. The most probable picture is exact, by a minimum cut. It loses corners, where the \
    prior of agreeing neighbours outweighs the data, and the posterior mean is grey just there: the \
    marginals know how sure they are.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let side = studio.pick(96, 48);
    let truth = picture(side);
    let noisy = flipped(&truth, studio.seed);
    let model = IsingDenoising::new(0.5 * ((1.0 - FLIP) / FLIP).ln(), BETA)?;
    let map = model.exact_map(&noisy, side, side)?;
    let settings = GibbsSettings { sweeps: studio.pick(1000, 300), seed: studio.seed, ..Default::default() };
    let marginals = posterior(&model, &noisy, [side, side], &settings, &mut |_, _| studio.go_on())?;
    let greys = |values: Vec<f64>| -> Vec<f32> { values.iter().map(|x| (0.5 + 0.4 * x) as f32).collect() };
    let images: Vec<f32> = [wide(&truth), wide(&noisy), wide(&map.spins), marginals.means.clone()]
        .into_iter()
        .flat_map(greys)
        .collect();
    let wrong =
        |spins: &[i8]| truth.iter().zip(spins).filter(|(a, b)| a != b).count() as f64 / (side * side) as f64;
    let share_error = (FLIP * (1.0 - FLIP)).sqrt() / side as f64;
    let [worst, std_err] = corner(&model, &noisy, side, &settings)?;
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::picture(
            "Truth, corrupted, most probable, posterior mean.",
            &sheet(&images, [side, side, 1], 4, studio.pick(2, 4), 8)?,
        )?],
        numbers: vec![
            Number::beside("share of pixels flipped", wrong(&noisy), FLIP, DEVIATIONS * share_error),
            Number::below(
                "share of pixels wrong in the most probable picture",
                wrong(&map.spins),
                FLIP / 3.0,
            ),
            Number::below(
                "energy of the most probable picture less that of the truth, nats",
                map.energy - model.energy(&truth, &noisy, side, side)?,
                1e-9,
            ),
            Number::beside(
                "largest difference of a marginal of a 4 x 4 corner from enumeration",
                worst,
                0.0,
                (DEVIATIONS + 1.0) * std_err,
            )
            .with_std_err(std_err),
        ],
    })
}

/// The corner's marginals by the same sampler: the largest difference from enumeration, and the standard
/// error.
fn corner(model: &IsingDenoising, noisy: &[i8], side: usize, settings: &GibbsSettings) -> Result<[f64; 2]> {
    let from = side / 4;
    let part: Vec<i8> = (0..CORNER)
        .flat_map(|row| &noisy[(from + row) * side + from..(from + row) * side + from + CORNER])
        .copied()
        .collect();
    let exact = model.enumerate(&part, CORNER, CORNER)?;
    let settings = GibbsSettings { sweeps: 20 * settings.sweeps, chains: 8, ..*settings };
    let sampled = posterior(model, &part, [CORNER; 2], &settings, &mut |_, _| Ok(()))?;
    let worst = exact.means.iter().zip(&sampled.means).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok([worst, sampled.std_errs.iter().copied().fold(0.0, f64::max)])
}

fn wide(spins: &[i8]) -> Vec<f64> {
    spins.iter().map(|spin| f64::from(*spin)).collect()
}

/// A ring beside a square and a bar.
fn picture(side: usize) -> Vec<i8> {
    let at = |i: usize| (i as f64 + 0.5) / side as f64;
    (0..side * side)
        .map(|place| {
            let (y, x) = (at(place / side), at(place % side));
            let radius = (x - 0.36).hypot(y - 0.38);
            let ring = radius < 0.28 && radius > 0.13;
            let square = (x - 0.78).abs() < 0.13 && (y - 0.32).abs() < 0.13;
            let bar = (y - 0.84).abs() < 0.06 && (x - 0.5).abs() < 0.38;
            if ring || square || bar { 1 } else { -1 }
        })
        .collect()
}

/// Each pixel is flipped with probability [`FLIP`].
fn flipped(picture: &[i8], seed: u64) -> Vec<i8> {
    // A number is beyond this quantile of the standard normal distribution with probability 0.15.
    const QUANTILE: f64 = 1.036_433_389_493_79;
    let mut numbers = vec![0.0; picture.len()];
    normal_row(Key::new(seed, 0), streams::LECTURE, 0, &mut numbers);
    picture.iter().zip(numbers).map(|(spin, number)| if number > QUANTILE { -spin } else { *spin }).collect()
}
