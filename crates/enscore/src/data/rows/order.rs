//! Fixes the order in which training sees rows: a pure function of (seed, step), so that a resumed run
//! continues exactly.
//!
//! Every epoch is a permutation of the rows (Fisher and Yates 1938, in Durstenfeld's form of 1964) keyed by
//! (seed, epoch). Batch k takes positions k b .. (k + 1) b of the epochs one after the other, so that every
//! epoch sees every row exactly once.

use std::sync::Arc;

use super::shuffle::shuffled;
use super::subset::Subset;
use crate::streams;

/// The order of `n` rows in epoch `epoch` under `seed`: every number below `n` once.
pub fn permutation(seed: u64, epoch: u64, n: u32) -> Vec<u32> {
    shuffled(seed, epoch, streams::EPOCH, n)
}

/// The batches of a subset, with the last used epoch's permutation kept.
#[derive(Clone, Debug)]
pub struct BatchOrder {
    rows: Arc<[u32]>,
    seed: u64,
    epoch: u64,
    order: Vec<u32>,
}

impl BatchOrder {
    /// The order of `subset`'s rows under `seed`.
    pub fn new(subset: &Subset, seed: u64) -> BatchOrder {
        let rows = subset.shared_rows();
        let order = permutation(seed, 0, rows.len() as u32);
        BatchOrder { rows, seed, epoch: 0, order }
    }

    /// The `batch` rows of the data set that step `step` takes (steps count from 0).
    ///
    /// What it returns depends on nothing but the arguments, the subset and the seed.
    pub fn batch_rows(&mut self, step: u64, batch: usize) -> Vec<u32> {
        let n = self.rows.len() as u128;
        let start = u128::from(step) * batch as u128;
        (start..start + batch as u128)
            .map(|position| {
                let epoch = (position / n) as u64;
                if epoch != self.epoch {
                    self.order = permutation(self.seed, epoch, self.rows.len() as u32);
                    self.epoch = epoch;
                }
                self.rows[self.order[(position % n) as usize] as usize]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Values};

    fn subset(n: usize) -> Subset {
        let data = Dataset::new("t", "t", &[1], Values::U8(vec![0; 2 * n])).unwrap();
        Subset::new(&data, (0..n as u32).map(|row| 2 * row + 1).collect()).unwrap()
    }

    #[test]
    fn every_epoch_sees_every_row_once_whatever_the_batch() {
        for (n, batch) in [(10, 3), (7, 7), (5, 12), (1, 2), (64, 1)] {
            let subset = subset(n);
            let mut order = BatchOrder::new(&subset, 9);
            let seen: Vec<u32> = (0..n as u64 * 2).flat_map(|step| order.batch_rows(step, batch)).collect();
            for epoch in seen.chunks_exact(n) {
                let mut rows = epoch.to_vec();
                rows.sort_unstable();
                assert_eq!(rows, subset.rows(), "{n} rows, batches of {batch}");
            }
        }
    }

    #[test]
    fn a_resumed_run_continues_exactly() {
        let subset = subset(50);
        let mut whole = BatchOrder::new(&subset, 1);
        let all: Vec<_> = (0..40).map(|step| whole.batch_rows(step, 8)).collect();
        let mut resumed = BatchOrder::new(&subset, 1);
        for step in (0..40).rev() {
            assert_eq!(resumed.batch_rows(step, 8), all[step as usize], "step {step}");
        }
        assert_ne!(BatchOrder::new(&subset, 2).batch_rows(0, 8), all[0]);
        assert!(resumed.batch_rows(u64::MAX, 3).len() == 3 && resumed.batch_rows(0, 0).is_empty());
    }

    /// Every one of the 24 orders of 4 rows comes up equally often: chi-squared with 23 degrees of freedom,
    /// whose mean is 23 and standard deviation 6.8, so 57 is five standard deviations above.
    #[test]
    fn all_orders_are_equally_likely() {
        let mut counts = std::collections::HashMap::new();
        let epochs = 24_000;
        for epoch in 0..epochs {
            *counts.entry(permutation(5, epoch, 4)).or_insert(0u32) += 1;
        }
        let expected = epochs as f64 / 24.0;
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(counts.len() == 24 && chi < 57.0, "{} orders, chi-squared {chi}", counts.len());
    }

    /// A change of this value changes every run, so it must be deliberate.
    #[test]
    fn the_order_is_stable() {
        assert_eq!(permutation(42, 3, 10), [5, 2, 4, 7, 6, 3, 0, 1, 8, 9]);
        assert_ne!(permutation(42, 3, 10), shuffled(42, 3, streams::VALIDATION_SPLIT, 10));
    }
}
