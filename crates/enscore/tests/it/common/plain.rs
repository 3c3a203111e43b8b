//! Training once more, as plainly as it can be written: double precision, the reference interpreter, one chain at a time, no
//! state but what is named here. It shares the objectives and models with the library, which have tests of their own, and
//! nothing of what connects them: order of rows, keys, chains, rates, clipping, the update, the averages, whose turn it is.

use std::collections::BTreeMap;

use enscore::checkpoint::{DataRecord, RunFolder};
use enscore::data::{Split, Subset, load_as, permutation, prepare};
use enscore::mcmc::{NoiseStart, UnitStart};
use enscore::model::{Bipartite, DataFacts, Network, Score, batch_shape, build, initialise, trace};
use enscore::objective::{self, Batch, ChainSettings, Side, Task};
use enscore::settings::{Cd, CdGibbs, ChainStart, Decay, Descent, Preprocess, Settings};
use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Kind, Parameter, Program, Value, Var, interpret};

/// What keeps the host's draws apart; changing one changes every seeded result.
const DEQUANTISE_STREAM: u32 = 0x6465_7175;
const CHAIN_SEED: u64 = 0xC4A1_5EED_0000_0001;
const BURN_IN_SEED: u64 = 0xB0B0_5EED_0000_0003;
const START_STREAM: u32 = 0x6368_7374;
const RESTART_STREAM: u32 = 0x6368_7265;
/// Sweeps of persistent Gibbs chains before the first update that learns from them, after pretraining.
const BURN_IN: u64 = 100;

/// What a step reports, by name.
pub type Reported = BTreeMap<String, f64>;

/// The gradient of one player: outputs are the loss, what is optimised, the diagnostics, a gradient for each parameter moved.
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
    data: DataRecord,
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

