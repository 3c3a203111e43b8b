//! Samples over real data, for vectors of two dimensions: as SVG and as a raster picture.
//!
//! The frame follows the real data, widened by 15 %, with equal units on both axes, so that a few samples far
//! away don't hide the rest; samples outside are counted in the picture's legend.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::frame::{COLOURS, Frame, WIDTH, legend, svg};
use crate::error::{Error, Result};
use crate::report::Image;
use crate::report::draw::glyphs;

/// Side of the plotting area, in SVG units and in pixels.
const SIDE: f64 = 400.0;
/// Points of each kind in an SVG; more are left out evenly, to keep a page small. The raster picture has them
/// all.
const MAX_POINTS: usize = 3000;
/// The first two of [`COLOURS`].
const RGB: [[u8; 3]; 2] = [[0x3b, 0x82, 0xc4], [0xe0, 0x7b, 0x39]];
const INK: [u8; 3] = [70; 3];

/// Two sets of points in the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    title: String,
    labels: [String; 2],
    names: [&'static str; 2],
    data: Vec<(f64, f64)>,
    samples: Vec<(f64, f64)>,
}

impl Scatter {
    /// `samples` and real `data` as rows `[n, 2]`, with the names of the two columns. Rows that aren't finite
    /// aren't drawn; either set may be empty.
    ///
    /// # Errors
    /// `dimensions` other than 2, or a number of values that isn't even.
    pub fn new(
        title: &str,
        labels: [&str; 2],
        data: &[f32],
        samples: &[f32],
        dimensions: usize,
    ) -> Result<Scatter> {
        if dimensions != 2 {
            return Err(Error::input("can't draw these rows as points")
                .found(format!("{dimensions} dimensions"))
                .expected("2")
                .remedy("write the samples as .npy or .csv instead"));
        }
        let data = points("data", data)?;
        let samples = points("samples", samples)?;
        let names = ["data", "samples"];
        Ok(Scatter { title: title.into(), labels: labels.map(String::from), names, data, samples })
    }

    /// The same with other names for the data and the samples.
    pub fn with_names(self, names: [&'static str; 2]) -> Scatter {
        Scatter { names, ..self }
    }

    /// The points as one SVG element.
    pub fn svg(&self) -> String {
        let names = self.names();
        let (mut body, high) = legend(&names.each_ref().map(String::as_str), 34.0);
        let left = (WIDTH - SIDE) / 2.0 + 8.0;
        let frame = self.frame(left, 44.0 + high);
        frame.draw_axes(&mut body, &self.labels[0], &self.labels[1]);
        for ((set, colour), opacity) in self.sets().into_iter().zip(COLOURS).zip([0.45, 0.75]) {
            let mut path = String::new();
            for &point in inside(set, &frame).step_by(set.len().div_ceil(MAX_POINTS).max(1)) {
                let (x, y) = frame.place(point);
                let _ = write!(path, "M{x:.1} {y:.1}h0");
            }
            if !path.is_empty() {
                let style = r#"fill="none" stroke-width="3.2" stroke-linecap="round""#;
                let _ = write!(
                    body,
                    r#"<path d="{path}" stroke="{colour}" stroke-opacity="{opacity}" {style}/>"#
                );
            }
        }
        svg(&self.title, &self.title, frame.top + SIDE + 42.0, &body)
    }

    /// The points as a raster picture, RGB on white.
    ///
    /// # Errors
    /// None for a scatter made by [`Scatter::new`].
    pub fn image(&self) -> Result<Image> {
        let frame = self.frame(56.0, 30.0);
        let mut image = Image::filled(SIDE as usize + 72, SIDE as usize + 60, 3, 255)?;
        self.draw_raster_axes(&mut image, &frame);
        for (set, colour) in self.sets().into_iter().zip(RGB) {
            for &point in inside(set, &frame) {
                let (x, y) = frame.place(point);
                blend(&mut image, [(x as usize).saturating_sub(1), (y as usize).saturating_sub(1)], colour);
            }
        }
        let mut left = 56;
        for (name, colour) in self.names().iter().zip(RGB) {
            image.fill([left, 12], [10, 10], &colour);
            glyphs::draw(&mut image, name, [left + 16, 12], 2, &INK);
            left += glyphs::width(name, 2) + 44;
        }
        Ok(image)
    }

    fn draw_raster_axes(&self, image: &mut Image, frame: &Frame) {
        let left = frame.left as usize;
        let top = frame.top as usize;
        let side = SIDE as usize;
        for (corner, size) in [
            ([left - 1, top], [1, side]),
            ([left - 1, top + side], [side + 2, 1]),
            ([left - 1, top - 1], [side + 2, 1]),
            ([left + side, top - 1], [1, side + 2]),
        ] {
            image.fill(corner, size, &[190; 3]);
        }
        for tick in frame.x.ticks(5) {
            let x = (frame.left + SIDE * frame.x.position(tick.value)) as usize;
            image.fill([x, top + side], [1, 5], &INK);
            let start = x.saturating_sub(glyphs::width(&tick.label, 2) / 2);
            glyphs::draw(image, &tick.label, [start, top + side + 9], 2, &INK);
        }
        for tick in frame.y.ticks(5) {
            let y = (frame.top + SIDE * (1.0 - frame.y.position(tick.value))) as usize;
            image.fill([left - 5, y], [5, 1], &INK);
            let start = (left - 9).saturating_sub(glyphs::width(&tick.label, 2));
            glyphs::draw(image, &tick.label, [start, y.saturating_sub(glyphs::HEIGHT)], 2, &INK);
        }
    }

    fn sets(&self) -> [&[(f64, f64)]; 2] {
        [&self.data, &self.samples]
    }

    /// Names with the count of points outside the frame, where there are any.
    fn names(&self) -> [String; 2] {
        let frame = self.frame(0.0, 0.0);
        let outside = self.samples.len() - inside(&self.samples, &frame).count();
        let note = if outside == 0 { String::new() } else { format!(" ({outside} outside)") };
        [self.names[0].into(), format!("{}{note}", self.names[1])]
    }

    fn frame(&self, left: f64, top: f64) -> Frame {
        let basis = if self.data.is_empty() { &self.samples } else { &self.data };
        let mut x = Axis::fit(basis.iter().map(|point| point.0), Scale::Linear, 0.15);
        let mut y = Axis::fit(basis.iter().map(|point| point.1), Scale::Linear, 0.15);
        let half = (x.high - x.low).max(y.high - y.low) / 2.0;
        for axis in [&mut x, &mut y] {
            let middle = (axis.low + axis.high) / 2.0;
            // A range far from zero may be too short to move the ends; then the axis stays as it was fitted.
            if middle - half < middle + half {
                (axis.low, axis.high) = (middle - half, middle + half);
            }
        }
        Frame { left, top, wide: SIDE, high: SIDE, x, y }
    }
}

/// Points within the frame.
fn inside<'a>(set: &'a [(f64, f64)], frame: &Frame) -> impl Iterator<Item = &'a (f64, f64)> {
    let x = frame.x;
    let y = frame.y;
    set.iter().filter(move |point| (x.low..=x.high).contains(&point.0) && (y.low..=y.high).contains(&point.1))
}

