//! An Ising model whose sites can be coloured in two colours without a bond inside a colour, as a restricted
//! Boltzmann machine: one colour is the visible side, the other the hidden one. With x_i = 2 u_i - 1 and u in
//! {0, 1},
//!
//! ```text
//! -β E(x) = Σ_⟨ij⟩ W_ij u_i u_j + Σ_i b_i u_i + constant,
//! W_ij = 4β J_ij,    b_i = 2β (h_i - Σ_j J_ij),    constant = β (Σ_⟨ij⟩ J_ij - Σ_i h_i).
//! ```
//!
//! Grids and tori of even sides are such models: annealing, reverse annealing and enumeration of a side then
//! hold for them too.

use super::IsingModel;
use crate::error::{Error, Result};
use crate::memory::MemoryLimit;

/// Weights of the machine, at most: they are kept for all pairs of sites of both colours.
const MOST_WEIGHTS: usize = 1 << 24;

/// What the list of bonds and the colours take.
const BYTES_PER_SITE: f64 = 150.0;

/// The machine's weights and biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides {
    /// W, `[visible, hidden]`, row-major.
    pub weights: Vec<f64>,
    /// Biases of the visible side, a site of the first colour each.
    pub visible: Vec<f64>,
    /// Biases of the hidden side, a site of the second colour each.
    pub hidden: Vec<f64>,
    /// log Z of the Ising model less log Z of the machine, nats.
    pub constant: f64,
}

/// The sides of `model`, coloured from its first site on.
///
/// # Errors
/// Sites that take three colours; a single site; more than 2^24 pairs of sites of both colours.
pub fn sides(model: &IsingModel) -> Result<Sides> {
    let sites = model.sites();
    let place = format!("{sites} sites");
    MemoryLimit::free().refuse_beyond("the two sides need", &place, BYTES_PER_SITE * sites as f64)?;
    let mut bonds = Vec::new();
    model.for_each_bond(|i, j, coupling| bonds.push((i, j, coupling)));
    let colours = two_colours(sites, &bonds)?;
    let mut counts = [0, 0];
    let place: Vec<usize> = colours
        .iter()
        .map(|colour| {
            counts[*colour] += 1;
            counts[*colour] - 1
        })
        .collect();
    let [visible, hidden] = counts;
    if visible.checked_mul(hidden).is_none_or(|weights| weights > MOST_WEIGHTS) {
        return Err(Error::input("too many sites for two sides of units")
            .found(format_args!("{visible} and {hidden} sites of the two colours"))
            .expected(format_args!("at most {MOST_WEIGHTS} pairs"))
            .remedy("anneal them site by site"));
    }
    let beta = model.beta();
    let mut biases: [Vec<f64>; 2] = counts.map(|count| vec![0.0; count]);
    let mut weights = vec![0.0; visible * hidden];
    let mut constant = 0.0;
    for site in 0..sites {
        biases[colours[site]][place[site]] += 2.0 * beta * model.field_at(site);
        constant -= beta * model.field_at(site);
    }
    for (i, j, coupling) in bonds {
        let (first, second) = if colours[i] == 0 { (i, j) } else { (j, i) };
        weights[place[first] * hidden + place[second]] += 4.0 * beta * coupling;
        for site in [i, j] {
            biases[colours[site]][place[site]] -= 2.0 * beta * coupling;
        }
        constant += beta * coupling;
    }
    let [visible, hidden] = biases;
    Ok(Sides { weights, visible, hidden, constant })
}

/// A colour, 0 or 1, of each site.
fn two_colours(sites: usize, bonds: &[(usize, usize, f64)]) -> Result<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); sites];
    for (i, j, _) in bonds {
        neighbours[*i].push(*j);
        neighbours[*j].push(*i);
    }
    let mut colours: Vec<Option<usize>> = vec![None; sites];
    // Sites without bonds take the colours in turn, so that both sides have units.
    let mut next = 0;
    for start in 0..sites {
        if colours[start].is_some() {
            continue;
        }
        colours[start] = Some(next);
        next = 1 - next;
        let mut waiting = vec![start];
        while let Some(site) = waiting.pop() {
            let other = colours[site].map(|colour| 1 - colour);
            for neighbour in &neighbours[site] {
                if colours[*neighbour].is_none() {
                    colours[*neighbour] = other;
                    waiting.push(*neighbour);
                } else if colours[*neighbour] != other {
                    return Err(Error::input("the sites take three colours")
                        .at(format_args!("sites {site} and {neighbour}"))
                        .found("a cycle of odd length")
                        .expected("a grid, a torus with even sides, or a graph without odd cycles"));
                }
            }
        }
    }
    let colours: Vec<usize> = colours.into_iter().flatten().collect();
    if !colours.contains(&1) {
        return Err(Error::input("sides need at least two sites").found(sites));
    }
    Ok(colours)
}
