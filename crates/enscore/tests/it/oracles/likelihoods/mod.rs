//! Densities, and bounds of densities, that are known in closed form.

mod adversarial;
mod autoregressive;
mod baselines;
mod flow;
mod variational;
