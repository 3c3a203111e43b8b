//! A compiled workload with its memory, run again and again.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use enscore_cpu::matmul::Products;
use enscore_cpu::{Argument, Executable, ExecutorError, Options, StepProfile};
use enscore_program::random::{Key, normal_row};

use crate::adam;
use crate::drive::Drive;
use crate::networks::Spec;
use crate::workloads::{Workload, chain_step, langevin_schedule};

/// Runs of one measurement, at most.
const MOST_RUNS: usize = 200;
/// Runs before one.
const WARM_UP: usize = 2;

/// A workload ready to run.
pub struct Runner {
    executable: Executable<f32>,
    drive: Drive,
    /// Parameters and moments: those of now and those of the next step.
    state: [Vec<Vec<f32>>; 2],
    /// The state of step 0.
    start: Vec<Vec<f32>>,
    batch: Vec<Vec<f32>>,
    /// Outputs that are not state.
    results: Vec<Vec<f32>>,
    step: i32,
    compiled_in: Duration,
}

/// Arrays of single precision, one after another, as the file at `path` has them.
fn read(path: &Path, specs: &[Spec]) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let lengths: Vec<usize> = specs.iter().map(|(_, shape)| shape.iter().product()).collect();
    let expected = 4 * lengths.iter().sum::<usize>();
    if bytes.len() != expected {
        return Err(format!("{}: {} bytes, expected {expected}", path.display(), bytes.len()).into());
    }
    let mut numbers = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok(lengths.iter().map(|len| numbers.by_ref().take(*len).collect()).collect())
}

/// The inputs of one output of a layer with these weights; of biases and scales 1.
fn fan_in((_, shape): &Spec) -> f64 {
    shape.iter().rev().skip(1).product::<usize>() as f64
}

impl Runner {
    /// Compiles `workload` with these products and reads what it starts from.
    pub fn new(workload: &Workload, data: &Path, products: Products) -> Result<Runner, Box<dyn Error>> {
        let specs = [&workload.parameters[..], &workload.batch].concat();
        Runner::starting_at(workload, read(data, &specs)?, products)
    }

    /// Compiles `workload` and draws what it starts from: N(0, 1/fan_in) for parameters, N(0, 1) for the
    /// batch.
    pub fn drawn(workload: &Workload) -> Result<Runner, Box<dyn Error>> {
        let parameters = workload.parameters.iter().map(|spec| (spec, fan_in(spec).powf(-0.5)));
        let specs = parameters.chain(workload.batch.iter().map(|spec| (spec, 1.0)));
        let drawn = specs.enumerate().map(|(row, ((_, shape), deviation))| {
            let mut draws = vec![0.0; shape.iter().product()];
            normal_row(Key::new(0, 0), 0, row as u64, &mut draws);
            draws.into_iter().map(|z| (deviation * z) as f32).collect()
        });
        Runner::starting_at(workload, drawn.collect(), Products::Single)
    }

    fn starting_at(
        workload: &Workload,
        mut parameters: Vec<Vec<f32>>,
        products: Products,
    ) -> Result<Runner, Box<dyn Error>> {
        let program = workload.program()?;
        let began = Instant::now();
        let executable = Executable::compile(&program, Options { products, ..Options::default() })?;
        let compiled_in = began.elapsed();
        let mut batch = parameters.split_off(workload.parameters.len());
        if workload.drive == Drive::Update {
            let zeros: Vec<Vec<f32>> = parameters.iter().map(|values| vec![0.0; values.len()]).collect();
            parameters.extend([zeros.clone(), zeros].concat());
        }
        batch[..workload.bits].iter_mut().flatten().for_each(|value| *value = f32::from(*value > 0.0));
        let kept = if workload.drive.keeps_state() { parameters.len() } else { 0 };
        let results = program.outputs()[kept..]
            .iter()
            .map(|(_, id)| vec![0.0; program.nodes()[*id].shape.iter().product()])
            .collect();
        let next = parameters.clone();
        let start = parameters.clone();
        Ok(Runner {
            executable,
            drive: workload.drive,
            state: [parameters, next],
            start,
            batch,
            results,
            step: 0,
            compiled_in,
        })
    }

    /// How long compilation took.
    pub fn compiled_in(&self) -> Duration {
        self.compiled_in
    }

    /// Runs the workload once; `noise` scales the noise of sampling.
    pub fn run(&mut self, noise: f32) -> Result<(), ExecutorError> {
        self.step += 1;
        match self.drive {
            Drive::Update => {
                let corrections = adam::corrections(self.step);
                self.execute(&[&corrections[..1], &corrections[1..]], None)?;
                self.state.swap(0, 1);
            }
            Drive::Once => self.execute(&[], None)?,
            Drive::Langevin => {
                let steps = langevin_schedule();
                self.chain(steps.into_iter().map(|[size, spread, sigma]| vec![size, noise * spread, sigma]))?;
            }
            Drive::Anneal(steps) => {
                let beta = |k: usize| k as f32 / steps as f32;
                self.chain((0..steps).map(|k| vec![beta(k), beta(k + 1), noise]))?;
            }
            Drive::Contrast(updates) => {
                for number in 0..updates {
                    let key = Key::new(self.step as u64, number as u64);
                    self.execute(&[&[noise]], Some(key))?;
                    self.batch.rotate_left(1);
                    self.state.swap(0, 1);
                }
            }
            Drive::Chain(steps) => {
                let [size, spread] = chain_step();
                self.chain(std::iter::repeat_n(vec![size, noise * spread], steps))?;
            }
        }
        Ok(())
    }

