//! A program compiled for this processor: run many times without allocating for its values.

use std::sync::atomic::{AtomicBool, Ordering};

use enscore_program::executor::{ExecutorError, StepProfile, Work};
use enscore_program::{Kind, Program};

use crate::argument::{Argument, Options};
use crate::compile::{Compiled, compile};
use crate::math::Math;
use crate::run::{Crew, Memory, run_step};
use crate::step::Step;
use crate::work::works;

/// Threads that are kept awake during a run, at most.
const MOST_AWAKE: usize = 15;

/// A program compiled for one float width. The same inputs give the same bits on any number of threads.
pub struct Executable<T> {
    compiled: Compiled<T>,
    /// Values between inputs and outputs; the first element is aligned to a cache line.
    arena: Vec<T>,
    start: usize,
    indices: Vec<i32>,
    sums: Vec<f64>,
    options: Options,
    /// What steps cost so far, while somebody asks.
    profile: Option<Vec<StepProfile>>,
}

/// Calls `work` on a thread of the pool while the others stay awake: a program has short steps between those
/// that are shared out, and waking a thread can take longer than its share of a step. Until the work has
/// ended, the others call `help` in between.
fn awake(work: impl FnOnce() + Send, help: impl Fn() + Sync) {
    let done = &AtomicBool::new(false);
    let help = &help;
    let helpers = rayon::current_num_threads().saturating_sub(1).min(MOST_AWAKE);
    rayon::scope(|scope| {
        let home = rayon::current_thread_index();
        for _ in 0..helpers {
            scope.spawn(move |_| {
                // If rayon ran this on the working thread, waiting here would deadlock.
                while rayon::current_thread_index() != home && !done.load(Ordering::Acquire) {
                    help();
                    if rayon::yield_now() != Some(rayon::Yield::Executed) {
                        std::thread::yield_now();
                    }
                }
            });
        }
        let _ends = SetOnDrop(done);
        work();
    });
}

