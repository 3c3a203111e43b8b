//! Annealed importance sampling of a model of two sides of units, from a base of independent units. With the
//! second side summed out, the path from the base with log odds (or means) a at β = 0 to the model at β = 1
//! is
//!
//! ```text
//! f_β(x) = (1 - β) g_a(x) + β g(x) + Σ_j softplus(β (c + W'x)_j),
//! log Z_0 = m log 2 + Σ_i softplus(a_i),
//! log w  = Σ_{k=1}^{K} (f_{β_k} - f_{β_{k-1}})(x_{k-1}),
//! x_k:     h ~ σ(β_k (c + W'x)),   x_k at (1 - β_k) a + β_k (b + W h).
//! ```
//!
//! (Salakhutdinov and Murray 2008, "On the quantitative analysis of deep belief networks", eq. 16 to 18,
//! there with the base's hidden units in a layer of their own.) g_a(x) = a'x for units in {0, 1}; -|x - a|² /
//! (2σ²) for Gaussian ones, whose part of log Z_0 is ½ log (2πσ²) each. m units in the second side. Moves are
//! reversible, so the same program with β falling is reverse annealing, from samples of the model: an upper
//! bound on log Z if they are exact (Burda, Grosse and Salakhutdinov 2015, "Accurate and conservative
//! estimates of MRF log-likelihood using reverse annealing").
//!
//! One product W'x serves the weight and the draw of h, so a temperature takes two products; the cost is
//! linear in the number of temperatures and of chains. Weights are summed in double precision, nats.

use enscore_program::executor::{Buffer, Real, Width};
use enscore_program::random::{Key, mix};
use enscore_program::{Kind, Program, Var};

use super::annealed_importance::{Annealed, BoundSide, SampleOrigin};
use super::geometric_path::Temperatures;
use crate::error::{Error, Result};
use crate::evaluate::LogWeights;
use crate::executor::{Routine, Weights};
use crate::model::{UnitBlock, Units, draw_bernoulli, draw_units, sum_rows, trace};
use crate::sample::WeightedBipartite;

/// Tells what goes on, what is done of it and how much there is; may end it by an error.
pub type Tell<'a> = dyn FnMut(&str, u64, u64) -> Result<()> + 'a;

/// Chains that move together, at most: memory does not grow beyond theirs.
const MOST_TOGETHER: usize = 256;
/// Transitions between two calls of [`Tell`].
const TOLD_EVERY: usize = 32;
/// Seeds of the runs differ by these.
const FORWARD: u64 = 0x4246;
const REVERSE: u64 = 0x4252;
const LONG_RUN: u64 = 0x424C;

/// Annealing of a model from a base, compiled.
pub struct BipartiteAnnealing<'a> {
    target: &'a WeightedBipartite<'a>,
    weights: Weights,
    /// a.
    bias: Vec<f32>,
    step: Routine,
    batch: usize,
    chains: usize,
}

/// One transition of `chains` chains. Inputs: the model's parameters, `bias` `[first]`, `x`
/// `[chains, first]`, `from`, `to` (inverse temperatures), `key`. Outputs: `x` moved at `to`, and `increment`
/// `[chains]`, f_to - f_from at the x that came in.
///
/// # Errors
/// A model that does not fit its own shapes.
pub fn annealing_program(target: &WeightedBipartite, chains: usize) -> Result<Program> {
    let model = target.model;
    let (program, _) = trace(target.parameters(), |scope, parameters| {
        let bias = scope.input("bias", Kind::Float, &[model.first_width()]);
        let x = scope.input("x", Kind::Float, &[chains, model.first_width()]);
        let [from, to] = ["from", "to"].map(|name| scope.input(name, Kind::Float, &[]));
        let key = scope.input("key", Kind::Key, &[]);
        let odds = model.second_inputs(parameters, x);
        let alone = model.first_alone(parameters, x) - base_alone(model.first_units(), bias, x);
        let second = (to * odds).softplus() - (from * odds).softplus();
        let increment = (to - from) * alone + sum_rows(second);
        let h = draw_bernoulli(key, to * odds);
        let inputs = (1.0 - to) * bias + to * model.first_inputs(parameters, h);
        let moved = draw_units(key, model.first_units(), inputs);
        vec![("x".to_string(), moved), ("increment".to_string(), increment)]
    })?;
    Ok(program)
}

