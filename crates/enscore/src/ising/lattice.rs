//! The Ising model (Ising 1925) on a grid, a torus or any graph:
//!
//! ```text
//! p(x) = exp(-β E(x)) / Z,   E(x) = -Σ_⟨ij⟩ J_ij x_i x_j - Σ_i h_i x_i,   x_i = ±1.
//! ```
//!
//! x is `[sites]`, on lattices `[height, width]` row-major. J > 0 makes neighbours agree; β is kept
//! apart, so that one model can be studied at many temperatures. On the torus every site has a bond to
//! its right and one downwards (Kaufman 1949): a side of 2 has two bonds between the same sites, and a
//! side of 1 bonds sites to themselves, which adds the constant -J to the energy and moves nothing.

use crate::error::{Error, Result};

/// Sites at most: what fits an index of 31 bits.
const MOST_SITES: usize = 1 << 31;

/// How the sites lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lattice {
    /// Neighbours to the left, right, above and below, none beyond the border.
    Grid {
        /// Rows of sites.
        height: usize,
        /// Columns of sites.
        width: usize,
    },
    /// The same, opposite borders being neighbours.
    Torus {
        /// Rows of sites.
        height: usize,
        /// Columns of sites.
        width: usize,
    },
    /// Sites with any bonds between them.
    Graph {
        /// The number of sites.
        sites: usize,
    },
}

impl std::fmt::Display for Lattice {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Lattice::Grid { height, width } => write!(f, "a grid of {height} x {width} sites"),
            Lattice::Torus { height, width } => write!(f, "a torus of {height} x {width} sites"),
            Lattice::Graph { sites } => write!(f, "a graph of {sites} sites"),
        }
    }
}

/// The couplings J of a lattice, in units of energy.
#[derive(Clone, Debug, PartialEq)]
pub enum Coupling {
    /// The same for every bond.
    Uniform(f64),
    /// One for each bond, row-major.
    PerBond {
        /// J of each site and its right neighbour: `[height, width]` on the torus, `[height, width - 1]` on
        /// the grid.
        right: Vec<f64>,
        /// J of each site and the one below: `[height, width]` on the torus, `[height - 1, width]` on the
        /// grid.
        down: Vec<f64>,
    },
}

/// The field h, in units of energy.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// The same at every site.
    Uniform(f64),
    /// One for each site: `[sites]`.
    PerSite(Vec<f64>),
}

/// A bond of a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// The two sites.
    pub sites: [usize; 2],
    /// The coupling J of the bond.
    pub coupling: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Bonds {
    Lattice(Coupling),
    List(Vec<Bond>),
}

/// An Ising model at an inverse temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct IsingModel {
    lattice: Lattice,
    bonds: Bonds,
    field: Field,
    beta: f64,
}

impl IsingModel {
    /// The model on a grid of `height` x `width` sites without a wrap.
    ///
    /// # Errors
    /// An input error if a side is 0 or there are 2^31 sites or more; if arrays have other sizes than the
    /// lattice; if a number is not finite, `beta` is negative or the energies overflow.
    pub fn grid(height: usize, width: usize, coupling: Coupling, field: Field, beta: f64) -> Result<Self> {
        IsingModel::on_lattice(Lattice::Grid { height, width }, coupling, field, beta)
    }

    /// The model on a torus of `height` x `width` sites.
    ///
    /// # Errors
    /// As [`IsingModel::grid`].
    pub fn torus(height: usize, width: usize, coupling: Coupling, field: Field, beta: f64) -> Result<Self> {
        IsingModel::on_lattice(Lattice::Torus { height, width }, coupling, field, beta)
    }

