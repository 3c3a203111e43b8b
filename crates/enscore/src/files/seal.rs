//! Text files that say by themselves whether they are as they were written: the last lines hold a SHA-256 of
//! what stands before them. Files without one, which older versions wrote, are taken as they are.

use serde::Serialize;

use super::hash::sha256;
use crate::error::{Error, Reason, Result};

/// What stands before the hash of a JSON object, whose last key it is, and behind it.
const JSON: [&str; 2] = [",\n  \"sha256\": \"", "\"\n}\n"];
/// The same of a text with comments.
const LINE: [&str; 2] =
    ["# sha256 ", ": the lines above are checked; override a setting, don't edit it here\n"];

/// `object` as JSON text, its keys in the order of its fields, with its hash as last key.
///
/// # Errors
/// What is no JSON object, or an empty one.
pub(crate) fn sealed_json(object: &impl Serialize) -> Result<Vec<u8>> {
    let failed = || Error::run("can't write JSON");
    let text = serde_json::to_string_pretty(object).map_err(|reason| failed().found_error(reason))?;
    let Some(body) = text.strip_suffix("\n}") else { return Err(failed().expected("an object with keys")) };
    Ok(sealed(body, JSON))
}

/// The text with a last line that holds its hash.
pub(crate) fn sealed_text(text: &str) -> Vec<u8> {
    sealed(text, LINE)
}

fn sealed(body: &str, [before, behind]: [&str; 2]) -> Vec<u8> {
    format!("{body}{before}{}{behind}", sha256(body.as_bytes())).into_bytes()
}

/// Refuses JSON that was changed since it was written; `place` names it.
///
/// # Errors
/// [`Reason::Damaged`].
pub(crate) fn check_json(bytes: &[u8], place: &str) -> Result<()> {
    check(bytes, JSON, place)
}

/// Refuses a text that was changed since it was written.
///
/// # Errors
/// [`Reason::Damaged`].
pub(crate) fn check_text(bytes: &[u8], place: &str) -> Result<()> {
    check(bytes, LINE, place)
}

fn check(bytes: &[u8], [before, behind]: [&str; 2], place: &str) -> Result<()> {
    let mut places = bytes.windows(before.len());
    let Some(end) = places.rposition(|window| window == before.as_bytes()) else { return Ok(()) };
    let expected = sha256(&bytes[..end]) + behind;
    if bytes[end + before.len()..] == *expected.as_bytes() {
        return Ok(());
    }
    Err(Error::new(Reason::Damaged, "the file was changed after it was written")
        .at(place)
        .found("contents that differ from their checksum")
        .remedy("restore the file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flip of any bit is refused, or leaves what the file says.
    #[test]
    fn every_flip_is_refused_or_harmless() {
        let json = sealed_json(&serde_json::json!({ "a": 1.25, "b": [3, "x"] })).unwrap();
        let text = sealed_text("[train]\nsteps = 10\n");
        let value = |bytes: &[u8]| {
            let mut value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
            value.as_object_mut()?.retain(|key, _| ["a", "b"].contains(&key.as_str()));
            Some(value)
        };
        let table = |bytes: &[u8]| toml::from_str::<toml::Table>(std::str::from_utf8(bytes).ok()?).ok();
        check_json(&json, "x").unwrap();
        check_text(&text, "x").unwrap();
        for bit in 0..8 * json.len().max(text.len()) {
            let flipped = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                bytes.get_mut(bit / 8).map(|byte| *byte ^= 1 << (bit % 8)).map(|()| bytes)
            };
            let harmless = |same: bool, refused: bool| assert!(same || refused, "bit {bit}");
            if let Some(json_now) = flipped(&json) {
                let found = value(&json_now);
                harmless(found.is_none() || found == value(&json), check_json(&json_now, "x").is_err());
            }
            if let Some(text_now) = flipped(&text) {
                let found = table(&text_now);
                harmless(found.is_none() || found == table(&text), check_text(&text_now, "x").is_err());
            }
        }
    }

    #[test]
    fn files_of_older_versions_are_taken_as_they_are() {
        check_json(b"{\n  \"a\": 1\n}\n", "x").unwrap();
        check_text(b"a = 1\n", "x").unwrap();
        assert!(sealed_json(&3).is_err());
    }
}