/// g_a(x) of each row.
fn base_alone<'s>(blocks: &[UnitBlock], bias: Var<'s>, x: Var<'s>) -> Var<'s> {
    let mut start = 0;
    let mut parts = blocks.iter().map(|block| {
        let end = start + block.width;
        let x = x.slice(1, start, end);
        let bias = bias.slice(0, start, end);
        start = end;
        match block.units {
            Units::Bernoulli => sum_rows(x * bias),
            Units::Gaussian { deviation } => sum_rows((x - bias).square()) * (-0.5 / (deviation * deviation)),
        }
    });
    let first = parts.next().unwrap_or_else(|| sum_rows(x));
    parts.fold(first, |sum, part| sum + part)
}

impl<'a> BipartiteAnnealing<'a> {
    /// Annealing of `chains` chains from the base with these log odds or means `[first]`.
    ///
    /// # Errors
    /// Fewer than 2 chains; a bias of another size, or that is not finite.
    pub fn new(target: &'a WeightedBipartite<'a>, bias: &[f64], chains: usize) -> Result<Self> {
        if chains < 2 {
            return Err(Error::input("too few chains for annealed importance sampling")
                .found(chains)
                .expected("at least 2"));
        }
        let width = target.model.first_width();
        if bias.len() != width || bias.iter().any(|a| !a.is_finite()) {
            return Err(Error::input("invalid log odds or means of the base")
                .found(format_args!("{} numbers", bias.len()))
                .expected(format_args!("{width} finite numbers")));
        }
        let batch = chains.div_ceil(chains.div_ceil(MOST_TOGETHER));
        let program = annealing_program(target, batch)?;
        let step = target.compile(&program, Width::Single)?;
        let bias = bias.iter().map(|a| *a as f32).collect();
        Ok(BipartiteAnnealing { target, weights: target.single()?, bias, step, batch, chains })
    }

    /// log Z_0 of the base, nats.
    pub fn base_log_z(&self) -> f64 {
        let mut a = self.bias.iter().map(|a| f64::from(*a));
        let mut sum = self.target.model.second_width() as f64 * std::f64::consts::LN_2;
        for UnitBlock { width, units } in self.target.model.first_units() {
            let biases = a.by_ref().take(*width);
            sum += match units {
                // softplus without overflow.
                Units::Bernoulli => biases.map(|a| a.max(0.0) + (-a.abs()).exp().ln_1p()).sum::<f64>(),
                Units::Gaussian { deviation } => {
                    biases.count() as f64 * (0.5 * std::f64::consts::TAU.ln() + deviation.ln())
                }
            };
        }
        sum
    }

    /// Anneals the chains from the base to the model: an estimate and a lower bound.
    ///
    /// # Errors
    /// Weights that are not finite or all 0; what `tell` returns.
    pub fn forward(&mut self, temperatures: &Temperatures, seed: u64, tell: &mut Tell) -> Result<Annealed> {
        let mut log_weights = Vec::new();
        let betas = temperatures.as_slice();
        for first in (0..self.chains).step_by(self.batch) {
            let key = Key { row: first as u64, ..Key::new(seed_of(seed, FORWARD), 0) };
            let mut x = self.base_draws(key)?;
            log_weights.extend(self.weigh(&mut x, betas, key, "annealing", tell)?);
        }
        log_weights.truncate(self.chains);
        let base = self.base_log_z();
        Ok(Annealed::without_proposals(
            &LogWeights::of(&log_weights)?,
            1.0,
            base,
            BoundSide::Lower,
            temperatures,
        ))
    }

    /// Anneals the chains from `samples` `[chains, first]` of the model to the base: an estimate and, from
    /// exact samples, an upper bound.
    ///
    /// # Errors
    /// As [`BipartiteAnnealing::forward`]; another number of samples than of chains.
    pub fn reverse(
        &mut self,
        temperatures: &Temperatures,
        samples: &[f32],
        origin: SampleOrigin,
        seed: u64,
        tell: &mut Tell,
    ) -> Result<Annealed> {
        let falling: Vec<f64> = temperatures.as_slice().iter().rev().copied().collect();
        let mut log_weights = Vec::new();
        for (first, mut x) in self.batches(samples)? {
            let key = Key { row: first as u64, ..Key::new(seed_of(seed, REVERSE), 0) };
            log_weights.extend(self.weigh(&mut x, &falling, key, "reverse annealing", tell)?);
        }
        log_weights.truncate(self.chains);
        let base = self.base_log_z();
        let side = if origin == SampleOrigin::Exact { BoundSide::Upper } else { BoundSide::Neither };
        Ok(Annealed::without_proposals(&LogWeights::of(&log_weights)?, -1.0, base, side, temperatures))
    }

