//! The loop: batch, chains, step, watch, log, validate, sample, save; from the first step or from a
//! checkpoint. A step that shows divergence is taken back to the last good state, with a smaller learning
//! rate, a bounded number of times.

use std::time::{Duration, Instant};

use enscore_cpu::Executable;
use enscore_program::random::Key;
use serde_json::{Map, json};

use crate::checkpoint::{MetricsWriter, Progress, Run, TensorData, Tensors};
use crate::error::{Error, Result};
use crate::objective::{LOSS_PER_DIM, Side};
use crate::report::run_report;
use crate::sample::{TrainedModel, refused, update_options};
use crate::settings::{DecayBy, Objective, Settings};
use crate::train::batches::Batches;
use crate::train::chains::{ChainReport, Chains};
use crate::train::diagnose::first_non_finite;
use crate::train::pace::Pace;
use crate::train::plan::{Plan, memory_estimate};
use crate::train::resume::open;
use crate::train::stability::Watch;
use crate::train::state::{State, StepInputs};
use crate::train::unit_monitor::UnitMonitor;
use crate::train::validation::Validation;
use crate::train::window::Window;
use crate::train::{Observer, Outcome, Request};

const GIB: f64 = (1u64 << 30) as f64;
/// The name of whose turn it is in a checkpoint.
const TURN: &str = "objective.turn";

/// What else changes from step to step, beside the state.
struct Beside {
    watch: Watch,
    /// Since the last logged line.
    window: Window,
    chains: Option<Chains>,
    /// Whose step is next where two players take turns: a position among the task's players.
    player: usize,
}

/// A state that a diverging training goes back to: that of the last checkpoint.
struct Good {
    step: u64,
    values: Vec<Vec<f32>>,
    beside: Tensors,
}

pub(crate) struct Trainer {
    plan: Plan,
    run: Run,
    state: State,
    beside: Beside,
    good: Good,
    validation: Option<Validation>,
    units: Option<UnitMonitor>,
    batches: Batches,
    metrics: MetricsWriter,
    pace: Pace,
    /// Steps done.
    step: u64,
    /// Seconds trained before this part of the run, and when this part began.
    earlier: f64,
    began: Instant,
    until: Option<u64>,
    last_loss: Option<f64>,
    last_validation: Option<f64>,
}

impl Trainer {
    pub(crate) fn new(plan: Plan, request: &Request, observer: &mut dyn Observer) -> Result<Trainer> {
        let compiled_with = update_options(&plan.settings)?;
        let compile = |update: &crate::train::update::UpdateProgram| {
            Executable::compile(&update.program, compiled_with).map_err(refused)
        };
        let executables = plan.updates.iter().map(compile).collect::<Result<Vec<_>>>()?;
        let chains = plan.task.chains.as_ref().map(|cd| Chains::new(&plan, cd)).transpose()?;
        let arenas: usize = executables.iter().map(Executable::arena_bytes).sum();
        refuse_beyond_memory(&plan, arenas as u64 + chains.as_ref().map_or(0, Chains::bytes))?;
        let validation = match &plan.validation {
            Some(subset) if plan.settings.train().validate_every > 0 && validates(&plan.settings) => {
                Some(Validation::new(&plan, subset)?)
            }
            _ => None,
        };
        let units = if plan.settings.train().validate_every > 0 { UnitMonitor::new(&plan)? } else { None };
        let mut beside = Beside { watch: Watch::default(), window: Window::default(), chains, player: 0 };
        // The last of what can be refused: from here on something is written.
        let (run, values, resumed) = open(&plan, request, observer)?;
        let (metrics, warning) = MetricsWriter::resume(&run.folder().metrics_path(), resumed.metrics)?;
        if let Some(warning) = warning {
            observer.message(&warning);
        }
        if let Some(tensors) = &resumed.tensors {
            beside.restore(tensors, &plan.diagnostics())?;
        }
        Ok(Trainer {
            good: Good { step: resumed.step, values: values.clone(), beside: beside.tensors()? },
            state: State::new(&plan.updates, executables, values),
            beside,
            validation,
            units,
            batches: Batches::new(&plan.training, &plan.settings),
            metrics,
            pace: Pace::new(&plan.settings)?,
            step: resumed.step,
            earlier: resumed.seconds,
            began: Instant::now(),
            until: request.until,
            last_loss: None,
            last_validation: None,
            plan,
            run,
        })
    }

    fn seconds(&self) -> f64 {
        self.earlier + self.began.elapsed().as_secs_f64()
    }