impl Plain {
    /// The training that `run` is, before its first step.
    pub fn new(settings: &Settings, run: &std::path::Path) -> Plain {
        let data = RunFolder::open(run).unwrap().manifest().data.clone();
        let dataset = load_as(settings.data(), Split::Train).unwrap();
        let training = prepare(&dataset, settings.data(), settings.train().seed, None).unwrap().parts.training;
        let rows = starting_rows(settings, &training);
        let model = build(settings.model(), &DataFacts { rows: &rows, ..data.facts() }).unwrap();
        let task = objective::build(settings, &data.facts(), &training, None, None).unwrap();
        let shapes = chain_shape(&task, &model, settings.train().batch);
        let parameters = parameters(&model, &task, settings, shapes.as_deref());
        let players = (0..task.players.len())
            .map(|player| Player::new(&model, &task, player, settings, &parameters, shapes.as_deref()))
            .collect();
        let wide = |values: &Vec<f32>| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let start: Vec<Vec<f64>> =
            initialise(&parameters, settings.train().seed).iter().map(wide).collect();
        let zeros: Vec<Vec<f64>> = start.iter().map(|values| vec![0.0; values.len()]).collect();
        let chains = task.chains.as_ref().map(|chains| Chains::new(settings, chains, &model, &data));
        Plain {
            settings: settings.clone(),
            model,
            data,
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
        reported.insert(
            "loss_per_dim".into(),
            if player.diagnostics.is_empty() { scalar(0) } else { scalar(1) },
        );
        let gradients: Vec<Vec<f64>> =
            outputs[1 + player.diagnostics.len()..].iter().map(|g| g.floats().to_vec()).collect();
        let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
        reported.insert("gradient_norm".into(), norm);
        let moved = player.moved.clone();
        self.update(&moved, &gradients, norm, rate);
        if self.task.alternation.is_some() {
            let threshold = self.task.alternation.unwrap().threshold;
            self.turn = usize::from(reported["accuracy"] >= threshold);
            assert_eq!(self.turn == 1, self.task.alternation.unwrap().next(reported["accuracy"]) == Side::Flow);
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

    pub fn data(&self) -> &DataRecord {
        &self.data
    }
}

/// Rows spread evenly over the training rows, where inducing points start.
fn starting_rows(settings: &Settings, training: &Subset) -> Vec<f64> {
    let (data, rows) = (training.dataset(), training.rows());
    let count = enscore::model::starting_rows(settings.model()).min(rows.len());
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
        ChainSettings::Langevin(_) => Some(batch_shape(batch, Score::row_shape(model))),
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
    let shape = batch_shape(batch, Score::row_shape(model));
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
            diagnostics = estimate.diagnostics.iter().map(|(name, _)| *name).collect();
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

/// Chains one at a time.
pub struct Chains {
    kind: ChainKind,
    seed: u64,
    /// The chains of the last update; of tempered ones those of every temperature, the hottest first.
    pub x: Vec<Vec<f64>>,
    /// The replay buffer.
    pub buffer: Vec<Vec<f64>>,
    pub swapped: Option<f64>,
}

enum ChainKind {
    Langevin { cd: Cd, start: NoiseStart, batch: usize },
    Gibbs { cd: CdGibbs, start: UnitStart, chains: usize, first: u64 },
}

impl Chains {
    fn new(settings: &Settings, chains: &ChainSettings, model: &Network, data: &DataRecord) -> Chains {
        let seed = settings.train().seed ^ CHAIN_SEED;
        let batch = settings.train().batch;
        let (kind, width) = match chains {
            ChainSettings::Langevin(cd) => {
                let start = NoiseStart::new(cd.start_noise, data.range, &data.mean, &data.deviation);
                (ChainKind::Langevin { cd: cd.clone(), start, batch }, data.row_shape.iter().product())
            }
            ChainSettings::Gibbs(cd) => {
                let units = model.bipartite().unwrap();
                let start = UnitStart::new(units.first_units(), &data.mean, &data.deviation);
                let chains = if cd.chains == 0 { batch } else { cd.chains };
                let first = cd.pretrain_steps.iter().sum::<usize>() as u64;
                (ChainKind::Gibbs { cd: cd.clone(), start, chains, first }, units.first_width())
            }
        };
        let mut chains = Chains { kind, seed, x: Vec::new(), buffer: Vec::new(), swapped: None };
        match &chains.kind {
            ChainKind::Langevin { cd, .. } if cd.start == ChainStart::Persistent => {
                chains.buffer = (0..cd.buffer as u64).map(|slot| chains.noise(0, slot, width)).collect();
            }
            ChainKind::Langevin { .. } => {}
            ChainKind::Gibbs { cd, chains: count, .. } => {
                let all = (cd.temperatures * count) as u64;
                chains.x = (0..all).map(|chain| chains.noise(0, chain, width)).collect();
            }
        }
        chains
    }

    /// A chain at noise of the start of `update`.
    fn noise(&self, update: u64, chain: u64, width: usize) -> Vec<f64> {
        let mut row = vec![0.0f32; width];
        let key = Key::new(self.seed, update);
        match &self.kind {
            ChainKind::Langevin { start, .. } => start.fill(key, START_STREAM, chain, &mut row),
            ChainKind::Gibbs { start, .. } => start.fill(key, START_STREAM, chain, &mut row),
        }
        row.iter().map(|x| f64::from(*x)).collect()
    }

    /// What an update learns from.
    fn learnt_from(&self) -> Vec<f64> {
        let coldest = match &self.kind {
            ChainKind::Langevin { .. } => &self.x[..],
            ChainKind::Gibbs { chains, .. } => &self.x[self.x.len() - chains..],
        };
        coldest.concat()
    }

    /// What a checkpoint holds of them; none of chains that don't persist.
    pub fn saved(&self) -> Option<Vec<f64>> {
        match &self.kind {
            ChainKind::Langevin { cd, .. } => {
                (cd.start == ChainStart::Persistent).then(|| self.buffer.concat())
            }
            ChainKind::Gibbs { cd, .. } => (cd.start == ChainStart::Persistent).then(|| self.x.concat()),
        }
    }

    fn advance(
        &mut self,
        update: u64,
        model: &Network,
        parameters: &[Parameter],
        weights: &[Vec<f64>],
        data: &[f64],
    ) {
        match &self.kind {
            ChainKind::Langevin { cd, batch, .. } => {
                let (cd, batch) = (cd.clone(), *batch);
                let score = row_score(model, parameters);
                let width = data.len() / batch;
                let slots = self.slots(&cd, update, batch);
                for i in 0..batch {
                    let start = self.start(&cd, update, i, &slots, &data[i * width..][..width]);
                    let moved = self.langevin(&cd, update, i, start, |x| {
                        let mut inputs: Vec<Value> =
                            weights.iter().map(|w| Value::Float(w.clone())).collect();
                        inputs.push(Value::Float(x.to_vec()));
                        interpret(&score, &inputs).unwrap()[0].floats().to_vec()
                    });
                    self.x.resize(batch, Vec::new());
                    self.x[i] = moved;
                }
                for (i, slot) in slots.iter().enumerate() {
                    self.buffer[*slot] = self.x[i].clone();
                }
            }
            ChainKind::Gibbs { cd, first, .. } => {
                let (cd, first) = (cd.clone(), *first);
                let width = self.x[0].len();
                if cd.start == ChainStart::Noise {
                    self.x = (0..self.x.len() as u64).map(|chain| self.noise(update + 1, chain, width)).collect();
                } else if first > 0 && update == first {
                    for sweep in 0..BURN_IN {
                        let key = Key::new(self.seed ^ BURN_IN_SEED, sweep);
                        self.sweep(&cd, model, (parameters, weights), sweep, key);
                    }
                }
                let mut swapped = 0.0;
                for sweep in 0..cd.steps {
                    let number = update * cd.steps + sweep;
                    swapped += self.sweep(&cd, model, (parameters, weights), number, Key::new(self.seed, number));
                }
                self.swapped = (cd.temperatures > 1).then(|| swapped / cd.steps as f64);
            }
        }
    }

    /// The slots of the replay buffer whose turn it is.
    fn slots(&self, cd: &Cd, update: u64, batch: usize) -> Vec<usize> {
        if cd.start != ChainStart::Persistent {
            return Vec::new();
        }
        let turns = (cd.buffer / batch) as u64;
        let order = permutation(self.seed, update / turns, cd.buffer as u32);
        let first = (update % turns) as usize * batch;
        order[first..first + batch].iter().map(|slot| *slot as usize).collect()
    }

    fn start(&self, cd: &Cd, update: u64, i: usize, slots: &[usize], data: &[f64]) -> Vec<f64> {
        match cd.start {
            ChainStart::Data => data.to_vec(),
            ChainStart::Noise => self.noise(update + 1, i as u64, data.len()),
            ChainStart::Persistent => {
                let slot = slots[i] as u64;
                let mut word = [0];
                row_words(Key::new(self.seed, update), RESTART_STREAM, slot, &mut word);
                match uniform(word[0]) < cd.restart {
                    true => self.noise(update + 1, slot, data.len()),
                    false => self.buffer[slots[i]].clone(),
                }
            }
        }
    }

    /// The steps of one chain.
    fn langevin(
        &self,
        cd: &Cd,
        update: u64,
        row: usize,
        mut x: Vec<f64>,
        score: impl Fn(&[f64]) -> Vec<f64>,
    ) -> Vec<f64> {
        let noise = if cd.noise_std > 0.0 { cd.noise_std } else { (2.0 * cd.step_size).sqrt() };
        for k in 0..cd.steps {
            let mut z = vec![0.0; x.len()];
            normal_row(Key::new(self.seed, update * cd.steps + k), 0, row as u64, &mut z);
            let s = score(&x);
            for i in 0..x.len() {
                x[i] += cd.step_size * s[i] + noise * z[i];
            }
        }
        x
    }

    /// One Gibbs sweep of every chain, by the conditionals of the two sides, then the swaps of neighbouring temperatures; the
    /// fraction of swaps that were accepted.
    fn sweep(
        &mut self,
        cd: &CdGibbs,
        model: &Network,
        (parameters, weights): (&[Parameter], &[Vec<f64>]),
        number: u64,
        key: Key,
    ) -> f64 {
        let units = Units::new(model.bipartite().unwrap(), parameters, weights);
        let count = cd.temperatures;
        let chains = self.x.len() / count;
        let beta = |m: usize| if count == 1 { 1.0 } else { m as f64 / (count - 1) as f64 };
        for (row, x) in self.x.iter_mut().enumerate() {
            *x = units.sweep(x, beta(row / chains), key, row as u64);
        }
        if count == 1 {
            return 0.0;
        }
        let (mut tried, mut accepted) = (0.0, 0.0);
        for pair in 0..count - 1 {
            if count > 2 && pair as u64 % 2 != number % 2 {
                continue;
            }
            let mut words = vec![0; chains];
            row_words(key, units.draws, pair as u64, &mut words);
            for chain in 0..chains {
                let (low, high) = (pair * chains + chain, (pair + 1) * chains + chain);
                let f = |x: &[f64], m: usize| units.tempered(x, beta(m));
                let ratio = f(&self.x[high], pair) + f(&self.x[low], pair + 1)
                    - f(&self.x[low], pair)
                    - f(&self.x[high], pair + 1);
                tried += 1.0;
                if uniform(words[chain]) < ratio.exp() {
                    accepted += 1.0;
                    self.x.swap(low, high);
                }
            }
        }
        accepted / tried
    }
}

/// The score of one row as a program of the parameters and `x`.
fn row_score(model: &Network, parameters: &[Parameter]) -> Program {
    let shape = batch_shape(1, Score::row_shape(model));
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let f = enscore::model::LogDensity::log_density(model, parameters, x).sum_all();
        vec![("score".to_string(), scope.gradient(f, &[x])[0])]
    })
    .unwrap();
    program
}

/// The conditionals of one chain of two sides of units.
struct Units<'a> {
    model: &'a dyn Bipartite,
    second: Program,
    first: Program,
    weights: Vec<Value>,
    /// The number of draws of a sweep, and so the stream of the swaps.
    draws: u32,
}

impl<'a> Units<'a> {
    fn new(model: &'a dyn Bipartite, parameters: &[Parameter], weights: &[Vec<f64>]) -> Units<'a> {
        let (second, _) = trace(parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[1, model.first_width()]);
            vec![("inputs".to_string(), model.second_inputs(parameters, x))]
        })
        .unwrap();
        let (first, _) = trace(parameters, |scope, parameters| {
            let h = scope.input("h", Kind::Float, &[1, model.second_width()]);
            vec![("inputs".to_string(), model.first_inputs(parameters, h))]
        })
        .unwrap();
        let weights = weights.iter().map(|w| Value::Float(w.clone())).collect();
        Units { model, second, first, weights, draws: 1 + model.first_units().len() as u32 }
    }

