//! A training in memory: a model, what it minimises, rows to learn from, and the state between two
//! updates. It writes nothing; [`super::train`] drives one and records it in a run's folder.

use std::time::{Duration, Instant};

use enscore_program::Parameter;
use enscore_program::random::Key;

use super::batches::Batches;
use super::chains::{ChainReport, Chains, Surroundings};
use super::memory::MemoryNeed;
use super::options::TrainingOptions;
use super::players::{needed, trace_updates};
use super::report::StepReport;
use super::state::State;
use super::stepper::{PlayerUpdate, StepInputs, StepRates, Stepper};
use super::update::UpdateProgram;
use crate::checkpoint::{DataRecord, TensorData, Tensors};
use crate::data::{self, Statistics, Subset};
use crate::error::{Error, Result};
use crate::executor::{Executors, Routine, WeightsView};
use crate::model::{self, Network, Pass};
use crate::objective::{Alternation, Diagnostic, Side, Task};
use crate::sample::TrainedModel;

/// The name of whose turn it is in a checkpoint.
const TURN: &str = "objective.turn";

/// A training between two updates.
///
/// ```
/// use enscore::data::{Dataset, Subset, Values};
/// use enscore::executor::default_executor;
/// use enscore::model::{GaussianEnergy, Network};
/// use enscore::objective::{ScoreMatching, Task};
/// use enscore::train::{Training, TrainingOptions};
///
/// // 200 points on a circle; any array of rows will do.
/// let points: Vec<f32> = (0..200).flat_map(|i| [(i as f32).cos(), (i as f32).sin()]).collect();
/// let data = Dataset::new("circle", "made here", &[2], Values::F32(points))?;
/// let model = Network::Energy(Box::new(GaussianEnergy::new(&[2])?));
/// let options = TrainingOptions { steps: 20, ..TrainingOptions::default() };
/// let task = Task::new(ScoreMatching { tangents: 0 });
/// let mut training = Training::new(model, task, &Subset::all(&data), options, default_executor())?;
/// let first = training.step()?.loss;
/// while training.steps_done() < 20 {
///     training.step()?;
/// }
/// assert!(training.step()?.loss < first);
/// # Ok::<(), enscore::Error>(())
/// ```
pub struct Training {
    model: Network,
    task: Task,
    data: Subset,
    options: TrainingOptions,
    executors: Executors,
    /// One for each of the task's players, over the same state.
    updates: Vec<UpdateProgram>,
    stepper: Stepper,
    chains: Option<Chains>,
    /// Whose step is next where two players take turns: a position among the task's players.
    player: usize,
    batches: Batches,
    /// All rows, once a fit has asked for them.
    fitted_to: Vec<f64>,
    step: u64,
    compiled_in: Duration,
}

/// A training whose updates are traced.
pub(super) struct Traced {
    pub(super) model: Network,
    pub(super) task: Task,
    pub(super) updates: Vec<UpdateProgram>,
    pub(super) options: TrainingOptions,
    /// Probabilities of which every batch draws its bits; none where the rows are the batches' own.
    pub(super) grey: Option<Subset>,
}

/// What an update came to.
pub(crate) struct Stepped {
    pub(crate) report: StepReport,
    pub(crate) chains: Option<ChainReport>,
}

impl Training {
    /// Traces and compiles the updates of `model` under `task`, to learn from `data` on `executors`: one
    /// executor, or [`Executors`].
    ///
    /// # Errors
    /// A model or an objective that does not fit the rows; more memory than `options` allow.
    pub fn new(
        model: Network,
        task: Task,
        data: &Subset,
        options: TrainingOptions,
        executors: impl Into<Executors>,
    ) -> Result<Training> {
        let statistics = data::statistics(data)?;
        let updates = trace_updates(&model, &task, &options)?;
        Training::traced(
            Traced { model, task, updates, options, grey: None },
            data,
            &statistics,
            executors.into(),
        )
    }

