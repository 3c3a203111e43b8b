//! log Z on any graph by eliminating site after site (Bertelè and Brioschi 1972, "Nonserial dynamic
//! programming"; Dechter 1999, "Bucket elimination"): the sum over a site's spin leaves a table over the
//! neighbours that it still has,
//!
//! ```text
//! T(x_N) = log Σ_{x_i = ±1} exp(x_i (βh_i + Σ_j βJ_ij x_j) + Σ tables with i),   N the neighbours left,
//! ```
//!
//! which become neighbours of each other. The site with the fewest neighbours is next. 2^|N| numbers a site:
//! cheap for trees, rings, narrow strips, sparse graphs, sites without bonds, and graphs of two colours of
//! which one has few sites, since a table within another is added to it. In double precision, nats.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::super::lattice::IsingModel;
use crate::error::{Error, Result};

/// Neighbours of a site when it is eliminated, at most: a table of 256 MiB.
pub(super) const MOST_WIDTH: usize = 25;
/// log2 of the entries of all tables, at most: about a minute.
const MOST_LOG2_ENTRIES: f64 = 30.0;
/// log2 of the numbers held at once, at most: 1 GiB.
const MOST_LOG2_NUMBERS: f64 = 27.0;
/// Sites, at most: the order of more is not looked for.
const MOST_SITES: usize = 1 << 16;
/// Entries that one task computes.
const TASK: usize = 1 << 12;

/// The order in which sites are eliminated, each with the neighbours that it then has, and what that costs.
pub(super) struct Order {
    steps: Vec<(usize, Vec<usize>)>,
    /// log2 of the entries of all tables.
    pub log2_entries: f64,
}

/// Bonds by their sites, parallel ones added up, without those that cancel; what bonds of a site to itself
/// add.
struct Bonds {
    neighbours: Vec<BTreeMap<usize, f64>>,
    constant: f64,
}

impl Bonds {
    fn of(model: &IsingModel) -> Bonds {
        let beta = model.beta();
        let mut neighbours = vec![BTreeMap::new(); model.sites()];
        let mut constant = 0.0;
        model.for_each_bond(|i, j, coupling| {
            if i == j {
                constant += beta * coupling;
            } else {
                *neighbours[i].entry(j).or_insert(0.0) += beta * coupling;
                *neighbours[j].entry(i).or_insert(0.0) += beta * coupling;
            }
        });
        neighbours.iter_mut().for_each(|of_site| of_site.retain(|_, coupling| *coupling != 0.0));
        Bonds { neighbours, constant }
    }

    /// The order by fewest neighbours; none where a table would be too large.
    fn order(&self) -> Option<Order> {
        let mut left: Vec<BTreeSet<usize>> =
            self.neighbours.iter().map(|of_site| of_site.keys().copied().collect()).collect();
        let mut waiting: BTreeSet<(usize, usize)> =
            left.iter().enumerate().map(|(site, around)| (around.len(), site)).collect();
        let mut steps = Vec::with_capacity(left.len());
        let mut entries = 0.0;
        while let Some((count, site)) = waiting.pop_first() {
            entries += f64::exp2(count as f64);
            if count > MOST_WIDTH || entries > f64::exp2(MOST_LOG2_ENTRIES) {
                return None;
            }
            let around: Vec<usize> = std::mem::take(&mut left[site]).into_iter().collect();
            for one in &around {
                waiting.remove(&(left[*one].len(), *one));
                left[*one].remove(&site);
                left[*one].extend(around.iter().filter(|other| *other != one));
                waiting.insert((left[*one].len(), *one));
            }
            steps.push((site, around));
        }
        Some(Order { steps, log2_entries: entries.log2() })
    }
}

/// The cheapest order that was found; none where it is not affordable.
pub(super) fn order(model: &IsingModel) -> Option<Order> {
    if model.sites() > MOST_SITES { None } else { Bonds::of(model).order() }
}

