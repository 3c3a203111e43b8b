//! Energy discrepancy (Schröder, Ou, Lim, Li, Vollmer and Duncan 2023, section 3): an energy learns to tell
//! where a perturbed row came from, without scores and without chains. With noise of standard deviation σ,
//! candidates
//!
//! ```text
//! y_i = x_i + σ ξ_i,    x'_ij = y_i + σ ξ'_ij,    ξ, ξ' ~ N(0, I),    j = 1..M,
//! loss = mean_i ln( w/M + (1/M) Σ_j exp(f(x'_ij) - f(x_i)) ),
//! ```
//!
//! the estimate of the discrepancy under Gaussian perturbation (t = σ²), stabilised by w. As M grows with w
//! = 0, the loss is E_p[-f(x)] + E ln ∫ N(y; x', σ²) e^f(x') dx', least at e^f ∝ p for every σ > 0. With w
//! = 1 its minimiser is e^f ∝ p for every M: x_i is then one of M + 1 candidates that could have become
//! y_i, and softmax f is Bayes' rule for which one did, whatever the density of y.
//!
//! x `[batch, ..row_shape]`, candidates `[batch M, ..row_shape]`; the loss in nats; f is the log density,
//! -U of the paper.

use enscore_program::Parameters;

use super::estimate::{Batch, Diagnostic, Estimate, Objective};
use super::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use super::task::Task;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, above, at_least, keys, within};
use crate::model::{Family, LogDensity, Network};

keys! {
    /// Settings of energy discrepancy.
    EnergyDiscrepancySettings {
        sigma: f64 = 0.3, above(0.0), "Standard deviation of the perturbation, in units of the scaled data.";
        samples: usize = 16, within(1, 4096), "Candidates drawn per row.";
        stabiliser: f64 = 1.0, at_least(0.0),
            "Weight w of the row itself among the candidates; at 1 the minimiser is exact for any number of samples.";
    }
}

impl Kind for EnergyDiscrepancySettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Energy { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for EnergyDiscrepancySettings {
    fn loss_unit(&self) -> &'static str {
        "nats"
    }

    fn build(&self, _scene: Scene) -> Result<Task> {
        let EnergyDiscrepancySettings { sigma, samples, stabiliser } = *self;
        Ok(Task::new(EnergyDiscrepancy { sigma, samples, stabiliser }))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "energy discrepancy",
            authors: "Tobias Schröder, Zijing Ou, Jen Ning Lim, Yingzhen Li, Sebastian J. Vollmer, Andrew B. Duncan",
            year: 2023,
            title: "Energy Discrepancies: A Score-Independent Loss for Energy-Based Models",
            venue: "Advances in Neural Information Processing Systems 36",
        }]
    }
}

/// Energy discrepancy under Gaussian perturbation.
#[derive(Clone, Copy, Debug)]
pub struct EnergyDiscrepancy {
    /// The standard deviation σ of the perturbation, in units of the data.
    pub sigma: f64,
    /// Candidates of each row, M.
    pub samples: usize,
    /// The weight w of the row itself among the candidates.
    pub stabiliser: f64,
}

impl Objective for EnergyDiscrepancy {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        let row_shape = &x.shape()[1..];
        let rows = x.extent(0);
        let candidates_shape = [&[rows, self.samples], row_shape].concat();
        let perturbed = x + self.sigma * batch.key.normal(&x.shape());
        let alone = perturbed.reshape(&[&[rows, 1], row_shape].concat());
        let candidates = alone + self.sigma * batch.key.normal(&candidates_shape);
        let flat = candidates.reshape(&[&[rows * self.samples], row_shape].concat());
        let of_candidates = model.log_density(parameters, flat).reshape(&[rows, self.samples]);
        let of_rows = model.log_density(parameters, x).reshape(&[rows, 1]);
        let others = (of_candidates - of_rows).log_sum_exp(1);
        let total = if self.stabiliser > 0.0 {
            // ln(w + e^a) = ln w + softplus(a - ln w).
            let ln_weight = self.stabiliser.ln();
            ln_weight + (others - ln_weight).softplus()
        } else {
            others
        };
        let loss = batch.mean(total) - (self.samples as f64).ln();
        Estimate { loss, optimised: loss, diagnostics: vec![(Diagnostic::Named("discrepancy"), loss)] }
    }
}
