//! Every committed case with a known value.

mod analytic;
mod autoregressive;
mod contrastive;
mod coverage;
mod data;
mod discrete;
mod energies;
mod evaluate;
mod flow;
mod gaussian_recursion;
mod sampler;
mod score_matching;
mod sliced;
mod transitions;
