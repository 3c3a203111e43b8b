//! What the host computes before each step: the learning rate and the decay of the moving average.

use std::f64::consts::PI;

pub use crate::settings::Decay;

/// The learning rate over a run: a linear rise over the first steps, then a fall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// The rate between rise and fall, in units of the parameters per step of Adam.
    pub peak: f64,
    /// Steps of linear rise: step t has t / warmup_steps of the rate. 0: none.
    pub warmup_steps: u64,
    /// How it falls.
    pub decay: Decay,
    /// The fraction of the peak that is left at the end, in [0, 1].
    pub final_fraction: f64,
}

impl LearningRate {
    /// The rate at `step` = 1, 2, .. when `progress` in [0, 1] of the run is over, by steps or by time.
    /// Progress outside (or NaN) is taken for the nearest end (the start).
    pub fn at(&self, step: u64, progress: f64) -> f64 {
        let progress = if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) };
        let rise = step as f64 / self.warmup_steps.max(1) as f64;
        let left = match self.decay {
            Decay::None => return self.peak * rise.min(1.0),
            Decay::Cosine => 0.5 * (1.0 + (PI * progress).cos()),
            Decay::Linear => 1.0 - progress,
        };
        self.peak * rise.min(1.0) * (self.final_fraction + (1.0 - self.final_fraction) * left)
    }
}

/// min(decay, (1 + t) / (10 + t)) after `step` = t steps: a young average forgets its start sooner.
pub fn average_decay(decay: f64, step: u64) -> f64 {
    decay.min((1.0 + step as f64) / (10.0 + step as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(decay: Decay) -> LearningRate {
        LearningRate { peak: 2.0, warmup_steps: 10, decay, final_fraction: 0.1 }
    }

    #[test]
    fn the_rise_is_linear_and_ends() {
        let constant = rate(Decay::None);
        assert_eq!(constant.at(1, 0.0), 0.2);
        assert_eq!(constant.at(5, 0.0), 1.0);
        assert_eq!(constant.at(10, 0.0), 2.0);
        assert_eq!(constant.at(1000, 1.0), 2.0);
        let at_once = LearningRate { warmup_steps: 0, ..constant };
        assert_eq!(at_once.at(1, 0.0), 2.0);
    }

    #[test]
    fn the_fall_ends_at_the_final_fraction() {
        for decay in [Decay::Cosine, Decay::Linear] {
            assert_eq!(rate(decay).at(100, 0.0), 2.0);
            assert!((rate(decay).at(100, 0.5) - 1.1).abs() < 1e-12);
            assert!((rate(decay).at(100, 1.0) - 0.2).abs() < 1e-12);
        }
        assert!(rate(Decay::Cosine).at(100, 0.25) > rate(Decay::Linear).at(100, 0.25));
    }

    #[test]
    fn progress_outside_the_run_is_an_end() {
        let linear = rate(Decay::Linear);
        assert_eq!(linear.at(100, -1.0), linear.at(100, 0.0));
        assert_eq!(linear.at(100, 7.0), linear.at(100, 1.0));
        assert_eq!(linear.at(100, f64::NAN), linear.at(100, 0.0));
        assert_eq!(linear.at(100, f64::INFINITY), linear.at(100, 1.0));
    }

    #[test]
    fn a_young_average_decays_faster() {
        assert_eq!(average_decay(0.999, 0), 0.1);
        assert_eq!(average_decay(0.999, 8), 0.5);
        assert_eq!(average_decay(0.999, 1_000_000), 0.999);
        assert_eq!(average_decay(0.0, 5), 0.0);
    }
}
