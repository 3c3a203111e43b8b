//! A report taken apart: its tables, tiles and charts, as a reader sees them.

use crate::common::Folder;

pub struct Page(String);

/// What lies between the first `start` and the next `end` of a text.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(&rest[..rest.find(end)?])
}

/// Everything between pairs of `start` and `end`.
fn all<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let part = |part: &'a str| part.find(end).map(|to| &part[..to]);
    text.split(start).skip(1).filter_map(part).collect()
}

/// The text of a piece of markup.
fn plain(markup: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in markup.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

impl Page {
    pub fn of(folder: &Folder, run: &str) -> Page {
        Page(folder.text(&format!("{run}/report.html")))
    }

    pub fn title(&self) -> String {
        plain(between(&self.0, "<h1>", "</h1>").unwrap())
    }

    pub fn summary(&self) -> String {
        plain(between(&self.0, r#"<p class="lead">"#, "</p>").unwrap())
    }

    pub fn warnings(&self) -> Vec<String> {
        all(&self.0, r#"<p class="warning">"#, "</p>").into_iter().map(plain).collect()
    }

    /// Name and value of each large figure.
    pub fn tiles(&self) -> Vec<(String, String)> {
        let tiles = between(&self.0, r#"<div class="figures">"#, "</div>\n").unwrap();
        let tile = |tile: &str| {
            (plain(between(tile, "<span>", "</span>").unwrap()), plain(between(tile, "<b>", "</b>").unwrap()))
        };
        tiles.split("<div>").skip(1).map(tile).collect()
    }

    /// What stands below a heading.
    pub fn section(&self, heading: &str) -> Option<&str> {
        let rest = &self.0[self.0.find(&format!("<h2>{heading}</h2>"))? + heading.len() + 9..];
        Some(rest.split("<h2>").next().unwrap())
    }

    /// The cells of the table below a heading, line by line.
    pub fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let section = self.section(heading).unwrap_or_else(|| panic!("no section {heading}"));
        let line = |line: &str| {
            let cells = line.split("<t").skip(1).map(|cell| &cell[cell.find('>').unwrap() + 1..]);
            cells.map(|cell| plain(cell.split("</t").next().unwrap())).collect()
        };
        all(section, "<tr>", "</tr>").into_iter().map(line).collect()
    }

    /// The text of what a section shows word by word.
    pub fn text(&self, heading: &str) -> String {
        plain(self.section(heading).unwrap())
    }

    /// The chart above a caption.
    pub fn chart(&self, caption: &str) -> Option<Chart> {
        let end = self.0.find(&format!("<figcaption>{caption}</figcaption>"))?;
        let figure = &self.0[..end];
        Some(Chart(figure[figure.rfind("<svg")?..].to_string()))
    }

    pub fn captions(&self) -> Vec<String> {
        all(&self.0, "<figcaption>", "</figcaption>").into_iter().map(plain).collect()
    }
}

/// A chart, whose ticks say what its places mean.
pub struct Chart(String);

fn place(text: &str, name: &str) -> Option<f64> {
    between(text, &format!("{name}=\""), "\"")?.parse().ok()
}

/// From a place to a value, by two ticks: linear, or in logarithms.
struct Ruler {
    places: [f64; 2],
    values: [f64; 2],
    log: bool,
}

impl Ruler {
    /// From ticks; where fewer than two are labelled, from the outermost of the points themselves, which
    /// leaves the others to be tested.
    fn new(ticks: &[(f64, f64)], points: &[(f64, f64)], log: bool) -> Ruler {
        let known = if ticks.len() > 1 { ticks } else { points };
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (first, last) = (known.iter().min_by(by_value).unwrap(), known.iter().max_by(by_value).unwrap());
        let values = [first.1, last.1].map(|value| if log { value.ln() } else { value });
        Ruler { places: [first.0, last.0], values, log }
    }

    /// The value at a place.
    fn value(&self, at: f64) -> f64 {
        let ([from, to], [low, high]) = (self.places, self.values);
        let value = low + (at - from) / (to - from) * (high - low);
        if self.log { value.exp() } else { value }
    }

    /// What two units of the drawing, to which places and ticks are rounded, mean there.
    fn doubt(&self, at: f64) -> f64 {
        (self.value(at + 1.0) - self.value(at - 1.0)).abs()
    }
}

impl Chart {
    /// Place and value of the ticks whose labels stand so.
    fn ticks(&self, anchor: &str, coordinate: &str) -> Vec<(f64, f64)> {
        let texts = self.0.split("<text ").skip(1).filter(|text| text.contains(anchor));
        let tick = |text: &str| {
            let label = plain(text[text.find('>')? + 1..].split("</text>").next()?);
            Some((place(text, coordinate)?, label.parse().ok()?))
        };
        texts.filter_map(tick).collect()
    }

    /// The lines drawn, as places.
    fn lines(&self) -> Vec<Vec<(f64, f64)>> {
        let paths = self.0.split("<path d=\"").skip(1).filter(|path| path.contains("stroke-width=\"1.6\""));
        let point = |word: &str| -> (f64, f64) {
            let (x, y) = word.split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        let line = |path: &str| path.split('"').next().unwrap()[1..].split(['M', 'L']).map(point).collect();
        paths.map(line).collect()
    }

    /// Every series must lie where these points are; `log` says which axes are logarithmic.
    pub fn assert_shows(&self, what: &str, series: &[Vec<(f64, f64)>], log: [bool; 2]) {
        // Labels of the vertical axis stand 4.1 below their tick; those of the horizontal axis are centred
        // at theirs.
        let heights: Vec<(f64, f64)> =
            self.ticks("text-anchor=\"end\"", "y").iter().map(|(y, value)| (y - 4.1, *value)).collect();
        let across = self.ticks("text-anchor=\"middle\"", "x");
        assert!(series.iter().all(|points| !points.is_empty()), "{what}: nothing is there to be drawn");
        let lines = self.lines();
        assert_eq!(lines.len(), series.len(), "{what}: lines drawn");
        let pairs = || lines.iter().flatten().zip(series.iter().flatten());
        let own: [Vec<(f64, f64)>; 2] = [
            pairs().map(|(place, point)| (place.0, point.0)).collect(),
            pairs().map(|(place, point)| (place.1, point.1)).collect(),
        ];
        // The last label across may be moved in from the drawing's edge.
        let across = &across[..across.len().saturating_sub(1)];
        let (x, y) = (Ruler::new(across, &own[0], log[0]), Ruler::new(&heights, &own[1], log[1]));
        for (line, points) in lines.iter().zip(series) {
            assert_eq!(line.len(), points.len(), "{what}: points of a line");
            for (place, point) in line.iter().zip(points) {
                let found = (x.value(place.0), y.value(place.1));
                let near = (found.0 - point.0).abs() <= x.doubt(place.0)
                    && (found.1 - point.1).abs() <= y.doubt(place.1);
                assert!(near, "{what}: drawn at {found:?}, found by hand at {point:?}");
            }
        }
    }

    /// Data and samples of a scatter, in their order; samples outside of the frame are counted in the legend
    /// instead.
    pub fn assert_scatters(&self, data: &[(f64, f64)], samples: &[(f64, f64)]) {
        let paths = self.0.split("<path d=\"").skip(1).filter(|path| path.contains("stroke-width=\"3.2\""));
        let point = |word: &str| -> (f64, f64) {
            let (x, y) = word.trim_end_matches("h.01").split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        let sets: Vec<Vec<(f64, f64)>> =
            paths.map(|path| path.split('"').next().unwrap()[1..].split('M').map(point).collect()).collect();
        let heights: Vec<(f64, f64)> =
            self.ticks("text-anchor=\"end\"", "y").iter().map(|(y, value)| (y - 4.1, *value)).collect();
        let across = self.ticks("text-anchor=\"middle\"", "x");
        let (x, y) = (Ruler::new(&across[..across.len() - 1], &[], false), Ruler::new(&heights, &[], false));
        let near = |place: &(f64, f64), point: &(f64, f64)| {
            (x.value(place.0) - point.0).abs() <= x.doubt(place.0)
                && (y.value(place.1) - point.1).abs() <= y.doubt(place.1)
        };
        assert_eq!(sets[0].len(), data.len(), "rows of the data that are drawn");
        for (place, point) in sets[0].iter().zip(data) {
            assert!(near(place, point), "a row {point:?} is drawn at {place:?}");
        }
        let mut left = sets[1].iter().peekable();
        let missing =
            samples.iter().filter(|point| left.next_if(|place| near(place, point)).is_none()).count();
        assert!(left.peek().is_none(), "a point at {:?} is no sample", left.peek());
        let note =
            if missing == 0 { ">samples<".to_string() } else { format!(">samples ({missing} outside)<") };
        assert!(
            self.0.contains(&note) && missing < samples.len(),
            "{missing} of {} are outside",
            samples.len()
        );
    }
}