    /// Runs the program once for each of `steps`, the scalars that it takes, from the batch on: x goes from
    /// step to step.
    fn chain(&mut self, steps: impl Iterator<Item = Vec<f32>>) -> Result<(), ExecutorError> {
        let start = self.batch.clone();
        for (number, scalars) in steps.enumerate() {
            let key = Key::new(self.step as u64, number as u64);
            let scalars: Vec<&[f32]> = scalars.chunks(1).collect();
            self.execute(&scalars, Some(key))?;
            self.batch.iter_mut().zip(&mut self.results).for_each(|(now, next)| std::mem::swap(now, next));
        }
        self.results.iter_mut().zip(&self.batch).for_each(|(result, last)| result.copy_from_slice(last));
        self.batch = start;
        Ok(())
    }

    fn execute(&mut self, scalars: &[&[f32]], key: Option<Key>) -> Result<(), ExecutorError> {
        let [now, next] = &mut self.state;
        let batch = if matches!(self.drive, Drive::Contrast(_)) { &self.batch[..1] } else { &self.batch };
        let arrays = now.iter().chain(batch).map(Vec::as_slice).chain(scalars.iter().copied());
        let inputs: Vec<Argument<f32>> = arrays.map(Argument::Float).chain(key.map(Argument::Key)).collect();
        let state = if self.drive.keeps_state() { &mut next[..] } else { &mut [] };
        let mut outputs: Vec<&mut [f32]> =
            state.iter_mut().chain(&mut self.results).map(Vec::as_mut_slice).collect();
        self.executable.run(&inputs, &mut outputs)
    }

    /// The number by which runs in different libraries are compared: the loss, or the mean square of what
    /// came out.
    pub fn figure(&self) -> f64 {
        match self.results.last().map(Vec::as_slice) {
            Some([loss]) => f64::from(*loss),
            Some(values) => {
                values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / values.len() as f64
            }
            None => f64::NAN,
        }
    }

    /// The norm of a first run's gradient, if it has one. After an update it stands in the first moments.
    pub fn gradient_norm(&self) -> Option<f64> {
        let (gradients, scale) = match self.drive {
            Drive::Update => {
                let count = self.start.len() / 3;
                (&self.state[0][count..2 * count], 1.0 - adam::BETA1)
            }
            Drive::Once => (self.results.split_last()?.1, 1.0),
            Drive::Langevin | Drive::Chain(_) | Drive::Anneal(_) | Drive::Contrast(_) => return None,
        };
        let squares = gradients.iter().flatten().map(|g| f64::from(*g) * f64::from(*g));
        (!gradients.is_empty()).then(|| squares.sum::<f64>().sqrt() / scale)
    }

    /// From the start on, after a few runs that nobody times.
    fn start_over(&mut self) -> Result<(), ExecutorError> {
        self.state[0].clone_from(&self.start);
        self.step = 0;
        (0..WARM_UP).try_for_each(|_| self.run(1.0))
    }

    /// Median and least seconds of a run from the start on, over runs that together take `budget`. Training
    /// on one batch for thousands of steps would measure how fast each library is with vanishing gradients:
    /// runs are limited.
    pub fn time(&mut self, budget: Duration) -> Result<(f64, f64), ExecutorError> {
        self.start_over()?;
        let began = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < 2 || (seconds.len() < MOST_RUNS && began.elapsed() < budget) {
            let start = Instant::now();
            self.run(1.0)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Ok((seconds[seconds.len() / 2], seconds[0]))
    }

    /// Bytes that the program may touch.
    pub fn touched_bytes(&self) -> usize {
        self.executable.touched_bytes()
    }

    /// How often a run of the workload runs its program.
    pub fn programs_a_run(&self) -> usize {
        match self.drive {
            Drive::Update | Drive::Once => 1,
            Drive::Langevin => langevin_schedule().len(),
            Drive::Chain(times) | Drive::Anneal(times) | Drive::Contrast(times) => times,
        }
    }

    /// Runs for `budget` and gives what each step of the program cost, the dearest first.
    pub fn hot_spots(&mut self, budget: Duration) -> Result<Vec<StepProfile>, ExecutorError> {
        self.start_over()?;
        self.executable.start_profile();
        let began = Instant::now();
        let before = self.step;
        while self.step == before || (self.step < before + MOST_RUNS as i32 && began.elapsed() < budget) {
            self.run(1.0)?;
        }
        let mut steps = self.executable.end_profile();
        steps.sort_by(|a, b| b.least.total_cmp(&a.least));
        Ok(steps)
    }
}
