//! The settings of a run: TOML and `--set` arguments, checked once into values that can't be wrong.
//!
//! [`Settings`] is made only by checking and lends its tables only by reference, so code that holds one never
//! checks a value again. A key is declared once, in its table's file: name, type, default, range and meaning
//! give the field, its check, its documentation ([`settings_reference`]) and its line in
//! [`Settings::to_toml`].
//!
//! ```
//! let text = "data.name = 'digits'\nmodel.kind = 'mlp'";
//! let settings = enscore::settings::Settings::parse(text, "my.toml", &["train.steps=20".to_string()])?;
//! assert_eq!(settings.train().steps, 20);
//! # Ok::<(), enscore::Error>(())
//! ```

mod compare;
mod data;
mod load;
mod model;
mod objective;
mod optimiser;
mod reading;
mod reference;
mod sampler;
mod stability;
mod tables;
mod train;

pub use compare::Compare;
pub use data::{Data, Preprocess, Source};
pub use model::{
    Activation, ConvEnergy, Convolution, Dbm, Dkef, Family, GaussianEnergy, Mlp, MlpEnergy, Model,
    MultiScaleFlow, Rbm, RealNvp, ResidualEnergy, Unet, VisibleUnits,
};
pub use objective::{
    Cd, CdGibbs, ChainStart, Dsm, Fce, Ml, Nce, Ncsn, NoiseKind, Objective, Projection, Sm, Ssm, StartNoise,
};
pub use optimiser::{Decay, Descent, Optimiser};
pub use reading::KeyReference;
pub use reference::settings_reference;
pub use sampler::{Annealed, Gibbs, Langevin, Method, Sampler, Shown, StepRuleName, Weights};
pub use stability::Stability;
pub use tables::Settings;
pub use train::{DecayBy, Products, Train};

#[cfg(test)]
mod tests;
