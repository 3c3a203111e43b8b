//! Small line charts as SVG: they stand alone or inside a page, on light and dark backgrounds, without fonts
//! or scripts.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::frame::{CHARACTER, COLOURS, Frame, WIDTH, legend, svg};

/// Height of the plotting area.
const PLOT_HEIGHT: f64 = 190.0;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line. One of many points is drawn as a faint band from the lowest to the highest point at each
    /// place, with their median over it.
    Line,
    /// A dashed line: a baseline or bound.
    Dashed,
    /// A line with a dot at each point: few measured values.
    Dots,
}

/// Points `(x, y)` in the order they are joined. A point that can't be drawn (not finite, or not positive on
/// a log axis) leaves a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// The points (x, y), in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub mark: Mark,
}

impl Series {
    /// A series of these points.
    pub fn new(name: impl Into<String>, points: &[(f64, f64)], mark: Mark) -> Self {
        Series { name: name.into(), points: points.to_vec(), mark }
    }
}

impl Series {
    /// Its name and its value, if that does not change.
    fn constant(&self) -> Option<(&str, f64)> {
        let (_, first) = *self.points.first()?;
        let is_first = |(_, value): &(f64, f64)| (value - first).abs() <= 1e-9 * first.abs();
        self.points.iter().all(is_first).then_some((&self.name[..], first))
    }
}

/// A chart of a few series over common axes. Any input gives a valid picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The line above the chart.
    pub title: String,
    /// Label of the horizontal axis, with its unit.
    pub x_label: String,
    /// Label of the vertical axis, with its unit.
    pub y_label: String,
    /// Scale of the horizontal axis.
    pub x_scale: Scale,
    /// Scale of the vertical axis.
    pub y_scale: Scale,
    /// The series, one to four for a readable chart.
    pub series: Vec<Series>,
}

/// Loss over steps: training, and validation where there is any. `unit` is the loss's (such as "nats").
pub fn loss_curve(
    train: &[(f64, f64)],
    validation: &[(f64, f64)],
    y_scale: Scale,
    unit: Option<&str>,
) -> Chart {
    let mut series = vec![Series::new("train", train, Mark::Line)];
    if !validation.is_empty() {
        series.push(Series::new("validation", validation, Mark::Dots));
    }
    let y_label = unit.map_or("loss".to_string(), |unit| format!("loss ({unit})"));
    over_steps("Loss", &y_label, y_scale, series)
}

/// Loss at each noise level `(sigma, loss)`, with what the best linear score reaches beside it.
pub fn sigma_losses(losses: &[(f64, f64)], linear_baseline: &[(f64, f64)]) -> Chart {
    let mut series = vec![Series::new("model", losses, Mark::Dots)];
    if !linear_baseline.is_empty() {
        series.push(Series::new("best linear score", linear_baseline, Mark::Dashed));
    }
    Chart {
        title: "Loss by noise level".into(),
        x_label: "noise level sigma (data units)".into(),
        y_label: "loss".into(),
        x_scale: Scale::Log,
        y_scale: Scale::Linear,
        series,
    }
}

/// Learning rate over steps.
pub fn learning_rate(points: &[(f64, f64)]) -> Chart {
    let series = vec![Series::new("learning rate", points, Mark::Line)];
    over_steps("Learning rate", "learning rate", Scale::Linear, series)
}

/// Norm of the gradient over steps, on a log scale.
pub fn gradient_norm(points: &[(f64, f64)]) -> Chart {
    over_steps("Gradient norm", "norm", Scale::Log, vec![Series::new("gradient norm", points, Mark::Line)])
}

/// A number that an objective reports over steps.
pub fn diagnostic(title: &str, points: &[(f64, f64)], y_label: &str) -> Chart {
    over_steps(title, y_label, Scale::Linear, vec![Series::new(y_label, points, Mark::Line)])
}

fn over_steps(title: &str, y_label: &str, y_scale: Scale, series: Vec<Series>) -> Chart {
    let title = title.into();
    let y_label = y_label.into();
    Chart { title, x_label: "step".into(), y_label, x_scale: Scale::Linear, y_scale, series }
}

impl Chart {
    /// The one value of each series, by its name, if none of them changes: there is nothing to draw.
    pub fn constants(&self) -> Option<Vec<(&str, f64)>> {
        self.series.iter().map(Series::constant).collect()
    }