    /// The model on any graph; parallel bonds add up.
    ///
    /// # Errors
    /// As [`IsingModel::grid`]; if a bond names a site that there is not, or joins a site to itself.
    pub fn graph(sites: usize, bonds: Vec<Bond>, field: Field, beta: f64) -> Result<Self> {
        for (index, bond) in bonds.iter().enumerate() {
            let [i, j] = bond.sites;
            if i >= sites || j >= sites {
                return Err(Error::input("a bond has a site out of range")
                    .at(format_args!("bond {index}"))
                    .found(format_args!("sites {i} and {j}"))
                    .expected(format_args!("sites below {sites}")));
            }
            if i == j {
                return Err(Error::input("a bond joins a site to itself")
                    .at(format_args!("bond {index}"))
                    .found(format_args!("site {i} twice"))
                    .expected("two sites"));
            }
            finite(bond.coupling, "the coupling", || format!("bond {index}"))?;
        }
        IsingModel::checked(Lattice::Graph { sites }, Bonds::List(bonds), field, beta)
    }

    /// The model with the couplings J of all pairs, `coupling` `[sites, sites]`: symmetric, zero on the
    /// diagonal. Zeros are no bonds.
    ///
    /// # Errors
    /// As [`IsingModel::graph`]; if the matrix is not of `sites` x `sites`, not symmetric, or has a diagonal.
    pub fn dense(sites: usize, coupling: &[f64], field: Field, beta: f64) -> Result<Self> {
        if sites.checked_mul(sites) != Some(coupling.len()) {
            return Err(Error::input("the matrix of couplings does not match the model in size")
                .found(format_args!("{} numbers", coupling.len()))
                .expected(format_args!("{sites} x {sites}")));
        }
        let mut bonds = Vec::new();
        for i in 0..sites {
            for j in 0..=i {
                let lower = coupling[i * sites + j];
                let upper = coupling[j * sites + i];
                finite(lower, "the coupling", || format!("row {i}, column {j}"))?;
                finite(upper, "the coupling", || format!("row {j}, column {i}"))?;
                if lower != upper {
                    return Err(Error::input("the matrix of couplings is not symmetric")
                        .at(format_args!("row {i}, column {j}"))
                        .found(lower)
                        .expected(format_args!("{upper}, as in row {j}, column {i}")));
                }
                if lower != 0.0 {
                    if i == j {
                        return Err(Error::input("a bond joins a site to itself")
                            .at(format_args!("row {i}, column {i}"))
                            .found(lower)
                            .expected("0 on the diagonal"));
                    }
                    bonds.push(Bond { sites: [j, i], coupling: lower });
                }
            }
        }
        IsingModel::checked(Lattice::Graph { sites }, Bonds::List(bonds), field, beta)
    }

    fn on_lattice(lattice: Lattice, coupling: Coupling, field: Field, beta: f64) -> Result<Self> {
        if let Coupling::PerBond { right, down } = &coupling {
            for (name, values, [rows, columns]) in
                [("right", right, lattice.right_shape()), ("down", down, lattice.down_shape())]
            {
                if rows.checked_mul(columns) != Some(values.len()) {
                    return Err(Error::input("the couplings don't match the bonds in number")
                        .at(name)
                        .found(format_args!("{} numbers", values.len()))
                        .expected(format_args!("{rows} x {columns}")));
                }
            }
        }
        IsingModel::checked(lattice, Bonds::Lattice(coupling), field, beta)
    }

    fn checked(lattice: Lattice, bonds: Bonds, field: Field, beta: f64) -> Result<Self> {
        let sites = match lattice {
            Lattice::Graph { sites } => Some(sites),
            Lattice::Grid { height, width } | Lattice::Torus { height, width } => height.checked_mul(width),
        };
        if !sites.is_some_and(|sites| sites > 0 && sites < MOST_SITES) {
            return Err(Error::input("unsupported lattice size")
                .found(lattice)
                .expected("at least one site and fewer than 2^31"));
        }
        let model = IsingModel { lattice, bonds, field, beta };
        model.check_numbers()?;
        model.at_beta(beta)
    }

