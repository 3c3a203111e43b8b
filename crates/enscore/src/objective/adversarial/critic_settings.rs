//! The critic of a game as settings describe it, and the task of both players.

use enscore_program::Parameter;

use super::CRITIC;
use super::game::{Adversarial, Game, Role};
use crate::error::Result;
use crate::keys::{ListOf, above, keys, within};
use crate::model::{Activation, Critic, CriticKind, CriticLayers, DataFacts, batch_shape, trace};
use crate::objective::task::{Alternation, Player, Task};

keys! {
    /// The critic of a game.
    CriticSettings {
        critic: CriticKind = CriticKind::Mlp, (), "Network of the critic: a perceptron, or strided convolutions of images.";
        critic_hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer of a perceptron.";
        critic_channels: usize = 32, within(1, 4096), "With critic = \"conv\": channels at half the resolution; each further level doubles them.";
        critic_levels: usize = 2, within(1, 8), "With critic = \"conv\": strided convolutions.";
        critic_rate: f64 = 1.0, above(0.0), "Learning rate of the critic, as a multiple of optimiser.learning_rate.";
        spectral: bool = false, (), "Divide the critic's weights by their largest singular values.";
    }
}

impl CriticSettings {
    /// The critic of rows like these.
    ///
    /// # Errors
    /// Convolutions of rows that are no images, or can't be halved that often.
    fn of(&self, data: &DataFacts) -> Result<Critic> {
        let layers = match self.critic {
            CriticKind::Mlp => CriticLayers::Mlp(self.critic_hidden.clone()),
            CriticKind::Conv => {
                CriticLayers::Conv { channels: self.critic_channels, levels: self.critic_levels }
            }
        };
        let moments = (data.mean, data.deviation);
        Critic::new(data.row_shape, moments, layers, Activation::LeakyRelu, self.spectral)
    }

    /// Both players, of whom the critic takes `critic_steps` steps for one of the generator.
    pub(super) fn task(&self, data: &DataFacts, game: Game, critic_steps: u64) -> Result<Task> {
        let player = |role: Role| -> Result<Player> {
            let objective = Adversarial { critic: self.of(data)?, game, role };
            let of_critic = |name: &str| name.strip_prefix(CRITIC).is_some_and(|rest| rest.starts_with('.'));
            Ok(Player {
                objective: Box::new(objective),
                moves: Box::new(move |name| of_critic(name) == (role == Role::Critic)),
                rate: if role == Role::Critic { self.critic_rate } else { 1.0 },
                learns_from_chains: false,
            })
        };
        let players = vec![player(Role::Critic)?, player(Role::Generator)?];
        let alternation = Some(Alternation::InTurn { first: critic_steps });
        Ok(Task { players, chains: None, alternation, stages: Vec::new(), fits: false })
    }

    /// The critic's parameters, below their prefix.
    pub(super) fn parameters(&self, data: &DataFacts) -> Result<Vec<Parameter>> {
        let critic = self.of(data)?;
        let (_, parameters) = trace(&[], |scope, parameters| {
            let x = vec![0.0; data.row_shape.iter().product()];
            let x = scope.table(&x, &batch_shape(1, data.row_shape));
            vec![("value".to_string(), critic.value(&parameters.at(CRITIC), x))]
        })?;
        Ok(parameters)
    }
}
