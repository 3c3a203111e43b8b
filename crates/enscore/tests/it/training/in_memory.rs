//! A training that is held: its steps on the data's batches and on rows of the caller's, its state taken out
//! and put back, its model with averaged weights kept in a file.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{Activation, HostDensity, MlpEnergy, Network};
use enscore::objective::{ScoreMatching, Task};
use enscore::sample::{TrainedDensity, TrainedModel};
use enscore::train::schedule::{Decay, LearningRate};
use enscore::train::{Training, TrainingOptions};

const STEPS: u64 = 8;
const BATCH: usize = 5;

fn network() -> Network {
    Network::Energy(Box::new(MlpEnergy::new(&[2], &[6], Activation::Softplus).unwrap()))
}

fn rows() -> Vec<f32> {
    (0..23).flat_map(|i| [(i as f32 * 0.61).sin(), 0.4 * i as f32 - 3.0]).collect()
}

fn options() -> TrainingOptions {
    let learning_rate =
        LearningRate { peak: 0.02, warmup_steps: 3, decay: Decay::Linear, final_fraction: 0.0 };
    TrainingOptions {
        steps: STEPS,
        batch: BATCH,
        seed: 4,
        learning_rate,
        ema_decay: 0.9,
        ..TrainingOptions::default()
    }
}

fn training() -> Training {
    let data = Dataset::new("rows", "an array", &[2], Values::F32(rows())).unwrap();
    Training::new(
        network(),
        Task::new(ScoreMatching { tangents: 0 }),
        &Subset::all(&data),
        options(),
        default_executor(),
    )
    .unwrap()
}

fn values(training: &Training) -> Vec<Vec<f32>> {
    [training.weights().unwrap(), training.averages().unwrap()].concat()
}

/// The rise over three steps, then a line that falls to 0: step t = 1, 2, .. begins when (t - 1)/8 of the
/// training is over.
#[test]
fn the_learning_rate_rises_and_falls_whoever_gives_the_rows() {
    let mut by_data = training();
    let mut by_hand = training();
    for step in 1..=STEPS {
        let rise = (step as f64 / 3.0).min(1.0);
        let expected = 0.02 * rise * (1.0 - (step - 1) as f64 / STEPS as f64);
        let own = by_hand.step_on(&rows()[..2 * BATCH]).unwrap();
        for report in [by_data.step().unwrap(), own] {
            assert!((report.learning_rate - expected).abs() < 1e-12, "step {step}: {}", report.learning_rate);
        }
    }
}

/// The first rows of the order of the epochs, given by hand, are the first batches.
#[test]
fn steps_on_the_rows_of_a_batch_are_steps_on_the_data() {
    let mut by_data = training();
    let mut by_hand = training();
    let order = enscore::data::permutation(4, 0, 23);
    for step in 0..4 {
        let batch: Vec<f32> = order[step * BATCH..(step + 1) * BATCH]
            .iter()
            .flat_map(|row| rows()[2 * *row as usize..][..2].to_vec())
            .collect();
        by_data.step().unwrap();
        by_hand.step_on(&batch).unwrap();
    }
    assert_eq!(values(&by_data), values(&by_hand));
    assert_eq!(by_hand.steps_done(), 4);
    let refused = by_hand.step_on(&[0.0; 3]).unwrap_err().to_string();
    assert!(refused.contains("not a batch") && refused.contains("3 values"), "{refused}");
}

#[test]
fn a_state_put_back_goes_on_as_it_would_have() {
    let mut whole = training();
    (0..3).for_each(|_| drop(whole.step().unwrap()));
    let state = whole.tensors().unwrap();
    (3..STEPS).for_each(|_| drop(whole.step().unwrap()));
    let mut other = training();
    (0..6).for_each(|_| drop(other.step().unwrap()));
    other.restore(&state, 3).unwrap();
    (3..STEPS).for_each(|_| drop(other.step().unwrap()));
    assert_eq!(values(&other), values(&whole));
}

/// What is kept, opened and scored has the averages, not the last weights.
#[test]
fn a_model_in_a_file_has_the_averaged_weights() {
    let mut trained = training();
    (0..STEPS).for_each(|_| drop(trained.step().unwrap()));
    let averages = trained.averages().unwrap();
    let last = trained.weights().unwrap();
    assert_ne!(averages, last);
    let model = trained.into_trained().unwrap();
    assert_eq!(model.weights.read::<f32>().unwrap(), averages);
    assert_eq!(model.data.range, [-3.0, f64::from(0.4f32 * 22.0 - 3.0)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let opened = TrainedModel::open(network(), &path).unwrap();
    assert_eq!(opened.weights.read::<f32>().unwrap(), averages);
    assert_eq!((opened.data.range, &opened.data.mean), (model.data.range, &model.data.mean));
    assert_eq!(opened.data.deviation, model.data.deviation);
    let f = |model: &TrainedModel| TrainedDensity::new(model).unwrap().log_density(&[0.1, 0.2]).unwrap();
    assert_eq!(f(&opened), f(&model));
    let other = Network::Energy(Box::new(MlpEnergy::new(&[2], &[7], Activation::Softplus).unwrap()));
    let refused = TrainedModel::open(other, &path).err().unwrap().to_string();
    assert!(refused.contains("hidden.0.weight"), "{refused}");
}

#[test]
fn a_training_beyond_its_memory_is_refused() {
    let data = Subset::all(&Dataset::new("rows", "an array", &[2], Values::F32(rows())).unwrap());
    let options = TrainingOptions { memory_limit_gib: 1e-9, ..options() };
    let refused = Training::new(
        network(),
        Task::new(ScoreMatching { tangents: 0 }),
        &data,
        options,
        default_executor(),
    );
    assert!(refused.err().unwrap().to_string().contains("memory"));
}
