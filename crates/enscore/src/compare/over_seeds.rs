//! A training over its seeds: the mean of each figure with the sample standard deviation over the runs.
//!
//! For values v_1 .. v_n of n runs: mean m = Σ v / n, s = √(Σ (v - m)² / (n - 1)). s says how far a run lies
//! from the next; the error of the mean is s / √n. One run has no spread.

use serde::Serialize;

use super::compared::Compared;
use super::figures::{FIGURES, Figure, Reading};
use super::measured::LikelihoodKind;
use crate::evaluate::mean_and_std;
use crate::report::{Cell, Rated};

/// A training over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverSeeds {
    /// Its name in the file.
    pub name: String,
    /// The seeds of its runs.
    pub seeds: Vec<u64>,
    /// Numbers in the model's parameters.
    pub parameters: u64,
    /// What its held-out log-likelihood is.
    pub likelihood: LikelihoodKind,
    /// The figures that apply to it.
    pub figures: Vec<FigureOverSeeds>,
}

/// A figure over the runs that have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureOverSeeds {
    /// What it is, as a word for programs.
    pub id: &'static str,
    /// The runs that have it.
    pub runs: usize,
    /// The mean over them.
    pub mean: f64,
    /// The sample standard deviation (divisor n - 1) over them; none of one run.
    pub standard_deviation: Option<f64>,
    /// The mean of the runs' own errors, where they have one.
    pub error_of_a_run: Option<f64>,
    /// The mean of the null value, of a metric of samples.
    pub null: Option<f64>,
    /// The standard deviation of the null value in a run, as a mean over runs.
    pub null_standard_deviation: Option<f64>,
}

impl OverSeeds {
    /// The runs of one training, at least one.
    pub(super) fn of(runs: &[&Compared]) -> Option<OverSeeds> {
        let first = runs.first()?;
        let figure = |figure: &Figure| {
            let readings: Vec<Reading> = runs.iter().filter_map(|run| (figure.of)(run)).collect();
            FigureOverSeeds::of(figure.id, &readings)
        };
        Some(OverSeeds {
            name: first.name.clone(),
            seeds: runs.iter().map(|run| run.seed).collect(),
            parameters: first.parameters,
            likelihood: known_kind(runs),
            figures: FIGURES.iter().filter_map(figure).collect(),
        })
    }
}

/// What the likelihood is of the runs that have one, else of the first.
fn known_kind(runs: &[&Compared]) -> LikelihoodKind {
    let kinds = || runs.iter().map(|run| run.measured.likelihood);
    kinds().find(|kind| *kind != LikelihoodKind::Unknown).or(kinds().next()).unwrap_or_default()
}

impl FigureOverSeeds {
    fn of(id: &'static str, readings: &[Reading]) -> Option<FigureOverSeeds> {
        let values: Vec<f64> = readings.iter().map(|reading| reading.value).collect();
        let (mean, deviation) = mean_and_std(&values);
        let averaged = |of: fn(&Reading) -> Option<f64>| {
            let known: Vec<f64> = readings.iter().filter_map(of).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        (!values.is_empty()).then(|| FigureOverSeeds {
            id,
            runs: values.len(),
            mean,
            standard_deviation: (values.len() > 1).then_some(deviation),
            error_of_a_run: averaged(|reading| reading.error),
            null: averaged(|reading| reading.null.map(|null| null.0)),
            null_standard_deviation: averaged(|reading| reading.null.map(|null| null.1)),
        })
    }

    /// What the table says: of several runs the spread, of one its own error. It is ranked by both, for the
    /// runs of one seed after another are measured on rows that are few as well.
    pub(super) fn cell(&self, reading: &Reading) -> Cell {
        let own = self.error_of_a_run.unwrap_or(0.0);
        let shown = if reading.shows_error { self.error_of_a_run } else { None };
        Cell::Rated(Rated {
            value: self.mean,
            error: self.standard_deviation.or(shown),
            doubt: self.standard_deviation.unwrap_or(0.0).hypot(own),
            sign: reading.sign,
            null: self.null.zip(self.null_standard_deviation),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(values: &[f64]) -> Vec<Reading> {
        let reading = |value: &f64| Reading {
            value: *value,
            error: Some(0.5),
            null: Some((1.0, 0.25)),
            ..Reading::default()
        };
        values.iter().map(reading).collect()
    }

    /// 1, 2 and 6: mean 3, squares 4 + 1 + 9 = 14, so s = √7; with n in place of n - 1 it would be √(14/3).
    #[test]
    fn the_spread_is_the_sample_standard_deviation() {
        let found = FigureOverSeeds::of("x", &readings(&[1.0, 2.0, 6.0])).unwrap();
        assert_eq!((found.runs, found.mean), (3, 3.0));
        assert!((found.standard_deviation.unwrap() - 7f64.sqrt()).abs() < 1e-15, "{found:?}");
        assert_eq!((found.error_of_a_run, found.null), (Some(0.5), Some(1.0)));
        assert_eq!(found.null_standard_deviation, Some(0.25));
    }

    #[test]
    fn one_run_has_no_spread_but_its_own_error() {
        let found = FigureOverSeeds::of("x", &readings(&[2.0])).unwrap();
        assert_eq!((found.mean, found.standard_deviation), (2.0, None));
        let shown = Reading { shows_error: true, ..Reading::default() };
        let Cell::Rated(rated) = found.cell(&shown) else { panic!() };
        assert_eq!((rated.error, rated.doubt), (Some(0.5), 0.5));
        let Cell::Rated(rated) = found.cell(&Reading::default()) else { panic!() };
        assert_eq!((rated.error, rated.doubt, rated.null), (None, 0.5, Some((1.0, 0.25))));
        assert_eq!(FigureOverSeeds::of("x", &[]), None);
    }

    #[test]
    fn several_runs_are_ranked_by_their_spread_and_their_own_error() {
        let found = FigureOverSeeds::of("x", &readings(&[1.0, 3.0])).unwrap();
        let Cell::Rated(rated) = found.cell(&Reading { shows_error: true, ..Reading::default() }) else {
            panic!()
        };
        assert_eq!((rated.value, rated.error), (2.0, Some(2f64.sqrt())));
        assert_eq!(rated.doubt, 2f64.sqrt().hypot(0.5));
    }
}
