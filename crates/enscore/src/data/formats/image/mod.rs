//! Reads pictures: PNG and JPEG, grey or colour, of 8 or 16 bits; in the colours and the size that are
//! asked for.
//!
//! By themselves pictures keep their size. Those of one data set share their colours and depth: if any is
//! in colour all are, if any has 16 bits all have. Transparency is dropped, leaving the colours as they are
//! stored, unless alpha is asked for as a channel.

mod change;
mod jpeg;
mod kind;
mod png;

use std::path::Path;

pub(in crate::data) use self::kind::{Kind, Picture};

use super::input::Input;
use crate::data::Dataset;
use crate::data::reading::{Colour, Reading};
use crate::error::{Error, Result};

/// Whether a file that starts so is a picture of a known kind.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    png::recognises(prefix) || jpeg::recognises(prefix)
}

/// Reads one picture as a data set of one row.
///
/// # Errors
/// When it can't be read, is damaged, or has more than 2^28 values.
pub fn read_image(path: &Path) -> Result<Dataset> {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let input = Input::open(path)?;
    read(&name, input, &Reading::default())
}

/// Reads one picture as a data set of one row.
pub(in crate::data) fn read(name: &str, mut input: Input, reading: &Reading) -> Result<Dataset> {
    let bytes = input.unclaimed_rest()?;
    let place = input.place().to_string();
    let kind = probe(&bytes, &place)?.wanted(reading);
    let (samples, transparent) = decode(&bytes, &place)?.samples(kind, reading, &place)?;
    let data = kind.dataset(name, &place, samples)?.with_row_names(vec![name.to_string()])?;
    Ok(if transparent { data.noted(dropped_alpha(1)) } else { data })
}

/// The kind of a picture, from its header.
pub(in crate::data) fn probe(file: &[u8], place: &str) -> Result<Kind> {
    if png::recognises(file) {
        return png::probe(file, place);
    }
    if jpeg::recognises(file) {
        return jpeg::probe(file, place);
    }
    Err(super::foreign::refusal(file)
        .unwrap_or_else(|| Error::input("not a picture").expected("PNG or JPEG"))
        .at(place))
}

/// Decodes a file.
pub(in crate::data) fn decode(file: &[u8], place: &str) -> Result<Picture> {
    if png::recognises(file) { png::decode(file, place) } else { jpeg::decode(file, place) }
}

/// The note on pictures whose transparency is dropped.
pub(in crate::data) fn dropped_alpha(count: usize) -> String {
    let pictures = if count == 1 { "1 picture".to_string() } else { format!("{count} pictures") };
    format!("transparency is dropped from {pictures} (data.colour = {:?} keeps it)", Colour::Rgba.name())
}

#[cfg(test)]
pub(crate) mod tests;
