//! What a training minimises: who plays, whose turn it is, and the chains that they learn from.

use super::chain_settings::ChainSettings;
use super::estimate::Objective;

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
    /// Whether a step is a pass of the model's own fit over all rows, not an update.
    pub fits: bool,
}

impl Task {
    /// One player that minimises `objective` over all parameters, without chains.
    pub fn new(objective: impl Objective + 'static) -> Task {
        let player = Player {
            objective: Box::new(objective),
            moves: Box::new(|_| true),
            rate: 1.0,
            learns_from_chains: true,
        };
        Task { players: vec![player], chains: None, alternation: None, stages: Vec::new(), fits: false }
    }

    /// The player whose stage it is after `steps` steps, by its position; none after the last stage.
    pub fn stage(&self, steps: u64) -> Option<usize> {
        self.stages.iter().position(|end| steps < *end).map(|stage| stage + 1)
    }
}

/// A side of a game of two players.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The energy and c.
    Energy,
    /// The flow.
    Flow,
}

/// The rule of who moves next, of two players.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alternation {
    /// The energy, the first player, moves where its accuracy was below this in the last step, else the flow.
    ByAccuracy {
        /// In (0.5, 1).
        threshold: f64,
    },
    /// The first player takes this many steps, then the second one.
    InTurn {
        /// At least 1.
        first: u64,
    },
}

impl Alternation {
    /// Who moves after a step at which the energy's accuracy was this, by accuracy.
    pub fn next(threshold: f64, accuracy: f64) -> Side {
        if accuracy < threshold { Side::Energy } else { Side::Flow }
    }

    /// Who moves after `steps` steps where they take turns, by position; none where accuracy decides.
    pub fn in_turn(&self, steps: u64) -> Option<usize> {
        match self {
            Alternation::ByAccuracy { .. } => None,
            Alternation::InTurn { first } => Some(usize::from(steps % (first + 1) == *first)),
        }
    }
}
