//! A Gaussian factor that confines a density: f(x) - ‖x - c‖² / (2 s²), c the data's mean.
//!
//! A network's log density need not fall far from the data; with this factor, and a network that grows at
//! most linearly, it has a normaliser.

use enscore_program::Var;

use crate::error::{Error, Result};
use crate::keys::{at_least, keys};
use crate::model::tracing::sum_rows;

keys! {
    /// Settings of a model that can be confined.
    ConfinementSettings {
        confinement: f64 = 0.0, at_least(0.0),
            "Standard deviation s of a factor exp(-|x - c|^2 / (2 s^2)) around the data's centre c that makes the density normalisable, in units of the scaled data; 0: no factor.";
    }
}

impl ConfinementSettings {
    /// The factor around the data's mean, if there is one.
    ///
    /// # Errors
    /// As [`Confinement::new`].
    pub fn around(&self, mean: &[f64]) -> Result<Option<Confinement>> {
        (self.confinement > 0.0).then(|| Confinement::new(mean, self.confinement)).transpose()
    }
}

/// The factor exp(-‖x - c‖² / (2 s²)).
#[derive(Clone, Debug, PartialEq)]
pub struct Confinement {
    centre: Vec<f64>,
    deviation: f64,
}

impl Confinement {
    /// Centre c `[elements of a row]` and standard deviation s, in units of the data.
    ///
    /// # Errors
    /// A deviation that is not positive and finite, a centre that is not finite.
    pub fn new(centre: &[f64], deviation: f64) -> Result<Self> {
        if !(deviation.is_finite() && deviation > 0.0) {
            return Err(Error::input("invalid width of the confinement")
                .at("model.confinement")
                .found(deviation)
                .expected("a finite standard deviation above 0"));
        }
        match centre.iter().position(|c| !c.is_finite()) {
            Some(at) => Err(Error::input("invalid centre of the confinement").at(at).found(centre[at])),
            None => Ok(Confinement { centre: centre.to_vec(), deviation }),
        }
    }

    /// The number of elements of a row.
    pub fn row_len(&self) -> usize {
        self.centre.len()
    }

    /// -‖x - c‖² / (2 s²) of each row: x `[batch, ..]` → `[batch]`.
    pub fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        let shape = x.shape();
        let centre = x.scope().table(&self.centre, &[&[1], &shape[1..]].concat());
        sum_rows((x - centre).square()) * (-0.5 / (self.deviation * self.deviation))
    }
}

/// `network` with the factor, where there is one.
pub(super) fn confined<'s>(confinement: &Option<Confinement>, network: Var<'s>, x: Var<'s>) -> Var<'s> {
    match confinement {
        Some(confinement) => network + confinement.log_density(x),
        None => network,
    }
}

/// Refuses a factor for rows of another length.
pub(super) fn check_confinement(confinement: &Option<Confinement>, row_len: usize) -> Result<()> {
    match confinement {
        Some(confinement) if confinement.row_len() != row_len => {
            Err(Error::input("the confinement does not match the rows in size")
                .found(confinement.row_len())
                .expected(row_len))
        }
        _ => Ok(()),
    }
}
