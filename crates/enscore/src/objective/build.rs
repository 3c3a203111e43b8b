//! From checked settings to an objective, the noise levels that it trains, and who plays.

use enscore_program::{Initial, Parameter};

use super::{
    Alternation, ContrastiveDivergence, Directions, Dsm, LOG_Z, MaximumLikelihood, Ncsn, Objective, ScoreMatching,
    SlicedScoreMatching,
};
use crate::data::Subset;
use crate::error::{Error, Result};
use crate::model::{DataFacts, Network, NoiseLevels};
use crate::settings::{self, Cd, Settings};

/// One side of a training: what it minimises, and which parameters it moves.
pub struct Player {
    /// What it minimises.
    pub objective: Box<dyn Objective<Network>>,
    /// Whether it moves the parameter of this name.
    pub moves: Box<dyn Fn(&str) -> bool>,
    /// Its learning rate, as a multiple of the optimiser's.
    pub rate: f64,
}

/// What a training minimises.
pub struct Task {
    /// One player, or two that take turns.
    pub players: Vec<Player>,
    /// The chains that the objective learns from, if it does.
    pub chains: Option<Cd>,
    /// Whose turn it is, where there are two players.
    pub alternation: Option<Alternation>,
}

impl Task {
    fn of(objective: impl Objective<Network> + 'static) -> Task {
        let player = Player { objective: Box::new(objective), moves: Box::new(|_| true), rate: 1.0 };
        Task { players: vec![player], chains: None, alternation: None }
    }
}

/// The noise levels that `settings` train, from the largest to the smallest. Objectives without noise have the one level 1,
/// which a score network is told.
///
/// # Errors
/// An input error that names the setting.
pub fn noise_levels(settings: &settings::Objective) -> Result<NoiseLevels> {
    match settings {
        settings::Objective::Ncsn(ncsn) => {
            NoiseLevels::geometric(ncsn.sigma_max, ncsn.sigma_min, ncsn.levels)
        }
        settings::Objective::Dsm(dsm) => NoiseLevels::single(dsm.sigma),
        _ => NoiseLevels::single(1.0),
    }
}

/// The objective that `settings` describe, for the rows that it is trained and validated on.
///
/// # Errors
/// As [`noise_levels`]; noise that can't be fitted to the rows, or that has no density at one of them.
pub fn build(
    settings: &Settings,
    data: &DataFacts,
    training: &Subset,
    validation: Option<&Subset>,
) -> Result<Task> {
    match settings.objective() {
        settings::Objective::Ncsn(_) => Ok(Task::of(Ncsn { levels: noise_levels(settings.objective())? })),
        settings::Objective::Dsm(dsm) => Ok(Task::of(Dsm::new(dsm.sigma)?)),
        settings::Objective::Sm(sm) => Ok(Task::of(ScoreMatching { tangents: sm.tangents })),
        settings::Objective::Ssm(ssm) => Ok(Task::of(SlicedScoreMatching {
            projections: ssm.projections,
            directions: Directions::from(ssm.direction),
            variance_reduction: ssm.variance_reduction,
        })),
        settings::Objective::Cd(cd) => {
            let objective = ContrastiveDivergence { energy_l2: cd.energy_l2, data_noise: cd.data_noise };
            Ok(Task { chains: Some(cd.clone()), ..Task::of(objective) })
        }
        settings::Objective::Ml(_) => Ok(Task::of(MaximumLikelihood)),
        _ => Err(Error::input("this objective is not there yet")),
    }
}

/// The parameters that an objective has beside those of its model.
///
/// # Errors
/// A flow that does not fit the rows.
pub fn further_parameters(settings: &settings::Objective, _data: &DataFacts) -> Result<Vec<Parameter>> {
    let log_z = Parameter { name: LOG_Z.to_string(), shape: Vec::new(), initial: Initial::Constant(0.0) };
    match settings {
        settings::Objective::Nce(_) => Ok(vec![log_z]),
        _ => Ok(Vec::new()),
    }
}
