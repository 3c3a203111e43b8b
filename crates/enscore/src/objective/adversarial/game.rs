//! The losses of a generator G and a critic f on rows x of the data and rows y = G(z), z ~ N(0, I):
//!
//! ```text
//! non-saturating (Goodfellow et al. 2014, section 3), D = σ(f):
//!     critic      -E ln D(x) - E ln(1 - D(y)),     generator   -E ln D(y);
//! saturating, the game as it stands (eq. 1):
//!     critic      the same,                        generator   E ln(1 - D(y));
//! Wasserstein with a gradient penalty (Gulrajani et al. 2017, eq. 3):
//!     critic      E f(y) - E f(x) + λ E (‖∇f(u)‖ - 1)²,   u = t x + (1 - t) y,  t ~ U(0, 1) for each pair,
//!     generator   -E f(y).
//! ```
//!
//! For the best critic the first game's value is 2 JS(data, G) - 2 ln 2, the last's the Wasserstein distance.

use enscore_program::{Parameters, Var};

use super::CRITIC;
use crate::model::{Critic, Network, along_rows, sum_rows};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};

/// What is played for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Game {
    /// Goodfellow's, with the generator's loss that has a gradient where the critic wins.
    NonSaturating,
    /// Goodfellow's, one value for both.
    Saturating,
    /// The Wasserstein distance.
    Wasserstein {
        /// λ.
        penalty: f64,
    },
}

/// Whose loss it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The critic's.
    Critic,
    /// The generator's.
    Generator,
}

/// A game seen from one side.
pub struct Adversarial {
    /// The critic, whose parameters stand below `critic.`.
    pub critic: Critic,
    /// What is played for.
    pub game: Game,
    /// Whose loss it is.
    pub role: Role,
}

impl Game {
    /// The critic's loss of each row by its values of data and of generated rows, but for a penalty: `[n]`.
    pub fn critic_loss<'s>(self, data: Var<'s>, generated: Var<'s>) -> Var<'s> {
        match self {
            Game::NonSaturating | Game::Saturating => (-data).softplus() + generated.softplus(),
            Game::Wasserstein { .. } => generated - data,
        }
    }

    /// The generator's loss of each row by the critic's value of it: `[n]`.
    pub fn generator_loss(self, generated: Var) -> Var {
        match self {
            Game::NonSaturating => (-generated).softplus(),
            Game::Saturating => -generated.softplus(),
            Game::Wasserstein { .. } => -generated,
        }
    }
}

/// (‖∇f(u)‖ - 1)² of each row at u = t x + (1 - t) y, for t `[n]`: `[n]`.
pub fn gradient_penalty<'s>(
    critic: impl Fn(Var<'s>) -> Var<'s>,
    x: Var<'s>,
    y: Var<'s>,
    t: Var<'s>,
) -> Var<'s> {
    let share = along_rows(t, &x.shape());
    let between = y + share * (x - y);
    // Rows don't depend on each other, so the gradient of the sum holds every row's gradient.
    let gradient = x.scope().gradient(critic(between).sum_all(), &[between])[0];
    ((sum_rows(gradient.square()) + 1e-12).sqrt() - 1.0).square()
}

impl Objective<Network> for Adversarial {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(generator) = model.generator() else {
            let loss = batch.x.scope().fail("a game needs a generator".to_string());
            return Estimate { loss, optimised: loss, diagnostics: Vec::new() };
        };
        let of_critic = parameters.at(CRITIC);
        let value = |x: Var<'s>| self.critic.value(&of_critic, x);
        let z = batch.key.normal(&[batch.x.extent(0), generator.latents()]);
        let y = generator.generate(parameters, z);
        let [data, generated] = [value(batch.x), value(y)];
        let loss = match self.role {
            Role::Generator => batch.mean(self.game.generator_loss(generated)),
            Role::Critic => batch.mean(self.game.critic_loss(data, generated)),
        };
        let contrast = batch.mean(self.game.critic_loss(data, generated));
        let zero = batch.x.scope().constant(0.0);
        match self.game {
            Game::NonSaturating | Game::Saturating => {
                let right = |told: Var<'s>| batch.mean(told.to_float());
                let accuracy = (right(zero.less(data)) + right(generated.less(zero))) * 0.5;
                let diagnostics =
                    vec![(Diagnostic::Named("contrast"), contrast), (Diagnostic::Accuracy, accuracy)];
                Estimate { loss, optimised: loss, diagnostics }
            }
            Game::Wasserstein { penalty } => {
                let t = batch.key.uniform(&[batch.x.extent(0), 1]).reshape(&[batch.x.extent(0)]);
                let penalties = batch.mean(gradient_penalty(value, batch.x, y, t));
                let loss = if self.role == Role::Critic { loss + penalties * penalty } else { loss };
                let distance = (Diagnostic::Named("distance"), -contrast);
                let diagnostics = vec![distance, (Diagnostic::Named("gradient_penalty"), penalties)];
                Estimate { loss, optimised: loss, diagnostics }
            }
        }
    }
}
