//! Samples far outside the range of the data: what nothing else would tell of a sampler that was led astray.

use super::trained::TrainedModel;
use crate::text::number;

/// Rows of samples `[n, row_len]` with a value further beyond the data's range than the range is wide, said
/// in one line.
pub(super) fn far_warning(model: &TrainedModel, rows: &[f32], remedy: &str) -> Option<String> {
    let [low, high] = model.data.range;
    // Data of one value have no width to compare with.
    let width = if high > low { high - low } else { high.abs().max(1.0) };
    let beyond = |x: f32| (low - f64::from(x)).max(f64::from(x) - high);
    let is_far = |row: &&[f32]| row.iter().any(|x| beyond(*x) > width);
    let chunks = || rows.chunks(model.row_len().max(1));
    let far = chunks().filter(is_far).count();
    if far == 0 || !width.is_finite() {
        return None;
    }
    let farthest = rows.iter().copied().max_by(|a, b| beyond(*a).total_cmp(&beyond(*b)))?;
    let count = chunks().count();
    Some(format!(
        "{far} of {count} samples lie far outside the range of the training data: a value of {} where \
         the data has {} to {} (scaled units); {remedy}",
        number(farthest.into()),
        number(low),
        number(high),
    ))
}
