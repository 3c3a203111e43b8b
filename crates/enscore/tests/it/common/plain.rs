//! Training once more, as plainly as it can be written: double precision, the reference interpreter, one
//! chain at a time, no state but what is named here. It shares the objectives and models with the library,
//! which have tests of their own, and nothing of what connects them: order of rows, keys, chains, rates,
//! clipping, the update, the averages, whose turn it is.

use std::collections::BTreeMap;

use enscore::checkpoint::RunFolder;
use enscore::data::{Preprocess, Split, Subset, load_as, permutation, prepare};
use enscore::model::{DataFacts, Network, batch_shape, initialise, trace};
use enscore::objective::{Alternation, Batch, ChainSettings, Scene, Task};
use enscore::settings::{Decay, Descent, Settings};
use enscore_program::random::{Key, row_words, uniform};
use enscore_program::{Kind, Parameter, Program, Value, Var, interpret};

use super::plain_chains::Chains;

/// Keeps the noise of dequantisation apart from other draws; changing it changes every seeded result.
const DEQUANTISE_STREAM: u32 = 0x6465_7175;

/// What a step reports, by name.
pub type Reported = BTreeMap<String, f64>;

/// The gradient of one player: outputs are the loss, what is optimised, the diagnostics, a gradient for each
/// parameter moved.
struct Player {
    program: Program,
    diagnostics: Vec<&'static str>,
    moved: Vec<usize>,
    rate: f64,
    uses_chains: bool,
}

/// A training's state between steps.
pub struct Plain {
    settings: Settings,
    model: Network,
    task: Task,
    training: Subset,
    pub parameters: Vec<Parameter>,
    players: Vec<Player>,
    /// Parameters, first and second moments, averages.
    pub values: [Vec<Vec<f64>>; 4],
    pub chains: Option<Chains>,
    /// Whose turn it is in a game.
    pub turn: usize,
    pub step: u64,
}

/// The task of these settings for these rows.
pub fn task_of(settings: &Settings, network: &Network, data: &DataFacts, training: &Subset) -> Task {
    let scene =
        Scene { model: settings.model(), network, data, training, validation: None, flow_noise: None };
    settings.objective().method().build(scene).unwrap()
}

impl Plain {
    /// The training that `run` is, before its first step.
    pub fn new(settings: &Settings, run: &std::path::Path) -> Plain {
        let data = RunFolder::open(run).unwrap().manifest().data.clone();
        let dataset = load_as(settings.data(), Split::Train).unwrap();
        let training =
            prepare(&dataset, settings.data(), settings.train().seed, None).unwrap().parts.training;
        let rows = starting_rows(settings, &training);
        let model = settings.model().method().build(&DataFacts { rows: &rows, ..data.facts() }).unwrap();
        let task = task_of(settings, &model, &data.facts(), &training);
        let shapes = chain_shape(&task, &model, settings.train().batch);
        let parameters = parameters(&model, &task, settings, shapes.as_deref());
        let players = (0..task.players.len())
            .map(|player| Player::new(&model, &task, player, settings, &parameters, shapes.as_deref()))
            .collect();
        let wide = |values: &Vec<f32>| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let start: Vec<Vec<f64>> = initialise(&parameters, settings.train().seed).iter().map(wide).collect();
        let zeros: Vec<Vec<f64>> = start.iter().map(|values| vec![0.0; values.len()]).collect();
        let chains = task.chains.as_ref().map(|chains| Chains::new(settings, chains, &model, &data));
        Plain {
            settings: settings.clone(),
            model,
            training,
            parameters,
            players,
            values: [start.clone(), zeros.clone(), zeros, start],
            chains,
            turn: 0,
            step: 0,
            task,
        }
    }

    /// The rows of the update after `step` steps.
    fn rows(&self) -> Vec<f64> {
        let (settings, data) = (&self.settings, self.training.dataset());
        let batch = settings.train().batch as u64;
        let n = self.training.rows().len() as u64;
        let mut rows = Vec::new();
        for place in 0..batch {
            let position = self.step * batch + place;
            let order = permutation(settings.train().seed, position / n, n as u32);
            let row = self.training.rows()[order[(position % n) as usize] as usize] as usize;
            let mut x = vec![0.0; data.row_len()];
            data.copy_row_f64(row, &mut x).unwrap();
            if settings.data().dequantise && settings.data().preprocess == Preprocess::None {
                let mut words = vec![0; x.len()];
                row_words(Key::new(settings.train().seed, self.step), DEQUANTISE_STREAM, place, &mut words);
                let levels = f64::from(data.scale().levels.unwrap());
                // Level k of L lies in the k-th of L equal parts of [0, 1].
                for (x, word) in x.iter_mut().zip(words) {
                    *x = (*x * (levels - 1.0) + uniform(word)) / levels;
                }
            }
            rows.extend(x);
        }
        rows
    }

