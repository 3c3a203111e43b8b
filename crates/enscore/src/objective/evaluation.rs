//! The denoising loss of given rows at given noise levels, as a program: what an evaluation averages.

use enscore_program::{Kind, Parameter, Program};

use super::loss_at;
use crate::error::Result;
use crate::model::{Score, batch_shape, trace};

/// Inputs: the parameters, then `x` `[batch, ..]`, `sigma` `[batch]`, `key`. Output: `loss` `[batch]`, the NCSN
/// loss of each row as a sum over dimensions. Rows that only fill the batch are left out by the caller.
#[derive(Clone, Debug)]
pub struct EvaluationProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the first inputs.
    pub parameters: Vec<Parameter>,
}

impl EvaluationProgram {
    /// Traces the evaluation; `parameters` are those that the caller holds, in its order.
    ///
    /// # Errors
    /// A model that does not fit its row shape.
    pub fn trace(model: &(impl Score + ?Sized), parameters: &[Parameter], batch: usize) -> Result<Self> {
        let (program, parameters) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(batch, model.row_shape()));
            let sigma = scope.input("sigma", Kind::Float, &[batch]);
            let key = scope.input("key", Kind::Key, &[]);
            vec![("loss".to_string(), loss_at(model, parameters, x, sigma, key))]
        })?;
        Ok(EvaluationProgram { program, parameters })
    }
}
