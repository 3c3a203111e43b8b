//! `[train]`: how long training runs, where it starts, and what it writes when.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::keys::{Keys, Reader, at_least, choice, keys, within};

choice! {
    /// Clock of the learning rate decay.
    DecayBy {
        /// The fraction of the steps done.
        Steps = "steps",
        /// The fraction of the wall time used.
        Time = "time",
    }
}

choice! {
    /// Precision of an update's matrix products.
    Products {
        /// Single precision.
        Single = "single",
        /// Rounded to bfloat16, with sums in single precision.
        Bf16 = "bf16",
    }
}

choice! {
    /// Which state of a training its model has afterwards.
    Keep {
        /// The one after the last update.
        Last = "last",
        /// The one with the lowest validation loss.
        Best = "best",
    }
}

keys! {
    /// How long training runs and what it writes when.
    Train {
        steps: u64 = 1000, at_least(1), "Updates in total.";
        batch: usize = 64, within(1, 1 << 20), "Rows per update.";
        seed: u64 = 0, at_least(0), "Random seed of the training.";
        checkpoint_every: u64 = 500, at_least(1), "Steps between checkpoints; the last step always writes one.";
        validate_every: u64 = 500, at_least(0), "Steps between evaluations of the validation loss; 0: never.";
        keep: Keep = Keep::Last, (),
            "State that sampling and evaluation use: the last one, or the one with the lowest validation loss. A training keeps both.";
        patience: u64 = 0, at_least(0),
            "Stop after this many validations in a row without a lower loss; 0: never.";
        sample_every: u64 = 0, at_least(0), "Steps between pictures of samples; 0: never.";
        log_every: u64 = 10, at_least(1), "Steps between lines of metrics.jsonl.";
        wall_time_minutes: f64 = 0.0, within(0.0, 1e6),
            "Stop cleanly with a checkpoint after this many minutes of training; 0: no limit.";
        decay_by: DecayBy = DecayBy::Steps, (),
            "Decay the learning rate with the steps done or with the wall time used.";
        memory_limit_gib: f64 = 0.0, at_least(0.0),
            "Memory limit of the training in GiB; training is refused if it needs more. 0: three quarters of what the machine, its control groups and the process's limits leave.";
        warm_start: String = String::new(), (), "Run folder whose weights training starts from; empty: none.";
        products: Products = Products::Single, (),
            "Precision of the update's matrix products: single, or inputs rounded to bfloat16 (faster on processors with AVX-512 BF16).";
        threads: usize = 0, within(0, 4096), "Number of threads; 0: one per core. Results don't depend on it.";
    }
}

impl Train {
    pub(super) fn read(reader: &mut Reader) -> Result<Train> {
        reader.table("train");
        let train = Train::read_keys(reader)?;
        if train.decay_by == DecayBy::Time && train.wall_time().is_none() {
            return Err(reader
                .wrong("decay_by")
                .found("\"time\" without a wall time")
                .expected("train.wall_time_minutes above 0"));
        }
        if train.validate_every == 0 && (train.keep == Keep::Best || train.patience > 0) {
            let key = if train.patience > 0 { "patience" } else { "keep" };
            return Err(reader.wrong(key).found("train.validate_every = 0").expected("validations to go by"));
        }
        Ok(train)
    }

    /// The time after which training stops, if there is one.
    pub fn wall_time(&self) -> Option<Duration> {
        (self.wall_time_minutes > 0.0).then(|| Duration::from_secs_f64(self.wall_time_minutes * 60.0))
    }

    /// The run that the first weights come from, if there is one.
    pub fn warm_start_run(&self) -> Option<&Path> {
        (!self.warm_start.is_empty()).then(|| Path::new(&self.warm_start))
    }
}
