//! The whole update of a small U-Net on the executor against the reference interpreter, on every instruction
//! path, in both widths and with both ways to convolve.

use crate::common::traced::{float, normals, run};
use enscore::model::{NoiseLevels, UNet, UNetSettings};
use enscore::objective::Ncsn;
use enscore::train::adam::Adam;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::conv::Algorithm;
use enscore_cpu::math::Math;
use enscore_cpu::simd::{Float, Instructions};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::Value;
use enscore_program::random::Key;

const BATCH: usize = 3;
const KEY: Key = Key { seed: 5, step: 7, row: 0 };

/// 8 x 8 images, 8 channels at full and 16 at half resolution, a gradient that is clipped.
fn update() -> UpdateProgram {
    let settings = UNetSettings {
        channels: 8,
        multipliers: vec![1, 2],
        blocks: 1,
        groups: 2,
        embedding: 8,
        ..UNetSettings::default()
    };
    let model = UNet::new([8, 8, 1], settings, 0.1).unwrap();
    let objective = Ncsn { levels: NoiseLevels::geometric(1.0, 0.05, 5).unwrap() };
    let optimiser = Optimiser { clip_norm: 0.05, ..Optimiser::default() };
    UpdateProgram::trace(&model, &objective, &optimiser, BATCH, &[8, 8, 1]).unwrap()
}

/// Every input but the key: rows of unequal weight, rates of the fourth step, and no first moments, so that
/// those after the step are the gradient alone, in its own size.
fn inputs(update: &UpdateProgram) -> Vec<Vec<f64>> {
    let count = update.parameters.len();
    let sizes = update.parameters.iter().map(|parameter| parameter.size()).cycle().take(update.state_len());
    let value = |(i, size): (usize, usize)| -> Vec<f64> {
        let draws = normals(100 + i as u64, size).into_iter();
        match i / count {
            1 => vec![0.0; size],
            // Squares, kept off 0, where a step would amplify every rounding.
            2 => draws.map(|z| 0.05 + z * z).collect(),
            _ => draws.map(|z| 0.2 * z).collect(),
        }
    };
    let mut inputs: Vec<Vec<f64>> = sizes.enumerate().map(value).collect();
    inputs.push(normals(99, BATCH * 64).into_iter().map(|z| 0.5 + 0.3 * z).collect());
    inputs.push(vec![1.0, 0.25, 2.0]);
    let [c1, c2] = Adam::default().corrections(4);
    inputs.extend([0.01, c1, c2, 0.9].map(|scalar| vec![scalar]));
    inputs
}

/// The position of the key among the inputs: after the state, x and the weights.
fn key_position(update: &UpdateProgram) -> usize {
    update.batch_position() + 2
}

fn execute<T: Math>(
    update: &UpdateProgram,
    inputs: &[Vec<f64>],
    lengths: &[usize],
    options: Options,
) -> Vec<Vec<f64>> {
    let narrow = |values: &Vec<f64>| values.iter().map(|x| <T as Float>::from_f64(*x)).collect();
    let values: Vec<Vec<T>> = inputs.iter().map(narrow).collect();
    let mut arguments: Vec<Argument<T>> = values.iter().map(|values| Argument::Float(values)).collect();
    arguments.insert(key_position(update), Argument::Key(KEY));
    let mut outputs: Vec<Vec<T>> = lengths.iter().map(|length| vec![T::ZERO; *length]).collect();
    let mut places: Vec<&mut [T]> = outputs.iter_mut().map(|values| &mut values[..]).collect();
    let mut executable = Executable::<T>::compile(&update.program, options).unwrap();
    executable.run(&arguments, &mut places).unwrap();
    outputs.iter().map(|values| values.iter().map(|x| x.to_f64()).collect()).collect()
}

/// Within `tolerance` of the largest element of each output, and so of every moment and parameter by itself.
fn check<T: Math>(width: &str, tolerance: f64) {
    let update = update();
    let round = |values: Vec<f64>| values.into_iter().map(|x| <T as Float>::from_f64(x).to_f64()).collect();
    let inputs: Vec<Vec<f64>> = inputs(&update).into_iter().map(round).collect();
    let mut values: Vec<Value> = inputs.iter().map(|values| float(values)).collect();
    values.insert(key_position(&update), Value::Key(KEY));
    let expected = run(&update.program, &values);
    let reported = update.loss_position();
    println!("loss {}, gradient norm {}", expected[reported][0], expected[reported + 1][0]);
    assert_eq!(expected[reported + 2], [1.0], "the step is taken");
    assert!(expected[reported + 1][0] > 0.05, "the gradient {} is clipped", expected[reported + 1][0]);
    let lengths: Vec<usize> = expected.iter().map(Vec::len).collect();
    for path in Instructions::available() {
        for conv in [Algorithm::Auto, Algorithm::Direct] {
            let found =
                execute::<T>(&update, &inputs, &lengths, Options { conv, path, ..Options::default() });
            let mut worst: f64 = 0.0;
            for ((found, expected), (name, _)) in found.iter().zip(&expected).zip(update.program.outputs()) {
                let scale = expected.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
                for (f, e) in found.iter().zip(expected) {
                    let error = (f - e).abs() / scale;
                    assert!(error <= tolerance, "{width} {path:?} {conv:?} {name}: found {f}, expected {e}");
                    worst = worst.max(error);
                }
            }
            println!("{width} {path:?} {conv:?}: largest error {worst:.1e}");
        }
    }
}

#[test]
fn an_update_equals_the_reference_in_double_precision() {
    check::<f64>("f64", 1e-12);
}

#[test]
fn an_update_equals_the_reference_in_single_precision() {
    check::<f32>("f32", 1e-4);
}
