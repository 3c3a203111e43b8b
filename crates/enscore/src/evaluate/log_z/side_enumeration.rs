//! log Z of a model of two sides of units by enumerating the smaller side, the other one summed out:
//!
//! ```text
//! log Z = log Σ_h ∫ exp(g(x) + c'h + x'Wh) dx = log Σ_h exp(second_log_density(h)),
//! log Z = log Σ_x exp(f(x))                      where all units of the first side are in {0, 1}.
//! ```
//!
//! 2^k states of k units, bit i of a state's number is unit i. In double precision, in blocks of states, so
//! memory does not grow with k; sums are scaled by their greatest term. What is kept of the blocks is enough
//! to draw from the model exactly.

use enscore_program::executor::Width;
use enscore_program::random::{Key, row_words};
use enscore_program::{Kind, Program};

use super::annealing::Tell;
use crate::error::{Error, Result};
use crate::evaluate::log_sum_exp;
use crate::executor::Routine;
use crate::model::{draw_units, side_log_density, smaller_side, trace};
use crate::sample::WeightedBipartite;
use crate::streams;

/// The most units that are enumerated.
pub const MOST_ENUMERATED_UNITS: usize = 25;
/// States that a program takes at once, at most, as a power of 2.
const MOST_BLOCK_BITS: usize = 9;

/// The enumerated side of a model and what its states come to.
pub struct SideEnumeration<'a> {
    target: &'a WeightedBipartite<'a>,
    densities: Routine,
    second: bool,
    units: usize,
    block: usize,
    /// log Σ exp over the states of each block.
    block_sums: Vec<f64>,
    log_z: f64,
}

/// Whether a side is small enough to be enumerated.
pub fn can_enumerate(target: &WeightedBipartite) -> bool {
    smaller_side(target.model).1 <= MOST_ENUMERATED_UNITS
}

impl<'a> SideEnumeration<'a> {
    /// Enumerates the smaller side.
    ///
    /// # Errors
    /// More than [`MOST_ENUMERATED_UNITS`] units, with what they would cost; sums that are not finite; what
    /// `tell` returns.
    pub fn new(target: &'a WeightedBipartite<'a>, tell: &mut Tell) -> Result<Self> {
        let (second, units) = smaller_side(target.model);
        if units > MOST_ENUMERATED_UNITS {
            return Err(Error::input("too many units to enumerate")
                .found(format_args!("2^{units} states of the smaller layer"))
                .expected(format_args!("at most 2^{MOST_ENUMERATED_UNITS}"))
                .remedy("use the method ais or bracket"));
        }
        let block = 1 << units.min(MOST_BLOCK_BITS);
        let densities = target.compile(&program(target, second, units, block)?, Width::Double)?;
        let mut found = SideEnumeration {
            target,
            densities,
            second,
            units,
            block,
            block_sums: Vec::new(),
            log_z: f64::NAN,
        };
        let blocks = (1usize << units) / block;
        for number in 0..blocks {
            let sum = log_sum_exp(&found.block_values(number)?);
            found.block_sums.push(sum);
            if number % 16 == 0 {
                tell("enumerating", number as u64, blocks as u64)?;
            }
        }
        found.log_z = log_sum_exp(&found.block_sums);
        if !found.log_z.is_finite() {
            return Err(Error::run("log Z by enumeration is not finite").found(found.log_z));
        }
        Ok(found)
    }

    /// log Z, nats.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// Which side was enumerated and how many states it has, in words.
    pub fn described(&self) -> String {
        let side = if self.second { "hidden" } else { "visible" };
        format!("enumeration of 2^{} {side} states", self.units)
    }

    /// `count` independent draws of the first side `[count, first]`.
    ///
    /// # Errors
    /// An executor that refuses.
    pub fn draw(&mut self, count: usize, seed: u64) -> Result<Vec<f32>> {
        let mut states: Vec<usize> = Vec::with_capacity(count);
        let mut kept: Option<(usize, Vec<f64>)> = None;
        for row in 0..count {
            let mut words = [0; 2];
            row_words(Key::new(seed, 0), streams::ENUMERATED_STATE, row as u64, &mut words);
            // 2^25 states need more than the 32 bits of a word.
            let u = (f64::from(words[0]) + (f64::from(words[1]) + 0.5) / 4_294_967_296.0) / 4_294_967_296.0;
            let (block, rest) = at(&self.block_sums, self.log_z, u);
            let values = match kept.take() {
                Some((number, values)) if number == block => values,
                _ => self.block_values(block)?,
            };
            states.push(block * self.block + at(&values, self.log_z, rest).0);
            kept = Some((block, values));
        }
        let bits = |state: &usize| (0..self.units).map(move |i| (state >> i & 1) as f32).collect::<Vec<_>>();
        let rows = states.iter().flat_map(bits).collect::<Vec<f32>>();
        if self.second { self.first_given(&rows, count, seed) } else { Ok(rows) }
    }

    /// The first side drawn given the second `[count, second]`.
    fn first_given(&self, h: &[f32], count: usize, seed: u64) -> Result<Vec<f32>> {
        let model = self.target.model;
        let (program, _) = trace(self.target.parameters(), |scope, parameters| {
            let h = scope.input("h", Kind::Float, &[count, model.second_width()]);
            let key = scope.input("key", Kind::Key, &[]);
            let inputs = model.first_inputs(parameters, h);
            vec![("x".to_string(), draw_units(key, model.first_units(), inputs))]
        })?;
        let mut routine = self.target.compile(&program, Width::Single)?;
        let weights = self.target.single()?;
        let mut x = vec![0.0f32; count * model.first_width()];
        let call = routine.call().weights(&weights).with("h", h);
        call.with("key", Key::new(seed, 1)).to("x", &mut x).run()?;
        Ok(x)
    }

    /// The log density of each state of a block.
    fn block_values(&mut self, number: usize) -> Result<Vec<f64>> {
        let first = number * self.block;
        let bit = |index: usize| ((first + index / self.units) >> (index % self.units) & 1) as f64;
        let states: Vec<f64> = (0..self.block * self.units).map(bit).collect();
        let mut values = vec![0.0f64; self.block];
        let call = self.densities.call().weights(&self.target.weights);
        call.with("states", &states).to("f", &mut values).run()?;
        Ok(values)
    }
}

/// The log density of `rows` states of the enumerated side.
fn program(target: &WeightedBipartite, second: bool, units: usize, rows: usize) -> Result<Program> {
    let (program, _) = trace(target.parameters(), |scope, parameters| {
        let states = scope.input("states", Kind::Float, &[rows, units]);
        let f = side_log_density(target.model, parameters, second, states);
        vec![("f".to_string(), f)]
    })?;
    Ok(program)
}

/// The entry in which a fraction `u` of the total exp(log_z) falls, and what of `u` lies beyond its
/// beginning.
fn at(log_masses: &[f64], log_z: f64, mut u: f64) -> (usize, f64) {
    let mut last = (0, u);
    for (index, log_mass) in log_masses.iter().enumerate() {
        let mass = (log_mass - log_z).exp();
        if mass > 0.0 {
            last = (index, u);
        }
        if u < mass {
            return (index, u);
        }
        u -= mass;
    }
    // Rounding may leave a trace beyond the end.
    last
}
