//! Samples over real data, for vectors of two dimensions.
//!
//! The frame follows the real data, widened by 15 %, with equal units on both axes, so that a few samples far
//! away don't hide the rest; samples outside are counted in the picture's legend.

use plotters::element::Circle;

use super::frame::{BELOW, EDGE, Frame, Legend, Look, draw_title, filled, overhang, title_height, widest};
use crate::error::{Error, Result};
use crate::report::plot::{Axis, COLOURS, Picture, Scale, draw, units};

/// Side of the plotting area.
const SIDE: f64 = 420.0;
/// Points of each kind that are drawn; more are left out evenly, to keep a page small.
const MAX_POINTS: usize = 3000;

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

    /// The points, drawn.
    ///
    /// # Errors
    /// None that follows from the points.
    pub fn picture(&self) -> Result<Picture> {
        let names = self.names();
        let named = |at: usize| (!self.sets()[at].is_empty()).then_some((names[at].as_str(), COLOURS[at]));
        let legend = Legend::coloured(
            [0, 1].into_iter().filter_map(named).collect(),
            WIDTH,
            title_height(&self.title),
        );
        let frame = self.frame(&legend);
        draw(&self.title, [WIDTH, frame.corner[1] + SIDE + BELOW], |area| {
            draw_title(area, &self.title, WIDTH)?;
            legend.draw(area)?;
            frame.draw_labels(area, self.labels.each_ref().map(String::as_str), EDGE)?;
            let mut plane = frame.plane(area)?;
            for ((set, colour), opacity) in self.sets().into_iter().zip(COLOURS).zip([0.45, 0.75]) {
                let points = inside(set, &frame).step_by(set.len().div_ceil(MAX_POINTS).max(1));
                plane.draw_series(points.map(|at| Circle::new(*at, units(1.6), filled(colour, opacity))))?;
            }
            frame.draw_box(area)
        })
    }

    fn sets(&self) -> [&[(f64, f64)]; 2] {
        [&self.data, &self.samples]
    }

    /// Names with the count of points outside the frame, where there are any.
    fn names(&self) -> [String; 2] {
        let axes = self.axes();
        let outside = self.samples.iter().filter(|point| !is_inside(point, &axes)).count();
        let note = if outside == 0 { String::new() } else { format!(" ({outside} outside)") };
        [self.names[0].into(), format!("{}{note}", self.names[1])]
    }

    /// Axes of equal units around the data, or around the samples where there are no data.
    fn axes(&self) -> [Axis; 2] {
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
        [x, y]
    }

    fn frame(&self, legend: &Legend) -> Frame {
        let [x, y] = self.axes().map(|axis| axis.ruled(5));
        let left = (widest(&y) + 16.0).max((WIDTH - SIDE - EDGE - overhang(&x)) / 2.0);
        let top = title_height(&self.title) + legend.height + 24.0;
        Frame { corner: [left, top], size: [SIDE; 2], x, y, look: Look::Box }
    }
}

/// Width of the drawing: room for labels of ticks at the left.
const WIDTH: f64 = 520.0;

fn is_inside(point: &(f64, f64), [x, y]: &[Axis; 2]) -> bool {
    (x.low..=x.high).contains(&point.0) && (y.low..=y.high).contains(&point.1)
}

/// Points within the frame.
fn inside<'a>(set: &'a [(f64, f64)], frame: &Frame) -> impl Iterator<Item = &'a (f64, f64)> {
    let axes = [frame.x.axis, frame.y.axis];
    set.iter().filter(move |point| is_inside(point, &axes))
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
            let picture = scatter(data, samples).picture().unwrap();
            let svg = picture.svg();
            check(svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{data:?} {svg}");
            assert!(picture.png().unwrap().len() > 1000, "{data:?}");
        }
    }

    #[test]
    fn samples_far_away_are_counted_and_dont_move_the_frame() {
        let near = scatter(&[0.0, 0.0, 1.0, 1.0], &[0.5, 0.5]);
        let far = scatter(&[0.0, 0.0, 1.0, 1.0], &[0.5, 0.5, 900.0, 0.0]);
        assert_eq!(near.axes()[0].high, far.axes()[0].high);
        let svg = |scatter: &Scatter| scatter.picture().unwrap().svg().to_string();
        assert!(svg(&far).contains(">samples (1 outside)<") && !svg(&near).contains("outside"));
    }

    #[test]
    fn points_are_drawn_where_they_lie() {
        // Data at the corners of the unit square, one sample at the upper right.
        let scatter = scatter(&[0.0, 0.0, 1.0, 1.0], &[1.0, 1.0]);
        let picture = scatter.picture().unwrap();
        let [width, _] = picture.size().map(|side| 2 * side as usize);
        let image = crate::report::draw::png::decode(&picture.png().unwrap());
        let frame = scatter.frame(&Legend::new(&["data", "samples"], WIDTH, title_height("a & b")));
        let at = |x: f64, y: f64| {
            let [left, top] = frame.corner;
            let across = (2.0 * (left + SIDE * frame.x.axis.position(x))) as usize;
            let down = (2.0 * (top + SIDE * (1.0 - frame.y.axis.position(y)))) as usize;
            let start = (down * width + across) * 3;
            [image.pixels[start], image.pixels[start + 2]]
        };
        let [low_red, low_blue] = at(0.0, 0.0);
        let [high_red, high_blue] = at(1.0, 1.0);
        assert!(low_blue > low_red, "data are blue");
        assert!(high_red > high_blue, "samples are vermilion, over the data");
        assert_eq!(at(0.0, 1.0), [255, 255]);
    }

    #[test]
    fn only_what_is_there_is_named() {
        let svg = scatter(&[], &[1.0, 2.0]).picture().unwrap().svg().to_string();
        assert!(svg.contains(">samples<") && !svg.contains(">data<"), "{svg}");
    }

    #[test]
    fn a_large_set_is_thinned_in_the_svg() {
        let data: Vec<f32> = (0..40_000).map(|i| (i as f32 * 0.37).sin()).collect();
        assert!(scatter(&data, &data).picture().unwrap().svg().len() < 150_000);
    }
}
