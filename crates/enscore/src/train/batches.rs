//! The rows of each step: a pure function of (seed, step), dequantised or drawn as bits if asked for.

use enscore_program::random::Key;

use crate::data::{BatchOrder, Subset, uniform_row};
use crate::error::Result;
use crate::streams;
use crate::train::options::TrainingOptions;

/// The batch of the current step, filled in place.
pub(super) struct Batches {
    order: BatchOrder,
    data: Subset,
    seed: u64,
    dequantise: bool,
    /// Probabilities of the bits of each row, where bits are drawn anew.
    grey: Option<Subset>,
    /// `[batch, ..row_shape]`
    pub(super) x: Vec<f32>,
    /// `[batch]`: every row counts the same.
    pub(super) weights: Vec<f32>,
}

impl Batches {
    pub(super) fn new(data: &Subset, grey: Option<Subset>, options: &TrainingOptions) -> Batches {
        let batch = options.batch;
        let seed = options.seed;
        Batches {
            order: BatchOrder::new(data, seed),
            data: data.clone(),
            seed,
            dequantise: options.dequantise,
            grey,
            x: vec![0.0; batch * data.dataset().row_len()],
            weights: vec![1.0; batch],
        }
    }

    /// The rows that follow after `step` steps.
    pub(super) fn fill(&mut self, step: u64) -> Result<()> {
        let data = self.data.dataset();
        let row_len = data.row_len();
        let rows = self.order.batch_rows(step, self.weights.len());
        let key = Key::new(self.seed, step);
        let mut noise = vec![0.0; row_len];
        for (i, (row, x)) in rows.iter().zip(self.x.chunks_exact_mut(row_len)).enumerate() {
            if self.dequantise {
                uniform_row(key, streams::DEQUANTISATION, i as u64, &mut noise);
                data.copy_row_dequantised(*row as usize, &noise, x)?;
            } else if let Some(grey) = &self.grey {
                uniform_row(key, streams::GREY_BATCH, i as u64, &mut noise);
                grey.dataset().copy_row(*row as usize, x)?;
                x.iter_mut().zip(&noise).for_each(|(x, u)| *x = f32::from(u8::from(*u < *x)));
            } else {
                data.copy_row(*row as usize, x)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Values};

    /// Bits are drawn anew in every batch, as a function of seed and step, with the greys as their
    /// probabilities.
    #[test]
    fn bits_of_grey_rows_are_drawn_anew() {
        let greys = [0.0f32, 0.2, 0.7, 1.0];
        let grey = Dataset::new("g", "g", &[4], Values::F32(greys.repeat(8))).unwrap();
        let bits = grey.drawn_bits(3, streams::GREY_OWN).unwrap();
        let options = TrainingOptions { batch: 8, seed: 3, ..TrainingOptions::default() };
        let new = || Batches::new(&Subset::all(&bits), Some(Subset::all(&grey)), &options);
        let mut batches = new();
        let mut sums = [0.0f64; 4];
        let mut before = Vec::new();
        for step in 0..500 {
            batches.fill(step).unwrap();
            assert!(batches.x != before, "step {step}");
            before.clone_from(&batches.x);
            batches.x.chunks(4).for_each(|row| {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
            });
        }
        assert_eq!([sums[0], sums[3]], [0.0, 4000.0]);
        // Five standard errors of 4,000 bits.
        assert!((sums[1] - 800.0).abs() < 127.0 && (sums[2] - 2800.0).abs() < 145.0, "{sums:?}");
        let mut again = new();
        again.fill(499).unwrap();
        assert_eq!(again.x, before);
    }
}
