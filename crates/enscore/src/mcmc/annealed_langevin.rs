//! Annealed Langevin dynamics (Song and Ermon 2019, algorithm 1): for each noise level σ_i from the largest
//! to the smallest, T steps
//!
//! ```text
//! x' = x + a s(x, σ_i) + b z,   z ~ N(0, I),
//! ```
//!
//! then once x + σ_L² s(x, σ_L), the mean of the clean data given x (Efron 2011, eq. 1.4, "Tweedie's
//! formula"; Jolicoeur- Martineau et al. 2020, section 3.1, for its use as a last step). a and b come from a
//! [`super::StepRule`].
//!
//! For data N(μ, v) and its exact score, a step maps a Gaussian N(m, w) to mean μ + (1 - k)(m - μ) and
//! variance (1 - k)² w + b², with k = a / (v + σ²).

use enscore_program::{Kind, Parameter, Program, Var};

use crate::error::Result;
use crate::model::{Score, along_rows, batch_shape, trace};

/// One transition of `batch` chains. Inputs: the parameters, then `x` `[batch, ..]`, `sigma` `[]`, `drift`
/// `[]`, `noise_std` `[]`, `key`. Output: `x`, moved. A draw depends on the key and the chain's global row.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model that does not fit its row shape.
pub fn langevin_program(
    model: &(impl Score + ?Sized),
    parameters: &[Parameter],
    batch: usize,
) -> Result<Program> {
    let shape = batch_shape(batch, model.row_shape());
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let sigma = scope.input("sigma", Kind::Float, &[]);
        let drift = scope.input("drift", Kind::Float, &[]);
        let noise_std = scope.input("noise_std", Kind::Float, &[]);
        let key = scope.input("key", Kind::Key, &[]);
        let score = model.score(parameters, x, sigma.broadcast_to(&[batch]));
        let moved: Var = x + drift * score + noise_std * key.normal(&shape);
        vec![("x".to_string(), moved)]
    })?;
    Ok(program)
}

/// The mean of the clean data given noisy rows: x + σ² s(x, σ). Inputs: the parameters, then `x`
/// `[batch, ..]`, `sigma` `[batch]`. Output: `x`.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model that does not fit its row shape.
pub fn denoise_program(
    model: &(impl Score + ?Sized),
    parameters: &[Parameter],
    batch: usize,
) -> Result<Program> {
    let shape = batch_shape(batch, model.row_shape());
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let sigma = scope.input("sigma", Kind::Float, &[batch]);
        let score = model.score(parameters, x, sigma);
        vec![("x".to_string(), x + along_rows(sigma.square(), &shape) * score)]
    })?;
    Ok(program)
}
