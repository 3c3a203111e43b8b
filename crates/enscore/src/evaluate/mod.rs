//! Evaluates samples and models: two-sample metrics with null values, distances between Gaussians, nearest
//! training rows, normalising constants and expectations by quadrature and importance sampling, and the
//! closed-form densities and baselines that results are compared with.

pub mod analytic;
pub mod annealed_importance;
pub mod auroc;
pub mod autocorrelation;
pub mod base;
mod base_rates;
pub mod bernoulli_baseline;
pub mod bipartite_annealing;
pub mod bits_per_dim;
pub mod denoising_loss;
mod evaluation_settings;
pub mod fisher_divergence;
pub mod frechet;
pub mod gaussian_kl;
mod geometric_path;
mod grid;
mod held_out;
mod held_out_figures;
pub mod host;
pub mod inception_score;
pub mod linear_baseline;
pub mod log_weights;
pub mod log_z_estimate;
pub mod mmd;
pub mod moments;
pub mod nearest;
pub mod normaliser;
pub mod quadrature;
mod row_scores;
pub mod rows;
pub mod run;
pub mod side_enumeration;
pub mod sliced_wasserstein;
pub mod two_sample;
mod two_sample_metric;
mod unit_figures;

pub use analytic::IsotropicMixture;
pub use annealed_importance::{Annealed, Annealing, Bracket, bracket, importance_sampling};
pub use auroc::{Auroc, auroc};
pub use autocorrelation::{ChainMean, autocorrelation, batch_means, integrated_time};
pub use base::{Base, Drawn, GaussianBase};
pub use base_rates::base_rates;
pub use bernoulli_baseline::BernoulliBaseline;
pub use bipartite_annealing::{BipartiteAnnealing, Tell, annealing_program};
pub use denoising_loss::{DenoisingLoss, LevelLoss, denoising_loss};
pub use evaluation_settings::EvaluationSettings;
pub use fisher_divergence::{FisherDivergence, fisher_divergence};
pub use geometric_path::Temperatures;
pub use grid::Window;
pub use held_out::{HeldOut, RunData, learning_rows_for, rows_for, run_data, spin_rows, unit_rows};
pub use held_out_figures::{HeldOutFigure, against, model_figures};
pub use log_weights::{LogWeights, Mean, log_mean_exp, log_sum_exp};
pub use log_z_estimate::{
    LogZEstimate, LogZMethod, LogZSettings, ising_fingerprint, ising_log_z_estimate, log_z_estimate,
};
pub use moments::Moments;
pub use normaliser::{Normaliser, Origin};
pub use quadrature::{LogZ, Quadrature};
pub use row_scores::{RowScores, score_rows};
pub use rows::{Rows, rows_of};
pub use run::{Evaluation, METRICS, evaluate};
pub use side_enumeration::{SideEnumeration, can_enumerate};
pub use two_sample::{TwoSample, two_sample};
pub use two_sample_metric::TwoSampleMetric;
pub use unit_figures::{PseudoLikelihoodProgram, UnitFigure, pseudo_log_likelihood, reconstruction_error};
