//! From checked settings to an objective, the noise levels that it trains, and who plays.

use std::f64::consts::{E, PI};

use enscore_program::{Initial, Parameter};

use super::flow_contrastive::FLOW;
use super::greedy_pretraining::{is_recognition, recognition_parameters};
use super::{
    AfterPretraining, Alternation, ContrastiveDivergence, Directions, Dsm, FlowContrastive, FrozenFlow,
    GibbsDivergence, GreedyPretraining, LOG_Z, MaximumLikelihood, Ncsn, NoiseContrastive, Objective,
    ScoreMatching, Side, SlicedScoreMatching, refuse_zero_density,
};
use crate::data::Subset;
use crate::error::Result;
use crate::model::{DataFacts, Dbm, Network, NoiseLevels, RealNvp, deep_machine, parameters_of};
use crate::settings::{self, Cd, CdGibbs, ChainStart, Fce, Settings};

/// One side of a training: what it minimises, and which parameters it moves.
pub struct Player {
    /// What it minimises.
    pub objective: Box<dyn Objective>,
    /// Whether it moves the parameter of this name.
    pub moves: Box<dyn Fn(&str) -> bool>,
    /// Its learning rate, as a multiple of the optimiser's.
    pub rate: f64,
    /// Whether it learns from the task's chains.
    pub learns_from_chains: bool,
}

/// The chains that an objective learns from.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainSettings {
    /// Langevin steps of rows of the data.
    Langevin(Cd),
    /// Gibbs sweeps of the first side of units.
    Gibbs(CdGibbs),
}

/// What a training minimises.
pub struct Task {
    /// One player, two that take turns, or one with others before it.
    pub players: Vec<Player>,
    /// The chains that the objective learns from, if it does.
    pub chains: Option<ChainSettings>,
    /// Whose turn it is, where there are two players.
    pub alternation: Option<Alternation>,
    /// The steps at which the players from the second one on have played, one after the other from the first
    /// step; then it is the first one's turn to the end.
    pub stages: Vec<u64>,
}

impl Task {
    /// Exact score matching with so many tangents at a time.
    pub fn score_matching(tangents: usize) -> Task {
        Task::new(ScoreMatching { tangents })
    }

    /// One player that minimises `objective` over all parameters, without chains.
    pub fn new(objective: impl Objective + 'static) -> Task {
        let player = Player {
            objective: Box::new(objective),
            moves: Box::new(|_| true),
            rate: 1.0,
            learns_from_chains: true,
        };
        Task { players: vec![player], chains: None, alternation: None, stages: Vec::new() }
    }

    /// Whose stage it is after so many steps: a position among the players; none after the last stage.
    pub fn stage(&self, steps: u64) -> Option<usize> {
        self.stages.iter().position(|end| steps < *end).map(|stage| stage + 1)
    }
}

/// The noise levels that `settings` train, from the largest to the smallest. Objectives without noise have
/// the one level 1, which a score network is told.
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

/// The objective that `settings` describe, for the rows that it is trained and validated on; `flow_noise` is
/// the flow of noise contrastive estimation against one.
///
/// # Errors
/// As [`noise_levels`]; noise that can't be fitted to the rows, or that has no density at one of them.
pub fn build(
    settings: &Settings,
    data: &DataFacts,
    training: &Subset,
    validation: Option<&Subset>,
    flow_noise: Option<FrozenFlow>,
) -> Result<Task> {
    match settings.objective() {
        settings::Objective::Ncsn(_) => Ok(Task::new(Ncsn { levels: noise_levels(settings.objective())? })),
        settings::Objective::Dsm(dsm) => Ok(Task::new(Dsm::new(dsm.sigma)?)),
        settings::Objective::Sm(sm) => Ok(Task::score_matching(sm.tangents)),
        settings::Objective::Ssm(ssm) => Ok(Task::new(SlicedScoreMatching {
            projections: ssm.projections,
            directions: Directions::from(ssm.direction),
            variance_reduction: ssm.variance_reduction,
        })),
        settings::Objective::Cd(cd) => {
            let objective = ContrastiveDivergence { energy_l2: cd.energy_l2, data_noise: cd.data_noise };
            Ok(Task { chains: Some(ChainSettings::Langevin(cd.clone())), ..Task::new(objective) })
        }
        settings::Objective::CdGibbs(cd) => {
            let from_data = cd.start == ChainStart::Data;
            let objective =
                GibbsDivergence { sweeps_from_data: from_data.then_some(cd.steps), centring: cd.centring };
            let chains = (!from_data).then(|| ChainSettings::Gibbs(cd.clone()));
            let task = Task { chains, ..Task::new(objective) };
            match settings.model() {
                settings::Model::Dbm(dbm) if !cd.pretrain_steps.is_empty() => {
                    Ok(pretrained(task, objective, &deep_machine(dbm, data)?, cd))
                }
                _ => Ok(task),
            }
        }
        settings::Objective::Ml(_) => Ok(Task::new(MaximumLikelihood)),
        settings::Objective::Fce(fce) => flow_contrastive(fce, data),
        settings::Objective::Nce(nce) => {
            let noise = super::noise::build(nce, data, training, flow_noise)?;
            refuse_zero_density(&noise, training)?;
            validation.map_or(Ok(()), |rows| refuse_zero_density(&noise, rows))?;
            Ok(Task::new(NoiseContrastive { noise, ratio: nce.ratio, log_z: first_log_z(data) }))
        }
    }
}

