//! log Z of an Ising model without sampling: by the cheapest of the ways that apply, or not at all.
//!
//! log Z is that of p(x) = exp(-β E(x)) / Z, in nats: at β = 0 it is ln 2 for each site.

mod enumeration;
mod kaufman;
mod moments;
mod transfer;

pub use enumeration::{MOST_ENUMERATED_SITES, log_z_by_enumeration};
pub use kaufman::{TorusExact, log_z_by_kaufman, torus_exact};
pub use moments::{IsingMoments, moments};
pub use transfer::log_z_by_transfer_matrix;

use serde::Serialize;

use super::lattice::{IsingModel, Lattice};
use crate::error::{Error, Result};

/// How an exact log Z is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExactMethod {
    /// The sum over all states.
    Enumeration,
    /// Site by site along a strip.
    TransferMatrix,
    /// The closed form of the torus without a field.
    Kaufman,
}

impl ExactMethod {
    /// Its name in reports: `enumeration`, `transfer-matrix` or `kaufman`.
    pub fn name(self) -> &'static str {
        match self {
            ExactMethod::Enumeration => "enumeration",
            ExactMethod::TransferMatrix => "transfer-matrix",
            ExactMethod::Kaufman => "kaufman",
        }
    }
}

/// An exact log Z and the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExactLogZ {
    /// log Z, nats.
    pub log_z: f64,
    /// How it was computed.
    pub method: ExactMethod,
}

/// log Z by the cheapest exact way: Kaufman's formula for a torus of one coupling without a field, else
/// enumeration or the transfer matrix, whichever takes fewer operations.
///
/// # Errors
/// An input error that names the cost if none of them is affordable.
pub fn exact_log_z(model: &IsingModel) -> Result<ExactLogZ> {
    if let Ok(log_z) = log_z_by_kaufman(model) {
        return Ok(ExactLogZ { log_z, method: ExactMethod::Kaufman });
    }
    let by_enumeration = model.sites() <= MOST_ENUMERATED_SITES;
    let transfer = transfer::cost(model).filter(|cost| cost.affordable());
    match transfer {
        Some(cost) if !by_enumeration || cost.log2_operations < model.sites() as f64 => {
            let log_z = log_z_by_transfer_matrix(model)?;
            Ok(ExactLogZ { log_z, method: ExactMethod::TransferMatrix })
        }
        _ if by_enumeration => {
            let log_z = log_z_by_enumeration(model)?;
            Ok(ExactLogZ { log_z, method: ExactMethod::Enumeration })
        }
        _ => Err(refusal(model)),
    }
}

fn refusal(model: &IsingModel) -> Error {
    let enumeration = format!("enumeration of 2^{} states", model.sites());
    let found = match (transfer::cost(model), model.lattice()) {
        (Some(cost), _) => {
            format!("{enumeration}, transfer matrix of 2^{:.0} operations", cost.log2_operations.ceil())
        }
        (None, Lattice::Graph { .. }) => format!("{enumeration}; a graph has no transfer matrix"),
        (None, _) => enumeration,
    };
    Error::input("no exact method is affordable for log Z of this model")
        .found(found)
        .expected(format_args!(
            "at most {MOST_ENUMERATED_SITES} sites, a strip of at most 2^{} operations, or a torus with a single coupling and \
             no field",
            transfer::MOST_LOG2_OPERATIONS
        ))
        .remedy("estimate it by annealed importance sampling")
}

#[cfg(test)]
mod tests;
