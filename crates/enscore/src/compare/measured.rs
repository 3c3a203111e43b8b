//! What is measured of a trained model, and which kind its likelihood is.

use serde::Serialize;

use crate::evaluate::{FisherDivergence, Mean};

/// What is known of a trained model.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// ½ E ‖∇log p - s‖² under the truth, where the truth is known.
    pub fisher_divergence: Option<FisherDivergence>,
    /// The exact score matching loss of held-out rows: the Fisher divergence up to a constant of the data.
    pub score_matching_loss: Option<Mean>,
    /// log Z of its log density, nats: by quadrature in the plane, of units by enumeration or annealing, else
    /// by annealing. Of a normalised model that is not a flow of the plane none: it is 0.
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
    /// What the held-out log-likelihood is.
    pub likelihood: LikelihoodKind,
    /// The mean log density of held-out rows in the data's own units, nats; where log Z is not exact its
    /// error is part of this one's.
    pub log_likelihood: Option<Mean>,
    /// A lower bound of the mean log-likelihood of held-out rows, nats: of a latent variable model, by
    /// importance-weighted draws; of a density of dequantised levels, by uniform noise; of units whose
    /// log density is a bound.
    pub log_likelihood_bound: Option<Mean>,
    /// Bits per dimension of held-out rows on levels; of a bound, an upper bound.
    pub bits_per_dim: Option<Mean>,
    /// Why there is no log-likelihood, where log Z is known too badly for one.
    pub log_likelihood_left_out: Option<String>,
    /// What to tell the user of log Z.
    pub warnings: Vec<String>,
}

/// What a held-out log-likelihood is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LikelihoodKind {
    /// The model is normalised, or its log Z was enumerated.
    Exact,
    /// The importance-weighted bound of a latent variable model: the value is below the log-likelihood.
    Bound,
    /// A density of dequantised levels: below the log-likelihood of the levels.
    DequantisedBound,
    /// log Z was integrated over a grid.
    Quadrature,
    /// log Z was estimated by annealed importance sampling.
    Annealed,
    /// The log density is a bound, and its log Z was estimated.
    AnnealedBound,
    /// None: log Z is not known.
    #[default]
    Unknown,
    /// None: a score network has no density.
    ScoreAlone,
    /// None: a generator has no density.
    SamplesAlone,
}

impl LikelihoodKind {
    /// What it is, in a table.
    pub fn word(self) -> &'static str {
        match self {
            LikelihoodKind::Exact => "exact",
            LikelihoodKind::Bound => "bound",
            LikelihoodKind::DequantisedBound => "bound (dequantised)",
            LikelihoodKind::Quadrature => "log Z by quadrature",
            LikelihoodKind::Annealed => "log Z estimated",
            LikelihoodKind::AnnealedBound => "bound, log Z estimated",
            LikelihoodKind::Unknown => "none: log Z unknown",
            LikelihoodKind::ScoreAlone => "none: a score",
            LikelihoodKind::SamplesAlone => "none: samples",
        }
    }

    /// Whether the value is below the log-likelihood.
    pub fn is_bound(self) -> bool {
        match self {
            LikelihoodKind::Bound | LikelihoodKind::DequantisedBound | LikelihoodKind::AnnealedBound => true,
            LikelihoodKind::Exact
            | LikelihoodKind::Quadrature
            | LikelihoodKind::Annealed
            | LikelihoodKind::Unknown
            | LikelihoodKind::ScoreAlone
            | LikelihoodKind::SamplesAlone => false,
        }
    }

    /// What stands before the value: of a bound `≥`, where log Z was computed `≈`.
    pub fn sign(self) -> &'static str {
        match self {
            LikelihoodKind::Bound | LikelihoodKind::DequantisedBound => "≥",
            LikelihoodKind::Quadrature | LikelihoodKind::Annealed => "≈",
            LikelihoodKind::AnnealedBound => "⪆",
            LikelihoodKind::Exact
            | LikelihoodKind::Unknown
            | LikelihoodKind::ScoreAlone
            | LikelihoodKind::SamplesAlone => "",
        }
    }

    /// A sentence on it for who reads the table; none where the word says all.
    pub fn meaning(self) -> Option<&'static str> {
        match self {
            LikelihoodKind::Bound => Some("≥ is a lower bound by 200 importance-weighted draws of each row"),
            LikelihoodKind::DequantisedBound => {
                Some("≥ (dequantised) is a lower bound: the density of levels with uniform noise")
            }
            LikelihoodKind::Quadrature => {
                Some("≈ by quadrature has log Z from a grid, with a bound on its error in ±")
            }
            LikelihoodKind::Annealed => Some(
                "≈ estimated has log Z by annealed importance sampling, with its standard error in ±; an estimate \
                 that is too low makes the log-likelihood too high",
            ),
            LikelihoodKind::AnnealedBound => Some("⪆ is a lower bound but for its log Z, which is estimated"),
            LikelihoodKind::Exact
            | LikelihoodKind::Unknown
            | LikelihoodKind::ScoreAlone
            | LikelihoodKind::SamplesAlone => None,
        }
    }
}
