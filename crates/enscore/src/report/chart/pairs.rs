//! Columns of a table as a grid of small pictures: on the diagonal the distribution of each column, data
//! beside samples, below it each pair of columns as points.

use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{
    EDGE, Frame, Legend, Look, Plane, TICKS_BELOW, WIDTH, draw_title, filled, title_height, widest,
};
use crate::error::Result;
use crate::evaluate::Rows;
use crate::report::plot::{
    Area, Axis, BODY, COLOURS, Drawn, INK, Picture, Ruled, Scale, draw, fitted, line, text_at, units,
};

/// Columns shown as pairs, at most.
pub const MOST_PAIRED: usize = 5;
/// Points of each kind in a cell; more are left out evenly.
const MAX_POINTS: usize = 350;
/// Bars of a distribution.
const BINS: usize = 24;
const GAP: f64 = 10.0;
/// Room for a column's name above its picture.
const NAME: f64 = 19.0;
/// Distributions in a row, where there are no pairs.
const ACROSS: usize = 4;

/// Some columns of data and samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    title: String,
    names: Vec<String>,
    data: Vec<Vec<f64>>,
    samples: Vec<Vec<f64>>,
    /// Whether pairs are shown below the diagonal, or the distributions alone, in rows.
    paired: bool,
}

impl Pairs {
    /// The columns `chosen` of `data` and `samples`, with their names: in pairs if they are few.
    ///
    /// # Errors
    /// Rows of different lengths.
    pub fn new(title: &str, names: &[String], data: Rows, samples: Rows, chosen: &[usize]) -> Result<Pairs> {
        data.same_row_len(samples)?;
        let column = |rows: Rows, column: usize| rows.iter().map(|row| f64::from(row[column])).collect();
        Ok(Pairs {
            title: title.into(),
            names: chosen.iter().map(|&at| names.get(at).cloned().unwrap_or_default()).collect(),
            data: chosen.iter().map(|&at| column(data, at)).collect(),
            samples: chosen.iter().map(|&at| column(samples, at)).collect(),
            paired: (2..=MOST_PAIRED).contains(&chosen.len()),
        })
    }

    /// The grid, drawn.
    ///
    /// # Errors
    /// None that follows from the rows.
    pub fn picture(&self) -> Result<Picture> {
        let legend = Legend::new(&["data", "samples"], WIDTH, title_height(&self.title));
        let grid = self.grid(title_height(&self.title) + legend.height);
        draw(&self.title, [WIDTH, grid.height(self.cells())], |area| {
            draw_title(area, &self.title, WIDTH)?;
            legend.draw(area)?;
            for column in 0..self.names.len() {
                self.draw_marginal(area, &grid, column)?;
                for other in 0..if self.paired { column } else { 0 } {
                    self.draw_pair(area, &grid, [other, column])?;
                }
            }
            Ok(())
        })
    }

    /// Rows of cells.
    fn cells(&self) -> usize {
        if self.paired { self.names.len() } else { self.names.len().div_ceil(ACROSS) }
    }

    fn grid(&self, top: f64) -> Grid {
        let axes: Vec<Ruled> = self.data.iter().map(|values| range(values)).collect();
        let across = if self.paired { axes.len() } else { axes.len().clamp(1, ACROSS) };
        let left = if self.paired { EDGE + axes.iter().map(widest).fold(0.0, f64::max) + 8.0 } else { EDGE };
        // Half of the last label below a cell hangs over.
        let side = (WIDTH - left - EDGE - 4.0 - GAP * (across as f64 - 1.0)) / across as f64;
        let size = [side, if self.paired { side } else { side * 0.6 }];
        // In pairs the names stand above the diagonal, where nothing else is; ticks below the last row alone.
        let between = if self.paired { NAME } else { NAME + TICKS_BELOW };
        Grid { axes, corner: [left, top], size, across, between }
    }

    /// The distribution of a column, with its name and its range.
    fn draw_marginal(&self, area: &Area, grid: &Grid, column: usize) -> Drawn {
        let (row, across) =
            if self.paired { (column, column) } else { (column / grid.across, column % grid.across) };
        let corner = grid.corner(row, across);
        let name = fitted(&self.names[column], BODY, FontStyle::Normal, grid.size[0]);
        let above = text_at(BODY, INK, HPos::Left, VPos::Bottom);
        area.draw_text(&name, &above, (units(corner[0]), units(corner[1] - 5.0)))?;
        let x = grid.axes[column].clone();
        let sets = [&self.data[column], &self.samples[column]].map(|values| shares(values, &x.axis));
        let highest = sets.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
        let has_ticks = !self.paired || column + 1 == self.names.len();
        let look = if has_ticks { Look::BoxBelow } else { Look::BoxAlone };
        let y = Axis::fit([0.0, 1.0].into_iter(), Scale::Linear, 0.0).ruled(1);
        let frame = Frame { corner, size: grid.size, x, y, look };
        let mut plane = frame.plane(area)?;
        let steps = sets.map(|shares| steps(&shares, &frame.x.axis, 0.94 / highest));
        plane.draw_series([Polygon::new(steps[0].clone(), filled(COLOURS[0], 0.3))])?;
        plane.draw_series(
            steps
                .into_iter()
                .zip(COLOURS)
                .map(|(steps, colour)| PathElement::new(steps, line(colour, 1.2, 1.0))),
        )?;
        frame.draw_box(area)
    }

