//! Measure samples and models: two-sample metrics with their null value, distances between Gaussians, nearest
//! training rows, and the closed-form densities and baselines that results are compared with.

pub mod analytic;
pub mod bernoulli_baseline;
pub mod bits_per_dim;
pub mod denoising_loss;
pub mod frechet;
pub mod gaussian_kl;
mod held_out;
mod held_out_figures;
pub mod inception_score;
pub mod linear_baseline;
pub mod mmd;
pub mod moments;
pub mod nearest;
pub mod rows;
pub mod run;
pub mod sliced_wasserstein;
pub mod two_sample;

pub use analytic::IsotropicMixture;
pub use bernoulli_baseline::BernoulliBaseline;
pub use denoising_loss::{DenoisingLoss, LevelLoss, denoising_loss};
pub use held_out::{HeldOut, RunData, run_data};
pub use held_out_figures::{HeldOutFigure, model_figures};
pub use moments::Moments;
pub use rows::Rows;
pub use run::{Evaluation, EvaluationSettings, METRICS, evaluate, rows_of};
pub use two_sample::{TwoSample, TwoSampleMetric, two_sample};
