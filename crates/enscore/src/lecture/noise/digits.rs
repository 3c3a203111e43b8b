//! The score network of digits that figures share.

use crate::error::Result;
use crate::lecture::studio::Studio;
use crate::trained::Trained;

/// The rows of an image.
pub(super) const ROW_SHAPE: [usize; 3] = [8, 8, 1];
/// Noise levels.
pub(super) const LEVELS: usize = 10;

/// The network, trained by the first figure that asks for it.
///
/// # Errors
/// As [`Studio::run`].
pub(super) fn trained(studio: &Studio) -> Result<Trained> {
    let steps: u64 = studio.pick(1500, 150);
    let channels = studio.pick(32, 16);
    studio.run(
        "digits",
        &format!(
            "data.name = 'digits'\nmodel = {{ kind = 'unet', channels = {channels}, multipliers = [1, 2], embedding = 64 }}\n\
             objective = {{ kind = 'ncsn', sigma_max = 1.0, sigma_min = 0.01, levels = {LEVELS} }}\n\
             optimiser = {{ learning_rate = 1e-3, warmup_steps = 20, decay = 'cosine' }}\n\
             train = {{ steps = {steps}, batch = 64, validate_every = 0 }}\n\
             sampler = {{ step_size = 2e-5, steps_per_level = 50 }}"
        ),
    )
}
