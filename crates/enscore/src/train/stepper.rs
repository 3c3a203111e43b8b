//! Advances the state of a training by the players' compiled updates. The state stays where they run: a step
//! reads one copy and writes the other.

use enscore_program::executor::{Buffer, Executor, Width};
use enscore_program::random::Key;

use super::report::StepReport;
use super::state::State;
use super::update::UpdateProgram;
use crate::error::Result;
use crate::executor::{Routine, WeightsView};
use crate::objective::Diagnostic;

/// The compiled updates of all players over one state.
pub(super) struct Stepper {
    parameters: Vec<enscore_program::Parameter>,
    /// The names of the state's values.
    names: Vec<String>,
    current: State<Buffer>,
    next: State<Buffer>,
    players: Vec<PlayerUpdate>,
}

/// The update of one player.
pub(super) struct PlayerUpdate {
    routine: Routine,
    diagnostics: Vec<Diagnostic>,
}

impl PlayerUpdate {
    /// Bytes that the compiled update keeps.
    pub(super) fn memory(&self) -> usize {
        self.routine.memory()
    }
}

/// What changes from step to step, beside the rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepRates {
    pub(super) learning_rate: f64,
    /// 1 - β1^t.
    pub(super) correction1: f64,
    /// 1 - β2^t.
    pub(super) correction2: f64,
    /// Decay of the moving averages.
    pub(super) ema_decay: f64,
}

/// What one step takes.
pub(super) struct StepInputs<'a> {
    pub(super) x: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) key: Key,
    pub(super) rates: StepRates,
    /// The states of chains, where the objective learns from some.
    pub(super) chains: Option<&'a Buffer>,
}

impl Stepper {
    /// The players' updates, compiled for `executor`.
    ///
    /// # Errors
    /// A program that the executor does not take; more memory than there is.
    pub(super) fn compile(executor: &dyn Executor, updates: &[UpdateProgram]) -> Result<Vec<PlayerUpdate>> {
        let player = |update: &UpdateProgram| -> Result<PlayerUpdate> {
            let routine = Routine::compile(executor, &update.program, Width::Single)?;
            Ok(PlayerUpdate { routine, diagnostics: update.diagnostics.clone() })
        };
        updates.iter().map(player).collect()
    }

    /// The updates on `executor`, from these values.
    ///
    /// # Errors
    /// More memory than there is.
    pub(super) fn new(
        executor: &dyn Executor,
        updates: &[UpdateProgram],
        players: Vec<PlayerUpdate>,
        start: &State<Vec<f32>>,
    ) -> Result<Stepper> {
        Ok(Stepper {
            parameters: updates[0].parameters.clone(),
            names: updates[0].state_names(),
            current: start.upload(executor)?,
            next: start.upload(executor)?,
            players,
        })
    }

    /// The players' compiled updates.
    pub(super) fn routines(&mut self) -> impl Iterator<Item = &mut Routine> {
        self.players.iter_mut().map(|player| &mut player.routine)
    }

    /// Bytes that the compiled updates keep.
    pub(super) fn memory(&self) -> u64 {
        self.players.iter().map(|player| player.memory() as u64).sum()
    }

    /// Advances the state by one step of `player`; a step that is not finite leaves it as it was.
    pub(super) fn step(&mut self, player: usize, inputs: &StepInputs) -> Result<StepReport> {
        let PlayerUpdate { routine, diagnostics } = &mut self.players[player];
        let rates = inputs.rates;
        let learning_rate = [rates.learning_rate as f32];
        let correction1 = [rates.correction1 as f32];
        let correction2 = [rates.correction2 as f32];
        let ema_decay = [rates.ema_decay as f32];
        let mut loss = [0.0f32];
        let mut gradient_norm = [0.0f32];
        let mut finite = [0.0f32];
        let mut shown = vec![0.0f32; diagnostics.len()];
        let mut call = routine.call();
        for (name, values) in self.names.iter().zip(self.current.iter()) {
            call = call.with(name, values);
        }
        for (name, values) in self.names.iter().zip(self.next.iter_mut()) {
            call = call.to(name, values);
        }
        call = call.with("x", inputs.x).with("row_weights", inputs.weights).with("key", inputs.key);
        call = call.with("learning_rate", &learning_rate).with("correction1", &correction1);
        call = call.with("correction2", &correction2).with("ema_decay", &ema_decay);
        if let Some(chains) = inputs.chains {
            call = call.with("chains", chains);
        }
        call = call.to("loss", &mut loss).to("gradient_norm", &mut gradient_norm).to("finite", &mut finite);
        for (diagnostic, value) in diagnostics.iter().zip(shown.chunks_mut(1)) {
            call = call.to(diagnostic.name(), value);
        }
        call.run()?;
        std::mem::swap(&mut self.current, &mut self.next);
        let diagnostics = diagnostics.iter().copied().zip(shown.into_iter().map(f64::from)).collect();
        let [loss, gradient_norm] = [loss, gradient_norm].map(|[value]| f64::from(value));
        Ok(StepReport::new(player, rates.learning_rate, [loss, gradient_norm], finite[0] > 0.0, diagnostics))
    }

    /// The state as it stands.
    pub(super) fn state(&self) -> &State<Buffer> {
        &self.current
    }

    /// Goes back, or on, to these values.
    ///
    /// # Errors
    /// Values of other parameters.
    pub(super) fn restore(&mut self, values: &State<Vec<f32>>) -> Result<()> {
        self.current.write(values)
    }

    /// The parameters.
    pub(super) fn weights(&self) -> WeightsView<'_> {
        WeightsView { parameters: &self.parameters, values: &self.current.parameters }
    }

    /// The moving averages under the parameters' names.
    pub(super) fn averages(&self) -> WeightsView<'_> {
        WeightsView { parameters: &self.parameters, values: &self.current.averages }
    }
}
