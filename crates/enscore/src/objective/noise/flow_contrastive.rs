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

use enscore_program::{Initial, Parameter, Parameters, Var};

use super::noise_contrastive::{GUTMANN, LOG_Z, accuracy, contrast, first_log_z, log_z_parameter};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, above, from_to_below, keys, within};
use crate::mcmc::SamplerFacts;
use crate::model::{
    DataFacts, Family, Flow, LogDensity, ModelSettings, Network, REAL_NVP, RealNvp, parameters_of,
};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::{Alternation, Player, Side, Task};

/// What stands before the names of the flow's parameters.
pub const FLOW: &str = "flow";

keys! {
    /// Settings of flow contrastive estimation.
    FlowContrastiveSettings {
        threshold: f64 = 0.6, from_to_below(0.5, 1.0),
            "Update the energy while its accuracy at telling data from flow samples is below this, and the flow otherwise.";
        flow_couplings: usize = 8, within(1, 1024), "Affine couplings of the flow.";
        flow_width: usize = 64, within(1, 65_536), "Width of the two hidden layers of each coupling's perceptron.";
        flow_rate: f64 = 1.0, above(0.0), "Learning rate of the flow, as a multiple of optimiser.learning_rate.";
    }
}

impl FlowContrastiveSettings {
    fn flow(&self, data: &DataFacts) -> Result<RealNvp> {
        let hidden = [self.flow_width; 2];
        RealNvp::new(data.row_shape, self.flow_couplings, &hidden, data.mean, data.deviation)
    }

    fn player(&self, data: &DataFacts, side: Side) -> Result<Player> {
        let objective = FlowContrastive { flow: self.flow(data)?, side, log_z: first_log_z(data) };
        let of_flow = |name: &str| name.strip_prefix(FLOW).is_some_and(|rest| rest.starts_with('.'));
        Ok(Player {
            objective: Box::new(objective),
            moves: Box::new(move |name| of_flow(name) == (side == Side::Flow)),
            rate: if side == Side::Flow { self.flow_rate } else { 1.0 },
            learns_from_chains: false,
        })
    }
}

impl Kind for FlowContrastiveSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Energy { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for FlowContrastiveSettings {
    /// Two players over one state: the energy with log Z, and the flow.
    fn build(&self, scene: Scene) -> Result<Task> {
        let players = vec![self.player(scene.data, Side::Energy)?, self.player(scene.data, Side::Flow)?];
        let alternation = Some(Alternation::ByAccuracy { threshold: self.threshold });
        Ok(Task { players, chains: None, alternation, stages: Vec::new(), fits: false })
    }

    /// The flow moves on, so that the loss of an energy against it says nothing later.
    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::OwnInTraining
    }

    fn sampling(&self, family: Family) -> SamplerFacts {
        SamplerFacts { family, has_flow: true, ..SamplerFacts::default() }
    }

    fn further_parameters(&self, _model: &ModelSettings, data: &DataFacts) -> Result<Vec<Parameter>> {
        let flow = parameters_of(&Network::Flow(Box::new(self.flow(data)?)))?;
        let named = flow.into_iter().map(|p| Parameter { name: format!("{FLOW}.{}", p.name), ..p });
        Ok(std::iter::once(log_z_parameter()).chain(named).collect())
    }

    fn contrasted_flow(&self, data: &DataFacts) -> Result<Option<RealNvp>> {
        self.flow(data).map(Some)
    }

    fn cites(&self) -> Vec<Citation> {
        let game = Citation {
            role: "flow contrastive estimation",
            authors: "Ruiqi Gao, Erik Nijkamp, Diederik P. Kingma, Zhen Xu, Andrew M. Dai, Ying Nian Wu",
            year: 2020,
            title: "Flow Contrastive Estimation of Energy-Based Models",
            venue: "IEEE/CVF Conference on Computer Vision and Pattern Recognition, 7515-7525",
        };
        vec![GUTMANN, game, REAL_NVP]
    }
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
        let data = log_ratio(batch.x);
        let draws = log_ratio(y);
        let (of_data, of_draws) = contrast(data, draws, 1.0);
        let value = -(batch.mean(of_data) + of_draws.mean_all());
        let loss = match self.side {
            Side::Energy => -value,
            Side::Flow => value,
        };
        let likelihood = batch.mean(self.flow.log_density(&of_flow, batch.x));
        let accuracy = accuracy(batch, data, draws, 1.0);
        let diagnostics = vec![
            (Diagnostic::Named("contrast"), -value),
            (Diagnostic::Named(LOG_Z), log_z),
            (Diagnostic::Accuracy, accuracy),
            (Diagnostic::FlowLogLikelihood, likelihood),
        ];
        Estimate { loss, optimised: loss, diagnostics }
    }
}
