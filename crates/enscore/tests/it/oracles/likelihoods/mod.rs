//! Densities, and bounds of densities, that are known in closed form.

mod adversarial;
mod autoregressive;
mod flow;
mod variational;
