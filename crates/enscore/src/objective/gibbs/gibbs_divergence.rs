//! Contrastive divergence of two sides of units with block Gibbs chains (Hinton 2002; persistent: Tieleman
//! 2008):
//!
//! ```text
//! loss = -(E_data f(x) - E_chains f(x⁻)),
//! f(x) = g(x) + Σ softplus(c + W'x): minus the free energy, nats.
//! ```
//!
//! Where units of the first side are hidden (a deep machine's second layer), f of the data is its variational
//! bound: f at their mean field and their entropy H, neither of which is differentiated through. The gap that
//! is reported leaves H out.
//!
//! What is optimised is linear in the parameters with the gradient as constants (`phases.rs`): chains are
//! constants, and the centred gradient is the derivative of no function of the plain parameters.
//!
//! Chains from the data (CD-k) are traced here: their first product of data and weights is the loss's own.
//! Others are advanced by the host before the update.

use enscore_program::{Parameter, Parameters, Var};

use super::greedy_pretraining::{
    AfterPretraining, GreedyPretraining, is_recognition, recognition_parameters,
};
use super::phases::{Phase, contrast_phases};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Keys, Kind, ListOf, Reader, above, keys, within};
use crate::model::{
    Bipartite, DataFacts, Dbm, Family, ModelSettings, Network, draw_bernoulli, draw_units, mean_units,
    sum_rows,
};
use crate::objective::chain_settings::{ChainSettings, ChainStart, GibbsChainSettings};
use crate::objective::contrastive_divergence::HINTON;
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::{Player, Task};

/// Most sweeps from the data: each is traced into the program.
const MOST_FROM_DATA: u64 = 100;

keys! {
    /// Settings of contrastive divergence with block Gibbs sampling.
    GibbsDivergenceSettings {
        [..chains: GibbsChainSettings]
        centring: bool = true, (), "Use the centred gradient, which subtracts the units' batch means.";
        pretrain_steps: Vec<usize> = Vec::new(), ListOf { items: within(0, 1 << 30), length: within(0, 3) },
            "With model.kind = \"dbm\": steps of greedy pretraining per layer, bottom to top, before joint training; they count towards train.steps. []: no pretraining.";
        pretrain_sweeps: u64 = 1, within(1, 100), "Gibbs sweeps from the data per update of pretraining.";
        pretrain_rate: f64 = 1.0, above(0.0), "Learning rate of pretraining, as a multiple of optimiser.learning_rate.";
    }
}

impl Kind for GibbsDivergenceSettings {
    type Facts = ObjectiveFacts;

    const CONDITION: &'static str = " with model.kind = \"rbm\" or \"dbm\"";

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Bipartite { Fit::Yes } else { Fit::No }
    }

    fn read(reader: &mut Reader, facts: &ObjectiveFacts) -> Result<Self> {
        let settings = GibbsDivergenceSettings::read_keys(reader)?;
        settings.refuse_chains(reader)?;
        settings.refuse_pretraining(reader, facts.deep_layers)?;
        Ok(settings)
    }
}

impl GibbsDivergenceSettings {
    fn refuse_chains(&self, reader: &Reader) -> Result<()> {
        let GibbsChainSettings { start, steps, chains, temperatures } = self.chains;
        if start == ChainStart::Data && steps > MOST_FROM_DATA {
            let expected = format!("at most {MOST_FROM_DATA} with start = \"data\"");
            return Err(reader.wrong("steps").found(steps).expected(expected));
        }
        if start == ChainStart::Data && chains > 0 {
            let error = reader.wrong("chains").found(format!("{chains} with start = \"data\""));
            return Err(error.expected("0: one chain per row of the batch"));
        }
        if start != ChainStart::Persistent && temperatures > 1 {
            let found = format!("{temperatures} without persistent chains");
            let error = reader.wrong("temperatures").found(found).expected("1");
            return Err(error.remedy("set objective.start = \"persistent\""));
        }
        Ok(())
    }

