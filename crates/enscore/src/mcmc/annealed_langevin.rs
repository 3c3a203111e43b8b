//! Annealed Langevin dynamics (Song and Ermon 2019, algorithm 1): for each noise level σ_i from the largest to
//! the smallest, T steps
//!
//! ```text
//! x' = x + a s(x, σ_i) + b z,   z ~ N(0, I),
//! ```
//!
//! then once x + σ_L² s(x, σ_L), the mean of the clean data given x (Efron 2011, eq. 1.4, "Tweedie's formula";
//! as a last step: Jolicoeur-Martineau et al. 2020). a and b are the [`Coefficients`] of a level.
//!
//! For data N(μ, v) and its exact score, a step maps a Gaussian N(m, w) to mean μ + (1 - k)(m - μ) and variance
//! (1 - k)² w + b², with k = a / (v + σ²).

use enscore_program::{Kind, Parameter, Program, Var};

use crate::error::Result;
use crate::model::{Score, along_rows, batch_shape, trace};

/// What a step size ε means. The two differ by a factor of 2 in the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepRule {
    /// The paper's algorithm 1: α = ε σ²/σ_L², x' = x + α/2 s + √α z.
    #[default]
    Algorithm1,
    /// The published code of NCSN and NCSNv2: α = ε σ²/σ_L², x' = x + α s + √(2α) z.
    ReferenceCode,
}

/// One step is x + drift · s + noise_std · z.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// a, in squared units of x.
    pub drift: f64,
    /// b, in units of x.
    pub noise_std: f64,
}

impl StepRule {
    /// The coefficients at noise level `sigma`, where `smallest` is σ_L and `step_size` is ε (units of x²).
    pub fn coefficients(self, step_size: f64, sigma: f64, smallest: f64) -> Coefficients {
        let alpha = step_size * (sigma / smallest).powi(2);
        match self {
            StepRule::Algorithm1 => Coefficients { drift: alpha / 2.0, noise_std: alpha.sqrt() },
            StepRule::ReferenceCode => Coefficients { drift: alpha, noise_std: (2.0 * alpha).sqrt() },
        }
    }
}

/// One transition of `batch` chains. Inputs: the parameters, then `x` `[batch, ..]`, `sigma` `[]`, `drift`
/// `[]`, `noise_std` `[]`, `key`. Output: `x`, moved. A draw depends on the key and the chain's global row.
#[derive(Clone, Debug)]
pub struct LangevinProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the first inputs.
    pub parameters: Vec<Parameter>,
}

impl LangevinProgram {
    /// Traces the transition; `parameters` are those that the caller holds, in its order (see
    /// [`crate::model::parameters_of`]).
    ///
    /// # Errors
    /// A model that does not fit its row shape.
    pub fn trace(model: &(impl Score + ?Sized), parameters: &[Parameter], batch: usize) -> Result<Self> {
        let shape = batch_shape(batch, model.row_shape());
        let (program, parameters) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            let sigma = scope.input("sigma", Kind::Float, &[]);
            let drift = scope.input("drift", Kind::Float, &[]);
            let noise_std = scope.input("noise_std", Kind::Float, &[]);
            let key = scope.input("key", Kind::Key, &[]);
            let score = model.score(parameters, x, sigma.broadcast_to(&[batch]));
            let moved: Var = x + drift * score + noise_std * key.normal(&shape);
            vec![("x".to_string(), moved)]
        })?;
        Ok(LangevinProgram { program, parameters })
    }
}

/// The mean of the clean data given noisy rows: x + σ² s(x, σ). Inputs: the parameters, then `x` `[batch, ..]`,
/// `sigma` `[batch]`. Output: `x`.
#[derive(Clone, Debug)]
pub struct DenoiseProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the first inputs.
    pub parameters: Vec<Parameter>,
}

impl DenoiseProgram {
    /// Traces the step; `parameters` are those that the caller holds, in its order.
    ///
    /// # Errors
    /// A model that does not fit its row shape.
    pub fn trace(model: &(impl Score + ?Sized), parameters: &[Parameter], batch: usize) -> Result<Self> {
        let shape = batch_shape(batch, model.row_shape());
        let (program, parameters) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            let sigma = scope.input("sigma", Kind::Float, &[batch]);
            let score = model.score(parameters, x, sigma);
            vec![("x".to_string(), x + along_rows(sigma.square(), &shape) * score)]
        })?;
        Ok(DenoiseProgram { program, parameters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NoiseLevels;

    /// Oracle `ncsn.step_sizes`: ε = 2e-5 over ten levels from 1 to 0.01.
    #[test]
    fn step_sizes_follow_the_squared_noise() {
        let levels = NoiseLevels::geometric(1.0, 0.01, 10).unwrap();
        let expected = [
            0.2,
            0.07187627327609256,
            0.025830993300297683,
            0.00928317766722556,
            0.003336201074400118,
            0.0011989685006378815,
            0.0004308869380063769,
            0.00015485273653622543,
            5.5651188044142526e-05,
            2e-05,
        ];
        for (sigma, alpha) in levels.sigmas().iter().zip(expected) {
            let paper = StepRule::Algorithm1.coefficients(2e-5, *sigma, levels.smallest());
            assert!((2.0 * paper.drift / alpha - 1.0).abs() < 1e-10, "{paper:?}");
            assert!((paper.noise_std.powi(2) / alpha - 1.0).abs() < 1e-10, "{paper:?}");
            // The same ε in the published code is a step twice as large.
            let code = StepRule::ReferenceCode.coefficients(2e-5, *sigma, levels.smallest());
            assert!((code.drift / alpha - 1.0).abs() < 1e-10, "{code:?}");
            assert!((code.noise_std.powi(2) / alpha - 2.0).abs() < 1e-10, "{code:?}");
        }
    }
}
