//! Unnormalised log densities of two sides of units, with block Gibbs sampling between them.

mod dbm;
mod enumeration;
mod rbm;
mod units;

pub use dbm::{DBM_BIASES, DBM_WEIGHTS, Dbm, DbmSettings};
pub use enumeration::{MOST_TRACED_UNITS, enumerated_log_z, is_enumerable, side_log_density, smaller_side};
pub use rbm::{RBM_PARAMETERS, Rbm, RbmSettings, VisibleUnits};
pub use units::{
    Bipartite, Interaction, UnitBlock, Units, draw_bernoulli, draw_units, mean_units, scaled_units,
};