    /// Only the layers of a deep Boltzmann machine are pretrained.
    fn refuse_pretraining(&self, reader: &Reader, deep_layers: Option<usize>) -> Result<()> {
        let steps = &self.pretrain_steps;
        if steps.is_empty() || deep_layers == Some(steps.len()) {
            return Ok(());
        }
        let error = reader.wrong("pretrain_steps").found(format!("{steps:?}"));
        Err(match deep_layers {
            Some(layers) => error.expected(format!("{layers} numbers, one per hidden layer, or none")),
            None => error.expected("[]: only model.kind = \"dbm\" is pretrained"),
        })
    }

    /// The machine whose layers are pretrained, if any are.
    fn pretrained(&self, model: &ModelSettings, data: &DataFacts) -> Result<Option<Dbm>> {
        if self.pretrain_steps.is_empty() {
            return Ok(None);
        }
        let ModelSettings::Dbm(dbm) = model else { return Ok(None) };
        dbm.machine(data).map(Some)
    }

    /// The stages of greedy pretraining before `task`, whose objective is the one given.
    fn with_stages(&self, mut task: Task, objective: GibbsDivergence, machine: &Dbm) -> Task {
        task.players[0].objective = Box::new(AfterPretraining { machine: machine.clone(), objective });
        task.players[0].moves = Box::new(|name| !is_recognition(name));
        let mut end = 0;
        for (layer, steps) in self.pretrain_steps.iter().enumerate() {
            let stage = GreedyPretraining { machine: machine.clone(), layer, sweeps: self.pretrain_sweeps };
            let moved = stage.moves();
            task.players.push(Player {
                objective: Box::new(stage),
                moves: Box::new(move |name| moved.iter().any(|moved| moved == name)),
                rate: self.pretrain_rate,
                learns_from_chains: false,
            });
            end += *steps as u64;
            task.stages.push(end);
        }
        task
    }
}

impl ObjectiveKind for GibbsDivergenceSettings {
    fn build(&self, scene: Scene) -> Result<Task> {
        let from_data = self.chains.start == ChainStart::Data;
        let sweeps_from_data = from_data.then_some(self.chains.steps);
        let objective = GibbsDivergence { sweeps_from_data, centring: self.centring };
        let chains = (!from_data).then(|| ChainSettings::Gibbs(self.chains.clone()));
        let task = Task { chains, ..Task::new(objective) };
        Ok(match self.pretrained(scene.model, scene.data)? {
            Some(machine) => self.with_stages(task, objective, &machine),
            None => task,
        })
    }

    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::None
    }

    fn further_parameters(&self, model: &ModelSettings, data: &DataFacts) -> Result<Vec<Parameter>> {
        let machine = self.pretrained(model, data)?;
        Ok(machine.map_or_else(Vec::new, |machine| recognition_parameters(&machine)))
    }

    fn cites(&self) -> Vec<Citation> {
        let persistent = Citation {
            role: "contrastive divergence with persistent Gibbs chains",
            authors: "Tijmen Tieleman",
            year: 2008,
            title: "Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient",
            venue: "International Conference on Machine Learning, 1064-1071",
        };
        let tempering = Citation {
            role: "parallel tempering of Gibbs chains",
            authors: "Guillaume Desjardins, Aaron Courville, Yoshua Bengio, Pascal Vincent, Olivier Delalleau",
            year: 2010,
            title: "Tempered Markov Chain Monte Carlo for Training of Restricted Boltzmann Machines",
            venue: "International Conference on Artificial Intelligence and Statistics, PMLR 9, 145-152",
        };
        let centring = Citation {
            role: "centred gradients",
            authors: "Jan Melchior, Asja Fischer, Laurenz Wiskott",
            year: 2016,
            title: "How to Center Deep Boltzmann Machines",
            venue: "Journal of Machine Learning Research 17(99), 1-61",
        };
        let mut works = vec![HINTON];
        works.extend((self.chains.start == ChainStart::Persistent).then_some(persistent));
        works.extend((self.chains.temperatures > 1).then_some(tempering));
        works.extend(self.centring.then_some(centring));
        works
    }
}

/// Contrastive divergence by Gibbs sampling.
#[derive(Clone, Copy, Debug)]
pub struct GibbsDivergence {
    /// k of chains that start at the batch; none: the batch brings its chains.
    pub sweeps_from_data: Option<u64>,
    /// Whether the gradient is centred.
    pub centring: bool,
}