    /// Two columns as points, data below samples.
    fn draw_pair(&self, area: &Area, grid: &Grid, [x, y]: [usize; 2]) -> Drawn {
        let is_last = y + 1 == self.names.len();
        let look = match (is_last, x == 0) {
            (true, true) => Look::Box,
            (true, false) => Look::BoxBelow,
            (false, true) => Look::BoxLeft,
            (false, false) => Look::BoxAlone,
        };
        let [across, up] = [x, y].map(|column| grid.axes[column].clone());
        let frame = Frame { corner: grid.corner(y, x), size: grid.size, x: across, y: up, look };
        let mut plane: Plane = frame.plane(area)?;
        let sets = [[&self.data[x], &self.data[y]], [&self.samples[x], &self.samples[y]]];
        for (([x, y], colour), opacity) in sets.into_iter().zip(COLOURS).zip([0.45, 0.7]) {
            let is_inside = |(x, y): &(f64, f64)| {
                let places = [frame.x.axis.position(*x), frame.y.axis.position(*y)];
                places.iter().all(|place| (0.0..=1.0).contains(place))
            };
            let points = x.iter().copied().zip(y.iter().copied());
            let points = points.step_by(x.len().div_ceil(MAX_POINTS).max(1)).filter(is_inside);
            plane.draw_series(points.map(|at| Circle::new(at, units(1.1), filled(colour, opacity))))?;
        }
        frame.draw_box(area)
    }
}

/// Where the cells lie.
struct Grid {
    axes: Vec<Ruled>,
    corner: [f64; 2],
    size: [f64; 2],
    across: usize,
    /// The height between two rows of cells, without the gap.
    between: f64,
}

impl Grid {
    fn corner(&self, row: usize, column: usize) -> [f64; 2] {
        let [left, top] = self.corner;
        let [wide, high] = self.size;
        [left + column as f64 * (wide + GAP), top + NAME + row as f64 * (high + GAP + self.between)]
    }

    /// The height of a drawing of this many rows of cells.
    fn height(&self, rows: usize) -> f64 {
        let [_, top] = self.corner(rows.max(1) - 1, 0);
        top + self.size[1] + TICKS_BELOW + EDGE
    }
}

/// The outline of shares, from bin to bin, each `scale` times as high.
fn steps(shares: &[f64], axis: &Axis, scale: f64) -> Vec<(f64, f64)> {
    let edge = |bin: usize| axis.low + (axis.high - axis.low) * bin as f64 / shares.len() as f64;
    let mut points = vec![(axis.low, 0.0)];
    for (bin, share) in shares.iter().enumerate() {
        points.extend([(edge(bin), share * scale), (edge(bin + 1), share * scale)]);
    }
    points.push((axis.high, 0.0));
    points
}

/// The data's range, widened: a few samples far away don't hide the rest.
fn range(values: &[f64]) -> Ruled {
    Axis::fit(values.iter().copied(), Scale::Linear, 0.1).ruled(3)
}

/// The share of values in each bin; those outside of the range count among all.
fn shares(values: &[f64], axis: &Axis) -> Vec<f64> {
    let mut shares = vec![0.0; BINS];
    for value in values {
        let place = axis.position(*value);
        if (0.0..=1.0).contains(&place) {
            shares[((place * BINS as f64) as usize).min(BINS - 1)] += 1.0 / values.len() as f64;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markup::check;

    fn drawn(columns: usize, rows: usize, data: impl Fn(usize) -> f32) -> String {
        let values: Vec<f32> = (0..columns * rows).map(data).collect();
        let rows = Rows::new(&values, columns).unwrap();
        let names: Vec<String> = (0..columns).map(|at| format!("a <column> of a long name {at}")).collect();
        let chosen: Vec<usize> = (0..columns).collect();
        let picture = Pairs::new("a & b", &names, rows, rows, &chosen).unwrap().picture().unwrap();
        let svg = picture.svg().to_string();
        check(&svg).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        svg
    }

    #[test]
    fn few_columns_are_paired_and_many_stand_alone() {
        let noise = |i: usize| (i as f32 * 0.7).sin();
        let points = r#"stroke-width="2.2""#;
        assert_eq!(drawn(3, 40, noise).matches(points).count(), 2 * 3);
        assert_eq!(drawn(1, 40, noise).matches(points).count(), 0);
        let many = drawn(9, 40, noise);
        // A rectangle is the ground.
        assert_eq!((many.matches(points).count(), many.matches("<rect").count()), (0, 9 + 1));
    }

    #[test]
    fn degenerate_columns_give_valid_pictures() {
        drawn(2, 1, |_| 3.0);
        drawn(4, 5, |i| [0.0, f32::MAX, f32::MIN, 1e-40][i % 4]);
    }

    #[test]
    fn shares_count_what_lies_outside() {
        let axis = range(&[0.0, 1.0]).axis;
        assert!((shares(&[0.5, 0.5, 1e9, -1e9], &axis).iter().sum::<f64>() - 0.5).abs() < 1e-12);
    }
}
