//! Two executors meet the contract: every program of the library gives the same numbers on both, whether its
//! inputs and outputs are passed or stay with the executor, and what does not fit is refused by name.

use enscore_cpu::Cpu;
use enscore_program::executor::{Buffer, Executor, Input, Output, Real, Reference, Width};
use enscore_program::random::Key;
use enscore_program::{self as program, Kind, Program, Scope};

use super::programs::of_run;
use crate::common::families::data::Data;
use crate::common::runs::Folder;
use crate::common::traced::normals;
use crate::common::training::updated;

/// Values for an input of this name, of a family that learns from `data`: rates of an early step, second
/// moments off 0, units of zeros and ones.
fn values<T: Real>(input: &program::Input, number: usize, data: Data) -> Vec<T> {
    let draws = normals(300 + number as u64, input.shape.iter().product()).into_iter();
    let units = data == Data::Bits && ["x", "chains", "units"].contains(&&*input.name);
    let value = |z: f64| match &*input.name {
        "learning_rate" | "drift" | "noise_std" => 0.01,
        "correction1" | "correction2" | "from" => 0.2,
        "ema_decay" | "sigma" | "to" => 0.8,
        "row_weights" => 0.5 + z * z,
        "pairs" => f64::from(u8::from(z > 0.0)),
        _ if units => f64::from(u8::from(z > 0.0)),
        name if name.starts_with("moment2.") => 0.05 + z * z,
        _ => 0.3 * z,
    };
    draws.map(|z| T::from_f64(value(z))).collect()
}

fn outputs<T: Real>(program: &Program) -> Vec<Vec<T>> {
    let length = |id: usize| program.nodes()[id].shape.iter().product();
    program.outputs().iter().map(|(_, id)| vec![T::default(); length(*id)]).collect()
}

const KEY: Key = Key { seed: 11, step: 3, row: 2 };

/// The outputs of `program` on `executor`, with values passed from main memory.
fn passed<T: Real>(executor: &dyn Executor, program: &Program, data: Data) -> Vec<Vec<T>> {
    let numbered = program.inputs().iter().enumerate();
    let values: Vec<Vec<T>> = numbered.map(|(number, input)| values(input, number, data)).collect();
    let input = |(known, values)| match known {
        &program::Input { kind: Kind::Key, .. } => Input::Key(KEY),
        _ => Input::from(values),
    };
    let inputs: Vec<Input> = program.inputs().iter().zip(&values).map(input).collect();
    let mut out = outputs::<T>(program);
    let mut rooms: Vec<Output> = out.iter_mut().map(Output::from).collect();
    let mut compiled = executor.compile(program, T::WIDTH).unwrap();
    compiled.run(&inputs, &mut rooms).unwrap();
    out
}

/// The same, with values that stay with the executor.
fn resident<T: Real>(executor: &dyn Executor, program: &Program, data: Data) -> Vec<Vec<T>> {
    let upload = |values: &[T]| executor.upload(values.into()).unwrap();
    let numbered = program.inputs().iter().enumerate();
    let buffers: Vec<Buffer> =
        numbered.map(|(number, input)| upload(&values::<T>(input, number, data))).collect();
    let input = |(known, buffer)| match known {
        &program::Input { kind: Kind::Key, .. } => Input::Key(KEY),
        _ => Input::Resident(buffer),
    };
    let inputs: Vec<Input> = program.inputs().iter().zip(&buffers).map(input).collect();
    let mut out: Vec<Buffer> = outputs::<T>(program).iter().map(|values| upload(values)).collect();
    let mut rooms: Vec<Output> = out.iter_mut().map(Output::from).collect();
    executor.compile(program, T::WIDTH).unwrap().run(&inputs, &mut rooms).unwrap();
    out.iter().map(|buffer| buffer.read().unwrap()).collect()
}