    /// The chains `[chains, first]` after this many Gibbs sweeps of the model, from `start` `[chains, first]`
    /// or from the base.
    ///
    /// # Errors
    /// Another number of rows than of chains; what `tell` returns.
    pub fn long_run(
        &mut self,
        start: Option<&[f32]>,
        sweeps: usize,
        seed: u64,
        tell: &mut Tell,
    ) -> Result<Vec<f32>> {
        let width = self.bias.len();
        let none = vec![0.0; if start.is_none() { self.chains * width } else { 0 }];
        let mut samples = Vec::with_capacity(self.chains * width);
        for (first, mut x) in self.batches(start.unwrap_or(&none))? {
            let key = Key { row: first as u64, ..Key::new(seed_of(seed, LONG_RUN), 0) };
            if start.is_none() {
                x = self.base_draws(key)?;
            }
            self.weigh(&mut x, &vec![1.0; sweeps + 1], key, "Gibbs sweeps", tell)?;
            samples.extend(x);
        }
        samples.truncate(self.chains * width);
        Ok(samples)
    }

    /// Draws of the base: what a move at β = 0 gives from anywhere.
    fn base_draws(&mut self, key: Key) -> Result<Vec<f32>> {
        let x = self.upload(&vec![0.0; self.batch * self.bias.len()])?;
        let mut moved = self.upload(&vec![0.0; x.count()])?;
        self.step(&x, [0.0; 2], key, &mut moved, &mut vec![0.0; self.batch])?;
        Ok(moved.read()?)
    }

    /// `rows` in batches with their first row, the last one filled up with zeros.
    fn batches(&self, rows: &[f32]) -> Result<Vec<(usize, Vec<f32>)>> {
        let width = self.bias.len();
        if rows.len() != self.chains * width {
            return Err(Error::input("invalid samples to anneal from")
                .found(rows.len())
                .expected(format_args!("{} chains of {width}", self.chains)));
        }
        let batch = |(number, chunk): (usize, &[f32])| {
            let mut x = chunk.to_vec();
            x.resize(self.batch * width, 0.0);
            (number * self.batch, x)
        };
        Ok(rows.chunks(self.batch * width).enumerate().map(batch).collect())
    }

    /// log w of a batch of chains at `x` that passes `betas` in order; `x` is where they end.
    fn weigh(
        &mut self,
        x: &mut [f32],
        betas: &[f64],
        key: Key,
        phase: &str,
        tell: &mut Tell,
    ) -> Result<Vec<f64>> {
        let mut now = self.upload(x)?;
        let mut moved = self.upload(x)?;
        let mut increment = vec![0.0; self.batch];
        let mut log_weights = vec![0.0f64; self.batch];
        // Progress counts the transitions of all batches.
        let each = (betas.len() - 1) as u64;
        let batch = key.row / self.batch as u64;
        let total = each * self.chains.div_ceil(self.batch) as u64;
        for (step, pair) in betas.windows(2).enumerate() {
            let key = Key { step: step as u64 + 1, ..key };
            self.step(&now, [pair[0] as f32, pair[1] as f32], key, &mut moved, &mut increment)?;
            log_weights.iter_mut().zip(&increment).for_each(|(sum, part)| *sum += f64::from(*part));
            std::mem::swap(&mut now, &mut moved);
            if step % TOLD_EVERY == 0 {
                tell(phase, batch * each + step as u64, total)?;
            }
        }
        x.copy_from_slice(&now.view()?);
        Ok(log_weights)
    }

    fn upload(&self, values: &[f32]) -> Result<Buffer> {
        Ok(self.target.executor.upload(f32::values(values))?)
    }

    fn step(
        &mut self,
        x: &Buffer,
        [from, to]: [f32; 2],
        key: Key,
        moved: &mut Buffer,
        increment: &mut [f32],
    ) -> Result<()> {
        let from = [from];
        let to = [to];
        let call = self.step.call().weights(&self.weights).with("bias", &self.bias).with("x", x);
        let call = call.with("from", &from).with("to", &to).with("key", key);
        call.to("x", moved).to("increment", increment).run()
    }
}

fn seed_of(seed: u64, run: u64) -> u64 {
    mix(seed ^ mix(run))
}
