//! The loop: batch, step, log, validate, sample, save; from the first step or from a checkpoint.

use std::time::{Duration, Instant};

use enscore_cpu::Executable;
use enscore_program::random::Key;
use serde_json::json;

use crate::checkpoint::{MetricsWriter, Progress, Run};
use crate::error::{Error, Result};
use crate::report::run_report;
use crate::sample::{TrainedScore, options, refused};
use crate::settings::{Decay as DecaySetting, DecayBy, Settings};
use crate::train::adam::Adam;
use crate::train::batches::Batches;
use crate::train::diagnose::first_non_finite;
use crate::train::plan::{Plan, memory_estimate};
use crate::train::resume::open;
use crate::train::schedule::{Decay, LearningRate, average_decay};
use crate::train::state::{State, StepInputs, StepReport};
use crate::train::validation::Validation;
use crate::train::{Observer, Outcome, Request};

const GIB: f64 = (1u64 << 30) as f64;

pub(crate) struct Trainer {
    plan: Plan,
    run: Run,
    state: State,
    validation: Option<Validation>,
    batches: Batches,
    metrics: MetricsWriter,
    adam: Adam,
    rate: LearningRate,
    /// Steps done.
    step: u64,
    /// Seconds trained before this part of the run, and when this part began.
    earlier: f64,
    began: Instant,
    /// Since the last logged line.
    pending: Vec<StepReport>,
    last_loss: Option<f64>,
    last_validation: Option<f64>,
}

