//! What a distance between two finite sets of rows must answer, and the random subsets that it is taken of.

use enscore_program::random::{Key, index, row_words};

use crate::error::Result;
use crate::evaluate::Rows;

/// A comparison of two sets of rows: a distance, the larger the worse, unless it says otherwise.
pub trait TwoSampleMetric {
    /// The name in reports, with the settings that make values incomparable.
    fn name(&self) -> String;

    /// Whether a larger value is better.
    fn larger_is_better(&self) -> bool {
        false
    }

    /// The value of `samples` beside `real`, both `[n, d]`.
    ///
    /// # Errors
    /// An input error if the row lengths differ or there are too few rows for the metric.
    fn value(&self, samples: Rows, real: Rows) -> Result<f64>;
}

/// `size` different indices below `count`, by the first steps of a shuffle (Fisher and Yates 1938).
pub(crate) fn subset(count: usize, size: usize, key: Key, stream: u32) -> Vec<usize> {
    let size = size.min(count);
    let mut words = vec![0; size];
    row_words(key, stream, 0, &mut words);
    let mut indices: Vec<usize> = (0..count).collect();
    for (i, word) in words.into_iter().enumerate() {
        let left = u32::try_from(count - i).unwrap_or(u32::MAX);
        indices.swap(i, i + index(word, left) as usize);
    }
    indices.truncate(size);
    indices
}