    fn check_numbers(&self) -> Result<()> {
        match &self.bonds {
            Bonds::Lattice(Coupling::Uniform(j)) => finite(*j, "the coupling", String::new)?,
            Bonds::Lattice(Coupling::PerBond { right, down }) => {
                for (name, values) in [("right", right), ("down", down)] {
                    for (index, value) in values.iter().enumerate() {
                        finite(*value, "the coupling", || format!("{name}, bond {index}"))?;
                    }
                }
            }
            Bonds::List(_) => {}
        }
        match &self.field {
            Field::Uniform(h) => finite(*h, "the field", String::new),
            Field::PerSite(h) if h.len() != self.sites() => {
                Err(Error::input("the field does not match the lattice in size")
                    .found(format_args!("{} numbers", h.len()))
                    .expected(format_args!("{} sites", self.sites())))
            }
            Field::PerSite(h) => h
                .iter()
                .enumerate()
                .try_for_each(|(site, h)| finite(*h, "the field", || format!("site {site}"))),
        }
    }

    /// The same couplings and field at another inverse temperature, 0 or more.
    ///
    /// # Errors
    /// An input error if `beta` is negative or not finite, or β Σ(|J| + |h|) overflows.
    pub fn at_beta(mut self, beta: f64) -> Result<Self> {
        if !(beta.is_finite() && beta >= 0.0) {
            return Err(Error::input("invalid inverse temperature")
                .at("beta")
                .found(beta)
                .expected("a finite number, at least 0")
                .remedy("use negative couplings for neighbours that favour disagreement"));
        }
        let mut total: f64 = (0..self.sites()).map(|site| self.field_at(site).abs()).sum();
        self.for_each_bond(|_, _, j| total += j.abs());
        if !(beta * total).is_finite() || !total.is_finite() {
            return Err(Error::input("the energies are too large for double precision")
                .found(format_args!("beta {beta}, sum of couplings and fields {total}"))
                .expected("a finite product"));
        }
        self.beta = beta;
        Ok(self)
    }

    /// How the sites lie.
    pub fn lattice(&self) -> Lattice {
        self.lattice
    }

    /// The number of sites.
    pub fn sites(&self) -> usize {
        match self.lattice {
            Lattice::Grid { height, width } | Lattice::Torus { height, width } => height * width,
            Lattice::Graph { sites } => sites,
        }
    }

    /// The inverse temperature β.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// h of a site, which must be one of the lattice.
    pub fn field_at(&self, site: usize) -> f64 {
        match &self.field {
            Field::Uniform(h) => *h,
            Field::PerSite(h) => h[site],
        }
    }

    /// Whether h is 0 everywhere.
    pub fn has_no_field(&self) -> bool {
        match &self.field {
            Field::Uniform(h) => *h == 0.0,
            Field::PerSite(h) => h.iter().all(|h| *h == 0.0),
        }
    }

    /// J where a lattice's bonds all have the same.
    pub fn uniform_coupling(&self) -> Option<f64> {
        match &self.bonds {
            Bonds::Lattice(Coupling::Uniform(j)) => Some(*j),
            Bonds::Lattice(Coupling::PerBond { right, down }) => {
                let first = *right.first().or(down.first())?;
                right.iter().chain(down).all(|j| *j == first).then_some(first)
            }
            Bonds::List(_) => None,
        }
    }

    /// Calls `visit(i, j, J)` for every bond, in a fixed order. On a torus with a side of 1, i = j.
    pub fn for_each_bond(&self, mut visit: impl FnMut(usize, usize, f64)) {
        let coupling = match &self.bonds {
            Bonds::List(bonds) => {
                return bonds.iter().for_each(|b| visit(b.sites[0], b.sites[1], b.coupling));
            }
            Bonds::Lattice(coupling) => coupling,
        };
        let (Lattice::Grid { height, width } | Lattice::Torus { height, width }) = self.lattice else {
            return;
        };
        let [_, right_columns] = self.lattice.right_shape();
        let [down_rows, _] = self.lattice.down_shape();
        for row in 0..height {
            for column in 0..width {
                let site = row * width + column;
                if column < right_columns {
                    let j = coupling.right(row * right_columns + column);
                    visit(site, row * width + (column + 1) % width, j);
                }
                if row < down_rows {
                    visit(site, (row + 1) % height * width + column, coupling.down(site));
                }
            }
        }
    }