impl Trainer {
    pub(crate) fn new(plan: Plan, request: &Request, observer: &mut dyn Observer) -> Result<Trainer> {
        let executable =
            Executable::compile(&plan.update.program, options(&plan.settings)).map_err(refused)?;
        refuse_beyond_memory(&plan, executable.arena_bytes())?;
        let (run, values, resumed) = open(&plan, request, observer)?;
        let (metrics, warning) = MetricsWriter::resume(&run.folder().metrics_path(), resumed.metrics)?;
        if let Some(warning) = warning {
            observer.message(&warning);
        }
        let validation = match &plan.validation {
            Some(subset) if plan.settings.train().validate_every > 0 => Some(Validation::new(&plan, subset)?),
            _ => None,
        };
        let optimiser = plan.settings.optimiser();
        Ok(Trainer {
            state: State::new(&plan.update, executable, values),
            validation,
            batches: Batches::new(&plan.training, &plan.settings),
            metrics,
            adam: Adam::new(optimiser.beta1, optimiser.beta2, optimiser.epsilon)?,
            rate: learning_rate(&plan.settings),
            step: resumed.step,
            earlier: resumed.seconds,
            began: Instant::now(),
            pending: Vec::new(),
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
        while self.step < steps {
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
            let report = self.advance()?;
            observer.step(self.step, report.loss_per_dim);
            let due = |every: u64| every > 0 && (self.step % every == 0 || self.step == steps);
            let (log, validate, sample, save) = (
                due(train.log_every),
                due(train.validate_every),
                train.sample_every > 0 && self.step % train.sample_every == 0,
                self.step % train.checkpoint_every == 0,
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
                let score = self.averaged_score()?;
                run_report::write_sheet(&score, &settings, self.run.folder(), self.step)?;
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
        Ok(Outcome {
            run: self.run.folder().path().to_path_buf(),
            step: self.step,
            steps: self.plan.settings.train().steps,
            seconds: self.seconds(),
            loss_per_dim: self.last_loss,
            validation_loss_per_dim: self.last_validation,
        })
    }

    /// One step. One that is not finite ends the training, with the state as it was before it.
    fn advance(&mut self) -> Result<StepReport> {
        let step = self.step + 1;
        self.batches.fill(self.step)?;
        let train = self.plan.settings.train();
        let progress = self.progress();
        let [correction1, correction2] = self.adam.corrections(step);
        let decay = average_decay(self.plan.settings.optimiser().ema_decay, self.step);
        let rates = [self.rate.at(step, progress), correction1, correction2, decay];
        let inputs = StepInputs {
            x: &self.batches.x,
            weights: &self.batches.weights,
            key: Key::new(train.seed, step),
            rates,
        };
        let report = self.state.step(&inputs)?;
        if !report.finite {
            let tensor = first_non_finite(&self.plan, self.state.values(), &inputs)?;
            self.save()?;
            return Err(Error::run("training diverged")
                .at(format!("step {step}"))
                .found(format!("{tensor} is not finite (loss {})", report.loss))
                .remedy(format!(
                    "the state before that step is kept in {}; try a smaller optimiser.learning_rate",
                    self.run.folder().checkpoint_path(self.step).display()
                )));
        }
        self.step = step;
        self.pending.push(report);
        Ok(report)
    }

    /// A line with the means since the last one.
    fn log(&mut self) -> Result<()> {
        let n = self.pending.len().max(1) as f64;
        let mean = |part: fn(&StepReport) -> f64| self.pending.iter().map(part).sum::<f64>() / n;
        let loss_per_dim = mean(|report| report.loss_per_dim);
        let row = json!({
            "step": self.step,
            "loss": mean(|report| report.loss),
            "loss_per_dim": loss_per_dim,
            "gradient_norm": mean(|report| report.gradient_norm),
            "learning_rate": self.rate.at(self.step, self.progress()),
            "seconds": self.seconds(),
        });
        self.pending.clear();
        self.last_loss = Some(loss_per_dim);
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
        let Some(validation) = &mut self.validation else { return Ok(()) };
        let count = self.plan.update.parameters.len();
        let loss = validation.loss_per_dim(&self.state.values()[3 * count..])?;
        self.last_validation = Some(loss);
        observer.message(&format!("step {}: validation loss per dimension {loss:.4}", self.step));
        let row = json!({
            "step": self.step,
            "validation_loss_per_dim": loss,
            "seconds": self.seconds(),
        });
        self.metrics.append(&row)
    }

    fn save(&mut self) -> Result<()> {
        let tensors = self.state.tensors(&self.plan.update)?;
        let metrics = self.metrics.sync()?;
        let key = Key::new(self.plan.settings.train().seed, self.step + 1);
        self.run.save_checkpoint(self.step, &tensors, Progress { metrics, seconds: self.seconds(), key })
    }

    /// The network with its averaged weights, to draw from.
    fn averaged_score(&self) -> Result<TrainedScore> {
        let count = self.plan.update.parameters.len();
        let mut averages = self.state.values()[3 * count..].iter();
        let next = |_: &enscore_program::Parameter| Ok(averages.next().cloned().unwrap_or_default());
        TrainedScore::new(&self.plan.settings, self.plan.record.clone(), next)
    }
}

fn learning_rate(settings: &Settings) -> LearningRate {
    let optimiser = settings.optimiser();
    let decay = match optimiser.decay {
        DecaySetting::None => Decay::None,
        DecaySetting::Cosine => Decay::Cosine,
        DecaySetting::Linear => Decay::Linear,
    };
    let (peak, warmup_steps) = (optimiser.learning_rate, optimiser.warmup_steps);
    LearningRate { peak, warmup_steps, decay, final_fraction: optimiser.final_fraction }
}

fn refuse_beyond_memory(plan: &Plan, arena: usize) -> Result<()> {
    let (needed, limit) = (memory_estimate(plan, arena) as f64 / GIB, plan.settings.train().memory_limit_gib);
    if needed <= limit {
        return Ok(());
    }
    Err(Error::input("the training needs more memory than allowed")
        .at("train.memory_limit_gib")
        .found(format!("{needed:.2} GiB needed"))
        .expected(format!("at most {limit} GiB"))
        .remedy("use a smaller train.batch or network, or raise the limit"))
}
