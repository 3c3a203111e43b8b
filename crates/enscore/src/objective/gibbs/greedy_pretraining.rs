//! Greedy pretraining of a deep Boltzmann machine (Salakhutdinov and Hinton 2009, section 3.1), a layer of
//! weights at a time, so that the layers fit together: a layer that will hear from below and from above hears
//! twice from the side that is there. Stage l learns
//!
//! ```text
//! ln p(s, t) = s'W t + b's + c't - ln Z,      s = x¹ + .. + xᵐ,  t = h¹ + .. + hⁿ,   x and h in {0, 1}:
//! F(s) = b's + n Σ softplus(c + W's),         h ~ σ(c + W's),    x ~ σ(b + W t),
//! ```
//!
//! a restricted Boltzmann machine with m = 2 tied copies of its lower layer (1 in the last stage) and n = 2
//! of its upper one (1 in the first stage), by contrastive divergence from m copies of the data: loss =
//! -(E_data F - E_chains F) / (m n).
//!
//! The data of stage l are drawn upwards, x_(l+1) ~ σ(2 W_l'x_l + r_l), with the biases r_l that stage l
//! learnt for its upper layer. A layer between two stages has two biases, r of the stage below and b of the
//! one above; the machine's is their mean, as its input is the mean of both stages' inputs. So b = 2 a - r,
//! where a is the machine's bias, and stage l + 1 learns a. The weights are the machine's as they are.

use enscore_program::{Initial, Parameter, Parameters, Var};

use crate::model::{DBM_BIASES, DBM_WEIGHTS, Dbm, Network, draw_bernoulli, sum_rows};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};

/// What stands before the number of a layer in the names of the biases r: `recognition.0.bias` of the lowest
/// hidden layer.
pub const RECOGNITION: &str = "recognition";

/// A stage of the pretraining.
#[derive(Clone, Debug)]
pub struct GreedyPretraining {
    /// The machine.
    pub machine: Dbm,
    /// The layer of weights l that it learns, 0 the lowest; below [`Dbm::depth`].
    pub layer: usize,
    /// k, Gibbs sweeps from the data.
    pub sweeps: u64,
}

/// The training of all layers after the pretraining, over the same parameters.
#[derive(Clone, Debug)]
pub struct AfterPretraining<O> {
    /// The machine.
    pub machine: Dbm,
    /// What is minimised.
    pub objective: O,
}

/// The parameters that pretraining has beside the machine's: r of every hidden layer but the last.
pub(super) fn recognition_parameters(machine: &Dbm) -> Vec<Parameter> {
    let parameter = |l: usize| {
        let name = recognition_name(l);
        let shape = vec![machine.widths()[l + 1]];
        Parameter { name, shape, initial: Initial::Constant(0.0) }
    };
    (0..machine.depth() - 1).map(parameter).collect()
}

/// Whether the name is that of a bias r.
pub(super) fn is_recognition(name: &str) -> bool {
    name.strip_prefix(RECOGNITION).is_some_and(|rest| rest.starts_with('.'))
}

fn recognition_name(l: usize) -> String {
    format!("{RECOGNITION}.{l}.bias")
}

/// All parameters of the training, in one order for all stages.
fn declare(machine: &Dbm, parameters: &Parameters) {
    machine.declare(parameters);
    for Parameter { name, shape, initial } in recognition_parameters(machine) {
        parameters.get(&name, &shape, initial);
    }
}

impl GreedyPretraining {
    /// The names of the parameters that the stage moves.
    pub fn moves(&self) -> Vec<String> {
        let of_machine = [DBM_BIASES[self.layer], DBM_WEIGHTS[self.layer], DBM_BIASES[self.layer + 1]];
        let recognition = (!self.is_last()).then(|| recognition_name(self.layer));
        of_machine.map(str::to_string).into_iter().chain(recognition).collect()
    }

    fn is_last(&self) -> bool {
        self.layer + 1 == self.machine.depth()
    }

    /// m and n: copies of the lower and of the upper layer.
    pub fn copies(&self) -> [usize; 2] {
        [if self.is_last() { 1 } else { 2 }, if self.layer == 0 { 1 } else { 2 }]
    }