    /// The same, of updates that are traced already.
    pub(super) fn traced(
        traced: Traced,
        data: &Subset,
        statistics: &Statistics,
        executors: Executors,
    ) -> Result<Training> {
        let Traced { model, task, updates, options, grey } = traced;
        let began = Instant::now();
        // Told before it is taken: an allocation that fails ends the process.
        let limit = options.memory_limit_gib;
        let need = needed(data, &model, &task, &updates[0], &options);
        if limit == 0.0 {
            need.refuse_beyond(limit)?;
        }
        let compiled = if task.fits { &[][..] } else { &updates[..] };
        let players = Stepper::compile(&*executors.update, compiled)?;
        let programs: usize = players.iter().map(PlayerUpdate::memory).sum();
        need.with_programs(programs as f64).refuse_beyond(limit)?;
        let start = State::in_order(updates[0].initial_state(options.seed));
        let stepper = Stepper::new(&*executors.update, &updates, players, &start)?;
        let surroundings = Surroundings {
            model: &model,
            parameters: &updates[0].parameters,
            options: &options,
            executor: &*executors.other,
            statistics,
            first: task.stages.last().copied().unwrap_or(0),
        };
        let chains = task.chains.as_ref().map(|chains| Chains::new(chains, &surroundings)).transpose()?;
        let training = Training {
            stepper,
            batches: Batches::new(data, grey, &options),
            data: data.clone(),
            model,
            task,
            updates,
            chains,
            player: 0,
            fitted_to: Vec::new(),
            step: 0,
            compiled_in: began.elapsed(),
            options,
            executors,
        };
        training.memory().refuse_beyond(training.options.memory_limit_gib)?;
        Ok(training)
    }

    /// One update on the next batch of the data. A step that is not finite is reported and not taken.
    ///
    /// # Errors
    /// An executor that refuses.
    pub fn step(&mut self) -> Result<StepReport> {
        self.batches.fill(self.step)?;
        Ok(self.advance(self.step as f64 / self.options.steps as f64, 1.0)?.report)
    }

    /// One update on these rows `[batch, ..row_shape]`, as the model sees them, in place of the data's
    /// next batch.
    ///
    /// # Errors
    /// Another number of values than a batch has; an executor that refuses.
    pub fn step_on(&mut self, rows: &[f32]) -> Result<StepReport> {
        if rows.len() != self.batches.x.len() {
            return Err(Error::input("not a batch")
                .found(format!("{} values", rows.len()))
                .expected(format!("{}: {} rows", self.batches.x.len(), self.options.batch)));
        }
        if self.task.fits {
            return Err(Error::input("a fit takes no batches: a step is a pass over all rows")
                .at("objective.kind = \"fit\"")
                .remedy("use step"));
        }
        self.batches.x.copy_from_slice(rows);
        Ok(self.advance(self.step as f64 / self.options.steps as f64, 1.0)?.report)
    }

    /// One update on the next batch, when `progress` in [0, 1] of the training is over, at `rate` times
    /// the learning rate.
    pub(super) fn step_at(&mut self, progress: f64, rate: f64) -> Result<Stepped> {
        self.batches.fill(self.step)?;
        self.advance(progress, rate)
    }

    /// One update on the rows that the batch holds.
    fn advance(&mut self, progress: f64, rate: f64) -> Result<Stepped> {
        if self.task.fits {
            return Ok(Stepped { report: self.pass()?, chains: None });
        }
        let player = self.player();
        let chains = self.advance_chains(player)?;
        let step = self.step + 1;
        let peak = self.options.learning_rate.at(step, progress);
        let rates = self.options.rates(step, peak * rate * self.task.players[player].rate);
        let inputs = step_inputs(&self.batches, self.chains.as_ref(), &self.task, player, rates, self.key());
        let report = self.stepper.step(player, &inputs)?;
        if report.finite {
            if let Some(Alternation::ByAccuracy { threshold }) = self.task.alternation {
                let next = Alternation::next(threshold, report.accuracy()?);
                self.player = usize::from(next == Side::Flow);
            }
            self.step = step;
        }
        Ok(Stepped { report, chains })
    }

