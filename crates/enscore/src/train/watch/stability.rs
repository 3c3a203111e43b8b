//! Watches a training for divergence, and says when it goes back to its last good state.
//!
//! Diverged is: a step that is not finite; a running mean of the loss or of the gradient's norm far above
//! that of the first steps; of a game, the flow's log-likelihood as far below; an energy gap, or a fraction
//! of chains outside the data's range, above its limit.
//! What the watch remembers is part of the checkpoint, so that a resumed training sees what an uninterrupted
//! one would.

use crate::checkpoint::{TensorData, Tensors};
use crate::error::Result;
use crate::objective::Diagnostic;
use crate::settings::Stability;
use crate::text::number;
use crate::train::chains::ChainReport;
use crate::train::report::StepReport;

/// The steps whose mean is what later steps are compared with.
const FIRST: u64 = 10;
/// The decay per step of the running means.
const DECAY: f64 = 0.9;
/// The fall of the flow's log-likelihood below that of the first steps, in times of 1 + its size, that shows
/// that it has lost the data: a flow that starts near a Gaussian with the data's moments only gains.
const FLOW_FALL: f64 = 5.0;
/// The name of what is remembered in a checkpoint.
pub(crate) const WATCH: &str = "stability.watch";

/// What diverges, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The rows.
    Batch,
    /// The chains that the objective learns from.
    Chains,
    /// The flow of a game.
    Flow,
    /// Weights, losses and gradients.
    Update,
}

/// A sign of divergence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Divergence {
    /// What was seen, in words.
    pub(crate) said: String,
    pub(crate) cause: Cause,
}

/// What is remembered: the factor on the learning rate, returns so far, running means of the loss and of
/// the gradient's norm, and their values after the first steps; of a game the same of the flow. Single
/// precision, as in the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watch {
    pub(crate) rate: f32,
    pub(crate) rollbacks: f32,
    means: [f32; 2],
    first: [f32; 2],
    /// The flow's negative log-likelihood per row, nats: its running mean, and that of the first steps.
    flow: Option<[f32; 2]>,
}

/// Goes on with a running mean over the step after `step` steps; notes it as the first within the first ones.
fn follow(mean: &mut f32, first: &mut f32, step: u64, found: f64) {
    let decay = DECAY.min(step as f64 / (step + 1) as f64);
    *mean = (decay * f64::from(*mean) + (1.0 - decay) * found) as f32;
    if step < FIRST {
        *first = *mean;
    }
}

impl Default for Watch {
    fn default() -> Self {
        Watch { rate: 1.0, rollbacks: 0.0, means: [0.0; 2], first: [0.0; 2], flow: None }
    }
}

impl Watch {
    /// What of the step after `step` steps is divergence, in words; none where it is sound.
    pub(crate) fn observe(
        &mut self,
        settings: &Stability,
        step: u64,
        report: &StepReport,
        chains: Option<&ChainReport>,
    ) -> Option<Divergence> {
        let found = [report.loss_per_dim, report.gradient_norm];
        for ((mean, first), found) in self.means.iter_mut().zip(&mut self.first).zip(found) {
            follow(mean, first, step, found);
        }
        if let Some(likelihood) = report.diagnostic(Diagnostic::FlowLogLikelihood) {
            let [mean, first] = self.flow.get_or_insert_default();
            follow(mean, first, step, -likelihood);
        }
        let limits = [settings.loss_ratio, settings.gradient_ratio];
        let names = ["the running mean of the loss", "the running mean of the gradient's norm"];
        for i in 0..2 {
            let limit = limits[i] * (1.0 + f64::from(self.first[i]).abs());
            if limits[i] > 0.0 && f64::from(self.means[i]) > limit {
                let said =
                    format!("{} is {}, above {}", names[i], number(self.means[i].into()), number(limit));
                return Some(Divergence { said, cause: Cause::Update });
            }
        }
        if let Some(said) = self.flow_is_lost(settings) {
            return Some(Divergence { said, cause: Cause::Flow });
        }
        let gap =
            report.energy_gap.filter(|gap| settings.energy_gap > 0.0 && gap.abs() > settings.energy_gap);
        if let Some(gap) = gap {
            let said = format!("the energy gap is {} nats, beyond {}", number(gap), settings.energy_gap);
            return Some(Divergence { said, cause: Cause::Chains });
        }
        let escaped = chains.map(|chains| chains.escaped).filter(|escaped| *escaped > settings.escaped);
        escaped.map(|escaped| {
            let said = format!("{:.0} % of the chains left the range of the data", 100.0 * escaped);
            Divergence { said, cause: Cause::Chains }
        })
    }

    /// Says whether the flow of a game has lost the data: the energy then tells every draw from data, both
    /// gradients vanish, and no loss shows it.
    fn flow_is_lost(&self, settings: &Stability) -> Option<String> {
        let [mean, first] = self.flow?.map(f64::from);
        let limit = first + FLOW_FALL * (1.0 + first.abs());
        let lost = settings.loss_ratio > 0.0 && mean > limit;
        lost.then(|| {
            format!(
                "the running mean of the flow's log-likelihood is {} nats, below {}",
                number(-mean),
                number(-limit)
            )
        })
    }

