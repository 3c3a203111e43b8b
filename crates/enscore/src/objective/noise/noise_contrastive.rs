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

use std::f64::consts::{E, PI};
use std::path::Path;

use enscore_program::{Initial, Parameter, Parameters, Var};

use super::density::{Noise, NoiseKind, NoiseSettings, build, refuse_zero_density};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Keys, Kind, Reader, keys, within};
use crate::model::{DataFacts, Family, LogDensity, ModelSettings, Network};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

/// The name of the parameter c = log Z.
pub const LOG_Z: &str = "log_z";

/// Noise contrastive estimation.
pub(super) const GUTMANN: Citation = Citation {
    role: "noise contrastive estimation",
    authors: "Michael U. Gutmann, Aapo Hyvärinen",
    year: 2012,
    title: "Noise-Contrastive Estimation of Unnormalized Statistical Models, with Applications to Natural Image Statistics",
    venue: "Journal of Machine Learning Research 13, 307-361",
};

keys! {
    /// Settings of noise contrastive estimation with a learnt log Z.
    NoiseContrastiveSettings {
        ratio: usize = 1, within(1, 10_000), "Noise rows per data row.";
        ..against: NoiseSettings;
    }
}

impl Kind for NoiseContrastiveSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Energy { Fit::Yes } else { Fit::No }
    }

    fn read(reader: &mut Reader, _facts: &ObjectiveFacts) -> Result<Self> {
        let nce = NoiseContrastiveSettings::read_keys(reader)?;
        let run = &nce.against.flow_run;
        let error = reader.wrong("flow_run").found(format!("{run:?}"));
        match (nce.against.noise == NoiseKind::Flow, run.is_empty()) {
            (true, true) => Err(error.expected("the run folder of a flow")),
            (false, false) => Err(error.expected("\"\" unless noise = \"flow\"")),
            (true, false) | (false, true) => Ok(nce),
        }
    }
}

impl ObjectiveKind for NoiseContrastiveSettings {
    fn loss_unit(&self) -> &'static str {
        "nats"
    }

    fn build(&self, scene: Scene) -> Result<Task> {
        let noise = build(&self.against, scene.data, scene.training, scene.flow_noise)?;
        refuse_zero_density(&noise, scene.training)?;
        scene.validation.map_or(Ok(()), |rows| refuse_zero_density(&noise, rows))?;
        Ok(Task::new(NoiseContrastive { noise, ratio: self.ratio, log_z: first_log_z(scene.data) }))
    }

    fn further_parameters(&self, _model: &ModelSettings, _data: &DataFacts) -> Result<Vec<Parameter>> {
        Ok(vec![log_z_parameter()])
    }

    fn noise_run(&self) -> Option<&Path> {
        let run = &self.against.flow_run;
        (!run.is_empty()).then(|| Path::new(run))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![GUTMANN]
    }
}

/// The parameter c of a checkpoint, whose start does not matter.
pub(super) fn log_z_parameter() -> Parameter {
    Parameter { name: LOG_Z.to_string(), shape: Vec::new(), initial: Initial::Constant(0.0) }
}

/// Where log Z starts: at the entropy of independent Gaussians with the data's moments, which is log Z - f
/// where a model with about equal f everywhere meets the data.
pub(super) fn first_log_z(data: &DataFacts) -> f64 {
    let spread = data.deviation.iter().map(|deviation| deviation.max(1e-6));
    spread.map(|deviation| deviation.ln() + 0.5 * (2.0 * PI * E).ln()).sum()
}

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
        let y = self.noise.draw(batch.key, batch.x.extent(0), self.ratio);
        let log_z = self.log_z(parameters);
        let log_ratio = |u: Var<'s>| self.log_ratio(model, parameters, u);
        let data = log_ratio(batch.x);
        let noise = log_ratio(y);
        let (of_data, of_noise) = contrast(data, noise, ratio);
        let loss = batch.mean(of_data) + ratio * of_noise.mean_all();
        let accuracy = accuracy(batch, data, noise, ratio);
        let diagnostics = vec![
            (Diagnostic::Named("contrast"), loss),
            (Diagnostic::Named(LOG_Z), log_z),
            (Diagnostic::Accuracy, accuracy),
        ];
        Estimate { loss, optimised: loss, diagnostics }
    }
}
