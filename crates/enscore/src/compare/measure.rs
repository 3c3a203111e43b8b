//! What is measured of a trained model: Fisher divergence to the truth, log Z, held-out log-likelihood.

use enscore_program::Kind;
use serde::Serialize;

use crate::data::{Subset, ToyDensity, rows_of, toy, wide_rows_of};
use crate::error::Result;
use crate::evaluate::{
    AnnealingSettings, Bracket, FisherDivergence, GaussianBase, HeldOut, LatentBound, Likelihood,
    LogZEstimate, Mean, Moments, Normaliser, Quadrature, QuadratureSettings, Refused, Rows, RunData,
    SampleOrigin, Temperatures, Window, bracket, flow_bits_per_dim, log_z_by_quadrature, run_data,
};
use crate::executor::RowSlice;
use crate::model::{ClosedForm, HostDensity, batch_shape, trace};
use crate::objective::ScoreMatching;
use crate::sample::TrainedDensity;
use crate::trained::Trained;

/// Steps of the grid along each axis.
const INTERVALS: usize = 200;
/// Temperatures and chains of annealed importance sampling.
const TEMPERATURES: usize = 200;
const CHAINS: usize = 256;
/// Importance-weighted draws of each held-out row's bound.
const BOUND_DRAWS: usize = 200;
/// Rows that a base is fitted to, at most.
const MAX_ROWS: usize = 10_000;
/// Rows whose score matching loss is taken at once.
const BATCH: usize = 128;
/// Dimensions beyond which log Z and the exact loss are not computed: they would take too long.
const MOST_DIMENSIONS: usize = 128;

/// What is said of a training that holds no rows out.
const NO_HELD_OUT: &str = "no rows are held out, so there are no figures of held-out rows; set data.validation or data.test_fraction";

/// What is known of a trained model.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// ½ E ‖∇log p - s‖² under the truth, where the truth is known.
    pub fisher_divergence: Option<FisherDivergence>,
    /// The exact score matching loss of held-out rows: the Fisher divergence up to a constant of the data.
    pub score_matching_loss: Option<Mean>,
    /// log Z of its log density, nats: by quadrature in the plane, else by annealed importance sampling.
    pub log_z: Option<f64>,
    /// The error of log Z: a bound by quadrature, the standard error of annealing.
    pub log_z_error: Option<f64>,
    /// The effective sample size of annealing, where log Z is by annealing.
    pub effective_sample_size: Option<f64>,
    /// log Z by annealing in reverse from held-out rows, or training rows where there are none, which are
    /// samples of the model as far as it fits them: with the forward one, from below, a bracket.
    pub reverse_log_z: Option<Mean>,
    /// log Z as training learnt it, less log Z: what noise contrastive estimation is off by.
    pub learnt_log_z_error: Option<f64>,
    /// The mean log density of held-out rows with that log Z, whose error is part of its own.
    pub log_likelihood: Option<Mean>,
    /// A lower bound of the mean log-likelihood of held-out rows, of a latent variable model, by
    /// importance-weighted draws.
    pub log_likelihood_bound: Option<Mean>,
    /// Bits per dimension of held-out rows under a flow of dequantised levels, or a model of levels.
    pub bits_per_dim: Option<Mean>,
    /// Why there is no log-likelihood, where log Z is known too badly for one.
    pub log_likelihood_left_out: Option<String>,
    /// What to tell the user of log Z.
    pub warnings: Vec<String>,
}

/// The density that the data are drawn from.
pub struct Truth(ToyDensity);

impl Truth {
    /// The truth of the data that `trained` learnt from, if it is known.
    pub fn of(trained: &Trained) -> Option<Truth> {
        let unscaled = trained.model.scale().is_ok_and(|scale| scale.is_none());
        toy(&trained.model.data.name).filter(|_| unscaled).map(Truth)
    }

    /// It, as the host sees a density.
    ///
    /// # Errors
    /// None for points of the plane.
    pub fn density(&self) -> Result<impl HostDensity + '_> {
        let point = |x: &[f64]| [x[0], x[1]];
        ClosedForm::new(
            2,
            move |x: &[f64]| self.0.log_density(&point(x)),
            move |x: &[f64], score: &mut [f64]| score.copy_from_slice(&self.0.score(&point(x))),
        )
    }

    /// A box that holds nearly all of it.
    pub fn window(&self) -> [[f64; 2]; 2] {
        self.0.window()
    }

    /// The mean of its log density over rows.
    ///
    /// # Errors
    /// No rows.
    pub fn log_likelihood(&self, rows: &[f64]) -> Result<Mean> {
        Mean::of(&self.density()?.log_density(rows)?)
    }
}

/// All held-out rows of a run; none where it holds none out.
pub(super) fn held_out(trained: &Trained) -> Result<Option<Vec<f64>>> {
    let data = run_data(trained, None)?;
    let held_out = (data.origin != HeldOut::Training).then_some(&data.held_out);
    held_out.map(|held_out| wide_rows_of(held_out, MAX_ROWS)).transpose()
}

/// The Fisher divergence of the model's score to the truth's, under the truth; none where the truth is not
/// known.
pub(super) fn fisher_divergence(trained: &Trained) -> Result<Option<FisherDivergence>> {
    let Some(truth) = Truth::of(trained).filter(|_| trained.model.model.has_score()) else { return Ok(None) };
    let [x, y] = truth.window();
    let window = Window::new(&[x[0], y[0]], &[x[1], y[1]])?;
    let settings = QuadratureSettings { intervals: INTERVALS, ..Default::default() };
    let grid = Quadrature::new(&mut truth.density()?, &window, settings)?;
    let mut model = TrainedDensity::new(&trained.model)?;
    grid.fisher_divergence(&mut truth.density()?, &mut model).map(Some)
}

