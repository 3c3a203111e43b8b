//! log Z of an Ising model without sampling: by the cheapest of the ways that apply, or not at all.
//!
//! log Z is that of p(x) = exp(-β E(x)) / Z, in nats: at β = 0 it is ln 2 for each site.

mod elimination;
mod enumeration;
mod kaufman;
mod moments;
mod transfer;

pub use elimination::log_z_by_elimination;
pub use enumeration::{MOST_ENUMERATED_SITES, log_z_by_enumeration};
pub use kaufman::{TorusExact, log_z_by_kaufman, torus_exact};
pub use moments::{IsingMoments, moments};
pub use transfer::log_z_by_transfer_matrix;

use serde::Serialize;

use super::lattice::IsingModel;
use crate::error::{Error, Result};

/// How an exact log Z is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExactMethod {
    /// The sum over all states.
    Enumeration,
    /// Site after site of any graph.
    Elimination,
    /// Site by site along a strip.
    TransferMatrix,
    /// The closed form of the torus without a field.
    Kaufman,
}

impl ExactMethod {
    /// Its name in reports: `enumeration`, `elimination`, `transfer-matrix` or `kaufman`.
    pub fn name(self) -> &'static str {
        match self {
            ExactMethod::Enumeration => "enumeration",
            ExactMethod::Elimination => "elimination",
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

impl ExactLogZ {
    /// What was done, in words.
    pub fn described(&self, model: &IsingModel) -> String {
        match self.method {
            ExactMethod::Enumeration => format!("all 2^{} states", model.sites()),
            ExactMethod::Elimination => "sites summed out one after another".to_string(),
            ExactMethod::TransferMatrix => "site by site along the strip".to_string(),
            ExactMethod::Kaufman => "Kaufman's formula for the torus without a field".to_string(),
        }
    }
}

/// By how much an entry of a table costs more than a state of an enumeration or an entry of a strip, log2.
const LOG2_OF_ENTRY: f64 = 8.0;

/// log Z by the cheapest exact way: Kaufman's formula for a torus of one coupling without a field, else
/// enumeration, the transfer matrix or elimination, whichever takes the fewest operations.
///
/// # Errors
/// An input error that names the cost if none of them is affordable.
pub fn exact_log_z(model: &IsingModel) -> Result<ExactLogZ> {
    if let Ok(log_z) = log_z_by_kaufman(model) {
        return Ok(ExactLogZ { log_z, method: ExactMethod::Kaufman });
    }
    let by_enumeration = (model.sites() <= MOST_ENUMERATED_SITES).then_some(model.sites() as f64);
    let by_transfer = transfer::cost(model).filter(|cost| cost.affordable()).map(|cost| cost.log2_operations);
    let by_elimination = elimination::order(model).map(|order| order.log2_entries + LOG2_OF_ENTRY);
    let ways = [
        (by_transfer, ExactMethod::TransferMatrix),
        (by_enumeration, ExactMethod::Enumeration),
        (by_elimination, ExactMethod::Elimination),
    ];
    let affordable = ways.into_iter().filter_map(|(cost, method)| cost.map(|cost| (cost, method)));
    let Some((_, method)) = affordable.min_by(|(a, _), (b, _)| a.total_cmp(b)) else {
        return Err(refusal(model));
    };
    let log_z = match method {
        ExactMethod::Enumeration => log_z_by_enumeration(model)?,
        ExactMethod::Elimination => log_z_by_elimination(model)?,
        ExactMethod::TransferMatrix => log_z_by_transfer_matrix(model)?,
        ExactMethod::Kaufman => log_z_by_kaufman(model)?,
    };
    Ok(ExactLogZ { log_z, method })
}

fn refusal(model: &IsingModel) -> Error {
    let enumeration = format!("enumeration of 2^{} states", model.sites());
    let strip = transfer::cost(model).map_or(String::new(), |cost| {
        format!(", transfer matrix of 2^{:.0} operations", cost.log2_operations.ceil())
    });
    let most = elimination::MOST_WIDTH;
    Error::input("no exact method is affordable for log Z of this model")
        .found(format_args!("{enumeration}{strip}, elimination with more than {most} neighbours of a site"))
        .expected(format_args!(
            "at most {MOST_ENUMERATED_SITES} sites, a strip of at most 2^{} operations, at most {most} neighbours \
             of a site when it is eliminated, or a torus with a single coupling and no field",
            transfer::MOST_LOG2_OPERATIONS
        ))
        .remedy("use the method ais or bracket")
}

#[cfg(test)]
mod tests;