    /// One pass of the model's own fit over all rows.
    fn pass(&mut self) -> Result<StepReport> {
        if self.fitted_to.is_empty() {
            let rows = data::rows_of(&self.data, usize::MAX)?;
            self.fitted_to = rows.into_iter().map(f64::from).collect();
        }
        let fitted = self.model.normalised().and_then(|model| model.fitted()).ok_or_else(|| {
            Error::input("this model has no closed form to fit").at("objective.kind = \"fit\"")
        })?;
        let current = if self.step == 0 { None } else { Some(self.weights()?) };
        let Pass { values, log_likelihood } =
            fitted.pass(&self.fitted_to, current.as_deref(), self.options.seed)?;
        let finite = log_likelihood.is_finite() && values.iter().flatten().all(|value| value.is_finite());
        if finite {
            let zeros = || values.iter().map(|values| vec![0.0; values.len()]).collect();
            let averages = values.clone();
            self.stepper.restore(&State { moments: [zeros(), zeros()], averages, parameters: values })?;
            self.step += 1;
        }
        let row_len = self.data.dataset().row_len().max(1) as f64;
        let shown = vec![(Diagnostic::LossPerDim, -log_likelihood / row_len)];
        Ok(StepReport::new(0, 0.0, [-log_likelihood, 0.0], finite, shown))
    }

    /// The key of the next update.
    pub(super) fn key(&self) -> Key {
        Key::new(self.options.seed, self.step + 1)
    }

    /// Advances the chains on the energy as it stands, where the next step learns from them.
    fn advance_chains(&mut self, player: usize) -> Result<Option<ChainReport>> {
        let Some(chains) = self.chains.as_mut().filter(|_| self.task.players[player].learns_from_chains)
        else {
            return Ok(None);
        };
        chains.advance(self.step, self.stepper.weights(), &self.batches.x).map(Some)
    }

