//! What a step of exact, sliced and denoising score matching costs in more and more dimensions.

use std::time::Instant;

use enscore_program::random::{Key, normal_row};

use crate::data::{Dataset, Subset, Values};
use crate::error::Result;
use crate::executor::default_executor;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::model::{Activation, MlpEnergy, Network};
use crate::objective::{Directions, Dsm, ScoreMatching, SlicedScoreMatching, Task};
use crate::report::{Chart, Figure, Mark, Scale, Series};
use crate::streams;
use crate::train::{Training, TrainingOptions};

const BATCH: usize = 32;
/// Steps that are timed, after one that is not.
const TIMED: usize = 5;

const CAPTION: &str = "Time of one training step of an energy with two hidden layers of 128 units, batch \
    32, by the number of dimensions of the data. Exact score matching needs the trace of a Hessian, one \
    tangent for each dimension: O(D) backpropagations. Sliced score matching needs one random direction, \
    denoising score matching none. Below stand ratios of these times, which should be far from 1 and \
    close to it.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let dims: &[usize] = studio.pick(&[2, 4, 8, 16, 32, 64, 128, 256, 512], &[2, 8, 32, 128]);
    let mut exact = Vec::new();
    let mut sliced = Vec::new();
    let mut denoising = Vec::new();
    for dim in dims {
        studio.go_on()?;
        let at = *dim as f64;
        exact.push((at, milliseconds(studio, *dim, Task::new(ScoreMatching { tangents: 0 }))?));
        let one = SlicedScoreMatching {
            projections: 1,
            directions: Directions::Rademacher,
            variance_reduction: true,
        };
        sliced.push((at, milliseconds(studio, *dim, Task::new(one))?));
        denoising.push((at, milliseconds(studio, *dim, Task::new(Dsm::new(0.1)?))?));
    }
    let last = |series: &[(f64, f64)]| series.last().map_or(f64::NAN, |(_, time)| *time);
    let largest = dims.last().copied().unwrap_or(0);
    let numbers = vec![
        Number::above(
            format!("time of exact over sliced score matching in {largest} dimensions"),
            last(&exact) / last(&sliced),
            4.0,
        ),
        Number::below(
            format!("time of sliced over denoising score matching in {largest} dimensions"),
            last(&sliced) / last(&denoising),
            4.0,
        ),
    ];
    let chart = Chart {
        title: "Cost of a step".into(),
        x_label: "dimensions".into(),
        y_label: "time of a step (ms)".into(),
        x_scale: Scale::Log,
        y_scale: Scale::Log,
        series: vec![
            Series::new("exact", &exact, Mark::Dots),
            Series::new("sliced", &sliced, Mark::Dots),
            Series::new("denoising", &denoising, Mark::Dots),
        ],
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart(
            "Time of a training step against dimensions, on logarithmic axes.",
            &chart,
        )?],
        numbers,
    })
}

/// The least time of a few steps, in milliseconds: what else the machine does can only add to it.
fn milliseconds(studio: &Studio, dim: usize, task: Task) -> Result<f64> {
    let mut values = vec![0.0; BATCH * dim];
    normal_row(Key::new(studio.seed, 0), streams::LECTURE, dim as u64, &mut values);
    let values = values.iter().map(|value| *value as f32).collect();
    let data = Subset::all(&Dataset::new("gaussian", "draws", &[dim], Values::F32(values))?);
    let model = Network::Energy(Box::new(MlpEnergy::new(&[dim], &[128, 128], Activation::Softplus)?));
    let options = TrainingOptions { steps: 10, batch: BATCH, seed: studio.seed, ..Default::default() };
    let mut training = Training::new(model, task, &data, options, default_executor())?;
    training.step()?;
    let mut least = f64::INFINITY;
    for _ in 0..TIMED {
        let began = Instant::now();
        training.step()?;
        least = least.min(1e3 * began.elapsed().as_secs_f64());
    }
    Ok(least)
}
