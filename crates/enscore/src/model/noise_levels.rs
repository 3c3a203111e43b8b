//! The standard deviations of the noise that a conditional score is trained and sampled at.

use crate::error::{Error, Result};

/// σ_1 > σ_2 > .. > σ_L > 0, in units of the (scaled) data.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseLevels(Vec<f64>);

impl NoiseLevels {
    /// Given levels.
    ///
    /// # Errors
    /// No level, one that is not finite and positive, or levels that don't decrease.
    pub fn new(sigmas: Vec<f64>) -> Result<Self> {
        if let Some(index) = sigmas.iter().position(|sigma| !(sigma.is_finite() && *sigma > 0.0)) {
            return Err(Error::input("a noise level is not positive")
                .at(format!("level {}", index + 1))
                .found(sigmas[index])
                .expected("a finite standard deviation above 0"));
        }
        if let Some(index) = sigmas.windows(2).position(|pair| pair[0] <= pair[1]) {
            return Err(Error::input("noise levels don't decrease")
                .at(format!("levels {} and {}", index + 1, index + 2))
                .found(format!("{} then {}", sigmas[index], sigmas[index + 1]))
                .remedy("list them from the largest to the smallest"));
        }
        match sigmas.is_empty() {
            true => Err(Error::input("there is no noise level").remedy("give one or more")),
            false => Ok(NoiseLevels(sigmas)),
        }
    }

    /// The geometric progression σ_i = first (last / first)^((i-1)/(count-1)) (Song and Ermon 2019, section
    /// 4). A single level is `first`, which must then equal `last`.
    ///
    /// # Errors
    /// As [`NoiseLevels::new`].
    pub fn geometric(first: f64, last: f64, count: usize) -> Result<Self> {
        if count == 1 && first != last {
            return Err(Error::input("one noise level can't be two")
                .found(format!("first {first}, last {last}"))
                .remedy("make them equal, or ask for two levels or more"));
        }
        let position = |i: usize| i as f64 / (count.max(2) - 1) as f64;
        let mut sigmas: Vec<f64> = (0..count).map(|i| first * (last / first).powf(position(i))).collect();
        if let Some(sigma) = sigmas.last_mut() {
            *sigma = last;
        }
        NoiseLevels::new(sigmas)
    }

    /// The levels, from the largest to the smallest.
    pub fn sigmas(&self) -> &[f64] {
        &self.0
    }

    /// σ_L, the smallest.
    pub fn smallest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle `ncsn.sigmas`.
    #[test]
    fn ten_levels_from_1_to_0_01() {
        let expected = [
            1.0,
            0.599484250318941,
            0.35938136638046275,
            0.2154434690031884,
            0.1291549665014884,
            0.0774263682681127,
            0.046415888336127795,
            0.027825594022071246,
            0.016681005372000592,
            0.01,
        ];
        let levels = NoiseLevels::geometric(1.0, 0.01, 10).unwrap();
        for (found, expected) in levels.sigmas().iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(levels.smallest(), 0.01);
    }

    #[test]
    fn wrong_levels_are_refused_by_name() {
        let message = |levels: Result<NoiseLevels>| levels.unwrap_err().to_string();
        assert!(message(NoiseLevels::new(vec![])).contains("no noise level"));
        assert!(message(NoiseLevels::new(vec![1.0, f64::NAN])).contains("level 2"));
        assert!(message(NoiseLevels::new(vec![1.0, 1.0])).contains("levels 1 and 2"));
        assert!(message(NoiseLevels::geometric(0.01, 1.0, 10)).contains("decrease"));
        assert!(message(NoiseLevels::geometric(1.0, 0.0, 10)).contains("not positive"));
        assert!(message(NoiseLevels::geometric(1.0, 0.5, 1)).contains("one noise level"));
        assert!(NoiseLevels::geometric(0.5, 0.5, 1).is_ok());
        assert!(NoiseLevels::geometric(1.0, 0.1, 0).is_err());
    }
}
