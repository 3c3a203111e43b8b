//! Block Gibbs sampling of two sides of units (Geman and Geman 1984; for restricted Boltzmann machines Hinton 2002): one
//! sweep draws the second side given the first, then the first given the second,
//!
//! ```text
//! h ~ p(h | x),   x' ~ p(x | h).
//! ```
//!
//! It leaves p(x) invariant and is reversible with respect to it.

use enscore_program::{Kind, Parameter, Program};

use crate::error::Result;
use crate::model::{Bipartite, draw_bernoulli, draw_units, mean_units, trace};

/// One sweep of `chains` chains. Inputs: the parameters, then `x` `[chains, first]`, `key`. Outputs: `x`, moved, and
/// `mean`, the expectation of the moved side that it was drawn at (probabilities, for pictures). A draw depends on the key
/// and the chain's row.
#[derive(Clone, Debug)]
pub struct GibbsProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the first inputs.
    pub parameters: Vec<Parameter>,
}

impl GibbsProgram {
    /// Traces the sweep; `parameters` are those that the caller holds, in its order.
    ///
    /// # Errors
    /// A model that does not fit its own shapes.
    pub fn trace(model: &(impl Bipartite + ?Sized), parameters: &[Parameter], chains: usize) -> Result<Self> {
        let (program, parameters) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[chains, model.first_width()]);
            let key = scope.input("key", Kind::Key, &[]);
            let h = draw_bernoulli(key, model.second_inputs(parameters, x));
            let inputs = model.first_inputs(parameters, h);
            let moved = draw_units(key, model.first_units(), inputs);
            let mean = mean_units(model.first_units(), inputs);
            vec![("x".to_string(), moved), ("mean".to_string(), mean)]
        })?;
        Ok(GibbsProgram { program, parameters })
    }
}
