//! Evaluates samples and models: two-sample metrics with null values, distances between Gaussians, nearest
//! training rows, normalising constants and expectations by quadrature and importance sampling, and the
//! closed-form densities and baselines that results are compared with.

mod held_out;
mod host;
mod log_weights;
mod log_z;
mod mean;
mod pareto_tail;
mod reference;
mod rows;
mod run;
mod sample_metrics;
mod settings;
mod two_sample;

pub use held_out::{
    Auroc, DenoisingLoss, Drift, Figures, HeldOut, HeldOutFigure, LatentBound, LevelLoss, Refused, RowScores,
    RunData, against, auroc, bits_per_dim, denoising_loss, drift, flow_bits_per_dim, independent_units,
    learning_rows_for, log_unit, model_figures, pseudo_likelihood_program, pseudo_log_likelihood,
    reconstruction_error, rows_for, run_data, score_rows, unit_rows,
};
pub use host::{DEFAULT_BATCH, log_densities, scores};
pub use log_weights::{LogWeights, doubt, log_mean_exp, log_sum_exp};
pub use log_z::{
    Annealed, Annealing, AnnealingSettings, Base, BipartiteAnnealing, BoundSide, Bracket, Direction,
    Directions, EnergyAnnealing, GaussianBase, Kernel, Likelihood, LogZ, LogZEstimate, LogZMethod,
    LogZOrigin, LogZSettings, MOST_ENUMERATED_UNITS, MOST_LOG_Z_ERROR, Normaliser, Quadrature,
    QuadratureSettings, SampleOrigin, SideEnumeration, SpinAnnealing, Tell, Temperatures, Window,
    annealing_program, base_rates, bracket, can_enumerate, energy_log_z_estimate, estimate, fitted_base,
    fitted_log_z, ising_log_z_estimate, log_z_by_quadrature, log_z_estimate, quadrature_window,
};
pub use mean::Mean;
pub use pareto_tail::pareto_shape;
pub use reference::{
    BernoulliBaseline, FisherDivergence, IsotropicMixture, LinearBaseline, NoisyMixture, affine_loss,
    fisher_divergence, held_out_linear_baseline, linear_baseline, weighted_fisher_divergence,
};
pub use rows::Rows;
pub(crate) use rows::{right_side, shifted};
pub use run::{Evaluation, evaluate};
pub use sample_metrics::{SampleMetrics, sample_metrics, wanted_metrics};
pub use settings::EvaluationSettings;
pub use two_sample::{
    ColumnComparison, DEFAULT_COMPONENTS, DEFAULT_DIRECTIONS, DEFAULT_NEIGHBOUR, FrechetPca, Kid, METRICS,
    MetricKind, Mmd, Moments, Nearest, PrincipalSpace, QUANTILES, Reference, Share, SharedSupport,
    SlicedWasserstein, Spread, TwoSample, TwoSampleMetric, TwoSampleSettings, compare_columns,
    distance_by_chance, frechet_distance, gaussian_kl, inception_score, nearest, two_sample,
};
pub(crate) use two_sample::{eigen, mean_and_std};