    /// What the next update takes, at no learning rate: after a step that was not taken, what it took.
    pub(super) fn next_inputs(&self) -> StepInputs<'_> {
        let rates = StepRates::default();
        step_inputs(&self.batches, self.chains.as_ref(), &self.task, self.player(), rates, self.key())
    }

    /// Whose step is next: a position among the task's players.
    pub(super) fn player(&self) -> usize {
        let in_turn = self.task.alternation.and_then(|rule| rule.in_turn(self.step));
        self.task.stage(self.step).or(in_turn).unwrap_or(self.player)
    }

    /// Updates done.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// What is trained.
    pub fn model(&self) -> &Network {
        &self.model
    }

    /// What is minimised.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The rows that are learnt from.
    pub fn data(&self) -> &Subset {
        &self.data
    }

    /// How it runs.
    pub fn options(&self) -> &TrainingOptions {
        &self.options
    }

    /// The parameters, in the order of their values.
    pub fn parameters(&self) -> &[Parameter] {
        &self.update().parameters
    }

    /// How many numbers are learnt.
    pub fn parameter_count(&self) -> u64 {
        self.parameters().iter().map(|parameter| parameter.size() as u64).sum()
    }

    /// Where it runs.
    pub fn executors(&self) -> &Executors {
        &self.executors
    }

    /// A copy of the parameters' values after the last update.
    ///
    /// # Errors
    /// An executor that fails.
    pub fn weights(&self) -> Result<Vec<Vec<f32>>> {
        self.stepper.weights().read()
    }

    /// A copy of the moving averages of these values.
    ///
    /// # Errors
    /// An executor that fails.
    pub fn averages(&self) -> Result<Vec<Vec<f32>>> {
        self.resident_averages().read()
    }

    /// The parameters where the updates run.
    pub(super) fn resident_weights(&self) -> WeightsView<'_> {
        self.stepper.weights()
    }

    /// The moving averages where the updates run.
    pub(super) fn resident_averages(&self) -> WeightsView<'_> {
        self.stepper.averages()
    }

    /// The model with its averaged weights, to sample from and to score rows with.
    ///
    /// # Errors
    /// A network whose parameters the training has not.
    pub fn into_trained(self) -> Result<TrainedModel> {
        let record = DataRecord::of(self.data.dataset(), &data::statistics(&self.data)?)?;
        let own = model::parameters_of(&self.model)?;
        let mut tensors = Tensors::new();
        for (parameter, values) in self.parameters().iter().zip(self.averages()?) {
            // An objective may learn parameters besides those of the model.
            if own.iter().any(|known| known.name == parameter.name) {
                tensors.insert(&parameter.name, &parameter.shape, TensorData::F32(values))?;
            }
        }
        TrainedModel::of_network(self.model, record, &tensors)?.on(self.executors.other)
    }

    /// The update that all players' states are those of.
    pub(super) fn update(&self) -> &UpdateProgram {
        &self.updates[0]
    }

    pub(super) fn updates(&self) -> &[UpdateProgram] {
        &self.updates
    }

    /// How long its programs took to plan, and its chains to start.
    pub(super) fn compiled_in(&self) -> Duration {
        self.compiled_in
    }

    /// Goes on as if `steps` updates were done.
    pub(super) fn skip_to(&mut self, steps: u64) {
        self.step = steps;
    }

    /// Starts from these values.
    pub(super) fn start_from(&mut self, values: &State<Vec<f32>>) -> Result<()> {
        self.stepper.restore(values)
    }

    /// The compiled programs by name.
    pub(super) fn programs(&mut self) -> Vec<(String, &mut Routine)> {
        let several = self.updates.len() > 1;
        let name =
            |number: usize| if several { format!("update {}", number + 1) } else { "update".to_string() };
        let updates = self.stepper.routines().enumerate().map(|(number, update)| (name(number), update));
        let chains = self.chains.as_mut().map(|chains| ("chains".to_string(), chains.routine()));
        updates.chain(chains).collect()
    }

    /// The whole state: parameters with their moments and averages, chains, whose turn it is.
    ///
    /// # Errors
    /// None that a training brings about.
    pub fn tensors(&self) -> Result<Tensors> {
        let mut tensors = self.stepper.state().tensors(self.parameters())?;
        if self.player > 0 {
            tensors.insert(TURN, &[], TensorData::F32(vec![self.player as f32]))?;
        }
        if let Some(chains) = &self.chains {
            chains.save(&mut tensors)?;
        }
        Ok(tensors)
    }

    /// Goes back, or on, to a state that [`Training::tensors`] gave after `steps` updates.
    ///
    /// # Errors
    /// Tensors of another training, named.
    pub fn restore(&mut self, tensors: &Tensors, steps: u64) -> Result<()> {
        self.stepper.restore(&State::of_tensors(self.parameters(), tensors)?)?;
        self.player = match tensors.get(TURN) {
            Some(_) => usize::from(tensors.f32(TURN)?.first().is_some_and(|turn| *turn > 0.0)),
            None => 0,
        };
        self.step = steps;
        self.chains.as_mut().map_or(Ok(()), |chains| chains.restore(tensors))
    }

    /// What the training takes at its peak.
    pub fn memory(&self) -> MemoryNeed {
        let need = MemoryNeed::of(&self.data, self.parameters()).with_programs(self.stepper.memory() as f64);
        match &self.chains {
            Some(chains) => need.with_chains(chains.bytes() as f64, chains.kept_bytes() as f64),
            None => need,
        }
    }
}

/// What the next update of `player` takes.
fn step_inputs<'a>(
    batches: &'a Batches,
    chains: Option<&'a Chains>,
    task: &Task,
    player: usize,
    rates: StepRates,
    key: Key,
) -> StepInputs<'a> {
    let from_chains = task.players[player].learns_from_chains;
    StepInputs {
        x: &batches.x,
        weights: &batches.weights,
        key,
        rates,
        chains: chains.filter(|_| from_chains).map(Chains::states),
    }
}
