//! Autoregressive models: ln p(x) = Σ_k ln p(x_k | x_1, .., x_{k-1}), exact densities and exact draws, one
//! element after the other.

mod given;
mod made;
mod made_draws;
mod masks;
mod pixelcnn;
mod pixelcnn_draws;

pub use made::{Conditionals, MADE, Made, MadeSettings};
pub use masks::MadeMasks;
pub use pixelcnn::{PixelCnn, PixelCnnSettings, Pixels};
