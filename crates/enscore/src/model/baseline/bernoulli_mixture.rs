//! A mixture of independent bits by expectation maximisation (Bishop 2006, "Pattern Recognition and Machine
//! Learning", section 9.3.3):
//!
//! ```text
//! p(x) = Σ_k w_k Π_i p_ki^x_i (1 - p_ki)^(1 - x_i),
//! r_nk = w_k p(x_n|k) / Σ_j w_j p(x_n|j),   p_ki = (1 + Σ_n r_nk x_ni) / (2 + Σ_n r_nk).
//! ```
//!
//! The 1 and 2 are the prior that every component has seen one 0 and one 1 (Laplace): without it a row with a
//! bit that no training row has would be impossible. A step of the training is a pass over all rows.

use enscore_program::random::{Key, row_words, uniform};
use enscore_program::{Initial, Parameters, Var};
use nalgebra::DMatrix;
use rayon::prelude::*;

use super::row_draws::RowDraws;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::keys::{Kind, keys, within};
use crate::model::conditional::choose;
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::traits::{Fitted, LogDensity, Normalised, Pass, SequentialDraws, Support};
use crate::streams;

/// Rows whose sums are taken together, in a fixed order.
const BLOCK: usize = 512;

keys! {
    /// Settings of a mixture of independent bits.
    BernoulliMixtureSettings {
        components: usize = 100, within(1, 65_536), "Components.";
    }
}

impl Kind for BernoulliMixtureSettings {
    type Facts = ();
}

impl ModelKind for BernoulliMixtureSettings {
    fn family(&self) -> Family {
        Family::Baseline
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        Ok(Network::Normalised(Box::new(BernoulliMixture::new(data.row_shape, self.components)?)))
    }

    fn noun(&self) -> &'static str {
        "a mixture of independent bits"
    }
}

/// Parameters `log_weights` `[K]` and `log_odds` `[K, d]`.
#[derive(Clone, Debug)]
pub struct BernoulliMixture {
    row_shape: Vec<usize>,
    components: usize,
}

/// Weights, and rates `[K, d]`.
struct Rates {
    weights: Vec<f64>,
    rates: Vec<f64>,
}

impl BernoulliMixture {
    /// For rows of this shape.
    ///
    /// # Errors
    /// No component, rows without elements.
    pub fn new(row_shape: &[usize], components: usize) -> Result<Self> {
        if components == 0 || row_shape.iter().product::<usize>() == 0 {
            return Err(Error::input("the mixture is empty")
                .found(format!("{components} components for rows of shape {row_shape:?}"))
                .expected("at least 1 of each"));
        }
        Ok(BernoulliMixture { row_shape: row_shape.to_vec(), components })
    }

    fn elements(&self) -> usize {
        self.row_shape.iter().product()
    }

    fn rates_of(&self, values: &[Vec<f32>]) -> Result<Rates> {
        let [log_weights, log_odds] = values else {
            return Err(Error::input("the weights are not those of this mixture"));
        };
        if log_weights.len() != self.components || log_odds.len() != self.components * self.elements() {
            return Err(Error::input("the weights are not those of this mixture"));
        }
        let rate = |log_odds: &f32| 1.0 / (1.0 + (-f64::from(*log_odds)).exp());
        Ok(Rates {
            weights: log_weights.iter().map(|w| f64::from(*w).exp()).collect(),
            rates: log_odds.iter().map(rate).collect(),
        })
    }

    /// Components near the data's rates, each pulled towards a row of its own.
    fn start(&self, rows: &[f64], seed: u64) -> Rates {
        let (k, d) = (self.components, self.elements());
        let n = rows.len() / d;
        let rate = |i: usize| {
            let ones: f64 = rows.iter().skip(i).step_by(d).sum();
            (ones + 1.0) / (n as f64 + 2.0)
        };
        let mean: Vec<f64> = (0..d).map(rate).collect();
        let mut words = vec![0; k];
        row_words(Key::new(seed, 0), streams::MIXTURE_START, 1, &mut words);
        let own = |at: usize| ((uniform(words[at]) * n as f64) as usize).min(n - 1);
        let pull = if k == 1 { 0.0 } else { 0.5 };
        let rates = (0..k).flat_map(|at| {
            let row = &rows[own(at) * d..][..d];
            row.iter().zip(&mean).map(|(x, m)| (1.0 - pull) * m + pull * x).collect::<Vec<f64>>()
        });
        Rates { weights: vec![1.0 / k as f64; k], rates: rates.collect() }
    }
}

/// Σ_n r_nk, Σ_n r_nk x_n and Σ_n ln p(x_n) of a block of rows.
struct Sums {
    counts: Vec<f64>,
    /// `[d, K]`, column-major.
    ones: DMatrix<f64>,
    log_likelihood: f64,
}

