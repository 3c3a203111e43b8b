//! Independent draws from a key: see [`crate::random`] for the generator.

use super::{Checked, require};
use crate::random::{self, Key};
use crate::value::Array;
use crate::{Kind, Value};

/// The distribution of random elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Standard normal.
    Normal,
    /// Uniform on (0, 1).
    Uniform,
    /// -1 or +1 with equal probability.
    Rademacher,
    /// An index below this bound.
    Index(u32),
}

pub(crate) fn check(distribution: Distribution, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    require(operands[0].0 == Kind::Key, || "draws need a key".into())?;
    require(!shape.is_empty(), || "draws need a first axis: the rows".into())?;
    match distribution {
        Distribution::Index(0) => Err("there is no index below 0".into()),
        Distribution::Index(_) => Ok(Kind::Index),
        _ => Ok(Kind::Float),
    }
}

pub(crate) fn reference(distribution: Distribution, stream: u32, key: &Array, shape: &[usize]) -> Value {
    let key = if let Value::Key(key) = key.value { *key } else { Key::default() };
    let len: usize = shape[1..].iter().product();
    let mut words = vec![0; len];
    let mut floats = Vec::new();
    let mut indices = Vec::new();
    for row in (0..shape[0]).map(|row| key.row + row as u64) {
        random::row_words(key, stream, row, &mut words);
        match distribution {
            Distribution::Normal => {
                let mut normal = vec![0.0; len];
                random::normal_row(key, stream, row, &mut normal);
                floats.extend(normal);
            }
            Distribution::Uniform => floats.extend(words.iter().map(|word| random::uniform(*word))),
            Distribution::Rademacher => floats.extend(words.iter().map(|word| random::rademacher(*word))),
            Distribution::Index(bound) => {
                indices.extend(words.iter().map(|word| random::index(*word, bound) as i32));
            }
        }
    }
    if let Distribution::Index(_) = distribution { Value::Index(indices) } else { Value::Float(floats) }
}