/// Says that the work has ended, even if it panicked.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl<T: Math> Executable<T> {
    /// Plans `program` and takes the memory that it needs.
    ///
    /// # Errors
    /// A program with an empty value, an index output, or a primitive that this executor does not have; more
    /// memory than the system gives.
    pub fn compile(program: &Program, options: Options) -> Result<Self, ExecutorError> {
        let compiled = compile::<T>(program, options)?;
        let line = 64 / size_of::<T>();
        let len = compiled.arena + line;
        // Asked for first, since an allocation that fails ends the process; zeroing a reserved one would
        // touch every page.
        let mut asked = Vec::<T>::new();
        asked.try_reserve_exact(len).map_err(|_| {
            ExecutorError(format!("{} bytes of memory, more than the system gives", len * size_of::<T>()))
        })?;
        // Without this the compiler may leave out an allocation that nothing uses.
        std::hint::black_box(asked.as_mut_ptr());
        drop(asked);
        let arena = vec![T::ZERO; len];
        let start = arena.as_ptr().align_offset(64).min(line);
        let indices = compiled.index_start.clone();
        let sums = vec![0.0; compiled.sums];
        Ok(Executable { compiled, arena, start, indices, sums, options, profile: None })
    }

    /// Bytes that hold the values between inputs and outputs, and the work space of kernels.
    pub fn arena_bytes(&self) -> usize {
        self.arena.len() * size_of::<T>()
    }

    /// Bytes that a run may touch: inputs, outputs, constants and the arena.
    pub fn touched_bytes(&self) -> usize {
        let inputs = self.compiled.inputs.iter().filter(|input| input.kind != Kind::Key);
        let inputs: usize = inputs.map(|input| input.shape.iter().product::<usize>()).sum();
        let outputs: usize = self.compiled.output_lengths.iter().sum();
        (self.compiled.arena + self.compiled.constants.len() + inputs + outputs) * size_of::<T>()
    }

    /// From now on the time of every step is taken. Steps run one after another, though a small program's run
    /// side by side otherwise: their sum may be more than a run takes.
    pub fn start_profile(&mut self) {
        let steps = &self.compiled.steps;
        let works = works(steps, size_of::<T>());
        let step = |(step, work): (&Step, Work)| StepProfile {
            name: step.name(),
            runs: 0,
            seconds: 0.0,
            least: f64::INFINITY,
            work,
        };
        self.profile = Some(steps.iter().zip(works).map(step).collect());
    }

    /// What the steps cost since [`Executable::start_profile`]; none without one. Runs go on as before it.
    pub fn end_profile(&mut self) -> Vec<StepProfile> {
        self.profile.take().unwrap_or_default()
    }

    /// Runs the program. `inputs` are in the program's order; each of `outputs` is overwritten.
    ///
    /// # Errors
    /// An input or output of the wrong kind or length, named.
    pub fn run(&mut self, inputs: &[Argument<T>], outputs: &mut [&mut [T]]) -> Result<(), ExecutorError> {
        if let Some(mut profile) = self.profile.take() {
            let ran = self.run_observed(inputs, outputs, |number, seconds| {
                let step = &mut profile[number];
                step.runs += 1;
                step.seconds += seconds;
                step.least = step.least.min(seconds);
            });
            self.profile = Some(profile);
            return ran;
        }
        if rayon::current_num_threads() < 2 {
            return self.run_observed(inputs, outputs, |_, _| {});
        }
        let Some(order) = &self.compiled.order else { return self.run_observed(inputs, outputs, |_, _| {}) };
        self.check(inputs, outputs)?;
        let arena = &mut self.arena[self.start..];
        let memory =
            &Memory::new(inputs, outputs, arena, &self.compiled.constants, &mut self.indices, &mut self.sums);
        let steps = &self.compiled.steps;
        let options = self.options;
        let crew = &Crew::new(order);
        let step = |number: usize| run_step(&steps[number], memory, options);
        awake(|| crew.work(true, &step), || crew.work(false, &step));
        Ok(())
    }

    fn run_observed(
        &mut self,
        inputs: &[Argument<T>],
        outputs: &mut [&mut [T]],
        mut observe: impl FnMut(usize, f64) + Send,
    ) -> Result<(), ExecutorError> {
        self.check(inputs, outputs)?;
        let wide = self.compiled.wide;
        let mut run = || {
            let arena = &mut self.arena[self.start..];
            let memory = Memory::new(
                inputs,
                outputs,
                arena,
                &self.compiled.constants,
                &mut self.indices,
                &mut self.sums,
            );
            for (number, step) in self.compiled.steps.iter().enumerate() {
                let began = std::time::Instant::now();
                run_step(step, &memory, self.options);
                observe(number, began.elapsed().as_secs_f64());
            }
        };
        if wide {
            awake(run, || ())
        } else {
            run()
        }
        Ok(())
    }

    fn check(&self, inputs: &[Argument<T>], outputs: &[&mut [T]]) -> Result<(), ExecutorError> {
        let found = inputs.len();
        let expected = self.compiled.inputs.len();
        if found != expected {
            return Err(ExecutorError(format!("{found} inputs were passed, the program has {expected}")));
        }
        for (argument, input) in inputs.iter().zip(&self.compiled.inputs) {
            let size: usize = input.shape.iter().product();
            let fits = match (argument, input.kind) {
                (Argument::Float(values), Kind::Float | Kind::Bool) => values.len() == size,
                (Argument::Index(values), Kind::Index) => values.len() == size,
                (Argument::Key(_), Kind::Key) => true,
                _ => false,
            };
            if !fits {
                let name = &input.name;
                let kind = input.kind;
                let shape = &input.shape;
                return Err(ExecutorError(format!(
                    "input {name:?} does not fit: expected {kind:?} {shape:?}"
                )));
            }
        }
        let lengths: Vec<usize> = outputs.iter().map(|output| output.len()).collect();
        if lengths != self.compiled.output_lengths {
            let expected = &self.compiled.output_lengths;
            return Err(ExecutorError(format!("outputs of lengths {lengths:?}, expected {expected:?}")));
        }
        Ok(())
    }
}
