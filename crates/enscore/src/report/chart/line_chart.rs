//! Small line charts.

use plotters::element::{Circle, PathElement};
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{
    BELOW, EDGE, Frame, Legend, Look, Plane, WIDTH, draw_title, filled, overhang, title_height, widest,
};
use crate::error::Result;
use crate::report::plot::{
    Area, Axis, BODY, COLOURS, Dashed, Drawn, FAINT, Picture, Scale, draw, line, text_at, units,
};

/// Height of the plotting area.
const PLOT_HEIGHT: f64 = 210.0;
/// Places across that are told apart; a series of many more points than these is drawn as a band.
const PLACES: f64 = 480.0;

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

    /// The chart, drawn.
    ///
    /// # Errors
    /// None that follows from the points.
    pub fn picture(&self) -> Result<Picture> {
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        let legend = Legend::new(&names, WIDTH, title_height(&self.title));
        let frame = self.frame(&legend);
        let label = match self.title.as_str() {
            "" => format!("{} over {}", self.y_label, self.x_label),
            title => title.to_string(),
        };
        let height = frame.corner[1] + frame.size[1] + BELOW;
        draw(&label, [WIDTH, height], |area| {
            draw_title(area, &self.title, WIDTH)?;
            legend.draw(area)?;
            frame.draw_labels(area, [&self.x_label, &self.y_label], EDGE)?;
            let mut plane = frame.plane(area)?;
            for (index, series) in self.series.iter().enumerate() {
                self.draw_series(&mut plane, &frame.x.axis, series, index)?;
            }
            self.draw_absence(area, &frame)
        })
    }

    pub(super) fn frame(&self, legend: &Legend) -> Frame {
        let shown = || self.shown();
        let x = Axis::fit(shown().map(|point| point.0), self.x_scale, 0.0).ruled(5);
        let y = Axis::fit(shown().map(|point| point.1), self.y_scale, 0.05).ruled(4);
        let left = (widest(&y) + 16.0).max(32.0);
        let right = overhang(&x).max(8.0) + EDGE;
        let top = title_height(&self.title) + legend.height + 24.0;
        Frame { corner: [left, top], size: [WIDTH - left - right, PLOT_HEIGHT], x, y, look: Look::Lines }
    }

    fn shown(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.series.iter().flat_map(|series| &series.points).filter(|point| self.shows(point))
    }

    /// What stands in a chart without points.
    fn draw_absence(&self, area: &Area, frame: &Frame) -> Drawn {
        if self.shown().next().is_some() {
            return Ok(());
        }
        let middle = [0, 1].map(|axis| units(frame.corner[axis] + frame.size[axis] / 2.0));
        area.draw_text("no values", &text_at(BODY, FAINT, HPos::Center, VPos::Center), middle.into())
    }

    fn shows(&self, point: &(f64, f64)) -> bool {
        self.x_scale.shows(point.0) && self.y_scale.shows(point.1)
    }

    fn draw_series(&self, plane: &mut Plane, x: &Axis, series: &Series, index: usize) -> Drawn {
        let colour = COLOURS[index % COLOURS.len()];
        let column = |point: &(f64, f64)| (x.position(point.0) * PLACES).floor();
        let runs = || series.points.split(|point| !self.shows(point)).filter(|run| !run.is_empty());
        let is_dense = |run: &[(f64, f64)]| run.len() as f64 > 4.0 * PLACES;
        let path = |points: Vec<(f64, f64)>, width: f64, opacity: f64| {
            PathElement::new(points, line(colour, width, opacity))
        };
        let bands = runs().filter(|run| is_dense(run));
        plane.draw_series(bands.map(|run| path(extremes(run, column), 1.0, 0.35)))?;
        let curves = runs().map(|run| if is_dense(run) { medians(run, column) } else { run.to_vec() });
        match series.mark {
            Mark::Dashed => plane.draw_series(curves.map(|run| Dashed(run, line(colour, CURVE, 1.0))))?,
            Mark::Line | Mark::Dots => plane.draw_series(curves.map(|run| path(run, CURVE, 1.0)))?,
        };
        let dotted = runs().filter(|run| series.mark == Mark::Dots || run.len() == 1).flatten();
        plane.draw_series(dotted.map(|point| Circle::new(*point, units(2.5), filled(colour, 1.0))))?;
        Ok(())
    }
}

/// The width of a curve.
const CURVE: f64 = 1.6;

/// The points of each column of places.
fn columns(
    points: &[(f64, f64)],
    column: impl Fn(&(f64, f64)) -> f64,
) -> impl Iterator<Item = &[(f64, f64)]> {
    points.chunk_by(move |a, b| column(a) == column(b))
}

/// The first, lowest, highest and last point of each column, in their order: every peak is kept.
fn extremes(points: &[(f64, f64)], column: impl Fn(&(f64, f64)) -> f64) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for column in columns(points, column) {
        let by_height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let low = (0..column.len()).min_by(by_height).unwrap_or(0);
        let high = (0..column.len()).max_by(by_height).unwrap_or(0);
        let mut picks = [0, low, high, column.len() - 1];
        picks.sort_unstable();
        kept.extend(picks.chunk_by(|a, b| a == b).map(|same| column[same[0]]));
    }
    kept
}

/// The median height of each column, the same on any scale, at the column's middle point.
fn medians(points: &[(f64, f64)], column: impl Fn(&(f64, f64)) -> f64) -> Vec<(f64, f64)> {
    let median = |column: &[(f64, f64)]| {
        let mut heights: Vec<f64> = column.iter().map(|place| place.1).collect();
        heights.sort_unstable_by(f64::total_cmp);
        (column[column.len() / 2].0, heights[heights.len() / 2])
    };
    columns(points, column).map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markup::check;

    fn chart(y_scale: Scale, points: &[(f64, f64)]) -> String {
        let chart = loss_curve(points, &[], y_scale, Some("nats"));
        let svg = chart.picture().unwrap().svg().to_string();
        check(&svg).unwrap_or_else(|fault| panic!("{points:?}: {fault}\n{svg}"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?}\n{svg}");
        svg
    }

    /// The drawn line, without grid and axes.
    fn line(svg: &str) -> &str {
        let end = svg.find("\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.6\"").unwrap();
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
        let picture = sigma_losses(&[(0.01, 1.0), (1.0, 2.0)], &[]).picture().unwrap();
        let svg = picture.svg();
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
        let column = |point: &(f64, f64)| (point.0 / 250.0).floor();
        let middle = medians(&points, column);
        assert!(middle.len() < 500 && middle.iter().all(|place| place.1 == 1.0));
        let kept = extremes(&points, column);
        assert!(kept.len() < 2000 && kept.contains(&points[54_321]));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn names_are_escaped_and_several_series_have_a_legend() {
        let mut chart = sigma_losses(&[(0.1, 1.0), (1.0, 2.0)], &[(0.1, 2.0), (1.0, 3.0)]);
        assert!(chart.picture().unwrap().svg().contains("best linear score"));
        chart.series[0].name = "<script>&\"".into();
        chart.title = "a\"b".into();
        let picture = chart.picture().unwrap();
        let svg = picture.svg();
        check(svg).unwrap();
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script"));
    }
}
