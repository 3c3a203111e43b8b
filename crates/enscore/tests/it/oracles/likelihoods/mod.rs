//! Densities, and bounds of densities, that are known in closed form.

mod autoregressive;
mod flow;
mod variational;