    /// Whose step is next.
    fn player(&self) -> usize {
        match self.task.stages.iter().position(|end| self.step < *end) {
            Some(stage) => stage + 1,
            None => self.turn,
        }
    }

    /// Whether accuracy decides whose turn it is.
    pub fn by_accuracy(&self) -> bool {
        matches!(self.task.alternation, Some(Alternation::ByAccuracy { .. }))
    }

    fn learning_rate(&self) -> f64 {
        let optimiser = self.settings.optimiser();
        let rise = (self.step + 1) as f64 / optimiser.warmup_steps.max(1) as f64;
        let done = self.step as f64 / self.settings.train().steps as f64;
        let left = match optimiser.decay {
            Decay::None => 1.0,
            Decay::Linear => 1.0 - done,
            Decay::Cosine => 0.5 + 0.5 * (std::f64::consts::PI * done).cos(),
        };
        let left = match optimiser.decay {
            Decay::None => 1.0,
            _ => optimiser.final_fraction + (1.0 - optimiser.final_fraction) * left,
        };
        optimiser.learning_rate * rise.min(1.0) * left * self.players[self.player()].rate
    }

    /// One step; what it reports.
    pub fn step(&mut self) -> Reported {
        let x = self.rows();
        let (number, rate) = (self.player(), self.learning_rate());
        let uses_chains = self.players[number].uses_chains;
        let mut reported = Reported::from([("learning_rate".to_string(), rate)]);
        if let Some(chains) = self.chains.as_mut().filter(|_| uses_chains) {
            chains.advance(self.step, &self.model, &self.parameters, &self.values[0], &x);
            if let Some(swapped) = chains.swapped {
                reported.insert("swapped".into(), swapped);
            }
        }
        let player = &self.players[number];
        let mut inputs: Vec<Value> = self.values[0].iter().map(|v| Value::Float(v.clone())).collect();
        inputs.push(Value::Float(x));
        inputs.push(Value::Float(vec![1.0; self.settings.train().batch]));
        inputs.push(Value::Key(Key::new(self.settings.train().seed, self.step + 1)));
        inputs.extend(self.chains.as_ref().filter(|_| uses_chains).map(|c| Value::Float(c.learnt_from())));
        let outputs = interpret(&player.program, &inputs).unwrap();
        let scalar = |at: usize| outputs[at].floats()[0];
        reported.insert("loss".into(), scalar(0));
        for (i, name) in player.diagnostics.iter().enumerate() {
            reported.insert(name.to_string(), scalar(1 + i));
        }
        reported
            .insert("loss_per_dim".into(), if player.diagnostics.is_empty() { scalar(0) } else { scalar(1) });
        let gradients: Vec<Vec<f64>> =
            outputs[1 + player.diagnostics.len()..].iter().map(|g| g.floats().to_vec()).collect();
        let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        reported.insert("gradient_norm".into(), norm);
        let moved = player.moved.clone();
        self.update(&moved, &gradients, norm, rate);
        match self.task.alternation {
            Some(Alternation::ByAccuracy { threshold }) => {
                self.turn = usize::from(reported["accuracy"] >= threshold);
            }
            // As many steps of the first player, then one of the second.
            Some(Alternation::InTurn { first }) => {
                let done = self.step + 1;
                self.turn = usize::from(done - done / (first + 1) * (first + 1) == first);
            }
            None => {}
        }
        self.step += 1;
        reported
    }

    fn update(&mut self, moved: &[usize], gradients: &[Vec<f64>], norm: f64, rate: f64) {
        let optimiser = self.settings.optimiser().clone();
        let clip = optimiser.clip_norm;
        let factor = if clip > 0.0 && norm > clip { clip / norm } else { 1.0 };
        let t = (self.step + 1) as f64;
        let decay = optimiser.ema_decay.min((1.0 + self.step as f64) / (10.0 + self.step as f64));
        for (at, gradient) in moved.iter().zip(gradients) {
            let is_weight = self.parameters[*at].shape.len() > 1;
            for (i, g) in gradient.iter().enumerate() {
                let g = g * factor;
                let [p, m, v, average] = [0, 1, 2, 3].map(|kind| self.values[kind][*at][i]);
                let (m, v, direction) = match optimiser.kind {
                    Descent::Adam => {
                        let m = optimiser.beta1 * m + (1.0 - optimiser.beta1) * g;
                        let v = optimiser.beta2 * v + (1.0 - optimiser.beta2) * g * g;
                        let corrected = v / (1.0 - optimiser.beta2.powf(t));
                        (m, v, m / (1.0 - optimiser.beta1.powf(t)) / (corrected.sqrt() + optimiser.epsilon))
                    }
                    Descent::Sgd => {
                        let m = optimiser.momentum * m + g;
                        (m, v, m)
                    }
                };
                let decayed = if is_weight { rate * optimiser.weight_decay * p } else { 0.0 };
                let p = p - rate * direction - decayed;
                let average = decay * average + (1.0 - decay) * p;
                for (kind, value) in [p, m, v, average].into_iter().enumerate() {
                    self.values[kind][*at][i] = value;
                }
            }
        }
    }