    pub(crate) fn run(
        mut self,
        stop: &dyn Fn() -> Option<i32>,
        observer: &mut dyn Observer,
    ) -> Result<Outcome> {
        let settings = self.plan.settings.clone();
        let (train, steps) = (settings.train(), settings.train().steps);
        observer.begin(self.step, steps, self.plan.parameter_count());
        let mut saved = self.step;
        while self.step < self.until.unwrap_or(steps).min(steps) {
            if let Some(signal) = stop() {
                self.save()?;
                return Err(Error::interrupted(signal, "training was interrupted")
                    .at(format!("step {} of {steps}", self.step))
                    .remedy(format!("a checkpoint is written; go on with --out {} --resume", self.path())));
            }
            if train.wall_time().is_some_and(|limit| self.seconds() >= limit.as_secs_f64()) {
                observer.message(&format!("the wall time is used up at step {}", self.step));
                break;
            }
            let Some(shown) = self.advance(observer)? else { continue };
            observer.step(self.step, shown);
            let due = |every: u64| every > 0 && (self.step.is_multiple_of(every) || self.step == steps);
            let (log, validate, sample, save) = (
                due(train.log_every),
                due(train.validate_every),
                train.sample_every > 0 && self.step.is_multiple_of(train.sample_every),
                self.step.is_multiple_of(train.checkpoint_every),
            );
            if log {
                self.log()?;
            }
            if validate {
                self.validate(observer)?;
            }
            if save {
                self.save()?;
                saved = self.step;
            }
            if sample {
                let model = self.averaged_model()?;
                run_report::write_sheet(&model, &settings, self.run.folder(), self.step)?;
            }
        }
        if saved != self.step || self.step == 0 {
            self.save()?;
        }
        self.outcome()
    }

    fn path(&self) -> String {
        self.run.folder().path().display().to_string()
    }

    fn outcome(self) -> Result<Outcome> {
        let reported = self.plan.updates.get(self.player()).and_then(|update| update.diagnostics.first());
        Ok(Outcome {
            run: self.run.folder().path().to_path_buf(),
            step: self.step,
            steps: self.plan.settings.train().steps,
            seconds: self.seconds(),
            loss_name: reported.copied().unwrap_or(LOSS_PER_DIM),
            loss_per_dim: self.last_loss,
            validation_loss_per_dim: self.last_validation,
        })
    }

    /// One step, and the loss that it shows; none where it showed divergence and was taken back.
    fn advance(&mut self, observer: &mut dyn Observer) -> Result<Option<f64>> {
        let step = self.step + 1;
        self.batches.fill(self.step)?;
        let player = self.player();
        let from_chains = self.plan.task.players[player].learns_from_chains;
        let chains = if from_chains { self.advance_chains()? } else { None };
        let train = self.plan.settings.train();
        let rates = self.pace.rates(step, self.learning_rate(step));
        let inputs = StepInputs {
            x: &self.batches.x,
            weights: &self.batches.weights,
            key: Key::new(train.seed, step),
            rates,
            chains: self.beside.chains.as_ref().filter(|_| from_chains).map(Chains::states),
        };
        let report = self.state.step(player, &inputs)?;
        let wrong = match report.finite {
            true => {
                let stability = self.plan.settings.stability();
                self.beside.watch.observe(stability, self.step, &report, chains.as_ref())
            }
            false => {
                let tensor = first_non_finite(&self.plan, player, self.state.values(), &inputs)?;
                Some(format!("{tensor} is not finite"))
            }
        };
        if let Some(wrong) = wrong {
            return self.roll_back(step, &wrong, observer).map(|()| None);
        }
        if let Some(rule) = &self.plan.task.alternation {
            let accuracy = report.diagnostic("accuracy").unwrap_or(0.0);
            self.beside.player = usize::from(rule.next(accuracy) == Side::Flow);
        }
        self.step = step;
        let shown = report.loss_per_dim;
        self.beside.window.push(report);
        Ok(Some(shown))
    }

    /// Whose step is next: a position among the task's players.
    fn player(&self) -> usize {
        self.plan.task.stage(self.step).unwrap_or(self.beside.player)
    }

    /// The learning rate of a step of the player whose turn it is.
    fn learning_rate(&self, step: u64) -> f64 {
        let player = &self.plan.task.players[self.player()];
        self.pace.learning_rate(step, self.progress()) * f64::from(self.beside.watch.rate) * player.rate
    }

    /// Advances the chains on the energy as it stands.
    fn advance_chains(&mut self) -> Result<Option<ChainReport>> {
        let Some(chains) = &mut self.beside.chains else { return Ok(None) };
        let report = chains.advance(self.step, &self.state.parameters(), &self.batches.x)?;
        self.beside.window.push_chains(&report);
        Ok(Some(report))
    }

    /// Goes back to the last good state with a smaller learning rate.
    ///
    /// # Errors
    /// Where no return is left: the training ends with that state saved.
    fn roll_back(&mut self, step: u64, wrong: &str, observer: &mut dyn Observer) -> Result<()> {
        let stability = self.plan.settings.stability().clone();
        let diverged = self.beside.watch;
        self.state.restore(&self.good.values);
        self.beside.restore(&self.good.beside, &self.plan.diagnostics())?;
        let mut watch = diverged;
        let may = watch.roll_back(&stability, &self.beside.watch);
        self.step = self.good.step;
        if !may {
            self.save()?;
            return Err(Error::run("training diverged")
                .at(format!("step {step}"))
                .found(format!("{wrong}, after {} returns to a good state", diverged.rollbacks))
                .remedy(format!(
                    "the state of step {} is kept in {}; try a smaller optimiser.learning_rate",
                    self.step,
                    self.run.folder().checkpoint_path(self.step).display()
                )));
        }
        self.beside.watch = watch;
        observer.message(&format!(
            "step {step}: {wrong}; back to step {} with the learning rate times {}",
            self.step, stability.rate_factor
        ));
        self.metrics.append(&json!({
            "step": self.step,
            "rollback_from": step,
            "rollback": wrong,
            "rollbacks": watch.rollbacks,
            "rate_scale": watch.rate,
            "seconds": self.seconds(),
        }))
    }

