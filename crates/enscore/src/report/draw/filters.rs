//! The weights of hidden units as pictures: a tile a unit, grey where a weight is 0, white where it is
//! greatest in size and positive, black where it is as large and negative. Each tile has its own scale.

use super::image::Image;
use super::sheet;
use crate::error::Result;

/// Tiles of a picture, and in a row of it.
const MOST: usize = 100;
const COLUMNS: usize = 10;

/// The columns of W `[visible, hidden]` with the largest norms, as images of this shape; none without a
/// column.
///
/// # Errors
/// Weights that are not finite, or don't fill whole columns.
pub fn filters(weights: &[f32], row_shape: [usize; 3], scale: usize) -> Result<Option<Image>> {
    let visible: usize = row_shape.iter().product();
    let hidden = weights.len() / visible.max(1);
    if hidden == 0 {
        return Ok(None);
    }
    let column = |unit: usize| weights.iter().skip(unit).step_by(hidden).take(visible);
    let norm = |unit: usize| column(unit).map(|w| f64::from(*w).powi(2)).sum::<f64>();
    let mut units: Vec<(usize, f64)> = (0..hidden).map(|unit| (unit, norm(unit))).collect();
    units.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut tiles = Vec::new();
    for (unit, _) in units.into_iter().take(MOST) {
        let largest = column(unit).fold(0.0f32, |largest, w| largest.max(w.abs())).max(f32::MIN_POSITIVE);
        tiles.extend(column(unit).map(|w| 0.5 + 0.5 * w / largest));
    }
    sheet::sheet(&tiles, row_shape, COLUMNS, scale, 1).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_comes_first_and_zero_is_grey() {
        // Two visible units, two hidden ones: columns (1, 0) and (-4, 2).
        let picture = filters(&[1.0, -4.0, 0.0, 2.0], [1, 2, 1], 1).unwrap().unwrap();
        assert_eq!((picture.width, picture.height), (7, 3));
        assert_eq!(&picture.pixels[7..14], [255, 0, 191, 255, 255, 128, 255]);
        assert!(filters(&[], [1, 2, 1], 1).unwrap().is_none());
        assert!(filters(&[f32::NAN, 0.0], [1, 2, 1], 1).is_err());
    }
}
