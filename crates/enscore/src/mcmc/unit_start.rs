//! Where chains of units start that know nothing: independent units with the data's means on the host, a
//! function of (seed, step, stream, chain).

use enscore_program::random::{Key, normal_row, row_words, uniform};

use crate::model::{UnitBlock, Units};

/// Independent units of a first side: those of the data with the data's means, any further ones with the mean
/// 1/2.
#[derive(Clone, Debug)]
pub struct UnitStart {
    blocks: Vec<UnitBlock>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl UnitStart {
    /// For these units; `mean` and `deviation` are those of the data's elements, which come first.
    pub fn new(blocks: &[UnitBlock], mean: &[f64], deviation: &[f64]) -> Self {
        UnitStart { blocks: blocks.to_vec(), mean: mean.to_vec(), deviation: deviation.to_vec() }
    }

    /// The start of one chain.
    pub fn fill(&self, key: Key, stream: u32, chain: u64, x: &mut [f32]) {
        let mut words = vec![0; x.len()];
        row_words(key, stream, chain, &mut words);
        let mut normal = Vec::new();
        let mut first = 0;
        for block in &self.blocks {
            let places = first..(first + block.width).min(x.len());
            first = places.end;
            if block.units == Units::Bernoulli {
                for i in places {
                    let mean = self.mean.get(i).copied().unwrap_or(0.5);
                    x[i] = f32::from(u8::from(uniform(words[i]) < mean));
                }
                continue;
            }
            if normal.is_empty() {
                normal = vec![0.0; x.len()];
                normal_row(key, stream, chain, &mut normal);
            }
            for i in places {
                let mean = self.mean.get(i).copied().unwrap_or(0.0);
                x[i] = (mean + self.deviation.get(i).copied().unwrap_or(1.0) * normal[i]) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_the_means_of_the_data() {
        let n = 4000;
        let deviation = 2.0;
        let blocks = [
            UnitBlock { width: n, units: Units::Bernoulli },
            UnitBlock { width: n, units: Units::Gaussian { deviation } },
            UnitBlock { width: n, units: Units::Bernoulli },
        ];
        let start = UnitStart::new(&blocks, &vec![0.2; 2 * n], &vec![deviation; 2 * n]);
        let mut x = vec![9.0; 3 * n];
        start.fill(Key::new(1, 2), 3, 4, &mut x);
        for (part, (mean, deviation)) in x.chunks(n).zip([(0.2, 0.4), (0.2, 2.0), (0.5, 0.5)]) {
            let found = part.iter().map(|x| f64::from(*x)).sum::<f64>() / n as f64;
            assert!((found - mean).abs() < 5.0 * deviation / (n as f64).sqrt(), "{found} {mean}");
        }
        assert!(x[..n].iter().chain(&x[2 * n..]).all(|x| *x == 0.0 || *x == 1.0));
    }
}
