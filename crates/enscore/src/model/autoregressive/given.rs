//! What of a row may be known to a model that draws in an order.

use crate::error::{Error, Result};
use crate::model::traits::Given;

/// Refuses known values behind unknown ones in the order of `elements`: what follows of them can't be drawn.
pub(super) fn refuse_late(given: &Given, elements: impl Iterator<Item = usize>) -> Result<()> {
    let mut unknown = None;
    for element in elements {
        let known = given.known.get(element).copied().unwrap_or(false);
        match (known, unknown) {
            (false, None) => unknown = Some(element),
            (true, Some(first)) => {
                return Err(Error::input("known values must come first in the model's order")
                    .at(format!("value {element}"))
                    .found(format!("known, after value {first}, which is not"))
                    .expected("the unknown values behind the known ones"));
            }
            _ => {}
        }
    }
    Ok(())
}
