//! One cluster from a random site (Wolff 1989, "Collective Monte Carlo updating for spin systems"): it grows
//! over bonds with J_ij x_i x_j > 0, each with probability 1 - exp(-2 β |J_ij|), and flips; with a field,
//! with probability min(1, exp(-2 β Σ_{i in it} h_i x_i)), since without a field growing the cluster and
//! growing it back balance.

use enscore_program::random::Key;

use super::SpinTransition;
use super::draws::Draws;
use super::swendsen_wang::active_probabilities;
use crate::error::Result;
use crate::ising::lattice::check_state;
use crate::ising::{Adjacency, IsingModel};
use crate::streams;

/// The transition: one cluster.
#[derive(Clone, Debug)]
pub struct Wolff {
    adjacency: Adjacency,
    beta: f64,
    active: Vec<f64>,
    inside: Vec<bool>,
    cluster: Vec<u32>,
}

impl Wolff {
    /// Cluster updates of `model` at its β.
    pub fn new(model: &IsingModel) -> Wolff {
        let adjacency = Adjacency::new(model);
        let active = active_probabilities(&adjacency, model.beta());
        Wolff {
            adjacency,
            beta: model.beta(),
            active,
            inside: vec![false; model.sites()],
            cluster: Vec::new(),
        }
    }

    /// Sites of the last cluster, whether it flipped or not.
    pub fn cluster_size(&self) -> usize {
        self.cluster.len()
    }

    fn grow(&mut self, spins: &[i8], draws: &mut Draws) {
        let start = draws.index(spins.len());
        self.cluster.clear();
        self.cluster.push(start as u32);
        self.inside[start] = true;
        let mut next = 0;
        while let Some(site) = self.cluster.get(next) {
            let i = *site as usize;
            for place in self.adjacency.bonds_of(i) {
                let (j, coupling) = self.adjacency.bond(place);
                let satisfied = coupling * f64::from(spins[i] * spins[j]) > 0.0;
                if satisfied && !self.inside[j] && draws.uniform() < self.active[place] {
                    self.inside[j] = true;
                    self.cluster.push(j as u32);
                }
            }
            next += 1;
        }
    }
}

impl SpinTransition for Wolff {
    fn step(&mut self, spins: &mut [i8], key: Key) -> Result<()> {
        check_state(spins, self.adjacency.sites())?;
        let mut draws = Draws::new(key, streams::WOLFF);
        self.grow(spins, &mut draws);
        let along = |i: &u32| self.adjacency.field()[*i as usize] * f64::from(spins[*i as usize]);
        let field: f64 = self.cluster.iter().map(along).sum();
        let flips = field <= 0.0 || draws.uniform() < (-2.0 * self.beta * field).exp();
        for i in &self.cluster {
            self.inside[*i as usize] = false;
            if flips {
                spins[*i as usize] = -spins[*i as usize];
            }
        }
        Ok(())
    }
}