pub(super) fn measure(trained: &Trained) -> Result<Measured> {
    let mut measured = Measured {
        fisher_divergence: fisher_divergence(trained)?,
        score_matching_loss: None,
        log_z: None,
        log_z_error: None,
        effective_sample_size: None,
        reverse_log_z: None,
        learnt_log_z_error: None,
        log_likelihood: None,
        log_likelihood_bound: None,
        bits_per_dim: None,
        log_likelihood_left_out: None,
        warnings: Vec::new(),
    };
    let data = run_data(trained, None)?;
    let held_out = (data.origin != HeldOut::Training).then_some(&data.held_out);
    if held_out.is_none() {
        measured.warnings.push(NO_HELD_OUT.to_string());
    }
    if let Some(held_out) = held_out
        && trained.model.row_len() <= MOST_DIMENSIONS
        && trained.model.temperature == 1.0
        && trained.model.model.has_score()
        && !trained.model.model.support().is_discrete()
    {
        measured.score_matching_loss = Some(score_matching_loss(trained, held_out)?);
    }
    if trained.model.model.latent_variable().is_some()
        && let Some(held_out) = held_out
    {
        let rows = rows_of(held_out, MAX_ROWS)?;
        let values = LatentBound::new(&trained.model, BOUND_DRAWS)?.of_rows(&rows, 0)?;
        measured.log_likelihood_bound = Some(Mean::of(&values)?);
    }
    if !trained.model.model.has_density() {
        return Ok(measured);
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    let Some(normaliser) = normaliser(trained, &data, &mut density, &mut measured)? else {
        return Ok(measured);
    };
    measured.log_z = Some(normaliser.log_z);
    measured.log_z_error = normaliser.error;
    measured.warnings.extend(normaliser.warnings());
    measured.learnt_log_z_error = trained.learnt_log_z.map(|learnt| learnt - normaliser.log_z);
    let Some(held_out) = held_out else { return Ok(measured) };
    measured.bits_per_dim = flow_bits_per_dim(trained, held_out, MAX_ROWS, 0)?.map(|figure| Mean {
        value: figure.value,
        std_err: figure.std_err.unwrap_or(0.0),
        count: figure.rows,
    });
    let values = density.log_density(&wide_rows_of(held_out, MAX_ROWS)?)?;
    match normaliser.likelihood(&values)? {
        Likelihood::Known(mean) => measured.log_likelihood = Some(mean),
        Likelihood::Unknown(reason) => measured.log_likelihood_left_out = Some(reason),
    }
    Ok(measured)
}

/// log Z by quadrature in the plane, else by annealing, whose figures are noted; none in many dimensions.
fn normaliser(
    trained: &Trained,
    data: &RunData,
    density: &mut TrainedDensity,
    measured: &mut Measured,
) -> Result<Option<Normaliser>> {
    if trained.model.model.normalised().is_some() {
        return Ok(Normaliser::of_training(trained));
    }
    if let Some(log_z) = log_z_by_quadrature(trained)? {
        return Ok(Some(Normaliser::by_quadrature(&log_z, trained.step)));
    }
    if trained.model.row_len() > MOST_DIMENSIONS {
        return Ok(None);
    }
    let samples = wide_rows_of(&data.held_out, MAX_ROWS)?;
    let Bracket { forward, reverse } = match anneal(density, &data.training, &samples) {
        Ok(bracket) => bracket,
        Err(error) => {
            let why = Refused::unless_ended("log_z", "log Z", error)?.reason;
            measured.warnings.push(format!("no log Z by annealing: {why}"));
            return Ok(if trained.model.model.is_normalised() {
                Normaliser::of_training(trained)
            } else {
                None
            });
        }
    };
    measured.effective_sample_size = Some(forward.effective_sample_size);
    measured.reverse_log_z =
        Some(Mean { value: reverse.log_z, std_err: reverse.std_err, count: reverse.chains });
    let estimate = LogZEstimate::annealed(&forward, "ais", "from a Gaussian".to_string());
    Ok(Some(Normaliser::estimated(&estimate, trained.step, None)))
}

/// The exact score matching loss of the model's rows.
fn score_matching_loss(trained: &Trained, held_out: &Subset) -> Result<Mean> {
    let model = &trained.model;
    let rows = rows_of(held_out, MAX_ROWS)?;
    let objective = ScoreMatching { tangents: 0 };
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(BATCH, model.model.row_shape()));
        let parts = objective.parts(&model.model, parameters, x);
        let sum = parts.into_iter().reduce(|sum, part| sum + part);
        vec![("loss".to_string(), sum.unwrap_or_else(|| scope.constant(0.0).broadcast_to(&[BATCH])))]
    })?;
    let rows = RowSlice::new(&rows, model.row_len())?;
    let losses = model.compile(&program)?.over::<f32>(&rows).weights(&model.weights).per_row("loss")?;
    Mean::of(&losses)
}

/// log Z from a Gaussian with the moments of the training rows, and back from some of `samples`.
fn anneal(density: &mut TrainedDensity, training: &Subset, samples: &[f64]) -> Result<Bracket> {
    let rows = rows_of(training, MAX_ROWS)?;
    let moments = Moments::of(Rows::new(&rows, training.dataset().row_len())?)?;
    let mut base = GaussianBase::new(&moments)?;
    let temperatures = Temperatures::sigmoid(TEMPERATURES)?;
    let settings = AnnealingSettings { chains: CHAINS, ..Default::default() };
    let samples = &samples[..(CHAINS * training.dataset().row_len()).min(samples.len())];
    bracket(density, &mut base, samples, SampleOrigin::Approximate, &temperatures, settings)
}