    /// Notes one more return; false where none is left.
    pub(crate) fn roll_back(&mut self, settings: &Stability, before: &Watch) -> bool {
        if f64::from(self.rollbacks) >= settings.rollbacks as f64 {
            return false;
        }
        let rollbacks = self.rollbacks + 1.0;
        let rate = self.rate * settings.rate_factor as f32;
        *self = Watch { rollbacks, rate, ..*before };
        true
    }

    pub(crate) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        let [mean_loss, mean_norm] = self.means;
        let [first_loss, first_norm] = self.first;
        let mut values = vec![self.rate, self.rollbacks, mean_loss, mean_norm, first_loss, first_norm];
        values.extend(self.flow.iter().flatten());
        tensors.insert(WATCH, &[values.len()], TensorData::F32(values))
    }

    /// What a checkpoint remembers; the start where it was written before there was a watch.
    pub(crate) fn restore(tensors: &Tensors) -> Result<Watch> {
        if tensors.get(WATCH).is_none() {
            return Ok(Watch::default());
        }
        match *tensors.f32(WATCH)? {
            [rate, rollbacks, a, b, c, d, ref flow @ ..] => {
                let flow = flow.first_chunk().copied();
                Ok(Watch { rate, rollbacks, means: [a, b], first: [c, d], flow })
            }
            _ => Ok(Watch::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settings() -> Stability {
        let text = "data.name = 'digits'\nmodel.kind = 'mlp'";
        Settings::parse(text, "a.toml", &[]).unwrap().stability().clone()
    }

    fn report(loss: f64, norm: f64, gap: Option<f64>) -> StepReport {
        let diagnostics = gap.map(|gap| (Diagnostic::EnergyGap, gap)).into_iter();
        let report = StepReport::new(0, 0.1, [loss, norm], true, diagnostics.collect());
        StepReport { loss_per_dim: loss, ..report }
    }

    #[test]
    fn steady_steps_are_sound_and_a_jump_is_not() {
        let settings = settings();
        let mut watch = Watch::default();
        for step in 0..50 {
            assert_eq!(watch.observe(&settings, step, &report(-2.0, 0.5, Some(1.0)), None), None);
        }
        let mut jumped = watch;
        let found = jumped.observe(&settings, 50, &report(1e5, 0.5, None), None).unwrap();
        assert!(found.said.contains("loss") && found.cause == Cause::Update, "{found:?}");
        let mut jumped = watch;
        assert!(jumped.observe(&settings, 50, &report(1.0, 1e9, None), None).unwrap().said.contains("norm"));
        let gap = watch.observe(&settings, 50, &report(1.0, 1.0, Some(-2e3)), None).unwrap();
        assert!(gap.said.contains("energy gap") && gap.cause == Cause::Chains, "{gap:?}");
        let chains = ChainReport { escaped: 0.75, ..ChainReport::default() };
        let left = watch.observe(&settings, 51, &report(1.0, 1.0, None), Some(&chains)).unwrap();
        assert!(left.said.contains("75 %") && left.cause == Cause::Chains, "{left:?}");
    }

    /// Contrast 0, accuracy 1, small gradients: only the flow's likelihood shows that a game has collapsed.
    #[test]
    fn a_flow_that_loses_the_data_is_divergence() {
        let settings = settings();
        let mut watch = Watch::default();
        let mut seen = |step, likelihood| {
            let diagnostics = vec![(Diagnostic::FlowLogLikelihood, likelihood)];
            let report =
                StepReport { loss_per_dim: 0.0, ..StepReport::new(1, 0.1, [0.0, 1e-9], true, diagnostics) };
            watch.observe(&settings, step, &report, None)
        };
        assert_eq!((0..40).find_map(|step| seen(step, -3.0)), None);
        let found = (40..60).find_map(|step| seen(step, -1055.0)).unwrap();
        assert!(found.said.contains("flow") && found.cause == Cause::Flow, "{found:?}");
        let mut tensors = Tensors::new();
        watch.save(&mut tensors).unwrap();
        assert_eq!(Watch::restore(&tensors).unwrap(), watch);
    }

    #[test]
    fn returns_are_counted_and_end() {
        let settings = settings();
        let good = Watch::default();
        let mut watch = good;
        for count in 1..=3 {
            assert!(watch.roll_back(&settings, &good));
            assert_eq!(watch.rollbacks, count as f32);
        }
        assert!((watch.rate - 1e-3).abs() < 1e-8);
        assert!(!watch.roll_back(&settings, &good));
    }

    #[test]
    fn what_is_remembered_survives_a_checkpoint() {
        let settings = settings();
        let mut watch = Watch::default();
        (0..20).for_each(|step| drop(watch.observe(&settings, step, &report(0.1, 3.0, None), None)));
        let mut tensors = Tensors::new();
        watch.save(&mut tensors).unwrap();
        assert_eq!(Watch::restore(&tensors).unwrap(), watch);
        assert_eq!(Watch::restore(&Tensors::new()).unwrap(), Watch::default());
    }
}
