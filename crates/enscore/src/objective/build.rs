//! From checked settings to an objective and the noise levels that it trains.

use super::{Dsm, Ncsn, Objective};
use crate::error::Result;
use crate::model::{NoiseLevels, Score};
use crate::settings;

/// The noise levels that `settings` train, from the largest to the smallest.
///
/// # Errors
/// An input error that names the setting.
pub fn noise_levels(settings: &settings::Objective) -> Result<NoiseLevels> {
    match settings {
        settings::Objective::Ncsn(ncsn) => {
            NoiseLevels::geometric(ncsn.sigma_max, ncsn.sigma_min, ncsn.levels)
        }
        settings::Objective::Dsm(dsm) => NoiseLevels::single(dsm.sigma),
    }
}

/// The objective that `settings` describe.
///
/// # Errors
/// As [`noise_levels`].
pub fn build(settings: &settings::Objective) -> Result<Box<dyn Objective<dyn Score>>> {
    match settings {
        settings::Objective::Ncsn(_) => Ok(Box::new(Ncsn { levels: noise_levels(settings)? })),
        settings::Objective::Dsm(dsm) => Ok(Box::new(Dsm::new(dsm.sigma)?)),
    }
}
