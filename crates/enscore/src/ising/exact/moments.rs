//! Moments of an Ising model by the sum over all states: the truth for samplers and gradients of small
//! models.
//!
//! Means over p(x) = exp(-β E(x)) / Z; m is the mean spin of a state.

use rayon::prelude::*;

use super::super::lattice::IsingModel;
use super::enumeration::{Dense, log_z_by_enumeration};
use crate::error::Result;

/// States of one task: a power of two, fixed. Energies start anew with each, so that rounding does not pile
/// up.
const TASK: usize = 1 << 12;

/// Exact moments of an Ising model at its temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct IsingMoments {
    /// log Z, nats.
    pub log_z: f64,
    /// ⟨E⟩, without β.
    pub energy: f64,
    /// ⟨E²⟩ - ⟨E⟩².
    pub energy_variance: f64,
    /// ⟨m⟩.
    pub magnetisation: f64,
    /// ⟨|m|⟩.
    pub absolute_magnetisation: f64,
    /// ⟨m²⟩.
    pub squared_magnetisation: f64,
    /// ⟨x_i⟩, `[sites]`.
    pub spins: Vec<f64>,
}

/// Sums over a share of the states, the energy about its own mean.
#[derive(Clone, Default)]
struct Sums {
    weight: f64,
    energy: f64,
    /// Σ p (E - mean)².
    scatter: f64,
    magnetisation: [f64; 3],
    spins: Vec<f64>,
}

/// Moments by enumeration.
///
/// # Errors
/// An input error with the number of states beyond 30 sites.
pub fn moments(model: &IsingModel) -> Result<IsingMoments> {
    let unit = model.clone().at_beta(1.0)?;
    let dense = Dense::new(&unit)?;
    let log_z = log_z_by_enumeration(model)?;
    let states = 1usize << dense.sites;
    let parts: Vec<Sums> = (0..states.div_ceil(TASK))
        .into_par_iter()
        .map(|task| part(&dense, model.beta(), log_z, task * TASK, states.min((task + 1) * TASK)))
        .collect();
    let mut total = Sums { spins: vec![0.0; dense.sites], ..Sums::default() };
    parts.into_iter().for_each(|part| total.merge(part));
    // The weights sum to 1 but for rounding.
    let mean = |sum: f64| sum / total.weight;
    Ok(IsingMoments {
        log_z,
        energy: total.energy,
        energy_variance: mean(total.scatter),
        magnetisation: mean(total.magnetisation[0]),
        absolute_magnetisation: mean(total.magnetisation[1]),
        squared_magnetisation: mean(total.magnetisation[2]),
        spins: total.spins.iter().map(|sum| mean(*sum)).collect(),
    })
}

fn part(dense: &Dense, beta: f64, log_z: f64, from: usize, to: usize) -> Sums {
    let n = dense.sites;
    let state = from ^ (from >> 1);
    let mut spins: Vec<f64> = (0..n).map(|i| Dense::spin(state, i)).collect();
    let mut f = dense.constant + dense.within(0, n, state);
    let mut up: f64 = spins.iter().sum();
    let mut sums = Sums { spins: vec![0.0; n], ..Sums::default() };
    for step in from..to {
        let p = (beta * f - log_z).exp();
        sums.count(p, -f);
        let m = up / n as f64;
        [m, m.abs(), m * m].iter().zip(&mut sums.magnetisation).for_each(|(m, sum)| *sum += p * m);
        spins.iter().zip(&mut sums.spins).for_each(|(x, sum)| *sum += p * x);
        // The next state of the Gray code differs in this site.
        let site = (step + 1).trailing_zeros() as usize;
        if site < n {
            let row = &dense.coupling[site * n..][..n];
            let local = dense.field[site] + row.iter().zip(&spins).map(|(j, x)| j * x).sum::<f64>();
            f -= 2.0 * spins[site] * local;
            up -= 2.0 * spins[site];
            spins[site] = -spins[site];
        }
    }
    sums
}

impl Sums {
    /// Adds a state of probability `p`: mean and scatter as in West (1979).
    fn count(&mut self, p: f64, energy: f64) {
        if p > 0.0 {
            self.weight += p;
            let from_mean = energy - self.energy;
            self.energy += p / self.weight * from_mean;
            self.scatter += p * from_mean * (energy - self.energy);
        }
    }

    fn merge(&mut self, other: Sums) {
        if other.weight > 0.0 {
            let apart = other.energy - self.energy;
            let weight = self.weight + other.weight;
            self.scatter += other.scatter + apart * apart * self.weight * other.weight / weight;
            self.energy += apart * other.weight / weight;
            self.weight = weight;
        }
        self.magnetisation.iter_mut().zip(other.magnetisation).for_each(|(a, b)| *a += b);
        self.spins.iter_mut().zip(other.spins).for_each(|(a, b)| *a += b);
    }
}
