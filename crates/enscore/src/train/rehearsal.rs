//! A training without a run: the updates that the trainer makes, in memory, nothing kept of them. It is what
//! is profiled.

use std::time::{Duration, Instant};

use enscore_cpu::Executable;
use enscore_program::random::Key;

use crate::error::{Error, Result};
use crate::objective::Side;
use crate::sample::{refused, update_options};
use crate::train::batches::Batches;
use crate::train::chains::Chains;
use crate::train::pace::Pace;
use crate::train::plan::Plan;
use crate::train::resume::first_values;
use crate::train::state::{State, StepInputs};
use crate::train::trainer::refuse_beyond_memory;
use crate::train::update::UpdateProgram;

/// A training that starts at the first update of its last stage.
pub(super) struct Rehearsal<'a> {
    plan: &'a Plan,
    state: State,
    chains: Option<Chains>,
    batches: Batches,
    pace: Pace,
    /// How long its programs took to plan, and its chains to start.
    pub(super) compiled_in: Duration,
    /// Steps done.
    step: u64,
    /// Whose step is next where two players take turns.
    player: usize,
}

impl Rehearsal<'_> {
    /// Compiles the programs of `plan`.
    ///
    /// # Errors
    /// As a training's: more memory than allowed, a run to start from that is not there.
    pub(super) fn new(plan: &Plan) -> Result<Rehearsal<'_>> {
        let began = Instant::now();
        let compiled_with = update_options(&plan.settings)?;
        let compile =
            |update: &UpdateProgram| Executable::compile(&update.program, compiled_with).map_err(refused);
        let executables = plan.updates.iter().map(compile).collect::<Result<Vec<_>>>()?;
        let chains = plan.task.chains.as_ref().map(|chains| Chains::new(plan, chains)).transpose()?;
        let compiled_in = began.elapsed();
        let arenas: usize = executables.iter().map(Executable::arena_bytes).sum();
        refuse_beyond_memory(plan, arenas as u64 + chains.as_ref().map_or(0, Chains::bytes))?;
        Ok(Rehearsal {
            plan,
            state: State::new(&plan.updates, executables, first_values(plan)?),
            chains,
            batches: Batches::new(&plan.training, &plan.settings),
            pace: Pace::new(&plan.settings)?,
            compiled_in,
            step: plan.task.stages.last().copied().unwrap_or(0),
            player: 0,
        })
    }

    /// The compiled programs by name.
    pub(super) fn programs(&mut self) -> Vec<(String, &mut Executable<f32>)> {
        let several = self.plan.updates.len() > 1;
        let name =
            |number: usize| if several { format!("update {}", number + 1) } else { "update".to_string() };
        let updates = self.state.executables().enumerate().map(|(number, update)| (name(number), update));
        let chains = self.chains.as_mut().map(|chains| ("chains".to_string(), chains.executable()));
        updates.chain(chains).collect()
    }

    /// So many updates, and how long they took.
    pub(super) fn advance(&mut self, updates: u64, stop: &dyn Fn() -> Option<i32>) -> Result<Duration> {
        let began = Instant::now();
        for _ in 0..updates {
            if let Some(signal) = stop() {
                return Err(Error::interrupted(signal, "the profile was interrupted"));
            }
            self.update()?;
        }
        Ok(began.elapsed())
    }

    /// One update, as the trainer does it; one that is not finite leaves the state as it was.
    fn update(&mut self) -> Result<()> {
        let (settings, player) = (&self.plan.settings, self.player);
        self.batches.fill(self.step)?;
        let from_chains = self.plan.task.players[player].learns_from_chains;
        if let Some(chains) = self.chains.as_mut().filter(|_| from_chains) {
            chains.advance(self.step, &self.state.parameters(), &self.batches.x)?;
        }
        let progress = self.step as f64 / settings.train().steps as f64;
        let next = self.step + 1;
        let rate = self.pace.learning_rate(next, progress) * self.plan.task.players[player].rate;
        let report = self.state.step(
            player,
            &StepInputs {
                x: &self.batches.x,
                weights: &self.batches.weights,
                key: Key::new(settings.train().seed, next),
                rates: self.pace.rates(next, rate),
                chains: self.chains.as_ref().filter(|_| from_chains).map(Chains::states),
            },
        )?;
        if let Some(rule) = &self.plan.task.alternation {
            let accuracy = report.diagnostic("accuracy").unwrap_or(0.0);
            self.player = usize::from(rule.next(accuracy) == Side::Flow);
        }
        self.step = next;
        Ok(())
    }
}
