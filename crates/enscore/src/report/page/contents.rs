//! What a run's report holds, as plain fields.

use super::comparison::Comparison;
use super::verdict::Finding;
use crate::citation::Citation;
use crate::error::Result;
use crate::evaluate::ColumnComparison;
use crate::report::{Chart, Image, Pairs, Picture, Scatter, png};

/// Everything that a report shows. A part that is empty or `None` is left out of the page.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The page's title, such as the run's name.
    pub title: String,
    /// One paragraph in plain words: what was trained on what, and how it came out.
    pub summary: String,
    /// The main figures, shown large: three to six.
    pub figures: Vec<Fact>,
    /// The verdict in words, with what to do next.
    pub findings: Vec<Finding>,
    /// What a reader must know before trusting the rest, such as chains that failed.
    pub warnings: Vec<String>,
    /// Samples of the model.
    pub samples: Option<Figure>,
    /// Real data drawn the same way, shown beside the samples.
    pub real: Option<Figure>,
    /// Each sample beside its nearest training row.
    pub nearest: Option<Figure>,
    /// What each hidden unit looks for.
    pub filters: Option<Figure>,
    /// What a latent variable model makes of rows.
    pub latents: Vec<Figure>,
    /// Chains from noise to sample.
    pub trajectory: Option<Figure>,
    /// The density, of points in the plane.
    pub density: Option<Figure>,
    /// Columns of a table: their distributions, and pairs of them.
    pub columns: Vec<Figure>,
    /// Columns of a table: their moments and quantiles.
    pub column_table: Option<ColumnTable>,
    /// Curves of the training and others.
    pub curves: Vec<Figure>,
    /// What stayed the same throughout a training, instead of a curve.
    pub constants: Vec<Fact>,
    /// Metrics with their null values.
    pub metrics: Vec<Metric>,
    /// Metrics and figures that can't be computed, with the reason.
    pub refused: Vec<Fact>,
    /// Loss at each noise level.
    pub sigma_losses: Vec<SigmaLoss>,
    /// Name, rows, shape, fingerprint, licence.
    pub data: Vec<Fact>,
    /// The resolved settings as TOML.
    pub settings: String,
    /// How long each part took.
    pub timings: Vec<Timing>,
    /// Versions, machine, date, command line.
    pub environment: Vec<Fact>,
    /// Files beside the page: their names, relative to it.
    pub files: Vec<String>,
    /// What the words of the page mean.
    pub glossary: Vec<(&'static str, &'static str)>,
    /// The works behind it, in the order in which they are listed.
    pub works: Vec<Citation>,
}

/// A name with its value, as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The name of the fact.
    pub name: String,
    /// Its value with its unit.
    pub value: String,
}

impl Fact {
    /// A fact of anything that can be printed.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Fact { name: name.into(), value: value.to_string() }
    }

    /// The number that the value begins with, with its error, and the words after it; all of a value that
    /// begins with a word.
    pub(super) fn number_and_words(&self) -> (&str, &str) {
        let is_number = |word: &str| word == "±" || word.parse::<f64>().is_ok();
        let numbers: usize =
            self.value.split_inclusive(' ').take_while(|word| is_number(word.trim())).map(str::len).sum();
        let (number, words) = self.value.split_at(numbers);
        if number.is_empty() { (words, "") } else { (number.trim_end(), words) }
    }
}

/// A picture with its caption.
#[derive(Clone, Debug)]
pub struct Figure {
    /// One or two sentences: what is seen, and what to look for.
    pub caption: String,
    /// What the figure shows.
    pub content: Content,
}

/// What a figure shows.
#[derive(Clone, Debug)]
pub enum Content {
    /// A PNG file's bytes.
    Png(Vec<u8>),
    /// A drawing.
    Drawing(Picture),
    /// A table of methods.
    Comparison(Comparison),
}

impl Figure {
    /// A figure of pixels.
    ///
    /// # Errors
    /// As [`png::encode`].
    pub fn picture(caption: impl Into<String>, image: &Image) -> Result<Figure> {
        Ok(Figure { caption: caption.into(), content: Content::Png(png::encode(image)?) })
    }

    /// A figure of a drawing, such as a sheet of densities.
    pub fn drawing(caption: impl Into<String>, picture: Picture) -> Figure {
        Figure { caption: caption.into(), content: Content::Drawing(picture) }
    }

    /// A figure of a chart.
    ///
    /// # Errors
    /// As [`Chart::picture`].
    pub fn chart(caption: impl Into<String>, chart: &Chart) -> Result<Figure> {
        Ok(Figure::drawing(caption, chart.picture()?))
    }

    /// A table of methods.
    pub fn comparison(caption: impl Into<String>, table: Comparison) -> Figure {
        Figure { caption: caption.into(), content: Content::Comparison(table) }
    }

    /// A figure of columns.
    ///
    /// # Errors
    /// As [`Pairs::picture`].
    pub fn pairs(caption: impl Into<String>, pairs: &Pairs) -> Result<Figure> {
        Ok(Figure::drawing(caption, pairs.picture()?))
    }

    /// A figure of points.
    ///
    /// # Errors
    /// As [`Scatter::picture`].
    pub fn scatter(caption: impl Into<String>, scatter: &Scatter) -> Result<Figure> {
        Ok(Figure::drawing(caption, scatter.picture()?))
    }
}

/// Samples beside data, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnTable {
    /// The names of all columns.
    pub names: Vec<String>,
    /// The columns that are shown.
    pub columns: Vec<ColumnComparison>,
    /// The distance that two sets of one distribution exceed in one of twenty cases.
    pub by_chance: f64,
}

/// A metric of samples against real data.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name, with its unit if it has one.
    pub name: String,
    /// Samples against real data.
    pub value: f64,
    /// Real data against other real data at the same n.
    pub null: Option<f64>,
    /// Rows on each side.
    pub n: Option<usize>,
}

/// The loss at one noise level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SigmaLoss {
    /// The noise level, in data units.
    pub sigma: f64,
    /// The model's loss per dimension.
    pub loss: f64,
    /// The loss of the best linear score.
    pub baseline: Option<f64>,
}

/// How long a part took.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// The part: train, sample, evaluate.
    pub name: String,
    /// Wall-clock seconds of the training.
    pub seconds: f64,
    /// Steps in that time, if it has steps; the page shows the rate.
    pub steps: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_number_and_words() {
        let parts = |value: &str| {
            let fact = Fact::new("x", value);
            let (number, words) = fact.number_and_words();
            [number.to_string(), words.to_string()]
        };
        assert_eq!(parts("-1.05 ± 0.01 nats in all"), ["-1.05 ± 0.01", "nats in all"]);
        assert_eq!(
            (parts("8000"), parts("two moons")),
            (["8000".into(), "".into()], ["two moons".into(), "".into()])
        );
    }
}
