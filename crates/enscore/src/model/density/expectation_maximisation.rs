//! Fitting a mixture of Gaussians by expectation maximisation (Dempster, Laird and Rubin 1977, section 4.3):
//! with responsibilities r_ik = w_k N(x_i; m_k, Σ_k) / Σ_j w_j N(x_i; m_j, Σ_j),
//!
//! ```text
//! w_k = Σ_i r_ik / n,   m_k = Σ_i r_ik x_i / (n w_k),
//! Σ_k = Σ_i r_ik (x_i - m_k)(x_i - m_k)' / (n w_k) + δ I.
//! ```
//!
//! It starts from centres drawn by squared distance (k-means++, Arthur and Vassilvitskii 2007, section 2.2)
//! and ten steps of Lloyd's algorithm. δ is 1e-6 of the data's mean variance: without a floor the likelihood
//! has no maximum, since a component on a single row may be as narrow as it likes. Rows are summed in blocks
//! in a fixed order.

use enscore_program::random::{Key, row_words, uniform};
use rayon::prelude::*;

use super::factor::Factor;
use super::gaussian::mean_of;
use crate::error::{Error, Result};
use crate::streams;

const BLOCK: usize = 512;
const LLOYD_STEPS: usize = 10;
const MOST_STEPS: usize = 200;
/// Nats per row by which a step must improve the likelihood for another one to follow.
const TOLERANCE: f64 = 1e-7;
const FLOOR: f64 = 1e-6;

/// The shape of a component's covariance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covariance {
    /// Any: for a few dimensions.
    Full,
    /// No correlations.
    Diagonal,
    /// A multiple of the identity.
    Isotropic,
}

/// A component: weight, mean `[d]`, covariance `[d, d]`, or variances `[d]` where it is not full.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its weight.
    pub weight: f64,
    /// Its mean.
    pub mean: Vec<f64>,
    /// Its covariance, or its variances.
    pub covariance: Vec<f64>,
}

