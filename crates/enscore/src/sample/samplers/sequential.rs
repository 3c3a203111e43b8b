//! Samples of an autoregressive model, element by element: exact draws of its density, whose trajectory shows
//! the rows fill.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::model::{Given, SequentialDraws};
use crate::sample::drawing::{Drawing, Drawn, rows_at_once};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

/// Rows that are drawn place by place; a step is a place.
pub(super) struct PlaceByPlace(Box<dyn SequentialDraws>);

impl PlaceByPlace {
    /// The draws of `model` under `seed`, if it is autoregressive, and for how long.
    pub(super) fn of(model: &TrainedModel, seed: u64) -> Result<Option<(PlaceByPlace, Schedule)>> {
        let Some(network) = model.model.normalised() else { return Ok(None) };
        let draws = network.draws(&model.weights, seed)?;
        let stages = Schedule::in_parts(draws.places() as u64);
        Ok(Some((PlaceByPlace(draws), Schedule { watched: Vec::new(), ..stages })))
    }
}

impl Transition for PlaceByPlace {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.0.start(chains)
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        self.0.advance(steps.start as usize - 1..steps.end as usize - 1)
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.0.rows())
    }

    fn steps_at_once(&self) -> u64 {
        self.0.places_at_once() as u64
    }
}

/// Draws `count` rows that agree with what is given, each an exact draw of what is unknown given that.
///
/// # Errors
/// A model that is not autoregressive; a row of another size; known values that don't come first in the
/// model's order; whatever `progress` returns.
pub fn draw_completed(
    model: &TrainedModel,
    given: Given,
    count: usize,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let Some((mut draws, schedule)) = PlaceByPlace::of(model, seed)? else {
        return Err(Error::input("completion needs an autoregressive model")
            .at("model.kind")
            .expected("a run with model.kind = \"made\""));
    };
    let len = model.row_len();
    if given.row.len() != len || given.known.len() != len {
        return Err(Error::input("the row or its mask does not match the model's rows in size")
            .found(format!("{} and {}", given.row.len(), given.known.len()))
            .expected(len));
    }
    draws.0.give(given)?;
    let drawing = Drawing { count, seed, batch: rows_at_once(model), chains: 0 };
    drawing.run(&mut draws, &schedule, len, progress)
}
