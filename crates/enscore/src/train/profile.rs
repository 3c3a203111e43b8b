//! Where the time of a training goes: a few updates in memory, each step of their programs timed and set
//! beside the limit of the machine,
//!
//! ```text
//! limit = Σ over steps of max(operations / peak, bytes / bandwidth)
//! ```
//!
//! (Williams, Waterman and Patterson 2009, the roofline). The peak is the rate of our large square matrix
//! products on all threads; the bandwidth is that of copying as many bytes as the program touches, so
//! programs that fit a cache are measured by it. What counts as an operation and as a byte is said at
//! [`crate::program::executor::Work`]. The limit knows nothing of exp, tanh and random draws, which are work
//! too.
//!
//! Steps are timed one after another, each on all threads that it can use. In a training the short steps of a
//! small program run side by side instead, so the sum of the steps may be more than an update takes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use enscore_program::executor::{Group, Profile, Rates, StepProfile};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::executor::Routine;
use crate::settings::Settings;
use crate::train::from_settings::Described;
use crate::train::record::warm_start;
use crate::train::training::Training;

/// Updates before the first that is timed.
const WARM_UP: u64 = 2;
/// How long each rate of the machine is measured.
const BUDGET: Duration = Duration::from_millis(200);

/// What an update of a training does, and what it costs. Times are milliseconds an update.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingProfile {
    /// Updates that the figures are means of.
    pub updates: u64,
    /// Threads.
    pub threads: usize,
    /// Numbers that the network learns.
    pub parameters: u64,
    /// An update as a training runs it, with its chains and the host's work.
    pub update_ms: f64,
    /// All steps of its programs, one after another.
    pub steps_ms: f64,
    /// What the host did beside them: batches, starts of chains.
    pub host_ms: f64,
    /// Planning the programs, and starting the chains.
    pub compile_ms: f64,
    /// Bytes of the values between inputs and outputs, over all programs.
    pub arena_bytes: u64,
    /// Multiplications and additions of an update.
    pub operations: f64,
    /// Bytes that the steps of an update read and write.
    pub bytes: f64,
    /// The least time that the steps could take.
    pub limit_ms: f64,
    /// `limit_ms` / `update_ms`.
    pub share_of_limit: f64,
    /// The rate of large square matrix products, 10^9 operations per second.
    pub peak_gflops: f64,
    /// The rate of copying what fits no cache, 10^9 bytes per second, read and written.
    pub copy_gb_per_s: f64,
    /// The programs.
    pub programs: Vec<ProgramProfile>,
    /// The steps by group, those without any left out.
    pub groups: Vec<WorkRow>,
    /// The steps, those of one name together, the most expensive first.
    pub steps: Vec<WorkRow>,
}

/// One of the programs that an update runs.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramProfile {
    /// `update` (numbered where there are several players) or `chains`.
    pub name: String,
    /// Runs an update.
    pub runs: f64,
    /// Steps.
    pub steps: usize,
    /// Bytes of the values between inputs and outputs.
    pub arena_bytes: u64,
    /// Bytes that a run may touch: inputs, outputs, constants and the arena.
    pub touched_bytes: u64,
    /// Copy bandwidth at this size, 10^9 bytes per second, reads and writes together.
    pub copy_gb_per_s: f64,
}

/// Steps together: what they do and what they cost in an update.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WorkRow {
    /// The group, or the primitives that the steps compute.
    pub name: String,
    /// The program, where it is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// Steps run in an update.
    pub count: f64,
    /// Milliseconds.
    pub ms: f64,
    /// The fraction of all steps' time.
    pub share: f64,
    /// Multiplications and additions.
    pub operations: f64,
    /// Bytes read and written.
    pub bytes: f64,
    /// 10^9 operations per second.
    pub gflops: f64,
    /// 10^9 bytes per second.
    pub gb_per_s: f64,
    /// The least time that they could take.
    pub limit_ms: f64,
    /// `limit_ms` / `ms`.
    pub share_of_limit: f64,
}

