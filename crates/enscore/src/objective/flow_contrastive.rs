//! Flow contrastive estimation (Gao, Nijkamp, Kingma, Xu, Dai and Wu 2020, eq. 10): an energy and a flow q
//! play for
//!
//! ```text
//! V(θ, c, α) = E_data log(p/(p + q)) + E_q log(q/(p + q)),   log p(x) = f(x) - c,
//! ```
//!
//! which the energy (θ, c) maximises, as in noise contrastive estimation against q, and the flow α minimises:
//! for the best energy V = 2 JS(data, q) - 2 log 2, whose least value is -2 log 2 at q = data. The flow's
//! draws T⁻¹(z) carry its gradient.
//!
//! Who moves, so that neither runs far ahead of the other: the energy while it tells data from draws with an
//! accuracy below a threshold, else the flow.

use enscore_program::{Initial, Parameters, Var};

use super::noise_contrastive::accuracy;
use super::{ACCURACY, Batch, Estimate, LOG_Z, Objective, contrast};
use crate::model::{Flow, LogDensity, Network};

/// What stands before the names of the flow's parameters.
pub const FLOW: &str = "flow";

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The energy and c.
    Energy,
    /// The flow.
    Flow,
}

/// Flow contrastive estimation, seen from one side.
pub struct FlowContrastive<F> {
    /// The flow that draws the noise.
    pub flow: F,
    /// Whose loss it is: -V of the energy, V of the flow.
    pub side: Side,
    /// What c starts at.
    pub log_z: f64,
}

impl<F: Flow> Objective<Network> for FlowContrastive<F> {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let log_z = parameters.get(LOG_Z, &[], Initial::Constant(self.log_z));
        let of_flow = parameters.at(FLOW);
        let y = self.flow.invert(&of_flow, batch.key.normal(&batch.x.shape()));
        let log_ratio =
            |x: Var<'s>| model.log_density(parameters, x) - log_z - self.flow.log_density(&of_flow, x);
        let (data, draws) = (log_ratio(batch.x), log_ratio(y));
        let (of_data, of_draws) = contrast(data, draws, 1.0);
        let value = -(batch.mean(of_data) + of_draws.mean_all());
        let loss = match self.side {
            Side::Energy => -value,
            Side::Flow => value,
        };
        let likelihood = batch.mean(self.flow.log_density(&of_flow, batch.x));
        let accuracy = accuracy(batch, data, draws, 1.0);
        let diagnostics = vec![
            ("contrast", -value),
            (LOG_Z, log_z),
            (ACCURACY, accuracy),
            ("flow_log_likelihood", likelihood),
        ];
        Estimate { loss, optimised: loss, diagnostics }
    }
}

/// The rule of who moves next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alternation {
    /// The accuracy below which the energy moves, in (0.5, 1).
    pub threshold: f64,
}

impl Alternation {
    /// Who moves after a step at which the energy's accuracy was this.
    pub fn next(&self, accuracy: f64) -> Side {
        if accuracy < self.threshold { Side::Energy } else { Side::Flow }
    }
}
