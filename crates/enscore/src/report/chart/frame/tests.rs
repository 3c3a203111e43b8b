//! What a reader can't do without: labels once each, ticks on the axes, nothing over anything else.

use super::*;
use crate::report::markup::check;
use crate::report::{Chart, Mark, Scale, Series};

fn chart(names: &[&str], scales: [Scale; 2]) -> Chart {
    let points: Vec<(f64, f64)> = (1..40).map(|i| (f64::from(i) * 250.0, 2.0 / f64::from(i))).collect();
    Chart {
        title: "A title".into(),
        x_label: "steps".into(),
        y_label: "loss (nats)".into(),
        x_scale: scales[0],
        y_scale: scales[1],
        series: names.iter().map(|name| Series::new(*name, &points, Mark::Line)).collect(),
    }
}

/// A text of an SVG: its place, its size, how it is anchored, and its words.
struct Words {
    at: [f64; 2],
    size: f64,
    anchor: String,
    text: String,
}

impl Words {
    fn all(svg: &str) -> Vec<Words> {
        svg.split("<text ").skip(1).map(Words::read).collect()
    }

    fn read(element: &str) -> Words {
        let attribute = |name: &str| {
            let rest = element.split_once(&format!("{name}=\""))?.1;
            Some(rest.split_once('"')?.0.to_string())
        };
        let number = |name: &str| attribute(name).unwrap().parse().unwrap();
        let (_, rest) = element.split_once('>').unwrap();
        Words {
            at: [number("x"), number("y")],
            size: number("font-size"),
            anchor: attribute("text-anchor").unwrap_or_default(),
            text: rest.split_once("</text>").unwrap().0.to_string(),
        }
    }

    /// Left, top, right and bottom of what it covers.
    fn edges(&self) -> [f64; 4] {
        let wide = width(&self.text, self.size, FontStyle::Normal);
        let left = match self.anchor.as_str() {
            "middle" => self.at[0] - wide / 2.0,
            "end" => self.at[0] - wide,
            _ => self.at[0],
        };
        [left, self.at[1] - 0.73 * self.size, left + wide, self.at[1] + 0.2 * self.size]
    }
}

fn apart(a: [f64; 4], b: [f64; 4]) -> bool {
    a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3]
}

#[test]
fn words_stand_once_inside_the_picture_and_apart() {
    let names =
        ["train", "validation", "a baseline of a long name", "another of a long name", "lowest", "six"];
    for count in 1..=names.len() {
        for scales in [[Scale::Linear; 2], [Scale::Log; 2], [Scale::Linear, Scale::Log], [Scale::Root; 2]] {
            let picture = chart(&names[..count], scales).picture().unwrap();
            check(picture.svg()).unwrap();
            let words = Words::all(picture.svg());
            let [wide, high] = picture.size();
            for (at, one) in words.iter().enumerate() {
                let [left, top, right, bottom] = one.edges();
                assert!(left >= 0.0 && top >= 0.0 && right <= wide && bottom <= high, "{}", one.text);
                for other in &words[..at] {
                    assert!(apart(one.edges(), other.edges()), "{} over {}", one.text, other.text);
                }
            }
            let times = |text: &str| words.iter().filter(|words| words.text == text).count();
            assert_eq!(times("A title"), 1);
            if count > 1 {
                assert!(names[..count].iter().all(|name| times(name) == 1));
            }
        }
    }
}

/// Labels of ticks stand below and at the left of the plotting area, beside the place that they name; title
/// and legend above it.
#[test]
fn words_keep_off_the_plotting_area() {
    let chart = chart(&["train", "validation", "lowest"], [Scale::Linear, Scale::Log]);
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    let legend = Legend::new(&names, WIDTH, title_height(&chart.title));
    let frame = chart.frame(&legend);
    let picture = chart.picture().unwrap();
    let [left, top] = frame.corner;
    let plot = [left, top, left + frame.size[0], top + frame.size[1]];
    let words = Words::all(picture.svg());
    for one in words.iter().filter(|words| words.anchor != "end") {
        assert!(apart(one.edges(), plot), "{} lies on the plot", one.text);
    }
    for tick in &frame.y.ticks {
        let found = words.iter().find(|words| words.anchor == "end" && words.text == tick.label).unwrap();
        let height = top + frame.size[1] * (1.0 - frame.y.axis.position(tick.value));
        let [_, up, right, down] = found.edges();
        assert!(up < height && height < down && right <= left, "{} at {height}", tick.label);
        assert!((top..=plot[3]).contains(&height), "{} lies outside", tick.label);
    }
    for tick in &frame.x.ticks {
        let place = left + frame.size[0] * frame.x.axis.position(tick.value);
        let found = words.iter().any(|words| words.text == tick.label && (words.at[0] - place).abs() < 0.3);
        assert!(found && (left..=plot[2] + 0.1).contains(&place), "{} at {place}", tick.label);
    }
}
