//! Columns of a table as a grid of small pictures: on the diagonal the distribution of each column, data
//! beside samples, below it each pair of columns as points. As one SVG element.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::frame::{COLOURS, WIDTH, legend, svg};
use crate::error::Result;
use crate::evaluate::Rows;
use crate::report::markup::escape;

/// Columns shown as pairs, at most.
pub const MOST_PAIRED: usize = 5;
/// Points of each kind in a cell; more are left out evenly.
const MAX_POINTS: usize = 350;
/// Bars of a distribution.
const BINS: usize = 24;
const GAP: f64 = 8.0;
/// Room for a column's name above its picture.
const NAME: f64 = 15.0;

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

    /// The grid as one SVG element.
    pub fn svg(&self) -> String {
        let across = if self.paired { self.names.len() } else { self.names.len().clamp(1, 4) };
        let side = (WIDTH - 8.0 - GAP * (across as f64 - 1.0)) / across as f64;
        let high = if self.paired { side } else { side * 0.6 };
        let (mut body, legend_height) = legend(&["data", "samples"], 34.0);
        let top = 30.0 + legend_height;
        let place = |row: usize, column: usize| {
            let left = 4.0 + column as f64 * (side + GAP);
            [left, top + row as f64 * (high + GAP + NAME) + NAME]
        };
        let axes: Vec<Axis> = self.data.iter().map(|values| range(values)).collect();
        let mut rows = 0;
        for (at, axis) in axes.iter().enumerate() {
            let corner = if self.paired { place(at, at) } else { place(at / across, at % across) };
            self.draw_marginal(&mut body, at, axis, corner, [side, high]);
            rows = if self.paired { at + 1 } else { at / across + 1 };
            for (other, horizontal) in axes[..at].iter().enumerate().filter(|_| self.paired) {
                self.draw_pair(&mut body, [other, at], [horizontal, axis], place(at, other), side);
            }
        }
        svg(&self.title, &self.title, place(rows, 0)[1] - NAME, &body)
    }

    /// The distribution of a column, with its name and its range.
    fn draw_marginal(
        &self,
        out: &mut String,
        column: usize,
        axis: &Axis,
        [left, top]: [f64; 2],
        [wide, high]: [f64; 2],
    ) {
        let name = shortened(&self.names[column], wide);
        let _ = write!(out, r#"<text x="{left:.1}" y="{:.1}">{}</text>"#, top - 4.0, escape(&name));
        frame(out, [left, top], [wide, high]);
        let sets = [&self.data[column], &self.samples[column]].map(|values| shares(values, axis));
        let highest = sets.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
        for ((shares, colour), opacity) in sets.iter().zip(COLOURS).zip([0.35, 0.0]) {
            let bottom = top + high;
            let mut path = format!("M{left:.1} {bottom:.1}");
            for (bin, share) in shares.iter().enumerate() {
                let y = bottom - 0.94 * high * share / highest;
                let _ = write!(path, "V{y:.1}H{:.1}", left + wide * (bin + 1) as f64 / BINS as f64);
            }
            let style = format!(r#"fill="{colour}" fill-opacity="{opacity}" stroke="{colour}""#);
            let _ = write!(out, r#"<path d="{path}V{bottom:.1}" {style}/>"#);
        }
        let (y, end) = (top + high - 4.0, left + wide - 3.0);
        for (tick, anchor, x) in ends(axis)
            .into_iter()
            .zip(["start", "end"])
            .zip([left + 3.0, end])
            .map(|((tick, anchor), x)| (tick, anchor, x))
        {
            let style = r#"font-size="9" fill-opacity="0.7""#;
            let _ =
                write!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {style}>{tick}</text>"#);
        }
    }

    /// Two columns as points, data below samples.
    fn draw_pair(
        &self,
        out: &mut String,
        [x, y]: [usize; 2],
        [across, up]: [&Axis; 2],
        [left, top]: [f64; 2],
        side: f64,
    ) {
        frame(out, [left, top], [side, side]);
        let sets = [[&self.data[x], &self.data[y]], [&self.samples[x], &self.samples[y]]];
        for (([x, y], colour), opacity) in sets.into_iter().zip(COLOURS).zip([0.45, 0.7]) {
            let mut path = String::new();
            for (x, y) in x.iter().zip(y).step_by(x.len().div_ceil(MAX_POINTS).max(1)) {
                let [x, y] = [across.position(*x), up.position(*y)];
                if [x, y].iter().all(|place| (0.0..=1.0).contains(place)) {
                    let _ = write!(path, "M{:.1} {:.1}h0", left + side * x, top + side * (1.0 - y));
                }
            }
            if !path.is_empty() {
                let style = r#"fill="none" stroke-width="2.2" stroke-linecap="round""#;
                let _ =
                    write!(out, r#"<path d="{path}" stroke="{colour}" stroke-opacity="{opacity}" {style}/>"#);
            }
        }
    }
}

/// The data's range, widened: a few samples far away don't hide the rest.
fn range(values: &[f64]) -> Axis {
    Axis::fit(values.iter().copied(), Scale::Linear, 0.1)
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

/// Labels of the ends of a range.
fn ends(axis: &Axis) -> [String; 2] {
    let ticks = axis.ticks(4);
    let label = |tick: Option<&super::axis::Tick>| tick.map_or(String::new(), |tick| tick.label.clone());
    [label(ticks.first()), label(ticks.last())]
}

fn frame(out: &mut String, [left, top]: [f64; 2], [wide, high]: [f64; 2]) {
    let style = r#"fill="none" class="axis""#;
    let _ = write!(out, r#"<rect x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" {style}/>"#);
}

/// A name that fits above a picture of this width.
fn shortened(name: &str, wide: f64) -> String {
    let most = (wide / super::frame::CHARACTER) as usize;
    if name.chars().count() <= most {
        return name.to_string();
    }
    name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
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
        let svg = Pairs::new("a & b", &names, rows, rows, &chosen).unwrap().svg();
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
        assert_eq!((many.matches(points).count(), many.matches("<rect").count()), (0, 9));
    }

    #[test]
    fn degenerate_columns_give_valid_pictures() {
        drawn(2, 1, |_| 3.0);
        drawn(4, 5, |i| [0.0, f32::MAX, f32::MIN, 1e-40][i % 4]);
    }

    #[test]
    fn shares_count_what_lies_outside() {
        let axis = range(&[0.0, 1.0]);
        assert!((shares(&[0.5, 0.5, 1e9, -1e9], &axis).iter().sum::<f64>() - 0.5).abs() < 1e-12);
    }
}
