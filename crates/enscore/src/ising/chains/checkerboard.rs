//! Sweeps over the two colours of the checkerboard with 64 spins a word ([`crate::executor::spins`]), for a
//! torus of one coupling without a field: all sites of one colour are independent given those of the other.
//!
//! Acceptance probabilities are exact to 2^-64. Large lattices are shared between the threads of the current
//! pool; the spins don't depend on how many there are.

use enscore_program::random::Key;

use crate::error::{Error, Result};
use crate::executor::spins::{Instructions, PackedTorus, Rule, SIDE_MULTIPLE};
use crate::ising::{IsingModel, Lattice};

/// A chain with its state.
#[derive(Clone, Debug)]
pub struct Checkerboard {
    torus: PackedTorus,
    rule: Rule,
    coupling: f64,
    beta: f64,
    path: Instructions,
}

impl Checkerboard {
    /// A chain of `model` from `spins` `[height, width]`.
    ///
    /// # Errors
    /// An input error if the model is no torus of one coupling without a field, if a side is no multiple of
    /// 16, or if `spins` is no state of it.
    pub fn new(model: &IsingModel, rule: Rule, spins: &[i8]) -> Result<Checkerboard> {
        model.check_spins(spins)?;
        let expected = "a torus with a single coupling, no field, and sides that are multiples of";
        let refused = || {
            Error::input("checkerboard sweeps don't apply to this model")
                .found(model.lattice())
                .expected(format_args!("{expected} {SIDE_MULTIPLE}"))
                .remedy("use single-site sweeps, which work for any model")
        };
        let (Lattice::Torus { height, width }, Some(coupling), true) =
            (model.lattice(), model.uniform_coupling(), model.has_no_field())
        else {
            return Err(refused());
        };
        let torus = PackedTorus::pack(height, width, spins).ok_or_else(refused)?;
        Ok(Checkerboard { torus, rule, coupling, beta: model.beta(), path: Instructions::current() })
    }

    /// Updates every site once, with the draws of the key's seed, step and row.
    pub fn sweep(&mut self, key: Key) {
        self.torus.sweep(self.path, self.rule, self.beta * self.coupling, key);
    }

    /// E of the state, without β.
    pub fn energy(&self) -> f64 {
        -self.coupling * self.torus.bonds() as f64
    }

    /// The mean spin of the state.
    pub fn magnetisation(&self) -> f64 {
        let [height, width] = self.torus.shape();
        self.torus.sum() as f64 / (height * width) as f64
    }

    /// The state, `[height, width]`.
    pub fn spins(&self) -> Vec<i8> {
        self.torus.unpack()
    }
}