    fn recognition<'s>(&self, parameters: &Parameters<'s>, l: usize) -> Var<'s> {
        parameters.get(&recognition_name(l), &self.machine.widths()[l + 1..l + 2], Initial::Constant(0.0))
    }

    /// b, the bias of the lower layer in this stage.
    fn lower_bias<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        let of_machine = self.machine.bias(parameters, self.layer);
        match self.layer {
            0 => of_machine,
            l => 2.0 * of_machine - self.recognition(parameters, l - 1).stop_gradient(),
        }
    }

    /// c, the bias of the upper layer in this stage.
    fn upper_bias<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        let of_machine = self.machine.bias(parameters, self.layer + 1);
        if self.is_last() {
            return of_machine;
        }
        // The machine's own goes along, so that the next stage starts at b = r.
        self.recognition(parameters, self.layer) + (of_machine - of_machine.stop_gradient())
    }

    /// c + W's, the log odds of a copy of the upper layer: s `[batch, lower]` → `[batch, upper]`.
    pub fn upper_inputs<'s>(&self, parameters: &Parameters<'s>, s: Var<'s>) -> Var<'s> {
        s.matmul(self.machine.weights(parameters, self.layer)) + self.upper_bias(parameters)
    }

    /// b + W t, the log odds of a copy of the lower layer: t `[batch, upper]` → `[batch, lower]`.
    pub fn lower_inputs<'s>(&self, parameters: &Parameters<'s>, t: Var<'s>) -> Var<'s> {
        t.matmul_with(self.machine.weights(parameters, self.layer), false, true) + self.lower_bias(parameters)
    }

    /// F(s): s `[batch, lower]` → `[batch]`, nats.
    pub fn log_density<'s>(&self, parameters: &Parameters<'s>, s: Var<'s>) -> Var<'s> {
        let [_, upper] = self.copies();
        let softplus = sum_rows(self.upper_inputs(parameters, s).softplus());
        sum_rows(s * self.lower_bias(parameters)) + upper as f64 * softplus
    }

    /// The stage's data, drawn upwards from v `[batch, visible]`: `[batch, lower]`.
    pub fn data<'s>(&self, parameters: &Parameters<'s>, key: Var<'s>, v: Var<'s>) -> Var<'s> {
        let up = |x: Var<'s>, l: usize| {
            let inputs =
                2.0 * x.matmul(self.machine.weights(parameters, l)) + self.recognition(parameters, l);
            draw_bernoulli(key, inputs)
        };
        (0..self.layer).fold(v, up).stop_gradient()
    }

    /// Where chains from s are after the sweeps.
    fn chains<'s>(&self, parameters: &Parameters<'s>, key: Var<'s>, s: Var<'s>) -> Var<'s> {
        let [lower, upper] = self.copies();
        let sweep = |s: Var<'s>, _| {
            let t = draw_copies(key, upper, self.upper_inputs(parameters, s));
            draw_copies(key, lower, self.lower_inputs(parameters, t))
        };
        (0..self.sweeps).fold(s, sweep).stop_gradient()
    }
}

/// The sum of `copies` independent draws of units with these log odds.
fn draw_copies<'s>(key: Var<'s>, copies: usize, log_odds: Var<'s>) -> Var<'s> {
    (1..copies).fold(draw_bernoulli(key, log_odds), |sum, _| sum + draw_bernoulli(key, log_odds))
}

impl Objective<Network> for GreedyPretraining {
    fn estimate<'s>(&self, _model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        declare(&self.machine, parameters);
        let v = batch.x.reshape(&[batch.x.extent(0), batch.dimensions()]);
        let [lower, upper] = self.copies();
        let data = lower as f64 * self.data(parameters, batch.key, v);
        let chains = self.chains(parameters, batch.key, data);
        let of_data = batch.mean(self.log_density(parameters, data));
        let gap = (of_data - batch.mean(self.log_density(parameters, chains))) / (lower * upper) as f64;
        // One of the draws, an unbiased picture of how well a layer gives its data back.
        let error = (chains - data).square().mean_all() / (lower * lower) as f64;
        let diagnostics = vec![
            (Diagnostic::Named("pretraining_gap"), gap),
            (Diagnostic::Named("reconstruction_error"), error.stop_gradient()),
        ];
        Estimate { loss: -gap, optimised: -gap, diagnostics }
    }
}

impl<O: Objective> Objective for AfterPretraining<O> {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        declare(&self.machine, parameters);
        self.objective.estimate(model, parameters, batch)
    }
}
