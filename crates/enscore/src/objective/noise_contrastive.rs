//! Noise contrastive estimation (Gutmann and Hyvärinen 2012, eq. 6 to 8): with ν noise rows y for each data
//! row x,
//!
//! ```text
//! G(u) = f(u) - c - log p_n(u),
//! loss = E_data softplus(-(G(x) - ln ν)) + ν E_noise softplus(G(y) - ln ν).
//! ```
//!
//! c is a parameter of its own, `log_z`: at the optimum exp(f - c) is the density of the data and c = log Z.
//! Without the noise's log density, or without c, a classifier would learn a ratio and no density. The
//! posterior of data is h(u) = σ(G(u) - ln ν); softplus keeps its logarithm exact where h is near 0 or 1.

use enscore_program::{Initial, Parameters, Var};

use super::{ACCURACY, Batch, Estimate, Noise, Objective};
use crate::model::{LogDensity, Network};

/// The name of the parameter c = log Z.
pub const LOG_Z: &str = "log_z";

/// Noise contrastive estimation.
pub struct NoiseContrastive {
    /// The noise.
    pub noise: Noise,
    /// ν, noise rows for each data row.
    pub ratio: usize,
    /// What c starts at: an estimate of log Z of the untrained model.
    pub log_z: f64,
}

/// softplus(-(G - ln ν)) of data and softplus(G - ln ν) of noise: the losses of each row, for G `[n]`.
pub fn contrast<'s>(data: Var<'s>, noise: Var<'s>, ratio: f64) -> (Var<'s>, Var<'s>) {
    let ln_ratio = ratio.ln();
    ((-(data - ln_ratio)).softplus(), (noise - ln_ratio).softplus())
}

/// The fraction of data and noise rows, each counted by half, that sign(G - ln ν) tells apart.
pub(super) fn accuracy<'s>(batch: &Batch<'s>, data: Var<'s>, noise: Var<'s>, ratio: f64) -> Var<'s> {
    let level = ratio.ln();
    let right = data.full_like(level).less(data).to_float();
    let rejected = noise.less(noise.full_like(level)).to_float();
    0.5 * batch.mean(right) + 0.5 * rejected.mean_all()
}

impl NoiseContrastive {
    /// The parameter c.
    fn log_z<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        parameters.get(LOG_Z, &[], Initial::Constant(self.log_z))
    }

    /// G at the rows u `[n, ..]`: `[n]`, nats.
    pub fn log_ratio<'s>(&self, model: &Network, parameters: &Parameters<'s>, u: Var<'s>) -> Var<'s> {
        model.log_density(parameters, u) - self.log_z(parameters) - self.noise.log_density(u)
    }
}

impl Objective<Network> for NoiseContrastive {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let ratio = self.ratio as f64;
        let y = self.noise.draw(batch.key, batch.x.extent(0) * self.ratio);
        let log_z = self.log_z(parameters);
        let log_ratio = |u: Var<'s>| self.log_ratio(model, parameters, u);
        let (data, noise) = (log_ratio(batch.x), log_ratio(y));
        let (of_data, of_noise) = contrast(data, noise, ratio);
        let loss = batch.mean(of_data) + ratio * of_noise.mean_all();
        let accuracy = accuracy(batch, data, noise, ratio);
        let diagnostics = vec![("contrast", loss), (LOG_Z, log_z), (ACCURACY, accuracy)];
        Estimate { loss, optimised: loss, diagnostics }
    }
}
