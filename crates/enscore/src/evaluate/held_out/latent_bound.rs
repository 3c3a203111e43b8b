//! The importance-weighted bound of a latent variable model (Burda, Grosse and Salakhutdinov 2016, eq. 8) for
//! each row, ln (1/K) Σ_k w_k with draws of the encoder: below ln p(x) in the mean, the closer the larger K.

use enscore_program::Kind;
use enscore_program::random::Key;

use super::figure::{Figures, HeldOutFigure, log_unit};
use crate::error::{Error, Result};
use crate::evaluate::{Mean, log_sum_exp};
use crate::executor::{Routine, RowSlice};
use crate::model::{HostDensity, Support, batch_shape, trace};
use crate::objective::log_weights;
use crate::sample::TrainedModel;
use crate::trained::Trained;

/// Draws of a row that a program takes at once, at most, and rows with their draws.
const MOST_DRAWS: usize = 64;
const MOST_ROWS: usize = 1024;

/// A compiled bound.
pub struct LatentBound<'a> {
    model: &'a TrainedModel,
    /// ln Σ w over the draws of a call: `sum` `[batch]`.
    program: Routine,
    /// Draws of a call, and calls.
    each: usize,
    calls: u64,
}

impl<'a> LatentBound<'a> {
    /// The bound by at least `draws` draws for each row: as many as fill equal calls.
    ///
    /// # Errors
    /// Another model than one of latent variables; no draw.
    pub fn new(model: &'a TrainedModel, draws: usize) -> Result<Self> {
        let network = model.model.latent_variable().ok_or_else(|| {
            Error::input("only a latent variable model has an importance-weighted bound")
                .at("model.kind")
                .expected("model.kind = \"mlp-vae\" or \"conv-vae\"")
        })?;
        if draws == 0 {
            return Err(Error::input("a bound without draws").at("draws").found(0).expected("at least 1"));
        }
        let calls = draws.div_ceil(MOST_DRAWS);
        let each = draws.div_ceil(calls);
        let batch = (MOST_ROWS / each).max(1);
        let (program, _) = trace(model.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(batch, network.row_shape()));
            let key = scope.input("key", Kind::Key, &[]);
            let weights = log_weights(network, parameters, x, key, each);
            vec![("sum".to_string(), weights.log_sum_exp(1))]
        })?;
        Ok(LatentBound { model, program: model.compile(&program)?, each, calls: calls as u64 })
    }

    /// K.
    pub fn draws(&self) -> usize {
        self.each * self.calls as usize
    }

    /// The bound of each row, as the model sees it, nats; the draws are those of `seed`.
    ///
    /// # Errors
    /// Values that don't fill whole rows; an executor that refuses.
    pub fn of_rows(&mut self, rows: &[f32], seed: u64) -> Result<Vec<f64>> {
        let rows = RowSlice::new(rows, self.model.row_len())?;
        let mut sums: Vec<f64> = Vec::new();
        for call in 0..self.calls {
            // No training step has these numbers.
            let key = Key::new(seed, u64::MAX - 1 - call);
            let found =
                self.program.over::<f32>(&rows).weights(&self.model.weights).key(key).per_row("sum")?;
            if sums.is_empty() {
                sums = found;
                continue;
            }
            sums.iter_mut().zip(found).for_each(|(sum, more)| *sum = log_sum_exp(&[*sum, more]));
        }
        let log_draws = (self.draws() as f64).ln();
        Ok(sums.into_iter().map(|sum| sum - log_draws).collect())
    }
}

/// The bound by the draws of seed 0, as pictures and comparisons of densities ask for it.
impl HostDensity for LatentBound<'_> {
    fn row_len(&self) -> usize {
        self.model.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.of_rows(&rows.iter().map(|value| *value as f32).collect::<Vec<_>>(), 0)
    }

    fn score(&mut self, _rows: &[f64]) -> Result<Vec<f64>> {
        Err(Error::input("a latent variable model has no score").at("model.kind"))
    }
}

/// The mean bound of rows as a figure, in the data's own units, and of held-out rows on levels the bits per
/// dimension that it stands for.
///
/// # Errors
/// What ends the evaluation.
pub(super) fn add_bound(
    figures: &mut Figures,
    trained: &Trained,
    rows: &BoundRows,
    (draws, seed): (usize, u64),
) -> Result<()> {
    let log_volume = trained.log_volume()?;
    let bound = LatentBound::new(&trained.model, draws);
    let values = bound.and_then(|mut bound| {
        let values = bound.of_rows(rows.values, seed)?.into_iter().map(|value| value + log_volume);
        Mean::of(&values.collect::<Vec<f64>>()).map(|mean| (mean, bound.draws()))
    });
    let label =
        |draws: usize| format!("lower bound of the log-likelihood of {} by {draws} draws", rows.which);
    let support = trained.model.model.support();
    let unit = log_unit(support.is_discrete());
    let figure = values.map(|(mean, draws)| HeldOutFigure::of_mean(rows.id, label(draws), unit, mean));
    let found = figure.as_ref().ok().cloned();
    figures.keep(rows.id, &label(draws), figure)?;
    if let (Some(bound), Support::Levels(_), true) = (found, support, rows.with_bits) {
        let per_nat = 1.0 / (trained.model.row_len() as f64 * std::f64::consts::LN_2);
        figures.found.push(HeldOutFigure {
            id: "bits_per_dim",
            label: format!("upper bound of the bits per dimension of {}", rows.which),
            value: -bound.value * per_nat,
            std_err: bound.std_err.map(|error| error * per_nat),
            unit: "bits per dimension",
            rows: bound.rows,
        });
    }
    Ok(())
}

/// Rows whose bound is asked for.
pub(super) struct BoundRows<'a> {
    /// The id of the figure.
    pub(super) id: &'static str,
    /// Which they are, for readers.
    pub(super) which: &'static str,
    /// As the model sees them.
    pub(super) values: &'a [f32],
    /// Whether bits per dimension are a figure, too.
    pub(super) with_bits: bool,
}
