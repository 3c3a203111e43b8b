//! The generative adversarial network (Goodfellow et al. 2014): a critic that tells data from generated rows,
//! a generator that it shall not tell from data. The losses: [`super::Game`].

use enscore_program::Parameter;

use super::critic_settings::CriticSettings;
use super::game::Game;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, keys, within};
use crate::model::{DataFacts, Family, GAN, ModelSettings};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

keys! {
    /// Settings of a generative adversarial network.
    GanSettings {
        saturating: bool = false, (), "Let the generator minimise ln(1 - D), which has hardly any gradient where the critic wins, instead of -ln D.";
        critic_steps: u64 = 1, within(1, 1000), "Steps of the critic for each step of the generator; both count as steps of the training.";
        ..of_critic: CriticSettings;
    }
}

impl Kind for GanSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Generator { Fit::Default } else { Fit::No }
    }
}

impl ObjectiveKind for GanSettings {
    fn build(&self, scene: Scene) -> Result<Task> {
        let game = if self.saturating { Game::Saturating } else { Game::NonSaturating };
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
        let mut works = vec![GAN];
        works.extend(self.of_critic.spectral.then_some(SPECTRAL));
        works
    }
}

/// Spectral normalisation.
pub(super) const SPECTRAL: Citation = Citation {
    role: "critic: spectral normalisation",
    authors: "Takeru Miyato, Toshiki Kataoka, Masanori Koyama, Yuichi Yoshida",
    year: 2018,
    title: "Spectral Normalization for Generative Adversarial Networks",
    venue: "International Conference on Learning Representations",
};