    /// Couplings `[right, down]` of a site of a lattice; 0 where the grid ends and on graphs.
    pub(super) fn couplings_at(&self, row: usize, column: usize) -> [f64; 2] {
        let Bonds::Lattice(coupling) = &self.bonds else { return [0.0; 2] };
        let [_, right_columns] = self.lattice.right_shape();
        let [down_rows, width] = self.lattice.down_shape();
        let right = if column < right_columns { coupling.right(row * right_columns + column) } else { 0.0 };
        let down = if row < down_rows { coupling.down(row * width + column) } else { 0.0 };
        [right, down]
    }

    /// E of `spins` `[sites]`, without β.
    ///
    /// # Errors
    /// An input error if these are not as many spins -1 and 1 as the model has sites.
    pub fn energy(&self, spins: &[i8]) -> Result<f64> {
        self.check_spins(spins)?;
        let mut sum: f64 = spins.iter().enumerate().map(|(i, x)| self.field_at(i) * f64::from(*x)).sum();
        self.for_each_bond(|i, j, coupling| sum += coupling * f64::from(spins[i] * spins[j]));
        Ok(-sum)
    }

    /// f = -β E of `spins` `[sites]`: the unnormalised log density, nats.
    ///
    /// # Errors
    /// As [`IsingModel::energy`].
    pub fn log_density(&self, spins: &[i8]) -> Result<f64> {
        Ok(-self.beta * self.energy(spins)?)
    }

    /// Refuses what is no state of this model.
    ///
    /// # Errors
    /// As [`IsingModel::energy`].
    pub fn check_spins(&self, spins: &[i8]) -> Result<()> {
        check_state(spins, self.sites())
    }
}

/// Refuses spins that are not a state of `sites` sites.
pub(crate) fn check_state(spins: &[i8], sites: usize) -> Result<()> {
    if spins.len() != sites {
        return Err(Error::input("the state does not match the model in size")
            .found(format_args!("{} spins", spins.len()))
            .expected(format_args!("{sites} sites")));
    }
    match spins.iter().position(|spin| spin.unsigned_abs() != 1) {
        Some(site) => Err(Error::input("a value is not a spin")
            .at(format_args!("site {site}"))
            .found(spins[site])
            .expected("-1 or 1")),
        None => Ok(()),
    }
}

impl Lattice {
    /// Rows and columns of sites with a bond to the right.
    fn right_shape(self) -> [usize; 2] {
        match self {
            Lattice::Grid { height, width } => [height, width.saturating_sub(1)],
            Lattice::Torus { height, width } => [height, width],
            Lattice::Graph { .. } => [0, 0],
        }
    }

    /// Rows and columns of sites with a bond downwards.
    fn down_shape(self) -> [usize; 2] {
        match self {
            Lattice::Grid { height, width } => [height.saturating_sub(1), width],
            Lattice::Torus { height, width } => [height, width],
            Lattice::Graph { .. } => [0, 0],
        }
    }
}

impl Coupling {
    fn right(&self, index: usize) -> f64 {
        match self {
            Coupling::Uniform(j) => *j,
            Coupling::PerBond { right, .. } => right[index],
        }
    }

    fn down(&self, index: usize) -> f64 {
        match self {
            Coupling::Uniform(j) => *j,
            Coupling::PerBond { down, .. } => down[index],
        }
    }
}

/// The mean spin of `spins`, the magnetisation per site; 0 of none.
pub fn magnetisation(spins: &[i8]) -> f64 {
    let sum: i64 = spins.iter().map(|x| i64::from(*x)).sum();
    if spins.is_empty() { 0.0 } else { sum as f64 / spins.len() as f64 }
}

fn finite(value: f64, what: &str, place: impl Fn() -> String) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::input(format_args!("{what} is not a number"))
        .at(place())
        .found(value)
        .expected("a finite number"))
}