/// Rows `[n, 2]` as points, without those that aren't finite.
fn points(name: &str, values: &[f32]) -> Result<Vec<(f64, f64)>> {
    if !values.len().is_multiple_of(2) {
        return Err(Error::input("wrong number of values for points")
            .at(name)
            .found(values.len())
            .expected("a multiple of 2"));
    }
    let rows = values.chunks_exact(2).map(|row| (f64::from(row[0]), f64::from(row[1])));
    Ok(rows.filter(|(x, y)| x.is_finite() && y.is_finite()).collect())
}

/// A dot of 3x3 pixels, half transparent, so that dense places look denser.
fn blend(image: &mut Image, [left, top]: [usize; 2], colour: [u8; 3]) {
    for y in top..(top + 3).min(image.height) {
        for x in left..(left + 3).min(image.width) {
            let start = (y * image.width + x) * 3;
            for (pixel, ink) in image.pixels[start..start + 3].iter_mut().zip(colour) {
                *pixel = ((u16::from(*pixel) + u16::from(ink)) / 2) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markup::check;

    fn scatter(data: &[f32], samples: &[f32]) -> Scatter {
        Scatter::new("a & b", ["x", "y"], data, samples, 2).unwrap()
    }

    #[test]
    fn other_dimensions_are_refused_with_a_remedy() {
        for dimensions in [0, 1, 3] {
            let error = Scatter::new("t", ["x", "y"], &[], &[0.0; 6], dimensions).unwrap_err();
            assert!(error.remedy.contains(".npy"), "{error}");
        }
        assert!(Scatter::new("t", ["x", "y"], &[0.0; 3], &[], 2).is_err());
    }

    #[test]
    fn degenerate_points_give_valid_pictures() {
        let cases: [(&[f32], &[f32]); 7] = [
            (&[], &[]),
            (&[1.0, 2.0], &[]),
            (&[], &[1.0, 2.0]),
            (&[f32::NAN, 0.0], &[f32::INFINITY, 1.0]),
            (&[f32::MAX, f32::MIN, f32::MIN, f32::MAX], &[0.0, 0.0]),
            (&[3.0, 0.0, 3.0, 1.0], &[1e30, 1e30]),
            (&[1e30, 0.0, 1e30, 1e-30], &[1e30, 0.0]),
        ];
        for (data, samples) in cases {
            let scatter = scatter(data, samples);
            let svg = scatter.svg();
            check(&svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{data:?} {svg}");
            scatter.image().unwrap().check().unwrap();
        }
    }

    #[test]
    fn samples_far_away_are_counted_and_dont_move_the_frame() {
        let near = scatter(&[0.0, 0.0, 1.0, 1.0], &[0.5, 0.5]);
        let far = scatter(&[0.0, 0.0, 1.0, 1.0], &[0.5, 0.5, 900.0, 0.0]);
        assert_eq!(near.frame(0.0, 0.0).x.high, far.frame(0.0, 0.0).x.high);
        assert!(far.svg().contains("samples (1 outside)") && !near.svg().contains("outside"));
    }

    #[test]
    fn points_are_drawn_where_they_lie() {
        // Data at the corners of the unit square, one sample at the upper right.
        let scatter = scatter(&[0.0, 0.0, 1.0, 1.0], &[1.0, 1.0]);
        let image = scatter.image().unwrap();
        let frame = scatter.frame(56.0, 30.0);
        let at = |point| {
            let (x, y) = frame.place(point);
            let start = (y as usize * image.width + x as usize) * 3;
            [image.pixels[start], image.pixels[start + 2]]
        };
        let [low_red, low_blue] = at((0.0, 0.0));
        let [high_red, high_blue] = at((1.0, 1.0));
        assert!(low_blue > low_red, "data are blue");
        assert!(high_red > high_blue, "samples are orange, over the data");
        assert_eq!(at((0.0, 1.0)), [255, 255]);
    }

    #[test]
    fn a_large_set_is_thinned_in_the_svg() {
        let data: Vec<f32> = (0..40_000).map(|i| (i as f32 * 0.37).sin()).collect();
        assert!(scatter(&data, &data).svg().len() < 150_000);
    }
}
