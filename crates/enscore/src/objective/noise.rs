//! The noise that data are contrasted with: a density that programs draw from and evaluate.

use enscore_program::Var;

use crate::model::NoiseDensity;

/// A noise.
pub struct Noise(Box<dyn NoiseDensity>);

impl Noise {
    /// Noise from this density.
    pub fn new(density: impl NoiseDensity + 'static) -> Self {
        Noise(Box::new(density))
    }

    /// `rows` draws: `[rows, ..row_shape]`.
    pub fn draw<'s>(&self, key: Var<'s>, rows: usize) -> Var<'s> {
        self.0.draw(key, rows)
    }

    /// log p_n at x `[batch, ..]`: `[batch]`.
    pub fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.0.log_density(x)
    }
}
