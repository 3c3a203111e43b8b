//! Where chains start: every element from its own word, with its own moments, every chain from its own row.

use enscore::mcmc::{NoiseStart, StartNoise, UnitStart};
use enscore::model::{UnitBlock, Units};
use enscore_program::random::{Key, normal_row, row_words, uniform};

const KEY: Key = Key { seed: 6, step: 9, row: 0 };
const STREAM: u32 = 77;
const MEAN: [f64; 5] = [0.1, -0.9, 0.5, 0.99, 0.3];
const DEVIATION: [f64; 5] = [0.2, 1.5, 0.01, 3.0, 0.7];
/// Chains whose numbers pass 2^32, as those that start anew have.
const CHAINS: [u64; 4] = [0, 1, 63, (1 << 40) + 3];

fn words(chain: u64, len: usize) -> Vec<f64> {
    let mut words = vec![0; len];
    row_words(KEY, STREAM, chain, &mut words);
    words.into_iter().map(uniform).collect()
}

fn normals(chain: u64, len: usize) -> Vec<f64> {
    let mut z = vec![0.0; len];
    normal_row(KEY, STREAM, chain, &mut z);
    z
}

#[test]
fn chains_start_from_noise_of_the_size_of_the_data() {
    let range = [-1.0, 3.0];
    let filled = |noise: &NoiseStart, chain| {
        let mut x = [9.0f32; 5];
        noise.fill(KEY, STREAM, chain, &mut x);
        x
    };
    for chain in CHAINS {
        let uniform = NoiseStart::new(StartNoise::Uniform, range, &MEAN, &DEVIATION);
        let expected = words(chain, 5).iter().map(|u| (-1.0 + 4.0 * u) as f32).collect::<Vec<_>>();
        assert_eq!(filled(&uniform, chain).to_vec(), expected, "uniform, chain {chain}");
        let gaussian = NoiseStart::new(StartNoise::Gaussian, range, &MEAN, &DEVIATION);
        let z = normals(chain, 5);
        let expected: Vec<f32> =
            (0..5).map(|i| (MEAN[i] + DEVIATION[i] * z[i]).clamp(-1.0, 3.0) as f32).collect();
        assert_eq!(filled(&gaussian, chain).to_vec(), expected, "Gaussian, chain {chain}");
    }
}

/// The data's units come first, with the data's moments; further ones are fair, or standard.
#[test]
fn units_start_at_the_moments_of_the_data() {
    let blocks = [
        UnitBlock { width: 2, units: Units::Bernoulli },
        UnitBlock { width: 2, units: Units::Gaussian { deviation: 5.0 } },
        UnitBlock { width: 2, units: Units::Bernoulli },
        UnitBlock { width: 1, units: Units::Gaussian { deviation: 5.0 } },
    ];
    let start = UnitStart::new(&blocks, &MEAN, &DEVIATION);
    for chain in CHAINS {
        let mut x = [9.0f32; 7];
        start.fill(KEY, STREAM, chain, &mut x);
        let (u, z) = (words(chain, 7), normals(chain, 7));
        let unit = |i: usize, mean: f64| if u[i] < mean { 1.0 } else { 0.0 };
        let expected = [
            unit(0, MEAN[0]),
            unit(1, MEAN[1]),
            (MEAN[2] + DEVIATION[2] * z[2]) as f32,
            (MEAN[3] + DEVIATION[3] * z[3]) as f32,
            unit(4, MEAN[4]),
            unit(5, 0.5),
            z[6] as f32,
        ];
        assert_eq!(x, expected, "chain {chain}");
    }
}