/// The stages of greedy pretraining before `task`, whose objective is the one given.
fn pretrained(mut task: Task, objective: GibbsDivergence, machine: &Dbm, cd: &CdGibbs) -> Task {
    task.players[0].objective = Box::new(AfterPretraining { machine: machine.clone(), objective });
    task.players[0].moves = Box::new(|name| !is_recognition(name));
    let mut end = 0;
    for (layer, steps) in cd.pretrain_steps.iter().enumerate() {
        let stage = GreedyPretraining { machine: machine.clone(), layer, sweeps: cd.pretrain_sweeps };
        let moved = stage.moves();
        task.players.push(Player {
            objective: Box::new(stage),
            moves: Box::new(move |name| moved.iter().any(|moved| moved == name)),
            rate: cd.pretrain_rate,
            learns_from_chains: false,
        });
        end += *steps as u64;
        task.stages.push(end);
    }
    task
}

/// Two players over one state: the energy with log Z, and the flow.
fn flow_contrastive(fce: &Fce, data: &DataFacts) -> Result<Task> {
    let player = |side| -> Result<Player> {
        let objective = FlowContrastive { flow: contrasted_flow(fce, data)?, side, log_z: first_log_z(data) };
        let of_flow = |name: &str| name.strip_prefix(FLOW).is_some_and(|rest| rest.starts_with('.'));
        Ok(Player {
            objective: Box::new(objective),
            moves: Box::new(move |name| of_flow(name) == (side == Side::Flow)),
            rate: if side == Side::Flow { fce.flow_rate } else { 1.0 },
            learns_from_chains: false,
        })
    };
    let players = vec![player(Side::Energy)?, player(Side::Flow)?];
    let alternation = Some(Alternation { threshold: fce.threshold });
    Ok(Task { players, chains: None, alternation, stages: Vec::new() })
}

/// The flow of flow contrastive estimation; its parameters stand below `flow.` in the training's.
///
/// # Errors
/// Rows that the flow does not fit.
pub fn contrasted_flow(fce: &Fce, data: &DataFacts) -> Result<RealNvp> {
    let hidden = [fce.flow_width; 2];
    RealNvp::new(data.row_shape, fce.flow_couplings, &hidden, data.mean, data.deviation)
}

/// Where log Z starts: at the entropy of independent Gaussians with the data's moments, which is log Z - f
/// where a model with about equal f everywhere meets the data.
fn first_log_z(data: &DataFacts) -> f64 {
    let spread = data.deviation.iter().map(|deviation| deviation.max(1e-6));
    spread.map(|deviation| deviation.ln() + 0.5 * (2.0 * PI * E).ln()).sum()
}

/// The parameters that an objective has beside those of its model.
///
/// # Errors
/// A flow that does not fit the rows.
pub fn further_parameters(settings: &Settings, data: &DataFacts) -> Result<Vec<Parameter>> {
    let log_z = Parameter { name: LOG_Z.to_string(), shape: Vec::new(), initial: Initial::Constant(0.0) };
    match settings.objective() {
        settings::Objective::Nce(_) => Ok(vec![log_z]),
        settings::Objective::CdGibbs(cd) if !cd.pretrain_steps.is_empty() => match settings.model() {
            settings::Model::Dbm(dbm) => Ok(recognition_parameters(&deep_machine(dbm, data)?)),
            _ => Ok(Vec::new()),
        },
        settings::Objective::Fce(fce) => {
            let flow = parameters_of(&Network::Flow(Box::new(contrasted_flow(fce, data)?)))?;
            let named = flow.into_iter().map(|p| Parameter { name: format!("{FLOW}.{}", p.name), ..p });
            Ok(std::iter::once(log_z).chain(named).collect())
        }
        _ => Ok(Vec::new()),
    }
}