/// log Z by elimination, nats.
///
/// # Errors
/// An input error where sites have too many neighbours left, whatever is eliminated first.
pub fn log_z_by_elimination(model: &IsingModel) -> Result<f64> {
    let refused = || {
        Error::input("too many neighbours for elimination")
            .expected(format_args!("at most {MOST_WIDTH} of a site when it is its turn"))
    };
    if model.sites() > MOST_SITES {
        return Err(refused().found(format_args!("{} sites", model.sites())));
    }
    let bonds = Bonds::of(model);
    let order = bonds.order().ok_or_else(refused)?;
    let mut tables = Tables::new(model.sites());
    let mut log_z = bonds.constant;
    for (site, around) in &order.steps {
        let odds: Vec<(usize, f64)> =
            around.iter().filter_map(|j| bonds.neighbours[*site].get(j).map(|b| (*j, *b))).collect();
        let field = model.beta() * model.field_at(*site);
        let found = Table::without(around.clone(), field, &odds, &tables.take(*site));
        match &found.values[..] {
            [value] => log_z += value,
            _ => tables.keep(found),
        }
        if tables.held as f64 > f64::exp2(MOST_LOG2_NUMBERS) {
            return Err(refused().found(format_args!("{} numbers held", tables.held)));
        }
    }
    Ok(log_z)
}

/// The tables that are left, by the sites that they are over.
struct Tables {
    all: Vec<Option<Table>>,
    of_site: Vec<Vec<usize>>,
    /// Numbers in all of them.
    held: usize,
}

impl Tables {
    fn new(sites: usize) -> Tables {
        Tables { all: Vec::new(), of_site: vec![Vec::new(); sites], held: 0 }
    }

    /// The tables over a site, which are then no longer there.
    fn take(&mut self, site: usize) -> Vec<Table> {
        let numbers = std::mem::take(&mut self.of_site[site]);
        let taken: Vec<Table> = numbers.into_iter().filter_map(|number| self.all[number].take()).collect();
        self.held -= taken.iter().map(|table| table.values.len()).sum::<usize>();
        taken
    }

    /// Keeps a table, within another where it fits.
    fn keep(&mut self, found: Table) {
        let holds = |table: &Table| found.sites.iter().all(|site| table.sites.contains(site));
        let near = found.sites.first().map(|site| self.of_site[*site].clone()).unwrap_or_default();
        let within = near.into_iter().find(|number| self.all[*number].as_ref().is_some_and(holds));
        if let Some(table) = within.and_then(|number| self.all[number].as_mut()) {
            return table.add(&found);
        }
        self.held += found.values.len();
        found.sites.iter().for_each(|site| self.of_site[*site].push(self.all.len()));
        self.all.push(Some(found));
    }
}

/// Logarithms over the states of some sites: bit k of an index is 1 where site k of the list is up.
struct Table {
    sites: Vec<usize>,
    values: Vec<f64>,
}

/// Where the sites of a table stand in the index of another.
struct Bits(Vec<usize>);

impl Bits {
    fn of(table: &[usize], among: &[usize]) -> Bits {
        // A site that is not among them is the last of all.
        let place = |site: &usize| among.iter().position(|other| other == site).unwrap_or(among.len());
        Bits(table.iter().map(place).collect())
    }

    fn index(&self, state: usize) -> usize {
        self.0.iter().enumerate().fold(0, |index, (bit, place)| index | (state >> place & 1) << bit)
    }
}

impl Table {
    /// The sum over the spin of a site with its field, its bonds and the tables that it is in, over the sites
    /// `around`.
    fn without(around: Vec<usize>, field: f64, odds: &[(usize, f64)], tables: &[Table]) -> Table {
        let up = 1 << around.len();
        let bits: Vec<Bits> = tables.iter().map(|table| Bits::of(&table.sites, &around)).collect();
        let sites: Vec<usize> = odds.iter().map(|(j, _)| *j).collect();
        let places = Bits::of(&sites, &around);
        let entry = |state: usize| {
            let spin = |place: &usize| if state >> place & 1 == 1 { 1.0 } else { -1.0 };
            let local: f64 = field + places.0.iter().zip(odds).map(|(at, (_, b))| b * spin(at)).sum::<f64>();
            let of_tables = |state: usize| -> f64 {
                tables.iter().zip(&bits).map(|(table, bits)| table.values[bits.index(state)]).sum()
            };
            let down = of_tables(state) - local;
            let up = of_tables(state | up) + local;
            down.max(up) + (-(down - up).abs()).exp().ln_1p()
        };
        let mut values = vec![0.0; up];
        values.par_chunks_mut(TASK).enumerate().for_each(|(task, part)| {
            part.iter_mut().enumerate().for_each(|(at, value)| *value = entry(task * TASK + at));
        });
        Table { sites: around, values }
    }

    /// Adds a table over some of its sites.
    fn add(&mut self, other: &Table) {
        let bits = Bits::of(&other.sites, &self.sites);
        self.values.par_chunks_mut(TASK).enumerate().for_each(|(task, part)| {
            let values = part.iter_mut().enumerate();
            values.for_each(|(at, value)| *value += other.values[bits.index(task * TASK + at)]);
        });
    }
}
