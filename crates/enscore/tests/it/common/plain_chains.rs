//! The chains of contrastive divergence once more: one at a time, in double precision, for `plain.rs`.

use enscore::checkpoint::DataRecord;
use enscore::data::permutation;
use enscore::mcmc::{NoiseStart, UnitStart};
use enscore::model::{Bipartite, Network, batch_shape, trace};
use enscore::objective::{
    ChainSettings, ChainStart, GibbsChainSettings, LangevinChainSettings, ObjectiveSettings,
};
use enscore::settings::Settings;
use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Kind, Parameter, Program, Value, interpret};

/// What keeps the chains' draws apart; changing one changes every seeded result.
const CHAIN_SEED: u64 = 0xC4A1_5EED_0000_0001;
const BURN_IN_SEED: u64 = 0xB0B0_5EED_0000_0003;
const START_STREAM: u32 = 0x6368_7374;
const RESTART_STREAM: u32 = 0x6368_7265;
/// Sweeps of persistent Gibbs chains before the first update that learns from them, after pretraining.
const BURN_IN: u64 = 100;

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
    Langevin { cd: LangevinChainSettings, start: NoiseStart, batch: usize },
    Gibbs { cd: GibbsChainSettings, start: UnitStart, chains: usize, first: u64 },
}

impl Chains {
    pub fn new(settings: &Settings, chains: &ChainSettings, model: &Network, data: &DataRecord) -> Chains {
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
                let ObjectiveSettings::GibbsDivergence(divergence) = settings.objective() else {
                    panic!("cd")
                };
                let first = divergence.pretrain_steps.iter().sum::<usize>() as u64;
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
    pub fn learnt_from(&self) -> Vec<f64> {
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

    pub fn advance(
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
                    self.x =
                        (0..self.x.len() as u64).map(|chain| self.noise(update + 1, chain, width)).collect();
                } else if first > 0 && update == first {
                    for sweep in 0..BURN_IN {
                        let key = Key::new(self.seed ^ BURN_IN_SEED, sweep);
                        self.sweep(&cd, model, (parameters, weights), sweep, key);
                    }
                }
                let mut swapped = 0.0;
                for sweep in 0..cd.steps {
                    let number = update * cd.steps + sweep;
                    swapped +=
                        self.sweep(&cd, model, (parameters, weights), number, Key::new(self.seed, number));
                }
                self.swapped = (cd.temperatures > 1).then(|| swapped / cd.steps as f64);
            }
        }
    }

    /// The slots of the replay buffer whose turn it is.
    fn slots(&self, cd: &LangevinChainSettings, update: u64, batch: usize) -> Vec<usize> {
        if cd.start != ChainStart::Persistent {
            return Vec::new();
        }
        let turns = (cd.buffer / batch) as u64;
        let order = permutation(self.seed, update / turns, cd.buffer as u32);
        let first = (update % turns) as usize * batch;
        order[first..first + batch].iter().map(|slot| *slot as usize).collect()
    }

    fn start(
        &self,
        cd: &LangevinChainSettings,
        update: u64,
        i: usize,
        slots: &[usize],
        data: &[f64],
    ) -> Vec<f64> {
        match cd.start {
            ChainStart::Data => data.to_vec(),
            ChainStart::Noise => self.noise(update + 1, i as u64, data.len()),
            ChainStart::Persistent => {
                let slot = slots[i] as u64;
                let mut word = [0];
                row_words(Key::new(self.seed, update), RESTART_STREAM, slot, &mut word);
                if uniform(word[0]) < cd.restart {
                    self.noise(update + 1, slot, data.len())
                } else {
                    self.buffer[slots[i]].clone()
                }
            }
        }
    }

    /// The steps of one chain.
    fn langevin(
        &self,
        cd: &LangevinChainSettings,
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

    /// One Gibbs sweep of every chain, by the conditionals of the two sides, then the swaps of neighbouring
    /// temperatures; the fraction of swaps that were accepted.
    fn sweep(
        &mut self,
        cd: &GibbsChainSettings,
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
            for (chain, word) in words.into_iter().enumerate() {
                let low = pair * chains + chain;
                let high = low + chains;
                let f = |x: &[f64], m: usize| units.tempered(x, beta(m));
                let ratio = f(&self.x[high], pair) + f(&self.x[low], pair + 1)
                    - f(&self.x[low], pair)
                    - f(&self.x[high], pair + 1);
                tried += 1.0;
                if uniform(word) < ratio.exp() {
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
    let shape = batch_shape(1, model.row_shape());
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

    /// h ~ p(h | x), x' ~ p(x | h) at the inverse temperature `beta`, which multiplies all that h takes part
    /// in.
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