    fn run(&self, program: &Program, side: &[f64]) -> Vec<f64> {
        let mut inputs = self.weights.clone();
        inputs.push(Value::Float(side.to_vec()));
        interpret(program, &inputs).unwrap()[0].floats().to_vec()
    }

    /// h ~ p(h | x), x' ~ p(x | h) at the inverse temperature `beta`, which multiplies all that h takes part in.
    fn sweep(&self, x: &[f64], beta: f64, key: Key, row: u64) -> Vec<f64> {
        let odds: Vec<f64> = self.run(&self.second, x).iter().map(|a| beta * a).collect();
        let h: Vec<f64> = bernoulli(key, 0, row, &odds).iter().map(|h| beta * h).collect();
        let inputs = self.run(&self.first, &h);
        let (mut moved, mut start) = (Vec::new(), 0);
        for (stream, block) in (1..).zip(self.model.first_units()) {
            let inputs = &inputs[start..start + block.width];
            start += block.width;
            match block.units {
                enscore::model::Units::Bernoulli => moved.extend(bernoulli(key, stream, row, inputs)),
                enscore::model::Units::Gaussian { deviation } => {
                    let mut z = vec![0.0; inputs.len()];
                    normal_row(key, stream, row, &mut z);
                    moved.extend(inputs.iter().zip(z).map(|(mean, z)| mean + deviation * z));
                }
            }
        }
        moved
    }

    /// What of f depends on the inverse temperature: Σ softplus(β (c + W'x)).
    fn tempered(&self, x: &[f64], beta: f64) -> f64 {
        self.run(&self.second, x).iter().map(|a| (beta * a).exp().ln_1p()).sum()
    }
}

fn bernoulli(key: Key, stream: u32, row: u64, log_odds: &[f64]) -> Vec<f64> {
    let mut words = vec![0; log_odds.len()];
    row_words(key, stream, row, &mut words);
    let unit = |(word, odds): (&u32, &f64)| f64::from(u8::from(uniform(*word) < 1.0 / (1.0 + (-odds).exp())));
    words.iter().zip(log_odds).map(unit).collect()
}
