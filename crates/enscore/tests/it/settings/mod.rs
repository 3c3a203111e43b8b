//! What each key of the settings changes, and what it leaves alone.

mod data_and_train;
mod effects;
mod every_key;
mod model_and_objective;
mod optimiser_and_sampler;
mod reading;
mod stability;
