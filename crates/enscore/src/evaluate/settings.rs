//! What an evaluation takes.

use super::Normaliser;

/// What an evaluation takes.
#[derive(Clone, Debug)]
pub struct EvaluationSettings {
    /// Samples drawn for the two-sample metrics; 0 for none.
    pub samples: usize,
    /// Chains whose trajectory is kept.
    pub chains: usize,
    /// Held-out rows for the loss, at most.
    pub max_rows: usize,
    /// Importance-weighted draws of each row's bound, of a latent variable model.
    pub draws: usize,
    /// The seed of noise, samples and subsets.
    pub seed: u64,
    /// The metrics wanted, by the start of their name; empty for all.
    pub metrics: Vec<String>,
    /// Another source, from which the log density should tell the held-out rows.
    pub against: Option<String>,
    /// log Z that was found or given since the training (see [`super::Normaliser::found`]).
    pub log_z: Option<Normaliser>,
}
