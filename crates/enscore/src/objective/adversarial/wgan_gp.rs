//! The Wasserstein game with a gradient penalty (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017).
//! Its losses: [`super::Game`].

use enscore_program::Parameter;

use super::critic_settings::CriticSettings;
use super::game::Game;
use super::gan::SPECTRAL;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, at_least, keys, within};
use crate::model::{DataFacts, Family, GAN, ModelSettings};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

keys! {
    /// Settings of the Wasserstein game.
    WganGpSettings {
        penalty: f64 = 10.0, at_least(0.0), "Weight of the gradient penalty.";
        critic_steps: u64 = 5, within(1, 1000), "Steps of the critic for each step of the generator; both count as steps of the training.";
        ..of_critic: CriticSettings;
    }
}

impl Kind for WganGpSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Generator { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for WganGpSettings {
    fn build(&self, scene: Scene) -> Result<Task> {
        let game = Game::Wasserstein { penalty: self.penalty };
        self.of_critic.task(scene.data, game, self.critic_steps)
    }

    /// The generator moves on, so that the loss of a critic against it says nothing later.
    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::None
    }

    fn further_parameters(&self, _model: &ModelSettings, data: &DataFacts) -> Result<Vec<Parameter>> {
        self.of_critic.parameters(data)
    }

    fn cites(&self) -> Vec<Citation> {
        let penalty = Citation {
            role: "Wasserstein game with a gradient penalty",
            authors: "Ishaan Gulrajani, Faruk Ahmed, Martin Arjovsky, Vincent Dumoulin, Aaron Courville",
            year: 2017,
            title: "Improved Training of Wasserstein GANs",
            venue: "Advances in Neural Information Processing Systems 30, 5767-5777",
        };
        let mut works = vec![GAN, penalty];
        works.extend(self.of_critic.spectral.then_some(SPECTRAL));
        works
    }
}