impl Rates {
    /// ln p(x|k) of rows is `x · log_odds_k + base_k`.
    fn terms(&self, d: usize) -> (DMatrix<f64>, Vec<f64>) {
        let k = self.weights.len();
        let clamped = |p: f64| p.clamp(1e-12, 1.0 - 1e-12);
        let log_odds = |p: &f64| (clamped(*p) / (1.0 - clamped(*p))).ln();
        // Column k is component k.
        let odds = DMatrix::from_iterator(d, k, self.rates.iter().map(log_odds));
        let none = |rates: &[f64]| rates.iter().map(|p| (1.0 - clamped(*p)).ln()).sum::<f64>();
        let base = self.rates.chunks_exact(d).zip(&self.weights).map(|(rates, w)| none(rates) + w.ln());
        (odds, base.collect())
    }

    /// The sums of a block of rows `[n, d]`.
    fn sums(&self, block: &[f64], d: usize, odds: &DMatrix<f64>, base: &[f64]) -> Sums {
        let n = block.len() / d;
        // Column n is row n of the data.
        let x = DMatrix::from_column_slice(d, n, block);
        let mut r = odds.tr_mul(&x);
        let mut log_likelihood = 0.0;
        for mut column in r.column_iter_mut() {
            column.iter_mut().zip(base).for_each(|(term, base)| *term += base);
            let max = column.max();
            let sum: f64 = column.iter().map(|term| (term - max).exp()).sum();
            log_likelihood += max + sum.ln();
            column.iter_mut().for_each(|term| *term = (*term - max).exp() / sum);
        }
        let counts = r.row_iter().map(|row| row.sum()).collect();
        Sums { counts, ones: &x * r.transpose(), log_likelihood }
    }
}

impl LogDensity for BernoulliMixture {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (k, d) = (self.components, self.elements());
        let log_weights = parameters.get("log_weights", &[k], Initial::Constant(-(k as f64).ln()));
        let log_odds = parameters.get("log_odds", &[k, d], Initial::Constant(0.0));
        let none = log_odds.softplus().sum(&[1]);
        let ones = x.reshape(&[x.extent(0), d]).matmul_with(log_odds, false, true);
        (ones - none + log_weights).log_sum_exp(1)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Normalised for BernoulliMixture {
    fn support(&self) -> Support {
        Support::Bits
    }

    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>> {
        let rates = self.rates_of(&weights.read::<f32>()?)?;
        let d = self.elements();
        Ok(Box::new(RowDraws::new(d, move |row| {
            let mut words = vec![0; d + 1];
            row_words(Key::new(seed, 0), streams::ROW_BITS, row, &mut words);
            let k = choose(rates.weights.iter().copied(), uniform(words[d]));
            let own = &rates.rates[k * d..][..d];
            own.iter().zip(&words).map(|(p, word)| f32::from(u8::from(uniform(*word) < *p))).collect()
        })))
    }

    fn fitted(&self) -> Option<&dyn Fitted> {
        Some(self)
    }
}

impl Fitted for BernoulliMixture {
    fn pass(&self, rows: &[f64], current: Option<&[Vec<f32>]>, seed: u64) -> Result<Pass> {
        let (k, d) = (self.components, self.elements());
        let n = rows.len() / d;
        if n == 0 {
            return Err(Error::input("no rows to fit to").expected("at least one row"));
        }
        let rates = match current {
            Some(values) => self.rates_of(values)?,
            None => self.start(rows, seed),
        };
        let (odds, base) = rates.terms(d);
        let blocks: Vec<Sums> =
            rows.par_chunks(BLOCK * d).map(|block| rates.sums(block, d, &odds, &base)).collect();
        let mut counts = vec![0.0; k];
        let mut ones = DMatrix::zeros(d, k);
        let mut log_likelihood = 0.0;
        for block in blocks {
            counts.iter_mut().zip(&block.counts).for_each(|(count, own)| *count += own);
            ones += block.ones;
            log_likelihood += block.log_likelihood;
        }
        let weight = |count: &f64| ((count / n as f64).max(1e-12).ln()) as f32;
        let log_odds = counts.iter().enumerate().flat_map(|(at, count)| {
            let of = |i: usize| {
                let rate = (ones[(i, at)] + 1.0) / (count + 2.0);
                (rate / (1.0 - rate)).ln() as f32
            };
            (0..d).map(of).collect::<Vec<f32>>()
        });
        let log_odds = log_odds.collect();
        Ok(Pass {
            values: vec![counts.iter().map(weight).collect(), log_odds],
            log_likelihood: log_likelihood / n as f64,
        })
    }
}
