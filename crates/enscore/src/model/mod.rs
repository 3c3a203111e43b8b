//! Models: unnormalised log densities and scores as plain functions over symbolic variables.
//!
//! A model names its parameters where it uses them ([`Parameters::get`]); the caller that traces it decides
//! what they are: inputs of an update, of a sampler, of an evaluation. Its file also declares its settings
//! ([`ModelKind`]); [`ModelSettings`] lists them all.
//!
//! [`Parameters::get`]: enscore_program::Parameters::get

mod adversarial;
mod autoregressive;
mod baseline;
mod bipartite;
mod closed_form;
mod conditional;
mod density;
mod energy;
mod flow;
mod gaussian_skip;
mod initial;
mod kind;
mod kinds;
mod latent;
mod layers;
mod network;
mod noise_levels;
mod score;
mod standardise;
mod tracing;
mod traits;

pub use adversarial::{
    ConvGeneratorSettings, Critic, CriticKind, CriticLayers, GAN, Generated, MlpGeneratorSettings, Output,
};
pub use autoregressive::{
    Conditionals, MADE, Made, MadeMasks, MadeSettings, PixelCnn, PixelCnnSettings, Pixels,
};
pub use baseline::{
    Bandwidth, BernoulliMixture, BernoulliMixtureSettings, BernoulliSettings, CovarianceChoice,
    GaussianMixtureModel, GaussianMixtureSettings, GaussianSettings, KernelDensity, KernelDensitySettings,
    KernelShape, information_criteria, leave_one_out,
};
pub use bipartite::{
    Bipartite, DBM_BIASES, DBM_WEIGHTS, Dbm, DbmSettings, Interaction, MOST_TRACED_UNITS, RBM_PARAMETERS,
    Rbm, RbmSettings, UnitBlock, Units, VisibleUnits, draw_bernoulli, draw_units, enumerated_log_z,
    is_enumerable, mean_units, scaled_units, side_log_density, smaller_side,
};
pub use closed_form::ClosedForm;
pub use conditional::{Component, Conditional, round_to_level};
pub use density::{Covariance, Gaussian, GaussianComponent, GaussianMixture, StudentT, Uniform};
pub use energy::{
    Confinement, ConfinementSettings, ConvEnergy, ConvEnergySettings, Dkef, DkefSettings, GaussianEnergy,
    GaussianEnergySettings, GaussianMixtureEnergy, MlpEnergy, MlpEnergySettings, ResidualEnergy,
    ResidualEnergySettings, StudentTEnergy, StudentTEnergySettings,
};
pub use flow::{
    MultiScaleFlow, MultiScaleFlowSettings, REAL_NVP, RealNvp, RealNvpSettings, couple, uncouple,
};
pub use gaussian_skip::{OutputSettings, Skip};
pub use initial::initialise;
pub use kind::{DataFacts, Family, ModelKind};
pub use kinds::ModelSettings;
pub use latent::{
    Coder, ConvCoder, ConvCoderSettings, ConvVaeSettings, Likelihood, LikelihoodKind, LikelihoodSettings,
    MlpCoder, MlpVaeSettings, ScaleSource, VAE, Vae,
};
pub use layers::{Activation, Convolution, ConvolutionSettings, FREQUENCIES};
pub use network::Network;
pub use noise_levels::NoiseLevels;
pub use score::{Mlp, MlpSettings, UNet, UNetSettings};
pub use tracing::{along_rows, batch_shape, parameters_of, standard_normal, sum_rows, trace};
pub use traits::{
    Differentiated, Fitted, Flow, Generator, Given, HostDensity, LatentVariable, LogDensity, NoiseDensity,
    Normalised, Pass, Posterior, Score, SequentialDraws, Support,
};
