//! The neighbours of every site of an Ising model, for samplers: site i's are one run of two arrays.

use super::lattice::IsingModel;

/// Neighbours, couplings and fields, without β. A bond of a site to itself moves nothing and is left out;
/// parallel bonds stay apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjacency {
    /// Site i's neighbours are `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    neighbours: Vec<u32>,
    couplings: Vec<f64>,
    field: Vec<f64>,
}

impl Adjacency {
    /// The neighbours of `model`'s sites, in the order of its bonds.
    pub fn new(model: &IsingModel) -> Adjacency {
        let sites = model.sites();
        let mut starts = vec![0; sites + 1];
        let each = |visit: &mut dyn FnMut(usize, usize, f64)| {
            model.for_each_bond(|i, j, coupling| {
                if i != j {
                    visit(i, j, coupling);
                    visit(j, i, coupling);
                }
            });
        };
        each(&mut |i, _, _| starts[i + 1] += 1);
        (0..sites).for_each(|i| starts[i + 1] += starts[i]);
        let mut next = starts.clone();
        let mut neighbours = vec![0; starts[sites]];
        let mut couplings = vec![0.0; starts[sites]];
        each(&mut |i, j, coupling| {
            (neighbours[next[i]], couplings[next[i]]) = (j as u32, coupling);
            next[i] += 1;
        });
        let field = (0..sites).map(|site| model.field_at(site)).collect();
        Adjacency { starts, neighbours, couplings, field }
    }

    /// The number of sites.
    pub fn sites(&self) -> usize {
        self.field.len()
    }

    /// The places of site `i`'s bonds in [`Adjacency::bond`]'s order.
    pub fn bonds_of(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// The neighbour and J of a bond's place.
    pub fn bond(&self, place: usize) -> (usize, f64) {
        (self.neighbours[place] as usize, self.couplings[place])
    }

    /// J of every place: each bond stands at two of them.
    pub fn couplings(&self) -> &[f64] {
        &self.couplings
    }

    /// h, `[sites]`.
    pub fn field(&self) -> &[f64] {
        &self.field
    }

    /// The local field of site `i`: h_i + Σ_j J_ij x_j, without β. The energy of x_i given the others is -x_i
    /// times it.
    pub fn local_field(&self, spins: &[i8], i: usize) -> f64 {
        let bonds = self.bonds_of(i);
        let pairs = self.neighbours[bonds.clone()].iter().zip(&self.couplings[bonds]);
        self.field[i] + pairs.map(|(j, coupling)| coupling * f64::from(spins[*j as usize])).sum::<f64>()
    }
}
