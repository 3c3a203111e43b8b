//! The held-out log-likelihood of a model of any family, and which of its kinds it is: exact, a bound, or
//! with a log Z that was computed for it.
//!
//! All of them are in nats per row in the data's own units ([`Trained::log_volume`]), so that models of
//! levels, of dequantised levels and of scaled values can be held against each other.

use super::measured::{LikelihoodKind, Measured};
use crate::data::{Subset, rows_of, wide_rows_of};
use crate::error::Result;
use crate::evaluate::{
    AnnealingSettings, Bracket, GaussianBase, LatentBound, Likelihood, LogZEstimate, LogZMethod,
    LogZSettings, Mean, Moments, Normaliser, Refused, Rows, RunData, SampleOrigin, Temperatures, bracket,
    can_enumerate, flow_bits_per_dim, log_z_by_quadrature, log_z_estimate,
};
use crate::model::{HostDensity, Network, Support};
use crate::sample::{TrainedDensity, WeightedBipartite};
use crate::trained::Trained;

/// Temperatures and chains of annealed importance sampling, of vectors and of units.
const TEMPERATURES: usize = 200;
const UNIT_TEMPERATURES: usize = 2000;
const CHAINS: usize = 256;
/// Importance-weighted draws of each held-out row's bound.
const BOUND_DRAWS: usize = 200;
/// Rows that likelihoods are taken of and that a base is fitted to, at most.
const MAX_ROWS: usize = 10_000;
/// Dimensions beyond which log Z of an energy is not computed: it would take too long.
const MOST_DIMENSIONS: usize = 128;

/// Adds what is known of the likelihood of held-out rows.
pub(super) fn add(
    measured: &mut Measured,
    trained: &Trained,
    data: &RunData,
    held_out: Option<&Subset>,
) -> Result<()> {
    match &trained.model.model {
        Network::Score(_) => measured.likelihood = LikelihoodKind::ScoreAlone,
        Network::Generator(_) => measured.likelihood = LikelihoodKind::SamplesAlone,
        Network::LatentVariable(_) => return add_bound(measured, trained, held_out),
        Network::Normalised(_) => return add_exact(measured, trained, held_out),
        Network::Flow(_) => {
            // A check of the flow: its log Z is 0.
            if let Some(log_z) = log_z_by_quadrature(trained)? {
                note_log_z(measured, trained, &Normaliser::by_quadrature(&log_z, trained.step));
            }
            return add_exact(measured, trained, held_out);
        }
        Network::Energy(_) => {
            let mut density = TrainedDensity::new(&trained.model)?;
            if let Some((kind, normaliser)) = energy_log_z(trained, data, &mut density, measured)? {
                note_log_z(measured, trained, &normaliser);
                return add_normalised(measured, trained, held_out, kind, &normaliser);
            }
        }
        Network::Bipartite(_) => {
            if let Some((kind, normaliser)) = unit_log_z(trained, data, measured)? {
                note_log_z(measured, trained, &normaliser);
                return add_normalised(measured, trained, held_out, kind, &normaliser);
            }
        }
    }
    Ok(())
}

fn note_log_z(measured: &mut Measured, trained: &Trained, normaliser: &Normaliser) {
    measured.log_z = Some(normaliser.log_z);
    measured.log_z_error = normaliser.error;
    measured.warnings.extend(normaliser.warnings());
    measured.learnt_log_z_error = trained.learnt_log_z.map(|learnt| learnt - normaliser.log_z);
}

/// The bound of a latent variable model.
fn add_bound(measured: &mut Measured, trained: &Trained, held_out: Option<&Subset>) -> Result<()> {
    measured.likelihood = LikelihoodKind::Bound;
    let Some(held_out) = held_out else { return Ok(()) };
    let rows = rows_of(held_out, MAX_ROWS)?;
    let values = LatentBound::new(&trained.model, BOUND_DRAWS)?.of_rows(&rows, 0)?;
    let bound = in_data_units(trained, Mean::of(&values)?)?;
    measured.log_likelihood_bound = Some(bound);
    if let Support::Levels(_) = trained.model.model.support() {
        measured.bits_per_dim = Some(scaled(bound, -bits_of_a_nat(trained)));
    }
    Ok(())
}