/// Sums over rows of one component: r, r (x - m), r (x - m)(x - m)' or its diagonal, about the last mean m.
#[derive(Clone)]
struct Sums {
    count: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

/// Components for `rows` `[n, d]`.
pub(super) fn fit(
    rows: &[f64],
    d: usize,
    k: usize,
    covariance: Covariance,
    seed: u64,
) -> Result<Vec<Component>> {
    let mut components = start(rows, d, k, covariance, seed)?;
    let floor = floor_of(rows, d)?;
    let mut last = f64::NEG_INFINITY;
    for _ in 0..MOST_STEPS {
        let likelihood = step(&mut components, rows, d, covariance, floor)?;
        if likelihood - last < TOLERANCE {
            break;
        }
        last = likelihood;
    }
    Ok(components)
}

/// One step; the mean log-likelihood of a row before it.
pub(crate) fn step(
    components: &mut [Component],
    rows: &[f64],
    d: usize,
    covariance: Covariance,
    floor: f64,
) -> Result<f64> {
    let n = (rows.len() / d) as f64;
    let levels = factors(components, d, covariance)?;
    let expect = |row: &[f64], out: &mut [f64]| responsibilities(components, &levels, row, out);
    let (sums, likelihood) = sums(rows, d, components, &expect);
    maximise(components, &sums, n, floor, covariance);
    Ok(likelihood / n)
}

/// What covariances get more on their diagonals.
pub(crate) fn floor_of(rows: &[f64], d: usize) -> Result<f64> {
    let n = (rows.len() / d) as f64;
    let mean = mean_of(rows, d);
    let spread = |row: &[f64]| row.iter().zip(&mean).map(|(x, m)| (x - m).powi(2)).sum::<f64>();
    let variance = rows.chunks_exact(d).map(spread).sum::<f64>() / (n * d as f64);
    if variance <= 0.0 {
        return Err(Error::input("constant data have no density").remedy("fit to data that vary"));
    }
    Ok(FLOOR * variance)
}

/// Components from centres that depend on `seed`, after some steps of Lloyd's algorithm.
pub(crate) fn start(
    rows: &[f64],
    d: usize,
    k: usize,
    covariance: Covariance,
    seed: u64,
) -> Result<Vec<Component>> {
    let n = (rows.len() / d) as f64;
    let floor = floor_of(rows, d)?;
    let second = if covariance == Covariance::Full { d * d } else { d };
    let mut components: Vec<Component> = centres(rows, d, k, seed)?
        .into_iter()
        .map(|mean| Component { weight: 1.0 / k as f64, mean, covariance: vec![0.0; second] })
        .collect();
    for _ in 0..LLOYD_STEPS {
        let (sums, _) = sums(rows, d, &components, &|row, out| nearest(&components, row, out));
        maximise(&mut components, &sums, n, floor, covariance);
    }
    Ok(components)
}

/// `k` distinct rows: the first uniform, each next one with a probability in proportion to its squared
/// distance from those before it.
fn centres(rows: &[f64], d: usize, k: usize, seed: u64) -> Result<Vec<Vec<f64>>> {
    if k == 0 {
        return Err(Error::input("a mixture without components")
            .at("components")
            .found(0)
            .expected("at least 1"));
    }
    let mut words = vec![0; k];
    row_words(Key::new(seed, 0), streams::MIXTURE_START, 0, &mut words);
    let n = rows.len() / d;
    let first = ((uniform(words[0]) * n as f64) as usize).min(n - 1);
    let mut centres = vec![rows[first * d..(first + 1) * d].to_vec()];
    let mut distances = vec![f64::INFINITY; n];
    while centres.len() < k {
        let newest = &centres[centres.len() - 1];
        for (distance, row) in distances.iter_mut().zip(rows.chunks_exact(d)) {
            *distance = distance.min(square_distance(row, newest));
        }
        let total: f64 = distances.iter().sum();
        let mut left = uniform(words[centres.len()]) * total;
        let chosen = distances.iter().position(|distance| {
            left -= distance;
            *distance > 0.0 && left <= 0.0
        });
        // Rounding may leave a remainder after the last row.
        match chosen.or_else(|| distances.iter().rposition(|distance| *distance > 0.0)) {
            Some(row) => centres.push(rows[row * d..(row + 1) * d].to_vec()),
            None => {
                return Err(Error::input("fewer distinct rows than components")
                    .at("components")
                    .found(k)
                    .expected(format!("at most {}", centres.len())));
            }
        }
    }
    Ok(centres)
}

fn square_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// 1 for the component with the nearest mean, else 0; 0 as its likelihood.
fn nearest(components: &[Component], row: &[f64], out: &mut [f64]) -> f64 {
    let distance = |k: usize| square_distance(row, &components[k].mean);
    let best = (1..components.len()).fold(0, |best, k| if distance(k) < distance(best) { k } else { best });
    out.fill(0.0);
    out[best] = 1.0;
    0.0
}

/// The factor of each covariance, with ln w - ln det L - (d/2) ln 2π.
fn factors(components: &[Component], d: usize, covariance: Covariance) -> Result<Vec<(Factor, f64)>> {
    let of = |component: &Component| {
        let factor = match covariance {
            Covariance::Full => Factor::of(&component.covariance, d)?,
            _ => Factor::diagonal(&component.covariance)?,
        };
        let level =
            component.weight.ln() - 0.5 * d as f64 * std::f64::consts::TAU.ln() - factor.ln_determinant();
        Ok((factor, level))
    };
    components.iter().map(of).collect()
}

/// r_ik of one row into `out`; ln p(x_i).
fn responsibilities(components: &[Component], levels: &[(Factor, f64)], row: &[f64], out: &mut [f64]) -> f64 {
    let mut centred = vec![0.0; row.len()];
    for ((component, (factor, level)), out) in components.iter().zip(levels).zip(out.iter_mut()) {
        centred.iter_mut().zip(row.iter().zip(&component.mean)).for_each(|(c, (x, m))| *c = x - m);
        *out = level - 0.5 * factor.square_norm(&centred);
    }
    let max = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    out.iter_mut().for_each(|term| *term = (*term - max).exp());
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|term| *term /= sum);
    max + sum.ln()
}