    /// The state by the names that a checkpoint has.
    pub fn tensors(&self) -> BTreeMap<String, Vec<f64>> {
        let mut tensors = BTreeMap::new();
        for (prefix, values) in ["", "moment1.", "moment2.", "ema."].iter().zip(&self.values) {
            for (parameter, values) in self.parameters.iter().zip(values) {
                tensors.insert(format!("{prefix}{}", parameter.name), values.clone());
            }
        }
        tensors
    }
}

/// Rows spread evenly over the training rows, where inducing points start.
pub fn starting_rows(settings: &Settings, training: &Subset) -> Vec<f64> {
    let (data, rows) = (training.dataset(), training.rows());
    let count = settings.model().method().starting_rows().min(rows.len());
    let mut values = Vec::new();
    for i in 0..count {
        let mut row = vec![0.0; data.row_len()];
        data.copy_row_f64(rows[i * rows.len() / count] as usize, &mut row).unwrap();
        values.extend(row);
    }
    values
}

fn chain_shape(task: &Task, model: &Network, batch: usize) -> Option<Vec<usize>> {
    match task.chains.as_ref()? {
        ChainSettings::Langevin(_) => Some(batch_shape(batch, model.row_shape())),
        ChainSettings::Gibbs(cd) => {
            let chains = if cd.chains == 0 { batch } else { cd.chains };
            Some(vec![chains, model.bipartite().unwrap().first_width()])
        }
    }
}

/// The inputs of a batch.
fn inputs<'s>(
    scope: &'s enscore_program::Scope,
    model: &Network,
    batch: usize,
    chains: Option<&[usize]>,
) -> Batch<'s> {
    let shape = batch_shape(batch, model.row_shape());
    Batch {
        x: scope.input("x", Kind::Float, &shape),
        weights: scope.input("row_weights", Kind::Float, &[batch]),
        key: scope.input("key", Kind::Key, &[]),
        chains: chains.map(|shape| scope.input("chains", Kind::Float, shape)),
    }
}

/// The parameters in the order of their first use by the first player.
fn parameters(model: &Network, task: &Task, settings: &Settings, chains: Option<&[usize]>) -> Vec<Parameter> {
    let player = &task.players[0];
    let (_, parameters) = trace(&[], |scope, parameters| {
        let chains = chains.filter(|_| player.learns_from_chains);
        let batch = inputs(scope, model, settings.train().batch, chains);
        vec![("loss".to_string(), player.objective.estimate(model, parameters, &batch).loss)]
    })
    .unwrap();
    parameters
}

impl Player {
    fn new(
        model: &Network,
        task: &Task,
        number: usize,
        settings: &Settings,
        known: &[Parameter],
        chains: Option<&[usize]>,
    ) -> Player {
        let player = &task.players[number];
        let moved: Vec<usize> = (0..known.len()).filter(|i| (player.moves)(&known[*i].name)).collect();
        let chains = chains.filter(|_| player.learns_from_chains);
        let mut diagnostics = Vec::new();
        let (program, parameters) = trace(known, |scope, parameters| {
            let batch = inputs(scope, model, settings.train().batch, chains);
            let estimate = player.objective.estimate(model, parameters, &batch);
            diagnostics = estimate.diagnostics.iter().map(|(of, _)| of.name()).collect();
            let declared = parameters.declared();
            let variables: Vec<Var> = moved.iter().map(|i| declared[*i].1).collect();
            let gradients = scope.gradient(estimate.optimised, &variables);
            let shown = estimate.diagnostics.iter().map(|(_, value)| *value);
            let all = std::iter::once(estimate.loss).chain(shown).chain(gradients);
            all.enumerate().map(|(i, value)| (format!("output{i}"), value)).collect()
        })
        .unwrap();
        assert_eq!(parameters.len(), known.len(), "every player has the first one's parameters");
        Player { program, diagnostics, moved, rate: player.rate, uses_chains: chains.is_some() }
    }
}
