//! The two players of a generative adversarial network: generators of rows from noise, critics of rows.

mod conv_generator;
mod critic;
mod generator;
mod mlp_generator;

pub use conv_generator::ConvGeneratorSettings;
pub use critic::{Critic, CriticKind, CriticLayers};
pub use generator::{GAN, Generated, Output};
pub use mlp_generator::MlpGeneratorSettings;