/// Compares both executors on a program, up to `tolerance` of the largest number of each output.
fn compare<T: Real + PartialEq + std::fmt::Debug>(what: &str, program: &Program, data: Data, tolerance: f64) {
    let expected = passed::<T>(&Reference, program, data);
    let found = passed::<T>(&Cpu::default(), program, data);
    for ((found, expected), (name, _)) in found.iter().zip(&expected).zip(program.outputs()) {
        let scale = expected.iter().fold(1e-30, |scale: f64, value| scale.max(value.to_f64().abs()));
        for (f, e) in found.iter().zip(expected) {
            let error = (f.to_f64() - e.to_f64()).abs() / scale;
            assert!(error <= tolerance, "{what}, {name}: found {f:?}, expected {e:?}");
        }
    }
    assert_eq!(resident::<T>(&Cpu::default(), program, data), found, "{what}: buffers of the processor");
    assert_eq!(resident::<T>(&Reference, program, data), expected, "{what}: buffers of the reference");
}

#[test]
fn every_program_of_every_family_gives_the_same_numbers_on_both_executors() {
    let folder = Folder::new();
    // Fits have no updates, and no density at weights of any size and sign.
    for family in updated() {
        let run = folder.stopped(family.name, &folder.of_family(family, &[]), 1);
        for (name, program) in of_run(run.path()) {
            let what = format!("{}, {name}", family.name);
            compare::<f64>(&what, &program, family.data, 1e-10);
            compare::<f32>(&what, &program, family.data, 1e-3);
        }
    }
}

/// x + y, with x a matrix.
fn sum() -> Program {
    let scope = Scope::new();
    let x = scope.input("x", Kind::Float, &[2, 3]);
    let y = scope.input("y", Kind::Float, &[3]);
    scope.finish(&[("sum", x + y)]).unwrap()
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let executors: [&dyn Executor; 2] = [&Cpu::default(), &Reference];
    for executor in executors {
        let mut compiled = executor.compile(&sum(), Width::Single).unwrap();
        let mut refused = |x: Input, out: Output| {
            let refused = compiled.run(&[x, Input::from(&[0.0f32; 3])], &mut [out]);
            refused.unwrap_err().to_string()
        };
        let x = executor.upload([0.0f64; 6][..].into()).unwrap();
        let mut room = [0.0f32; 6];
        let cases = [
            (refused(Input::from(&[0.0f32; 5]), (&mut room).into()), "\"x\""),
            (refused(Input::from(&[0.0f64; 6]), (&mut room).into()), "\"x\""),
            (refused(Input::from(&x), (&mut room).into()), "\"x\""),
            (refused(Input::Key(KEY), (&mut room).into()), "\"x\""),
            (refused(Input::from(&[0.0f32; 6]), (&mut [0.0f32; 5]).into()), "\"sum\""),
            (refused(Input::from(&[0.0f32; 6]), (&mut [0.0f64; 6]).into()), "\"sum\""),
        ];
        for (message, name) in cases {
            assert!(message.contains(name), "{}: {message}", executor.name());
        }
        assert!(compiled.run(&[Input::from(&[0.0f32; 6])], &mut []).is_err(), "{}", executor.name());
    }
}

/// A buffer is read, replaced and edited; other widths and lengths are refused and change nothing.
#[test]
fn buffers_keep_what_they_are_given() {
    let executors: [&dyn Executor; 2] = [&Cpu::default(), &Reference];
    for executor in executors {
        let mut buffer = executor.upload([1.0f32, 2.0][..].into()).unwrap();
        assert_eq!((buffer.count(), buffer.width()), (2, Width::Single));
        buffer.edit(|values: &mut [f32]| values[1] = 5.0).unwrap();
        assert_eq!(buffer.read::<f32>().unwrap(), [1.0, 5.0]);
        buffer.write(&[3.0f32, 4.0]).unwrap();
        assert!(buffer.write(&[0.0f32; 3]).is_err());
        assert!(buffer.write(&[0.0f64; 2]).is_err());
        assert!(buffer.read::<f64>().is_err());
        assert_eq!(*buffer.view::<f32>().unwrap(), [3.0, 4.0]);
    }
}
