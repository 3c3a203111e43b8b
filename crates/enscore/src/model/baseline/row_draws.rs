//! Draws of whole rows on the host: one place.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::model::traits::{Given, SequentialDraws};

/// A draw of the row with this number.
type DrawRow = dyn Fn(u64) -> Vec<f32> + Send + Sync;

/// Rows that a function of their number draws.
pub(super) struct RowDraws {
    draw: Box<DrawRow>,
    row_len: usize,
    numbers: Range<usize>,
    rows: Vec<f32>,
}

impl RowDraws {
    pub(super) fn new(row_len: usize, draw: impl Fn(u64) -> Vec<f32> + Send + Sync + 'static) -> Self {
        RowDraws { draw: Box::new(draw), row_len, numbers: 0..0, rows: Vec::new() }
    }
}

impl SequentialDraws for RowDraws {
    fn places(&self) -> usize {
        1
    }

    fn give(&mut self, _given: Given) -> Result<()> {
        Err(Error::input("this density draws whole rows, none that are partly known")
            .at("model.kind")
            .expected("model.kind = \"made\""))
    }

    fn start(&mut self, rows: Range<usize>) -> Result<()> {
        self.rows = vec![0.0; rows.len() * self.row_len];
        self.numbers = rows;
        Ok(())
    }

    fn advance(&mut self, _places: Range<usize>) -> Result<()> {
        let first = self.numbers.start as u64;
        let rows = self.rows.par_chunks_exact_mut(self.row_len.max(1)).enumerate();
        rows.for_each(|(at, row)| row.copy_from_slice(&(self.draw)(first + at as u64)));
        Ok(())
    }

    fn rows(&self) -> Vec<f32> {
        self.rows.clone()
    }
}
