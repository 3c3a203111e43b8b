//! Where chains start that know nothing: noise on the host, a function of (seed, step, stream, chain).

use enscore_program::random::{Key, normal_row, row_words, uniform};

use crate::keys::choice;

choice! {
    /// The noise that chains start from.
    StartNoise {
        /// Uniform on the data's range.
        Uniform = "uniform",
        /// Independent normal numbers with each element's mean and standard deviation, kept within the data's
        /// range.
        Gaussian = "gaussian",
    }
}

/// Noise of the size of the data.
#[derive(Clone, Debug)]
pub struct NoiseStart {
    kind: StartNoise,
    /// The least and the greatest value of the data.
    range: [f64; 2],
    /// Of each element; empty unless Gaussian.
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl NoiseStart {
    /// Noise for data of this range; with [`StartNoise::Gaussian`] of these moments of each element.
    pub fn new(kind: StartNoise, range: [f64; 2], mean: &[f64], deviation: &[f64]) -> Self {
        NoiseStart { kind, range, mean: mean.to_vec(), deviation: deviation.to_vec() }
    }

    /// The start of one chain.
    pub fn fill(&self, key: Key, stream: u32, chain: u64, x: &mut [f32]) {
        let [low, high] = self.range;
        if self.kind == StartNoise::Gaussian && self.mean.len() == x.len() && self.deviation.len() == x.len()
        {
            let mut z = vec![0.0; x.len()];
            normal_row(key, stream, chain, &mut z);
            for (i, (x, z)) in x.iter_mut().zip(z).enumerate() {
                *x = (self.mean[i] + self.deviation[i] * z).clamp(low, high) as f32;
            }
            return;
        }
        let mut words = vec![0; x.len()];
        row_words(key, stream, chain, &mut words);
        x.iter_mut().zip(&words).for_each(|(x, word)| *x = (low + (high - low) * uniform(*word)) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_range_are_those_asked_for() {
        let n = 20_000;
        let uniform = NoiseStart::new(StartNoise::Uniform, [-1.0, 3.0], &[], &[]);
        let gaussian = NoiseStart::new(StartNoise::Gaussian, [-9.0, 9.0], &vec![1.0; n], &vec![0.5; n]);
        for (noise, mean, variance) in [(uniform, 1.0, 16.0 / 12.0), (gaussian, 1.0, 0.25)] {
            let mut x = vec![0.0; n];
            noise.fill(Key::new(3, 1), 5, 7, &mut x);
            let found = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n as f64;
            let square = x.iter().map(|x| (f64::from(*x) - found).powi(2)).sum::<f64>() / n as f64;
            assert!((found - mean).abs() < 5.0 * f64::sqrt(variance / n as f64), "{found}");
            assert!((square / variance - 1.0).abs() < 5.0 * f64::sqrt(2.0 / n as f64), "{square}");
        }
        let narrow = NoiseStart::new(StartNoise::Gaussian, [0.0, 1.0], &[0.0; 50], &[1.0; 50]);
        let mut x = vec![7.0; 50];
        narrow.fill(Key::new(3, 1), 5, 7, &mut x);
        assert!(x.iter().all(|x| (0.0..=1.0).contains(x)) && x.iter().any(|x| *x > 0.0));
    }
}
