//! The couplings of a lattice as a model file gives them: one, one a bond, or a matrix of all pairs of sites.

use toml::Value;

use super::reader::Reader;
use crate::error::{Error, Reason, Result};
use crate::ising::Coupling;

impl Reader<'_> {
    /// The couplings of a lattice: one, one a bond, or a matrix of all pairs of sites.
    pub(super) fn coupling(&self, height: usize, width: usize, torus: bool) -> Result<Coupling> {
        let per_bond = self.has("coupling_right") || self.has("coupling_down");
        if per_bond && self.has("coupling") {
            return Err(Error::input("two ways to give the couplings")
                .at(self.place("coupling"))
                .expected("coupling, or coupling_right and coupling_down"));
        }
        if per_bond {
            let right = self.bonds("coupling_right", [height, if torus { width } else { width - 1 }])?;
            let down = self.bonds("coupling_down", [if torus { height } else { height - 1 }, width])?;
            return Ok(Coupling::PerBond { right, down });
        }
        if matches!(self.table.get("coupling"), Some(Value::Array(_) | Value::String(_))) {
            return self.matrix_of_lattice(height, width, torus);
        }
        Ok(Coupling::Uniform(self.number("coupling")?))
    }

    /// A coupling for each of these bonds; where a lattice has none of them the key may be missing.
    pub(super) fn bonds(&self, key: &str, [rows, columns]: [usize; 2]) -> Result<Vec<f64>> {
        if rows * columns == 0 && !self.has(key) {
            return Ok(Vec::new());
        }
        let array = self.array(key, 2)?;
        if array.shape == [rows, columns] {
            return Ok(array.values);
        }
        Err(Error::new(Reason::Shape, "the couplings don't match the bonds of the lattice")
            .at(self.place(key))
            .found(format_args!("shape {:?}", array.shape))
            .expected(format_args!("[{rows}, {columns}]")))
    }

    /// The couplings of a lattice from a symmetric matrix of all pairs of its sites.
    pub(super) fn matrix_of_lattice(&self, height: usize, width: usize, torus: bool) -> Result<Coupling> {
        let matrix = self.array("coupling", 2)?;
        let sites = height * width;
        let wrong = |what: &str| Error::input(what).at(self.place("coupling"));
        if matrix.shape != [sites, sites] {
            return Err(wrong("the matrix of couplings does not match the lattice in size")
                .found(format_args!("shape {:?}", matrix.shape))
                .expected(format_args!("[{sites}, {sites}], or coupling_right and coupling_down")));
        }
        if torus && (height < 3 || width < 3) {
            return Err(wrong("on a torus with a side below 3 sites have several bonds with each other")
                .remedy("use coupling_right and coupling_down"));
        }
        let at = |i: usize, j: usize| matrix.values[i * sites + j];
        let mut left = matrix.values.clone();
        let mut take = |i: usize, j: usize| {
            (left[i * sites + j], left[j * sites + i]) = (0.0, 0.0);
            at(i, j)
        };
        let [rights, downs] = if torus { [width, height] } else { [width - 1, height - 1] };
        let site = |row: usize, column: usize| row % height * width + column % width;
        let right = (0..height).flat_map(|row| (0..rights).map(move |column| (row, column)));
        let right = right.map(|(row, column)| take(site(row, column), site(row, column + 1))).collect();
        let down = (0..downs).flat_map(|row| (0..width).map(move |column| (row, column)));
        let down = down.map(|(row, column)| take(site(row, column), site(row + 1, column))).collect();
        if let Some(place) = left.iter().position(|value| *value != 0.0) {
            let [i, j] = [place / sites, place % sites];
            return Err(wrong("a coupling between sites that are no neighbours on the lattice")
                .found(format_args!("{} in row {i}, column {j}", matrix.values[place]))
                .remedy("use lattice = \"graph\" without a shape"));
        }
        if let Some(place) = (0..sites * sites)
            .find(|place| at(place / sites, place % sites) != at(place % sites, place / sites))
        {
            return Err(wrong("the matrix of couplings is not symmetric").found(format_args!(
                "row {}, column {}",
                place / sites,
                place % sites
            )));
        }
        Ok(Coupling::PerBond { right, down })
    }
}