/// Profiles `updates` updates of the training that `settings` describe; of a training with stages, updates of
/// the last one. Nothing is written. `stop` is asked between updates for the number of a signal that asks for
/// an end.
///
/// # Errors
/// No updates; whatever of the settings is wrong; [`crate::Reason::Interrupted`] after a signal.
pub fn profile(settings: &Settings, updates: u64, stop: &dyn Fn() -> Option<i32>) -> Result<TrainingProfile> {
    if updates == 0 {
        return Err(Error::input("nothing to profile").at("updates").found(0).expected("at least 1"));
    }
    let mut training = Described::by(settings)?.training;
    warm_start(settings, &mut training)?;
    if training.task().fits {
        return Err(Error::input("a fit has no updates to profile")
            .at("objective.kind = \"fit\"")
            .remedy("train it: every step is a pass over all rows"));
    }
    training.skip_to(training.task().stages.last().copied().unwrap_or(0));
    advance(&mut training, WARM_UP, stop)?;
    let update_ms = advance(&mut training, updates, stop)?.as_secs_f64() * 1e3 / updates as f64;
    training.programs().into_iter().for_each(|(_, routine)| routine.compiled_mut().start_profile());
    let profiled_ms = advance(&mut training, updates, stop)?.as_secs_f64() * 1e3 / updates as f64;
    let executor = training.executors().update.clone();
    let Some(rates) = executor.rates() else {
        return Err(Error::input("this executor measures no steps").found(executor.name()));
    };
    let compile_ms = training.compiled_in().as_secs_f64() * 1e3;
    let mut profile = TrainingProfile {
        updates,
        threads: rayon::current_num_threads(),
        parameters: training.parameter_count(),
        update_ms,
        steps_ms: 0.0,
        host_ms: 0.0,
        compile_ms,
        arena_bytes: 0,
        operations: 0.0,
        bytes: 0.0,
        limit_ms: 0.0,
        share_of_limit: 0.0,
        peak_gflops: rates.products(BUDGET) / 1e9,
        copy_gb_per_s: rates.copies(rates.large(), BUDGET) / 1e9,
        programs: Vec::new(),
        groups: Vec::new(),
        steps: Vec::new(),
    };
    let ended = |(name, routine)| ended(name, routine, updates, rates);
    let measured = training.programs().into_iter().map(ended).collect();
    profile.add_steps(measured);
    profile.host_ms = (profiled_ms - profile.steps_ms).max(0.0);
    Ok(profile)
}

/// Runs `updates` updates; returns how long they took.
fn advance(training: &mut Training, updates: u64, stop: &dyn Fn() -> Option<i32>) -> Result<Duration> {
    let began = Instant::now();
    for _ in 0..updates {
        if let Some(signal) = stop() {
            return Err(Error::interrupted(signal, "the profile was interrupted"));
        }
        training.step()?;
    }
    Ok(began.elapsed())
}

/// What a program's profile says.
fn ended(
    name: String,
    routine: &mut Routine,
    updates: u64,
    rates: &dyn Rates,
) -> (ProgramProfile, Vec<StepProfile>) {
    let Profile { steps, touched } = routine.compiled_mut().end_profile();
    let runs = steps.first().map_or(0, |step| step.runs);
    let program = ProgramProfile {
        name,
        runs: runs as f64 / updates as f64,
        steps: steps.len(),
        arena_bytes: routine.memory() as u64,
        touched_bytes: touched as u64,
        copy_gb_per_s: rates.copies(touched, BUDGET) / 1e9,
    };
    (program, steps)
}

impl TrainingProfile {
    fn add_steps(&mut self, measured: Vec<(ProgramProfile, Vec<StepProfile>)>) {
        let mut groups = BTreeMap::<Group, WorkRow>::new();
        let mut named = BTreeMap::new();
        let mut all = WorkRow::default();
        for (program, steps) in measured {
            for step in &steps {
                let row = self.row(&program, step);
                let group = groups.entry(step.work.group).or_default();
                let same: &mut WorkRow = named.entry((program.name.clone(), step.name.clone())).or_default();
                [&mut all, group, same].into_iter().for_each(|sum| sum.add(&row));
            }
            self.arena_bytes += program.arena_bytes;
            self.programs.push(program);
        }
        let total = all.ms;
        let group =
            |(group, row): (Group, WorkRow)| WorkRow { name: group.name().into(), ..row.ended(total) };
        self.groups = groups.into_iter().filter(|(_, row)| row.count > 0.0).map(group).collect();
        let step = |((program, name), row): ((String, String), WorkRow)| WorkRow {
            name,
            program,
            ..row.ended(total)
        };
        self.steps = named.into_iter().filter(|(_, row)| row.count > 0.0).map(step).collect();
        self.steps.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        (self.steps_ms, self.operations, self.bytes, self.limit_ms) =
            (all.ms, all.operations, all.bytes, all.limit_ms);
        self.share_of_limit = all.limit_ms / self.update_ms;
    }

    /// A step in an update.
    fn row(&self, program: &ProgramProfile, step: &StepProfile) -> WorkRow {
        let count = step.runs as f64 / self.updates as f64;
        let operations = step.work.operations as f64;
        let bytes = step.work.bytes as f64;
        let limit = (operations / self.peak_gflops).max(bytes / program.copy_gb_per_s) * 1e-6;
        WorkRow {
            count,
            ms: step.seconds * 1e3 / self.updates as f64,
            operations: count * operations,
            bytes: count * bytes,
            limit_ms: count * limit,
            ..WorkRow::default()
        }
    }
}

impl WorkRow {
    fn add(&mut self, other: &WorkRow) {
        self.count += other.count;
        self.ms += other.ms;
        self.operations += other.operations;
        self.bytes += other.bytes;
        self.limit_ms += other.limit_ms;
    }

    /// With the rates that follow from the sums, of `total` milliseconds.
    fn ended(self, total: f64) -> WorkRow {
        // A clock that did not move gives no rates.
        let over = |x: f64, ms: f64| if ms > 0.0 { x / ms } else { 0.0 };
        WorkRow {
            share: over(self.ms, total),
            gflops: over(self.operations, self.ms) / 1e6,
            gb_per_s: over(self.bytes, self.ms) / 1e6,
            share_of_limit: over(self.limit_ms, self.ms),
            ..self
        }
    }
}
