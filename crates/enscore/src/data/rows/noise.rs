//! Noise of a row, a function of its key.

use enscore_program::random::{Key, row_words, uniform};

/// Fills `noise` with uniform numbers in [0, 1) for row `row` of `key` on `stream`.
pub(crate) fn uniform_row(key: Key, stream: u32, row: u64, noise: &mut [f32]) {
    let mut words = vec![0; noise.len()];
    row_words(key, stream, row, &mut words);
    // Rounding up to 1 in f32 would leave the level that noise is added to.
    let below_one = 1.0 - f32::EPSILON / 2.0;
    noise.iter_mut().zip(&words).for_each(|(u, word)| *u = (uniform(*word) as f32).min(below_one));
}