/// A first side with the log odds of the second given it, and what else is known of it.
struct FirstSide<'s> {
    first: Var<'s>,
    inputs: Var<'s>,
}

impl<'s> FirstSide<'s> {
    /// f of each row: `[rows]`.
    fn log_density(&self, model: &dyn Bipartite, parameters: &Parameters<'s>) -> Var<'s> {
        model.first_alone(parameters, self.first) + sum_rows(self.inputs.softplus())
    }

    /// Each row with the probabilities of its second side, at this weight each.
    fn phase(&self, weights: Var<'s>) -> Phase<'s> {
        Phase { first: self.first, second: self.inputs.sigmoid(), weights }
    }
}

impl Objective<Network> for GibbsDivergence {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(model) = model.bipartite() else {
            let fail = batch.x.scope().fail("Gibbs sampling needs a bipartite model".to_string());
            return Estimate { loss: fail, optimised: fail, diagnostics: Vec::new() };
        };
        let x = batch.x.reshape(&[batch.x.extent(0), batch.dimensions()]);
        let (data, entropy) = model.first_given_data(parameters, x);
        let (data, chains, reconstruction) = match self.sweeps_from_data {
            Some(sweeps) => from_data(model, parameters, batch.key, data, sweeps),
            None => brought(model, parameters, batch, data),
        };
        let of_data = batch.mean(data.log_density(model, parameters));
        let of_chains = chains.log_density(model, parameters).mean_all();
        let gap = of_data - of_chains;
        // Chains draw what of the first side is hidden, so that their f has no entropy to set beside the
        // data's.
        let entropy = batch.mean(entropy);
        let count = chains.first.extent(0);
        let phases = [
            data.phase(batch.weights / batch.weights.sum_all()),
            chains.phase(batch.x.scope().constant(1.0 / count as f64).broadcast_to(&[count])),
        ];
        let mut diagnostics = vec![
            (Diagnostic::EnergyGap, gap),
            (Diagnostic::Named("log_density_data"), of_data),
            (Diagnostic::Named("log_density_chains"), of_chains),
        ];
        diagnostics.extend(model.is_bound().then_some((Diagnostic::Named("mean_field_entropy"), entropy)));
        diagnostics.extend(reconstruction.map(|error| (Diagnostic::Named("reconstruction_error"), error)));
        let optimised = -contrast_phases(model, parameters, phases, self.centring);
        Estimate { loss: -gap - entropy, optimised, diagnostics }
    }
}

/// The data and chains after `sweeps` sweeps from it, with the squared distance of each element from the mean
/// that the first sweep draws it at, a mean over rows and elements.
fn from_data<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    key: Var<'s>,
    x: Var<'s>,
    sweeps: u64,
) -> (FirstSide<'s>, FirstSide<'s>, Option<Var<'s>>) {
    let data = FirstSide { first: x, inputs: model.second_inputs(parameters, x) };
    let mut chains = FirstSide { ..data };
    let mut reconstruction = None;
    for _ in 0..sweeps {
        let h = draw_bernoulli(key, chains.inputs);
        let inputs = model.first_inputs(parameters, h);
        let first = draw_units(key, model.first_units(), inputs);
        chains = FirstSide { first, inputs: model.second_inputs(parameters, first) };
        let error = || (mean_units(model.first_units(), inputs) - x).square().mean_all();
        reconstruction = reconstruction.or_else(|| Some(error()));
    }
    (data, chains, reconstruction)
}

/// The data and the chains that the batch brings, in one product with the weights.
fn brought<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    batch: &Batch<'s>,
    data: Var<'s>,
) -> (FirstSide<'s>, FirstSide<'s>, Option<Var<'s>>) {
    let missing = || data.scope().fail("contrastive divergence needs chains".to_string());
    let chains = batch.chains.unwrap_or_else(missing);
    let rows = data.extent(0);
    let all = data.concatenate(&[chains], 0);
    let inputs = model.second_inputs(parameters, all);
    let chains_inputs = inputs.slice(0, rows, all.extent(0));
    let data = FirstSide { first: data, inputs: inputs.slice(0, 0, rows) };
    let chains = FirstSide { first: chains, inputs: chains_inputs };
    (data, chains, None)
}