    /// The chart as one SVG element.
    pub fn svg(&self) -> String {
        let shown = || self.series.iter().flat_map(|series| &series.points).filter(|point| self.shows(point));
        let x = Axis::fit(shown().map(|point| point.0), self.x_scale, 0.0);
        let y = Axis::fit(shown().map(|point| point.1), self.y_scale, 0.05);
        let y_ticks = y.ticks(4);
        let widest = y_ticks.iter().map(|tick| tick.label.len()).max().unwrap_or(0);
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        let (legend, legend_height) = if names.len() > 1 { legend(&names, 34.0) } else { Default::default() };
        let left = (widest as f64 * CHARACTER + 12.0).max(30.0);
        let frame =
            Frame { left, top: 44.0 + legend_height, wide: WIDTH - left - 16.0, high: PLOT_HEIGHT, x, y };

        let mut body = legend;
        frame.draw_axes(&mut body, &self.x_label, &self.y_label);
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut body, &frame, series, index);
        }
        if shown().next().is_none() {
            let middle = frame.left + frame.wide / 2.0;
            let y = frame.top + frame.high / 2.0;
            let _ = write!(body, r#"<text x="{middle:.1}" y="{y:.1}" text-anchor="middle">no values</text>"#);
        }
        let label = match self.title.as_str() {
            "" => format!("{} over {}", self.y_label, self.x_label),
            title => title.to_string(),
        };
        svg(&self.title, &label, frame.top + frame.high + 42.0, &body)
    }

    fn shows(&self, point: &(f64, f64)) -> bool {
        self.x_scale.shows(point.0) && self.y_scale.shows(point.1)
    }

    fn draw_series(&self, out: &mut String, frame: &Frame, series: &Series, index: usize) {
        let colour = COLOURS[index % COLOURS.len()];
        let [mut band, mut path, mut dots] = [const { String::new() }; 3];
        for run in series.points.split(|point| !self.shows(point)).filter(|run| !run.is_empty()) {
            let places: Vec<(f64, f64)> = run.iter().map(|&point| frame.place(point)).collect();
            if series.mark == Mark::Dots || places.len() == 1 {
                places.iter().for_each(|(x, y)| _ = write!(dots, "M{x:.1} {y:.1}h0"));
            }
            let dense = places.len() as f64 > 4.0 * WIDTH;
            if dense {
                trace(&mut band, &extremes(&places));
            }
            trace(&mut path, &if dense { medians(&places) } else { places });
        }
        let dash = if series.mark == Mark::Dashed { r#" stroke-dasharray="5 4""# } else { "" };
        let line = format!(r#"fill="none" stroke="{colour}" stroke-linejoin="round""#);
        if !band.is_empty() {
            let _ = write!(out, r#"<path d="{band}" {line} stroke-opacity="0.35"/>"#);
        }
        if !path.is_empty() {
            let _ = write!(out, r#"<path d="{path}" {line} stroke-width="1.6"{dash}/>"#);
        }
        if !dots.is_empty() {
            let _ = write!(out, r#"<path d="{dots}" {line} stroke-width="5" stroke-linecap="round"/>"#);
        }
    }
}

/// Adds a line to a path.
fn trace(path: &mut String, places: &[(f64, f64)]) {
    for (at, (x, y)) in places.iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
    }
}

/// The points of each pixel column.
fn columns(places: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    places.chunk_by(|a, b| a.0.floor() == b.0.floor())
}

/// The first, lowest, highest and last point of each pixel column, in their order: every peak is kept.
fn extremes(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for column in columns(places) {
        let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let low = (0..column.len()).min_by(by_height).unwrap_or(0);
        let high = (0..column.len()).max_by(by_height).unwrap_or(0);
        let mut picks = [0, low, high, column.len() - 1];
        picks.sort_unstable();
        kept.extend(picks.chunk_by(|a, b| a == b).map(|same| column[same[0]]));
    }
    kept
}

/// The median height of each pixel column, the same on either scale, at the column's middle point.
fn medians(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let median = |column: &[(f64, f64)]| {
        let mut heights: Vec<f64> = column.iter().map(|place| place.1).collect();
        heights.sort_unstable_by(f64::total_cmp);
        (column[column.len() / 2].0, heights[heights.len() / 2])
    };
    columns(places).map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markup::check;

    fn chart(y_scale: Scale, points: &[(f64, f64)]) -> String {
        let chart = loss_curve(points, &[], y_scale, Some("nats"));
        let svg = chart.svg();
        check(&svg).unwrap_or_else(|fault| panic!("{points:?}: {fault}\n{svg}"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?}\n{svg}");
        svg
    }

    /// The drawn line, without grid and axes.
    fn line(svg: &str) -> &str {
        let end = svg.find("\" fill=\"none\"").unwrap();
        &svg[svg[..end].rfind("d=\"").unwrap() + 3..end]
    }

    #[test]
    fn degenerate_input_gives_valid_pictures() {
        let nan = f64::NAN;
        let infinite = f64::INFINITY;
        for scale in [Scale::Linear, Scale::Log] {
            assert!(chart(scale, &[]).contains("no values"));
            assert!(chart(scale, &[(1.0, nan), (nan, 1.0), (2.0, infinite)]).contains("no values"));
            assert!(!chart(scale, &[(1.0, 2.0)]).contains("no values"));
            chart(scale, &[(1.0, 3.0), (2.0, 3.0)]);
            chart(scale, &[(1.0, -1e308), (2.0, 1e308), (3.0, 5e-324)]);
            chart(scale, &[(1.0, 1e-300), (2.0, 1e300)]);
        }
        assert!(chart(Scale::Log, &[(1.0, 0.0), (2.0, -1.0)]).contains("no values"));
    }

    #[test]
    fn a_chart_of_constants_is_told_from_one_of_curves() {
        assert_eq!(learning_rate(&[(0.0, 0.1), (5.0, 0.1)]).constants(), Some(vec![("learning rate", 0.1)]));
        assert_eq!(learning_rate(&[(0.0, 0.1), (5.0, 0.2)]).constants(), None);
        let curves = loss_curve(&[(0.0, 1.0), (1.0, 1.0)], &[(0.0, 1.0), (1.0, 0.5)], Scale::Log, None);
        assert_eq!(curves.constants(), None, "one of two changes");
        assert_eq!(learning_rate(&[(0.0, f64::NAN), (1.0, f64::NAN)]).constants(), None);
    }

    #[test]
    fn a_logarithmic_axis_says_so() {
        let points = [(1.0, 0.13), (2.0, 2.0)];
        assert!(chart(Scale::Log, &points).contains(">loss (nats), log scale<"));
        assert!(!chart(Scale::Linear, &points).contains("log scale"));
        let svg = sigma_losses(&[(0.01, 1.0), (1.0, 2.0)], &[]).svg();
        assert!(svg.contains("sigma") && svg.matches(", log scale<").count() == 1, "{svg}");
    }

    #[test]
    fn a_point_that_cant_be_drawn_leaves_a_gap() {
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 2.0), (4.0, 1.0)];
        assert_eq!(line(&chart(Scale::Linear, &points)).matches('M').count(), 2);
        let points = [(0.0, 1.0), (1.0, 2.0), (2.0, 0.0), (3.0, 2.0), (4.0, 1.0)];
        assert_eq!(line(&chart(Scale::Log, &points)).matches('M').count(), 2);
        assert_eq!(line(&chart(Scale::Linear, &points)).matches('M').count(), 1);
    }

    #[test]
    fn larger_values_lie_higher_and_later_ones_to_the_right() {
        let svg = chart(Scale::Linear, &[(0.0, 1.0), (10.0, 5.0)]);
        let numbers: Vec<f64> =
            line(&svg).split(['M', 'L', ' ']).filter_map(|part| part.parse().ok()).collect();
        assert!(numbers[2] > numbers[0] && numbers[3] < numbers[1], "{numbers:?}");
    }

    #[test]
    fn long_series_are_thinned_but_keep_their_peaks() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|step| (step as f64, 1.0)).collect();
        points[54_321].1 = 9.0;
        let places: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x / 250.0, y)).collect();
        let middle = medians(&places);
        assert!(middle.len() < 500 && middle.iter().all(|place| place.1 == 1.0));
        let kept = extremes(&places);
        assert!(kept.len() < 2000 && kept.contains(&places[54_321]));
        assert_eq!((kept.first(), kept.last()), (places.first(), places.last()));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn names_are_escaped_and_several_series_have_a_legend() {
        let mut chart = sigma_losses(&[(0.1, 1.0), (1.0, 2.0)], &[(0.1, 2.0), (1.0, 3.0)]);
        assert!(chart.svg().contains("best linear score"));
        chart.series[0].name = "<script>&\"".into();
        chart.title = "a\"b".into();
        let svg = chart.svg();
        check(&svg).unwrap();
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script"));
    }
}
