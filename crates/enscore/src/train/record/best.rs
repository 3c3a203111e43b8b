//! What validations came to: the best one, how long ago it was, whether the loss has risen since. It is part
//! of the checkpoint, so that a resumed training stops where an uninterrupted one does.

use serde::Serialize;

use crate::checkpoint::{TensorData, Tensors};
use crate::error::Result;

/// The name in a checkpoint.
const NAME: &str = "log.validation";
/// A rise by more than these shares of what the loss had fallen, and of the loss, is worth a word: what is
/// less may be the noise of an update.
const RISE: f64 = 0.05;
const RISE_OF_LOSS: f64 = 0.02;

/// A validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ValidationPoint {
    /// Updates done.
    pub step: u64,
    /// The loss on validation rows, as `validation_loss_per_dim`.
    pub loss: f64,
}

/// The validations of a training so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Best {
    first: Option<ValidationPoint>,
    best: Option<ValidationPoint>,
    last: Option<ValidationPoint>,
    /// Validations since the best one.
    since: u64,
}

impl Best {
    /// Notes a validation; says whether it is the best so far. A training that is resumed at its end
    /// validates the same state again, which counts once.
    pub(super) fn observe(&mut self, step: u64, loss: f64) -> bool {
        if self.last.is_some_and(|last| last.step == step) {
            return false;
        }
        let point = ValidationPoint { step, loss };
        self.first.get_or_insert(point);
        self.last = Some(point);
        let improved = loss.is_finite() && self.best.is_none_or(|best| loss < best.loss);
        if improved {
            self.best = Some(point);
        }
        self.since = if improved { 0 } else { self.since + 1 };
        improved
    }

    /// The best validation, where there was one.
    pub(super) fn point(&self) -> Option<ValidationPoint> {
        self.best
    }

    /// Whether as many validations as `patience` brought nothing better; 0 waits for ever.
    pub(super) fn is_over(&self, patience: u64) -> bool {
        patience > 0 && self.since >= patience
    }

    /// Why a training with patience ends.
    pub(super) fn why_over(&self) -> String {
        let Some(ValidationPoint { step, loss }) = self.best else { return String::new() };
        format!(
            "{} validations without a lower loss than {loss:.4} at step {step}: training stops",
            self.since
        )
    }

    /// A warning where the loss has risen since its best: by more than it moves from one validation to the
    /// next.
    pub(super) fn rise(&self) -> Option<String> {
        let (Some(first), Some(best), Some(last)) = (self.first, self.best, self.last) else { return None };
        let rose = last.loss - best.loss;
        let least = f64::max(RISE * (first.loss - best.loss), RISE_OF_LOSS * best.loss.abs());
        if self.since < 2 || rose.is_nan() || rose <= least {
            return None;
        }
        Some(format!(
            "the validation loss has risen from {:.4} at step {} to {:.4} at step {}: the model overfits; \
             train.keep = \"best\" uses the state of step {}, train.patience stops there",
            best.loss, best.step, last.loss, last.step, best.step
        ))
    }

    pub(super) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        let (Some(first), Some(best), Some(last)) = (self.first, self.best, self.last) else { return Ok(()) };
        let points = [first, best, last].into_iter().flat_map(|point| [point.step as f64, point.loss]);
        let values: Vec<f64> = points.chain([self.since as f64]).collect();
        tensors.insert(NAME, &[values.len()], TensorData::F64(values))
    }

    /// What a checkpoint remembers; nothing where it was written before there was this.
    pub(super) fn restore(tensors: &Tensors) -> Result<Best> {
        if tensors.get(NAME).is_none() {
            return Ok(Best::default());
        }
        let point = |step: f64, loss: f64| Some(ValidationPoint { step: step as u64, loss });
        Ok(match *tensors.f64(NAME)? {
            [a, b, c, d, e, f, since] => {
                Best { first: point(a, b), best: point(c, d), last: point(e, f), since: since as u64 }
            }
            _ => Best::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(losses: &[f64]) -> Best {
        let mut best = Best::default();
        for (i, loss) in losses.iter().enumerate() {
            best.observe(10 * (i as u64 + 1), *loss);
        }
        best
    }

    #[test]
    fn the_best_validation_is_kept_and_patience_ends() {
        let best = after(&[3.0, 2.0, 1.0, 1.5, f64::NAN]);
        assert_eq!(best.point(), Some(ValidationPoint { step: 30, loss: 1.0 }));
        assert!(best.is_over(2) && !best.is_over(3) && !best.is_over(0));
        assert!(best.why_over().contains("step 30"));
    }

    #[test]
    fn a_rise_is_told_and_a_wobble_is_not() {
        let said = after(&[3.0, 2.0, 1.0, 1.2, 1.5]).rise().unwrap();
        assert!(said.contains("from 1.0000 at step 30 to 1.5000 at step 50"), "{said}");
        assert_eq!(after(&[3.0, 2.0, 1.0, 1.01, 1.05]).rise(), None);
        assert_eq!(after(&[3.0, 2.0, 1.0]).rise(), None);
        assert_eq!(after(&[]).rise(), None);
    }

    #[test]
    fn a_state_that_is_validated_again_counts_once() {
        let mut best = after(&[3.0, 1.0, 2.0]);
        let before = best;
        assert!(!best.observe(30, 2.0) && !best.is_over(2));
        assert_eq!(best, before);
    }

    #[test]
    fn what_is_remembered_survives_a_checkpoint() {
        let best = after(&[3.0, 1.0, 2.0]);
        let mut tensors = Tensors::new();
        best.save(&mut tensors).unwrap();
        assert_eq!(Best::restore(&tensors).unwrap(), best);
        assert_eq!(Best::restore(&Tensors::new()).unwrap(), Best::default());
    }
}
