//! The committed cases whose values are known exactly or were computed in two ways that agree.
#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(clippy::unwrap_used, reason = "test code")]

use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

static CASES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../oracles/cases.json")).expect("cases.json is JSON")
});

/// The case `id`: an object with `params`, `value` and how it was computed.
pub fn case(id: &str) -> Value {
    let cases = CASES["cases"].as_array().expect("cases.json holds a list of cases");
    cases.iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no case {id}")).clone()
}

/// A number.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// All numbers of a number, an array or an array of arrays, row-major.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(array) => array.iter().flat_map(numbers).collect(),
        None => vec![number(value)],
    }
}

/// The numbers of a case's `value`.
pub fn expected(id: &str) -> Vec<f64> {
    numbers(&case(id)["value"])
}

/// Asserts that every number agrees within `tolerance`, relative to its size or 1e-12 absolutely.
pub fn assert_close(id: &str, found: &[f64], tolerance: f64) {
    let expected = expected(id);
    assert_eq!(found.len(), expected.len(), "{id}: wrong number of values");
    for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
        assert!((f - e).abs() <= tolerance * e.abs() + 1e-12, "{id}[{i}]: found {f}, expected {e}");
    }
}

/// The bytes of a data file in `shared/data` beside the workspace or above it, or none, said on stderr.
pub fn shared_data(name: &str) -> Option<Vec<u8>> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let bytes =
        above.map(|folder| folder.join("shared/data").join(name)).find_map(|path| std::fs::read(path).ok());
    if bytes.is_none() {
        eprintln!("skipped: ../shared/data/{name} is missing");
    }
    bytes
}

/// The levels of an IDX file of bytes with three dimensions, as f32.
pub fn idx_levels(bytes: &[u8]) -> Vec<f32> {
    bytes[16..].iter().map(|b| f32::from(*b)).collect()
}
