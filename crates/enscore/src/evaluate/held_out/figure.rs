//! A figure of held-out rows, and what an evaluation collects: figures, and the reasons of those that can't
//! be computed.

use std::ffi::OsStr;
use std::path::Path;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Reason, Result};
use crate::evaluate::Mean;

/// A figure of held-out rows.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOutFigure {
    /// What it is, as a word for programs: `log_density_held_out`.
    pub id: &'static str,
    /// What it is, for readers.
    pub label: String,
    /// The value, in `unit`.
    pub value: f64,
    /// Its standard error over rows; none where it has none, such as that of a single row.
    pub std_err: Option<f64>,
    /// The unit of value and error; empty for a number without one.
    pub unit: &'static str,
    /// Rows evaluated.
    pub rows: usize,
}

impl HeldOutFigure {
    /// A mean over rows; the mean of one row has no standard error.
    pub fn of_mean(id: &'static str, label: impl Into<String>, unit: &'static str, mean: Mean) -> Self {
        let std_err = (mean.count > 1).then_some(mean.std_err);
        HeldOutFigure { id, label: label.into(), value: mean.value, std_err, unit, rows: mean.count }
    }

    /// Label and unit in one line.
    pub fn name(&self) -> String {
        if self.unit.is_empty() || self.label.contains(self.unit) {
            return self.label.clone();
        }
        format!("{}, {}", self.label, self.unit)
    }
}

/// Files and answers also hold `name`: label and unit in one line.
impl Serialize for HeldOutFigure {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("HeldOutFigure", 7)?;
        object.serialize_field("id", self.id)?;
        object.serialize_field("name", &self.name())?;
        object.serialize_field("label", &self.label)?;
        object.serialize_field("value", &self.value)?;
        object.serialize_field("std_err", &self.std_err)?;
        object.serialize_field("unit", self.unit)?;
        object.serialize_field("rows", &self.rows)?;
        object.end()
    }
}

/// A figure or metric that can't be computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The id of the figure, or the word of the metric.
    pub id: String,
    /// What it is, for readers.
    pub label: String,
    /// Why it can't be computed, in one line.
    pub reason: String,
}

/// Figures, and those that can't be computed: one leaves the others.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// What was found, in the order in which it is shown.
    pub found: Vec<HeldOutFigure>,
    /// What was not.
    pub refused: Vec<Refused>,
}

impl Figures {
    /// Keeps a figure, or the reason why there is none.
    ///
    /// # Errors
    /// A signal that ended the computation.
    pub fn keep(&mut self, id: &str, label: &str, figure: Result<HeldOutFigure>) -> Result<()> {
        match figure {
            Ok(figure) if figure.value.is_finite() => self.found.push(figure),
            Ok(figure) => {
                let error = Error::run("the value is not finite").found(figure.value);
                self.refused.push(Refused::new(id, label, &error));
            }
            Err(error) => self.refused.push(Refused::unless_ended(id, label, error)?),
        }
        Ok(())
    }
}

impl Figures {
    /// Says of which data the rows are: data that were named were not held out.
    pub(crate) fn say_rows_of(&mut self, source: &str) {
        let name = Path::new(source).file_name().map_or(source.into(), OsStr::to_string_lossy);
        let found = self.found.iter_mut().map(|figure| &mut figure.label);
        for label in found.chain(self.refused.iter_mut().map(|refused| &mut refused.label)) {
            *label = label.replace("held-out rows", &format!("rows of {name}"));
        }
    }
}

impl Refused {
    /// The refusal of a figure for this error.
    pub fn new(id: &str, label: &str, error: &Error) -> Refused {
        Refused { id: id.into(), label: label.into(), reason: error.to_string() }
    }

    /// The same, but an error that a signal caused stays one.
    ///
    /// # Errors
    /// A signal.
    pub fn unless_ended(id: &str, label: &str, error: Error) -> Result<Refused> {
        match error.reason {
            Reason::Interrupted(_) => Err(error),
            _ => Ok(Refused::new(id, label, &error)),
        }
    }
}

/// What logarithms of probabilities are counted in: rows of bits have probabilities, rows of real numbers
/// densities.
pub fn log_unit(of_bits: bool) -> &'static str {
    if of_bits { "nats" } else { "nats in the data's units" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_value_error_and_unit_are_apart() {
        let mean = Mean { value: 1.5, std_err: 0.25, count: 4 };
        let figure = HeldOutFigure::of_mean("log_density", "log density of rows", "nats", mean);
        let json = serde_json::to_string(&figure).unwrap();
        let expected = concat!(
            r#"{"id":"log_density","name":"log density of rows, nats","label":"log density of rows","#,
            r#""value":1.5,"std_err":0.25,"unit":"nats","rows":4}"#
        );
        assert_eq!(json, expected);
        let one = HeldOutFigure::of_mean(
            "a",
            "bits per dimension",
            "bits per dimension",
            Mean { count: 1, ..mean },
        );
        assert_eq!((one.std_err, one.name()), (None, "bits per dimension".to_string()), "one row, one unit");
    }

    #[test]
    fn a_figure_that_fails_leaves_the_others() {
        let mut figures = Figures::default();
        let figure = |value| Ok(HeldOutFigure::of_mean("a", "A", "", Mean { value, std_err: 0.0, count: 1 }));
        figures.keep("a", "A", figure(1.0)).unwrap();
        figures.keep("b", "B", Err(Error::input("no"))).unwrap();
        figures.keep("c", "C", figure(f64::NAN)).unwrap();
        assert_eq!(figures.found.len(), 1);
        let reasons: Vec<(&str, &str)> =
            figures.refused.iter().map(|refused| (&*refused.id, &*refused.reason)).collect();
        assert_eq!(reasons, [("b", "no"), ("c", "the value is not finite: found NaN")]);
        figures.found[0].label = "log density of held-out rows".into();
        figures.say_rows_of("far/a.csv");
        assert_eq!(figures.found[0].label, "log density of rows of a.csv");
        assert!(figures.keep("d", "D", Err(Error::interrupted(2, "stopped"))).is_err());
    }
}
