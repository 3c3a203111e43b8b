//! Analytic densities without parameters: noise for contrastive estimation, proposals, known targets. Each is
//! normalised, can be sampled inside programs from a key, and can be evaluated on the host. Images are
//! flattened.

mod expectation_maximisation;
mod factor;
mod gaussian;
mod mixture;
mod student_t;
mod uniform;

pub use expectation_maximisation::{Component as GaussianComponent, Covariance};
pub(super) use expectation_maximisation::{floor_of, start, step};
pub(super) use factor::Factor;
pub use gaussian::Gaussian;
pub(super) use gaussian::{covariance_about, mean_of};
pub use mixture::GaussianMixture;
pub use student_t::StudentT;
pub use uniform::Uniform;

use enscore_program::Var;

use crate::error::{Error, Result};

/// x `[n, ..]` as `[n, d]`.
fn flat(x: Var) -> Var {
    let shape = x.shape();
    let rows = shape.first().copied().unwrap_or(0);
    x.reshape(&[rows, shape.iter().skip(1).product()])
}

/// Checks one value for each element of a row: finite numbers.
fn check_elements(what: &str, values: &[f64], row_shape: &[usize]) -> Result<()> {
    let row_len: usize = row_shape.iter().product();
    if row_len == 0 || values.len() != row_len {
        return Err(Error::input("the density does not match its rows")
            .at(what)
            .found(format!("{} values for rows of shape {row_shape:?}", values.len()))
            .expected("one value per element, and at least one element"));
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::input("a density needs finite numbers")
            .at(format!("{what}, element {at}"))
            .found(values[at])),
        None => Ok(()),
    }
}

/// Checks data that a density is fitted to, and the factor that widens it: the number of rows.
fn check_rows(rows: &[f64], row_shape: &[usize], widen: f64) -> Result<usize> {
    let row_len: usize = row_shape.iter().product();
    if row_len == 0 || rows.is_empty() || !rows.len().is_multiple_of(row_len) {
        return Err(Error::input("can't fit a density to this data")
            .found(format!("{} values for rows of shape {row_shape:?}", rows.len()))
            .expected("at least one row, and only whole rows"));
    }
    if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
        return Err(Error::input("can't fit a density to this data")
            .at(format!("row {}, element {}", at / row_len, at % row_len))
            .found(rows[at])
            .expected("finite numbers"));
    }
    if !(widen.is_finite() && widen > 0.0) {
        return Err(Error::input("can't widen a density by this factor")
            .at("widen")
            .found(widen)
            .expected("a finite number above 0"));
    }
    Ok(rows.len() / row_len)
}
