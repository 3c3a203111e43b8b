//! Initial values of parameters, each a function of the seed and its own name.

use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Initial, Parameter};

use crate::streams;

/// The values that `parameters` start with, in their order, row-major. A parameter's draws depend on (seed,
/// name) only: adding a layer changes no other layer's start.
pub fn initialise(parameters: &[Parameter], seed: u64) -> Vec<Vec<f32>> {
    parameters.iter().map(|parameter| initial_values(parameter, seed)).collect()
}

fn initial_values(parameter: &Parameter, seed: u64) -> Vec<f32> {
    let size = parameter.size();
    let key = Key::new(seed, 0);
    let row = hash(&parameter.name);
    match &parameter.initial {
        Initial::Constant(value) => vec![*value as f32; size],
        Initial::Values(values) => values.iter().map(|value| *value as f32).collect(),
        Initial::Identity => {
            let columns = parameter.shape.last().copied().unwrap_or(1).max(1);
            let element = |i: usize| f32::from(u8::from(i / columns == i % columns));
            (0..size).map(element).collect()
        }
        Initial::Normal(deviation) => {
            let mut draws = vec![0.0; size];
            normal_row(key, streams::INITIAL, row, &mut draws);
            draws.into_iter().map(|z| (deviation * z) as f32).collect()
        }
        Initial::Uniform(bound) => {
            let mut words = vec![0; size];
            row_words(key, streams::INITIAL, row, &mut words);
            words.into_iter().map(|word| (bound * (2.0 * uniform(word) - 1.0)) as f32).collect()
        }
    }
}

/// FNV-1a of 64 bits (Fowler, Noll and Vo 1991).
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, size: usize, initial: Initial) -> Parameter {
        Parameter { name: name.into(), shape: vec![size], initial }
    }

    #[test]
    fn a_start_depends_on_seed_and_name_only() {
        let [a, b] = ["a", "b"].map(|name| parameter(name, 5, Initial::Normal(1.0)));
        let both = initialise(&[b.clone(), a.clone()], 3);
        assert_eq!(both[1], initialise(std::slice::from_ref(&a), 3)[0]);
        assert_ne!(both[0], both[1]);
        assert_ne!(both[1], initialise(&[a], 4)[0]);
    }

    #[test]
    fn moments_are_those_asked_for() {
        let n = 40_000;
        let cases = [(Initial::Normal(0.3), 0.09), (Initial::Uniform(0.6), 0.12)];
        for (initial, variance) in cases {
            let x = &initialise(&[parameter("weight", n, initial.clone())], 1)[0];
            let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
            let square = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n as f64;
            assert!(mean.abs() < 5.0 * (variance / n as f64).sqrt(), "{initial:?}: mean {mean}");
            // The fourth moment of neither exceeds 3 variance².
            let bound = 5.0 * variance * (2.0 / n as f64).sqrt();
            assert!((square - variance).abs() < bound, "{initial:?}: variance {square}");
        }
        assert_eq!(initialise(&[parameter("scale", 2, Initial::Constant(1.0))], 1)[0], [1.0, 1.0]);
    }

    #[test]
    fn a_matrix_may_start_as_the_identity() {
        let parameter = Parameter { shape: vec![2, 2], ..parameter("precision", 4, Initial::Identity) };
        assert_eq!(initialise(&[parameter], 1)[0], [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_start_may_be_given() {
        let given = parameter("inducing", 2, Initial::Values([0.5, -2.0].into()));
        assert_eq!(initialise(&[given], 1)[0], [0.5, -2.0]);
    }

    /// The first draws under a known name: changing them changes every model that is trained from a seed.
    #[test]
    fn the_first_draws_of_a_parameter_keep_their_values() {
        let first = |initial| initialise(&[parameter("weight", 3, initial)], 1).remove(0);
        let expected = [
            (Initial::Normal(1.0), [-0.2431326, -0.62567437, 1.3866163]),
            (Initial::Uniform(1.0), [0.59656787, 0.38202348, -0.30779693]),
        ];
        for (initial, expected) in expected {
            for (found, expected) in first(initial.clone()).into_iter().zip(expected) {
                // Another platform's sine may round otherwise.
                assert!((found - expected).abs() < 1e-6f32, "{initial:?}: {found} {expected}");
            }
        }
    }
}
