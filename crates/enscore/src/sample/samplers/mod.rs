//! One file a sampler: its keys, and its chains.

mod annealed;
mod exact;
mod gibbs;
mod hmc;
mod host_chains;
mod langevin;
mod mala;
mod pilots;
mod sequential;

pub use annealed::AnnealedSettings;
pub use exact::ExactSettings;
pub(crate) use gibbs::UnitChains;
pub use gibbs::{GibbsSettings, Shown};
pub(super) use gibbs::{VisibleChains, WeightedUnits};
pub use hmc::HmcSettings;
pub use langevin::LangevinSettings;
pub use mala::MalaSettings;
pub use sequential::draw_completed;
