//! Games between a generator and a critic.

mod critic_settings;
mod game;
mod gan;
mod wgan_gp;

pub use critic_settings::CriticSettings;
pub use game::{Adversarial, Game, Role, gradient_penalty};
pub use gan::GanSettings;
pub use wgan_gp::WganGpSettings;

/// What stands before the names of the critic's parameters.
pub const CRITIC: &str = "critic";