    /// A line with the means since the last one.
    fn log(&mut self) -> Result<()> {
        let mut row = Map::from_iter([("step".to_string(), json!(self.step))]);
        row.extend(self.beside.window.line());
        row.insert("seconds".into(), json!(self.seconds()));
        self.last_loss = Some(self.beside.window.loss_per_dim());
        self.beside.window.clear();
        self.metrics.append(&row)
    }

    fn progress(&self) -> f64 {
        let train = self.plan.settings.train();
        match (train.decay_by, train.wall_time()) {
            (DecayBy::Time, Some(limit)) => self.seconds() / limit.max(Duration::from_nanos(1)).as_secs_f64(),
            _ => self.step as f64 / train.steps as f64,
        }
    }

    fn validate(&mut self, observer: &mut dyn Observer) -> Result<()> {
        if let Some(units) = &self.units {
            let (mut row, said) = units.observe(&self.averaged_model()?)?;
            observer.message(&format!("step {}: {said}", self.step));
            row["step"] = json!(self.step);
            row["seconds"] = json!(self.seconds());
            self.metrics.append(&row)?;
        }
        let Some(validation) = &mut self.validation else { return Ok(()) };
        let count = self.plan.update().parameters.len();
        let loss = validation.loss_per_dim(&self.state.values()[3 * count..])?;
        self.last_validation = Some(loss);
        observer.message(&format!("step {}: validation loss {loss:.4}", self.step));
        let row = json!({
            "step": self.step,
            "validation_loss_per_dim": loss,
            "seconds": self.seconds(),
        });
        self.metrics.append(&row)
    }

    fn save(&mut self) -> Result<()> {
        let mut tensors = self.state.tensors(self.plan.update())?;
        self.beside.save(&mut tensors)?;
        let metrics = self.metrics.sync()?;
        let key = Key::new(self.plan.settings.train().seed, self.step + 1);
        self.run.save_checkpoint(self.step, &tensors, Progress { metrics, seconds: self.seconds(), key })?;
        self.good =
            Good { step: self.step, values: self.state.values().to_vec(), beside: self.beside.tensors()? };
        Ok(())
    }

    /// The model with its averaged weights, to draw from.
    fn averaged_model(&self) -> Result<TrainedModel> {
        let parameters = &self.plan.update().parameters;
        let averages = &self.state.values()[3 * parameters.len()..];
        let of = |wanted: &enscore_program::Parameter| {
            let found = parameters.iter().zip(averages).find(|(parameter, _)| parameter.name == wanted.name);
            Ok(found.map(|(_, values)| values.clone()).unwrap_or_default())
        };
        TrainedModel::new(&self.plan.settings, self.plan.record.clone(), of)
    }
}

impl Beside {
    /// What of it a checkpoint holds.
    fn save(&self, tensors: &mut Tensors) -> Result<()> {
        self.watch.save(tensors)?;
        self.window.save(tensors)?;
        if self.player > 0 {
            tensors.insert(TURN, &[], TensorData::F32(vec![self.player as f32]))?;
        }
        self.chains.as_ref().map_or(Ok(()), |chains| chains.save(tensors))
    }

    fn tensors(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.save(&mut tensors)?;
        Ok(tensors)
    }

    /// What a checkpoint holds; `diagnostics` are the names of what each player reports.
    fn restore(&mut self, tensors: &Tensors, diagnostics: &[Vec<&'static str>]) -> Result<()> {
        self.watch = Watch::restore(tensors)?;
        self.window = Window::restore(tensors, diagnostics)?;
        self.player = match tensors.get(TURN) {
            Some(_) => usize::from(tensors.f32(TURN)?.first().is_some_and(|turn| *turn > 0.0)),
            None => 0,
        };
        self.chains.as_mut().map_or(Ok(()), |chains| chains.restore(tensors))
    }
}

/// Whether the objective has a loss on held-out rows: contrastive divergence has not, without chains of its
/// own.
fn validates(settings: &Settings) -> bool {
    !matches!(settings.objective(), Objective::Cd(_) | Objective::CdGibbs(_))
}

pub(super) fn refuse_beyond_memory(plan: &Plan, arena: u64) -> Result<()> {
    let (needed, limit) = (memory_estimate(plan, arena) as f64 / GIB, plan.settings.train().memory_limit_gib);
    if needed <= limit {
        return Ok(());
    }
    Err(Error::input("the training needs more memory than allowed")
        .at("train.memory_limit_gib")
        .found(format!("{needed:.digits$} GiB needed", digits = if needed < 0.1 { 5 } else { 2 }))
        .expected(format!("at most {limit} GiB"))
        .remedy("use a smaller train.batch or network, or raise the limit"))
}
