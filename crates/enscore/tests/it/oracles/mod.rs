//! Every committed case with a known value.

mod analytic;
mod contrastive;
mod coverage;
mod data;
mod discrete;
mod energies;
mod evaluate;
mod gaussian_recursion;
mod likelihoods;
mod sampler;
mod score_matching;
mod sliced;
mod transitions;
