//! The committed cases whose values are known exactly or were computed in two ways that agree.

use enscore::data::Values;
use serde_json::Value;
use std::io::Read;
use std::sync::LazyLock;

static CASES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../oracles/cases.json")).expect("cases.json is JSON")
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

/// The levels of an IDX file of bytes with three dimensions, as f32.
pub fn idx_levels(bytes: &[u8]) -> Vec<f32> {
    bytes[16..].iter().map(|b| f32::from(*b)).collect()
}

/// The levels of a packed IDX file of MNIST, or none where it is missing.
pub fn mnist_levels(name: &str) -> Option<Vec<f32>> {
    let packed = super::shared::shared_data(&format!("mnist/{name}.gz"))?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    Some(idx_levels(&bytes))
}

/// The levels of all bundled digits, 0 to 16.
pub fn digit_levels() -> Vec<f32> {
    match enscore::data::digits().unwrap().values() {
        Values::U8(levels) => levels.iter().map(|level| f32::from(*level)).collect(),
        other => panic!("not bytes: {} values", other.len()),
    }
}

/// The generator that the cases with noise were made with: x' = 6364136223846793005 x + 1442695040888963407
/// modulo 2^64 from x = seed, uniform numbers (x' >> 11) / 2^53.
pub struct Lcg(pub u64);

impl Lcg {
    /// The next number in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Flips each spin with this probability, in order.
    pub fn flip(mut self, spins: &mut [i8], probability: f64) {
        for spin in spins {
            if self.uniform() < probability {
                *spin = -*spin;
            }
        }
    }
}

/// An entry of the file's own description.
pub fn meta(name: &str) -> Value {
    CASES["meta"][name].clone()
}

/// The ids of all committed cases.
pub fn ids() -> Vec<String> {
    let cases = CASES["cases"].as_array().expect("cases.json holds a list of cases");
    cases.iter().map(|case| case["id"].as_str().expect("an id").to_string()).collect()
}
