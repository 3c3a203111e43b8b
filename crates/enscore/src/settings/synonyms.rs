//! What other programs call the settings: the key that a word means, where no spelling is near.

/// Words, each with the key that it means.
const MEANT: [(&[&str], &str); 22] = [
    (&["lr", "rate", "learning", "step_lr", "base_lr"], "optimiser.learning_rate"),
    (
        &["epochs", "epoch", "iterations", "iters", "updates", "max_steps", "num_steps", "n_iter"],
        "train.steps",
    ),
    (&["batch_size", "batchsize", "bs", "minibatch", "mini_batch"], "train.batch"),
    (&["random_state", "random_seed", "rng"], "train.seed"),
    (
        &["time", "minutes", "hours", "max_time", "time_limit", "duration", "budget"],
        "train.wall_time_minutes",
    ),
    (&["early_stopping", "early_stop", "tolerance"], "train.patience"),
    (&["save_best", "best", "checkpoint"], "train.keep"),
    (&["save_every", "save_interval", "checkpoint_interval"], "train.checkpoint_every"),
    (&["eval_every", "validation_every", "val_every", "eval_interval"], "train.validate_every"),
    (&["workers", "num_workers", "num_threads", "n_jobs", "cpus", "cores", "device"], "train.threads"),
    (&["memory", "max_memory", "ram", "memory_limit"], "train.memory_limit_gib"),
    (&["pretrained", "init_from", "resume_from", "finetune"], "train.warm_start"),
    (&["bf16", "precision", "dtype", "amp", "mixed_precision"], "train.products"),
    (&["l2", "l2_penalty", "regularisation", "regularization"], "optimiser.weight_decay"),
    (&["grad_clip", "gradient_clip", "max_grad_norm", "clip", "clipping"], "optimiser.clip_norm"),
    (&["warmup", "warm_up"], "optimiser.warmup_steps"),
    (&["scheduler", "schedule", "lr_schedule", "annealing"], "optimiser.decay"),
    (&["ema", "averaging", "polyak"], "optimiser.ema_decay"),
    (&["dataset", "source"], "data.name"),
    (&["file", "filename", "csv"], "data.path"),
    (&["validation_split", "val_split", "val_fraction", "validation_fraction", "holdout"], "data.validation"),
    (&["num_samples", "n_samples", "samples"], "sampler.count"),
];

/// The key that `word` means in another program's words, if it is one of them.
pub(super) fn meant_by(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let said = |(words, _): &&(&[&str], &'static str)| words.contains(&word.as_str());
    MEANT.iter().find(said).map(|(_, key)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::settings_reference;

    #[test]
    fn every_word_means_a_key_and_one_only() {
        let known = settings_reference();
        let mut words: Vec<&str> = Vec::new();
        for (said, key) in MEANT {
            assert!(known.iter().any(|reference| reference.key == key), "{key}");
            words.extend(said);
        }
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        assert_eq!(meant_by("Batch-Size"), Some("train.batch"));
        assert_eq!(meant_by("steps"), None);
    }
}