/// Writes the responsibilities of a row and returns its log-likelihood.
type Expect<'a> = dyn Fn(&[f64], &mut [f64]) -> f64 + Sync + 'a;

/// The sums of every component under the responsibilities that `expect` gives, and the sum of the
/// log-likelihoods.
fn sums(rows: &[f64], d: usize, components: &[Component], expect: &Expect) -> (Vec<Sums>, f64) {
    let zero: Vec<Sums> = components
        .iter()
        .map(|c| Sums { count: 0.0, first: vec![0.0; d], second: vec![0.0; c.covariance.len()] })
        .collect();
    let of_block = |block: &[f64]| {
        let mut sums = zero.clone();
        let mut likelihood = 0.0;
        let mut r = vec![0.0; components.len()];
        let mut centred = vec![0.0; d];
        for row in block.chunks_exact(d) {
            likelihood += expect(row, &mut r);
            for ((sums, component), r) in sums.iter_mut().zip(components).zip(&r) {
                if *r > 0.0 {
                    centred
                        .iter_mut()
                        .zip(row.iter().zip(&component.mean))
                        .for_each(|(c, (x, m))| *c = x - m);
                    sums.add(*r, &centred);
                }
            }
        }
        (sums, likelihood)
    };
    let blocks: Vec<(Vec<Sums>, f64)> = rows.par_chunks(BLOCK * d).map(of_block).collect();
    blocks.into_iter().fold((zero.clone(), 0.0), |(mut all, likelihood), (block, own)| {
        all.iter_mut().zip(&block).for_each(|(all, block)| all.join(block));
        (all, likelihood + own)
    })
}

impl Sums {
    fn add(&mut self, r: f64, centred: &[f64]) {
        let d = centred.len();
        self.count += r;
        self.first.iter_mut().zip(centred).for_each(|(sum, c)| *sum += r * c);
        if self.second.len() == d {
            self.second.iter_mut().zip(centred).for_each(|(sum, c)| *sum += r * c * c);
            return;
        }
        for (sums, c) in self.second.chunks_exact_mut(d).zip(centred) {
            sums.iter_mut().zip(centred).for_each(|(sum, other)| *sum += r * c * other);
        }
    }

    fn join(&mut self, other: &Sums) {
        self.count += other.count;
        self.first.iter_mut().zip(&other.first).for_each(|(sum, s)| *sum += s);
        self.second.iter_mut().zip(&other.second).for_each(|(sum, s)| *sum += s);
    }
}

/// New weights, means and covariances. A component that lost all rows keeps its place, with almost no weight.
fn maximise(components: &mut [Component], sums: &[Sums], n: f64, floor: f64, covariance: Covariance) {
    for (component, sums) in components.iter_mut().zip(sums) {
        let d = component.mean.len();
        component.weight = (sums.count / n).max(1e-12);
        if sums.count < 1e-9 * n {
            continue;
        }
        let shift: Vec<f64> = sums.first.iter().map(|sum| sum / sums.count).collect();
        component.mean.iter_mut().zip(&shift).for_each(|(mean, shift)| *mean += shift);
        let full = covariance == Covariance::Full;
        for (at, (value, sum)) in component.covariance.iter_mut().zip(&sums.second).enumerate() {
            let (i, j) = if full { (at / d, at % d) } else { (at, at) };
            *value = sum / sums.count - shift[i] * shift[j] + if i == j { floor } else { 0.0 };
        }
        if covariance == Covariance::Isotropic {
            let variance = component.covariance.iter().sum::<f64>() / d as f64;
            component.covariance.fill(variance);
        }
    }
}
