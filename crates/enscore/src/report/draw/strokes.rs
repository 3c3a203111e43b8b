//! Smooth strokes, arrows and dots on a raster picture, cut to a rectangle.

use super::image::Image;

/// Levels of opacity at the edge of a stroke; few, so that pictures stay small as files.
const LEVELS: f64 = 4.0;

/// What is drawn on: the pixels of `image` in the rectangle from `corner` of `size`, `[x, y]`. Places are in
/// pixels from the corner, y downwards.
pub(super) struct Canvas<'a> {
    pub(super) image: &'a mut Image,
    pub(super) corner: [usize; 2],
    pub(super) size: [usize; 2],
}

impl Canvas<'_> {
    /// A straight stroke from `a` to `b` with round ends, `width` pixels wide.
    pub(super) fn stroke(&mut self, a: [f64; 2], b: [f64; 2], width: f64, colour: [u8; 3]) {
        if !a.iter().chain(&b).all(|v| v.is_finite()) {
            return;
        }
        let reach = 0.5 * width + 1.0;
        let range = |axis: usize| {
            let low = a[axis].min(b[axis]) - reach;
            let high = a[axis].max(b[axis]) + reach;
            // Casts from float saturate, so that places outside give an empty or a cut range.
            (low.max(0.0) as usize)..(high.max(0.0).ceil() as usize).min(self.size[axis])
        };
        let columns = range(0);
        let rows = range(1);
        let along = [b[0] - a[0], b[1] - a[1]];
        let square = along[0] * along[0] + along[1] * along[1];
        for y in rows {
            for x in columns.clone() {
                let from = [x as f64 + 0.5 - a[0], y as f64 + 0.5 - a[1]];
                let share = if square > 0.0 {
                    ((from[0] * along[0] + from[1] * along[1]) / square).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let distance = (from[0] - share * along[0]).hypot(from[1] - share * along[1]);
                self.blend([x, y], 0.5 * width + 0.5 - distance, colour);
            }
        }
    }

    /// A dot.
    pub(super) fn dot(&mut self, centre: [f64; 2], diameter: f64, colour: [u8; 3]) {
        self.stroke(centre, centre, diameter, colour);
    }

    /// An arrow with its middle at `middle`, along `vector` in pixels.
    pub(super) fn arrow(&mut self, middle: [f64; 2], vector: [f64; 2], colour: [u8; 3]) {
        let [x, y] = vector;
        let tail = [middle[0] - 0.5 * x, middle[1] - 0.5 * y];
        let tip = [middle[0] + 0.5 * x, middle[1] + 0.5 * y];
        self.stroke(tail, tip, 1.0, colour);
        // Two barbs at 30 degrees, a third of the arrow's length.
        let sin = 0.5 / 2.8;
        let cos = 0.866 / 2.8;
        for turn in [sin, -sin] {
            let barb = [tip[0] - cos * x + turn * y, tip[1] - cos * y - turn * x];
            self.stroke(tip, barb, 1.0, colour);
        }
    }

    fn blend(&mut self, [x, y]: [usize; 2], opacity: f64, colour: [u8; 3]) {
        let opacity = (opacity.clamp(0.0, 1.0) * LEVELS).round() / LEVELS;
        let start = ((self.corner[1] + y) * self.image.width + self.corner[0] + x) * 3;
        if let Some(pixel) = self.image.pixels.get_mut(start..start + 3) {
            for (level, ink) in pixel.iter_mut().zip(colour) {
                *level = (f64::from(*level) * (1.0 - opacity) + f64::from(ink) * opacity).round() as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl FnOnce(&mut Canvas)) -> Vec<u8> {
        let mut image = Image::filled(12, 12, 3, 0).unwrap();
        draw(&mut Canvas { image: &mut image, corner: [1, 1], size: [10, 10] });
        image.pixels.chunks(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_stroke_covers_its_pixels_and_no_others() {
        let found = drawn(|canvas| canvas.stroke([2.0, 5.5], [8.0, 5.5], 1.0, [200; 3]));
        for y in 0..12 {
            for x in 0..12 {
                let inside = y == 6 && (3..9).contains(&x);
                assert!(!inside || found[y * 12 + x] == 200, "{x} {y}");
                assert!((5..=7).contains(&y) || found[y * 12 + x] == 0, "{x} {y}");
            }
        }
    }

    #[test]
    fn what_lies_outside_is_cut() {
        let found = drawn(|canvas| {
            canvas.stroke([-50.0, 3.0], [90.0, 3.0], 3.0, [255; 3]);
            canvas.arrow([9.0, 9.0], [1e9, -1e9], [255; 3]);
            canvas.dot([f64::NAN, 1.0], 3.0, [255; 3]);
            canvas.dot([-3.0, 40.0], 3.0, [255; 3]);
        });
        let edge = |i: usize| [i % 12, i / 12].iter().any(|at| [0, 11].contains(at));
        assert!(found.iter().enumerate().all(|(i, level)| !edge(i) || *level == 0));
        assert!(found.contains(&255));
    }

    /// The barbs lie at the tip: more ink in the half that the arrow points to.
    #[test]
    fn an_arrow_points_along_its_vector() {
        let found = drawn(|canvas| canvas.arrow([5.0, 5.0], [8.0, 0.0], [255; 3]));
        let ink = |columns: std::ops::Range<usize>| -> u32 {
            found
                .iter()
                .enumerate()
                .filter(|(i, _)| columns.contains(&(i % 12)))
                .map(|(_, v)| u32::from(*v))
                .sum()
        };
        assert!(ink(6..12) > ink(0..6) + 300, "{} {}", ink(6..12), ink(0..6));
    }
}
