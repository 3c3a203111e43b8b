//! An executor whose memory is not the host's, as a device's is not: the library trains and samples on it as
//! on the processor, and between two steps nothing crosses the border.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use enscore::executor::default_executor;
use enscore::sample::draw;
use enscore::trained::Trained;
use enscore_cpu::Cpu;
use enscore_program::Program;
use enscore_program::executor::{
    Buffer, Compiled, Executor, ExecutorError, Input, Output, Profile, Rates, Stored, Values, ValuesMut,
    Width,
};

use crate::common::runs::Folder;
use crate::common::training::Built;

/// The processor behind a border, with counts of what crosses it.
#[derive(Clone, Debug, Default)]
struct Far {
    reads: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    uploads: Arc<AtomicUsize>,
}

/// Numbers beyond the border.
struct Beyond {
    values: Buffer,
    executor: Far,
}

struct FarProgram(Box<dyn Compiled>);

impl Far {
    fn crossings(&self) -> [usize; 3] {
        [&self.reads, &self.writes, &self.uploads].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Stored for Beyond {
    fn count(&self) -> usize {
        self.values.count()
    }

    fn width(&self) -> Width {
        self.values.width()
    }

    fn read(&self, out: ValuesMut<'_>) -> Result<(), ExecutorError> {
        self.executor.reads.fetch_add(1, Ordering::Relaxed);
        match out {
            ValuesMut::Single(out) => out.copy_from_slice(&self.values.view()?),
            ValuesMut::Double(out) => out.copy_from_slice(&self.values.view()?),
        }
        Ok(())
    }

    fn write(&mut self, values: Values<'_>) -> Result<(), ExecutorError> {
        self.executor.writes.fetch_add(1, Ordering::Relaxed);
        match values {
            Values::Single(values) => self.values.write(values),
            Values::Double(values) => self.values.write(values),
        }
    }
}

impl Executor for Far {
    fn compile(&self, program: &Program, width: Width) -> Result<Box<dyn Compiled>, ExecutorError> {
        Ok(Box::new(FarProgram(Cpu::default().compile(program, width)?)))
    }

    fn upload(&self, values: Values<'_>) -> Result<Buffer, ExecutorError> {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Ok(Buffer::new(Beyond { values: Cpu::default().upload(values)?, executor: self.clone() }))
    }

    fn name(&self) -> String {
        "far".to_string()
    }

    fn rates(&self) -> Option<&dyn Rates> {
        None
    }
}

fn foreign() -> ExecutorError {
    ExecutorError("a buffer of another executor".to_string())
}

/// The same input on the other side of the border.
fn within<'a>(input: &Input<'a>) -> Result<Input<'a>, ExecutorError> {
    let Input::Resident(buffer) = *input else { return Ok(*input) };
    let beyond: &Beyond = buffer.stored().ok_or_else(foreign)?;
    Ok(Input::Resident(&beyond.values))
}

/// The same room on the other side of the border.
fn room_within<'a>(output: &'a mut Output<'_>) -> Result<Output<'a>, ExecutorError> {
    match output {
        Output::Resident(buffer) => {
            let beyond: &mut Beyond = buffer.stored_mut().ok_or_else(foreign)?;
            Ok(Output::Resident(&mut beyond.values))
        }
        Output::Host(ValuesMut::Single(values)) => Ok(Output::Host(ValuesMut::Single(values))),
        Output::Host(ValuesMut::Double(values)) => Ok(Output::Host(ValuesMut::Double(values))),
    }
}

impl Compiled for FarProgram {
    fn run(&mut self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<(), ExecutorError> {
        let near: Vec<Input> = inputs.iter().map(within).collect::<Result<_, ExecutorError>>()?;
        let mut outputs: Vec<Output> =
            outputs.iter_mut().map(room_within).collect::<Result<_, ExecutorError>>()?;
        self.0.run(&near, &mut outputs)
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn start_profile(&mut self) {}

    fn end_profile(&mut self) -> Profile {
        Profile::default()
    }
}

/// With Langevin chains, tempered and plain Gibbs chains, two players, and none of these.
#[test]
fn a_training_elsewhere_has_the_bits_of_the_processor() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "cd-persistent", "cd-data", "fce-energy", "rbm-tempered", "rbm-gaussian"] {
        let settings = folder.settings(name, &[]);
        let mut near = Built::by(&settings).training(default_executor());
        let mut far = Built::by(&settings).training(Arc::new(Far::default()) as Arc<dyn Executor>);
        for step in 0..6 {
            let [near, far] = [&mut near, &mut far].map(|training| training.step().unwrap());
            assert_eq!(far.loss, near.loss, "{name}, step {step}");
        }
        let tensors = [&near, &far].map(|training| training.tensors().unwrap());
        assert_eq!(tensors[0].to_bytes().unwrap(), tensors[1].to_bytes().unwrap(), "{name}");
    }
}

/// The state stays where the updates run; a step passes its rows and takes what it reports.
#[test]
fn no_state_crosses_the_border_between_two_steps() {
    let folder = Folder::new();
    let far = Far::default();
    let built = Built::by(&folder.settings("sm-energy", &[]));
    let mut training = built.training(Arc::new(far.clone()) as Arc<dyn Executor>);
    training.step().unwrap();
    let before = far.crossings();
    (0..4).for_each(|_| drop(training.step().unwrap()));
    assert_eq!(far.crossings(), before, "reads, writes and uploads");
}

/// Of Langevin chains, only where they start and whether they are sound crosses it: not each of their steps.
#[test]
fn chains_cross_the_border_once_an_update() {
    let folder = Folder::new();
    let far = Far::default();
    let built = Built::by(&folder.settings("cd-persistent", &["objective.steps=7"]));
    let mut training = built.training(Arc::new(far.clone()) as Arc<dyn Executor>);
    training.step().unwrap();
    let before = far.crossings();
    training.step().unwrap();
    let after = far.crossings();
    let [reads, writes, uploads] = std::array::from_fn(|kind| after[kind] - before[kind]);
    assert!(reads <= 3 && writes <= 1 && uploads == 0, "{reads} reads, {writes} writes, {uploads} uploads");
}

/// A trained model is moved to another executor, and draws the same there.
#[test]
fn a_model_elsewhere_draws_the_same_samples() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "sm-energy", "ml-flow", "rbm-gaussian"] {
        let run = folder.stopped(name, &folder.settings(name, &[]), 2);
        let Trained { model, settings, .. } = Trained::open(run.path(), &[]).unwrap();
        let near = draw(&model, settings.sampler(), 5, 3, 2, &mut |_, _| Ok(())).unwrap();
        let model = model.on(Arc::new(Far::default())).unwrap();
        let far = draw(&model, settings.sampler(), 5, 3, 2, &mut |_, _| Ok(())).unwrap();
        assert_eq!(far, near, "{name}");
    }
}
