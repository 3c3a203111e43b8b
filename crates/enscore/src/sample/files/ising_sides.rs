//! An Ising model of two colours as a restricted Boltzmann machine, which anneals and enumerates like any
//! other.

use crate::error::Result;
use crate::ising::{IsingModel, Sides, sides};
use crate::model::{Rbm, Units};
use crate::sample::RbmFile;

/// The machine, and the constant, nats: log Z of the Ising model is the machine's plus the constant.
///
/// # Errors
/// As [`sides`].
pub fn ising_sides(model: &IsingModel) -> Result<(RbmFile, f64)> {
    let Sides { weights, visible, hidden, constant } = sides(model)?;
    let machine = Rbm::new(&[visible.len()], hidden.len(), Units::Bernoulli)?;
    Ok((RbmFile { model: machine, values: [weights, visible, hidden], rows: None }, constant))
}
