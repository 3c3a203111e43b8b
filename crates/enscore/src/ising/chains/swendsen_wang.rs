//! Clusters of all bonds (Swendsen and Wang 1987, "Nonuniversal critical dynamics in Monte Carlo
//! simulations"; Edwards and Sokal 1988 for the joint distribution of spins and bonds):
//!
//! ```text
//! a bond with J_ij x_i x_j > 0 is active with probability 1 - exp(-2 β |J_ij|);
//! a cluster of active bonds flips with probability 1 / (1 + exp(2 β Σ_{i in it} h_i x_i)).
//! ```
//!
//! Couplings may have either sign; where they frustrate each other, clusters are large and little moves.

use enscore_program::random::Key;

use super::SpinTransition;
use super::conditional::probability_up;
use super::draws::Draws;
use crate::error::Result;
use crate::ising::lattice::check_state;
use crate::ising::{Adjacency, IsingModel};
use crate::streams;

/// The transition: every bond and every cluster once.
#[derive(Clone, Debug)]
pub struct SwendsenWang {
    adjacency: Adjacency,
    beta: f64,
    active: Vec<f64>,
    parents: Vec<u32>,
    fields: Vec<f64>,
}

/// The probability of an active bond, of every place of `adjacency`.
pub(super) fn active_probabilities(adjacency: &Adjacency, beta: f64) -> Vec<f64> {
    adjacency.couplings().iter().map(|coupling| -(-2.0 * beta * coupling.abs()).exp_m1()).collect()
}

impl SwendsenWang {
    /// Cluster updates of `model` at its β.
    pub fn new(model: &IsingModel) -> SwendsenWang {
        let adjacency = Adjacency::new(model);
        let active = active_probabilities(&adjacency, model.beta());
        let parents = vec![0; model.sites()];
        let fields = vec![0.0; model.sites()];
        SwendsenWang { adjacency, beta: model.beta(), active, parents, fields }
    }

    /// The root of a site's cluster; halves the path on the way.
    fn root(&mut self, mut site: usize) -> usize {
        while self.parents[site] as usize != site {
            self.parents[site] = self.parents[self.parents[site] as usize];
            site = self.parents[site] as usize;
        }
        site
    }

    /// Joins the sites of active bonds; the root of a cluster is its first site.
    fn join(&mut self, spins: &[i8], key: Key) {
        let mut draws = Draws::new(key, streams::SWENDSEN_WANG_BONDS);
        for i in 0..spins.len() {
            for place in self.adjacency.bonds_of(i) {
                let (j, coupling) = self.adjacency.bond(place);
                let satisfied = coupling * f64::from(spins[i] * spins[j]) > 0.0;
                if j > i && satisfied && draws.uniform() < self.active[place] {
                    let a = self.root(i);
                    let b = self.root(j);
                    self.parents[a.max(b)] = a.min(b) as u32;
                }
            }
        }
    }
}

impl SpinTransition for SwendsenWang {
    fn step(&mut self, spins: &mut [i8], key: Key) -> Result<()> {
        check_state(spins, self.adjacency.sites())?;
        self.parents.iter_mut().enumerate().for_each(|(site, parent)| *parent = site as u32);
        self.join(spins, key);
        self.fields.fill(0.0);
        for (site, spin) in spins.iter().enumerate() {
            let root = self.root(site);
            self.fields[root] += self.adjacency.field()[site] * f64::from(*spin);
        }
        // Roots come before the other sites of their clusters: their flip is kept in place of their field.
        let mut draws = Draws::new(key, streams::SWENDSEN_WANG_SPINS);
        for (site, spin) in spins.iter_mut().enumerate() {
            let root = self.root(site);
            if root == site {
                let flips = draws.uniform() < probability_up(-self.beta * self.fields[site]);
                self.fields[site] = if flips { -1.0 } else { 1.0 };
            }
            *spin *= self.fields[root] as i8;
        }
        Ok(())
    }
}