/// The likelihood of a model that is normalised; of one that learnt dequantised levels, of levels with noise.
fn add_exact(measured: &mut Measured, trained: &Trained, held_out: Option<&Subset>) -> Result<()> {
    measured.likelihood = LikelihoodKind::Exact;
    let Some(held_out) = held_out else { return Ok(()) };
    let bits = flow_bits_per_dim(trained, held_out, MAX_ROWS, 0)?;
    measured.bits_per_dim = bits.map(|figure| Mean {
        value: figure.value,
        std_err: figure.std_err.unwrap_or(0.0),
        count: figure.rows,
    });
    if let Some(bits) = measured.bits_per_dim.filter(|_| trained.model.model.support() == Support::Real) {
        measured.likelihood = LikelihoodKind::DequantisedBound;
        measured.log_likelihood_bound = Some(scaled(bits, -1.0 / bits_of_a_nat(trained)));
        return Ok(());
    }
    let values = TrainedDensity::new(&trained.model)?.log_density(&wide_rows_of(held_out, MAX_ROWS)?)?;
    measured.log_likelihood = Some(in_data_units(trained, Mean::of(&values)?)?);
    Ok(())
}

/// The likelihood of a model whose log Z was computed.
fn add_normalised(
    measured: &mut Measured,
    trained: &Trained,
    held_out: Option<&Subset>,
    kind: LikelihoodKind,
    normaliser: &Normaliser,
) -> Result<()> {
    measured.likelihood = kind;
    let Some(held_out) = held_out else { return Ok(()) };
    let values = TrainedDensity::new(&trained.model)?.log_density(&wide_rows_of(held_out, MAX_ROWS)?)?;
    match normaliser.likelihood(&values)? {
        Likelihood::Known(mean) => {
            let mean = in_data_units(trained, mean)?;
            let of = if kind.is_bound() {
                &mut measured.log_likelihood_bound
            } else {
                &mut measured.log_likelihood
            };
            *of = Some(mean);
        }
        Likelihood::Unknown(reason) => {
            measured.likelihood = LikelihoodKind::Unknown;
            measured.log_likelihood_left_out = Some(reason);
        }
    }
    Ok(())
}

fn in_data_units(trained: &Trained, mean: Mean) -> Result<Mean> {
    Ok(Mean { value: mean.value + trained.log_volume()?, ..mean })
}

fn scaled(mean: Mean, by: f64) -> Mean {
    Mean { value: mean.value * by, std_err: mean.std_err * by.abs(), ..mean }
}

/// Bits per dimension of one nat of a row.
fn bits_of_a_nat(trained: &Trained) -> f64 {
    1.0 / (trained.model.row_len() as f64 * std::f64::consts::LN_2)
}

/// log Z of an energy by quadrature in the plane, else by annealing, whose figures are noted; none in many
/// dimensions.
fn energy_log_z(
    trained: &Trained,
    data: &RunData,
    density: &mut TrainedDensity,
    measured: &mut Measured,
) -> Result<Option<(LikelihoodKind, Normaliser)>> {
    if let Some(log_z) = log_z_by_quadrature(trained)? {
        let normaliser = Normaliser::by_quadrature(&log_z, trained.step);
        return Ok(Some((LikelihoodKind::Quadrature, normaliser)));
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
            return Ok(None);
        }
    };
    measured.effective_sample_size = Some(forward.effective_sample_size);
    measured.reverse_log_z =
        Some(Mean { value: reverse.log_z, std_err: reverse.std_err, count: reverse.chains });
    let estimate = LogZEstimate::annealed(&forward, "ais", "from a Gaussian".to_string());
    Ok(Some((LikelihoodKind::Annealed, Normaliser::estimated(&estimate, trained.step, None))))
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

/// log Z of a Boltzmann machine: enumerated where a side is small, else annealed from the data's base rates.
fn unit_log_z(
    trained: &Trained,
    data: &RunData,
    measured: &mut Measured,
) -> Result<Option<(LikelihoodKind, Normaliser)>> {
    let Some(target) = WeightedBipartite::of(&trained.model)? else { return Ok(None) };
    let exact = can_enumerate(&target);
    let settings = LogZSettings {
        method: if exact { LogZMethod::Exact } else { LogZMethod::Ais },
        chains: CHAINS,
        temperatures: Some(Temperatures::sigmoid(UNIT_TEMPERATURES)?),
        sweeps: 0,
        width: f64::INFINITY,
        seed: 0,
    };
    let rows = rows_of(&data.training, MAX_ROWS)?;
    let estimate = match log_z_estimate(&target, Some(&rows), &settings, &mut |_, _, _| Ok(())) {
        Ok(estimate) => estimate,
        Err(error) => {
            let why = Refused::unless_ended("log_z", "log Z", error)?.reason;
            measured.warnings.push(format!("no log Z: {why}"));
            return Ok(None);
        }
    };
    measured.effective_sample_size = estimate.ess;
    let kind = match (target.model.is_bound(), exact) {
        (true, true) => LikelihoodKind::Bound,
        (true, false) => LikelihoodKind::AnnealedBound,
        (false, true) => LikelihoodKind::Exact,
        (false, false) => LikelihoodKind::Annealed,
    };
    Ok(Some((kind, Normaliser::estimated(&estimate, trained.step, None))))
}
