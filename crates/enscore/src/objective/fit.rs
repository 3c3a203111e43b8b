//! Fitting in closed form or by expectation maximisation: a step is a pass over all training rows, which the
//! model makes itself ([`crate::model::Fitted`]); batches, rates and averages play no part. Its loss on other
//! rows is minus their mean log-likelihood, nats.

use super::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use super::maximum_likelihood::MaximumLikelihood;
use super::task::Task;
use crate::error::Result;
use crate::keys::{Fit as Fits, Kind, keys};
use crate::model::Family;

keys! {
    /// Settings of a fit: none.
    FitSettings {}
}

impl Kind for FitSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fits {
        if facts.family == Family::Baseline { Fits::Default } else { Fits::No }
    }
}

impl ObjectiveKind for FitSettings {
    fn loss_unit(&self) -> &'static str {
        "nats per dimension"
    }

    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task { fits: true, ..Task::new(MaximumLikelihood) })
    }
}
