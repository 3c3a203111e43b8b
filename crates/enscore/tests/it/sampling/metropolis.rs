//! MALA and HMC on a trained model: the moments of a Gaussian, tuned step sizes, samples that don't depend
//! on how many are drawn, and what is refused.

use enscore::checkpoint::{DataRecord, TensorData, Tensors};
use enscore::data::{Dataset, Subset, Values, statistics};
use enscore::executor::default_executor;
use enscore::model::{GaussianEnergy, Network};
use enscore::objective::{ScoreMatching, Task};
use enscore::sample::{
    Drawn, HmcSettings, MalaSettings, Sampler, SamplerSettings, TrainedModel, WeightsChoice, draw,
};
use enscore::train::{Training, TrainingOptions};

const MEAN: [f64; 2] = [0.5, -1.0];
/// Variances 1 and 0.25, correlation 0.6.
const COVARIANCE: [f64; 3] = [1.0, 0.3, 0.25];

/// A Gaussian energy with the parameters of its density.
fn gaussian() -> TrainedModel {
    let rows: Vec<f32> =
        (0..64).flat_map(|i| [(i as f32).sin() + 0.5, (i as f32 * 0.7).cos() - 1.0]).collect();
    let data = Subset::all(&Dataset::new("rows", "an array", &[2], Values::F32(rows)).unwrap());
    let record = DataRecord::of(data.dataset(), &statistics(&data).unwrap()).unwrap();
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let determinant = COVARIANCE[0] * COVARIANCE[2] - COVARIANCE[1] * COVARIANCE[1];
    let [a, b, c] = COVARIANCE.map(|entry| (entry / determinant) as f32);
    let mut tensors = Tensors::new();
    tensors.insert("mean", &[2], TensorData::F32(MEAN.map(|m| m as f32).to_vec())).unwrap();
    tensors.insert("precision", &[2, 2], TensorData::F32(vec![c, -b, -b, a])).unwrap();
    TrainedModel::of_network(model, record, &tensors).unwrap()
}

fn drawn(method: SamplerSettings, count: usize, batch: usize) -> Drawn {
    let sampler = Sampler { method, batch, count, weights: WeightsChoice::Ema };
    draw(&gaussian(), &sampler, count, 5, 0, &mut |_, _| Ok(())).unwrap()
}

fn hmc() -> SamplerSettings {
    HmcSettings { steps: 20, leapfrog_steps: 10, ..HmcSettings::default() }.into()
}

fn mala() -> SamplerSettings {
    MalaSettings { steps: 100, ..MalaSettings::default() }.into()
}

/// Within five standard errors of independent chains.
#[test]
fn moments_are_those_of_the_density() {
    for method in [hmc(), mala()] {
        let count = 2000;
        let drawn = drawn(method.clone(), count, 500);
        let column =
            |i: usize| drawn.rows.iter().skip(i).step_by(2).map(|x| f64::from(*x)).collect::<Vec<f64>>();
        let columns = [column(0), column(1)];
        let n = count as f64;
        let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
        for (found, (expected, variance)) in columns.iter().zip(MEAN.into_iter().zip([1.0, 0.25])) {
            let error = f64::sqrt(variance / n);
            assert!((mean(found) - expected).abs() < 5.0 * error, "{method:?}: {} {expected}", mean(found));
        }
        let product = |i: usize, j: usize| {
            let pairs = columns[i].iter().zip(&columns[j]);
            pairs.map(|(x, y)| (x - MEAN[i]) * (y - MEAN[j])).sum::<f64>() / n
        };
        let found = [product(0, 0), product(0, 1), product(1, 1)];
        // Var(xy) = Σxx Σyy + Σxy².
        let errors = [2.0, 0.25 + 0.09, 2.0 * 0.0625].map(|variance: f64| (variance / n).sqrt());
        for ((found, expected), error) in found.into_iter().zip(COVARIANCE).zip(errors) {
            assert!((found - expected).abs() < 5.0 * error, "{method:?}: {found} {expected}");
        }
    }
}

#[test]
fn the_step_size_is_tuned_to_the_acceptance_aimed_at() {
    for (method, aim, steps) in [(hmc(), 0.8, 20), (mala(), 0.574, 100)] {
        let moves = drawn(method, 200, 64).moves.unwrap();
        assert!((moves.acceptance - aim).abs() < 0.1, "{moves:?}");
        assert_eq!((moves.proposals, moves.divergent), (200 * steps, 0));
        assert!(moves.step_size > 0.01 && moves.step_size < 3.0, "{moves:?}");
    }
}

#[test]
fn a_step_that_is_too_large_is_counted_as_divergent() {
    let settings = HmcSettings { step_size: 40.0, steps: 3, ..HmcSettings::default() };
    let moves = drawn(settings.into(), 10, 10).moves.unwrap();
    assert_eq!((moves.acceptance, moves.proposals, moves.divergent), (0.0, 30, 30));
    assert_eq!(moves.step_size, 40.0);
}

#[test]
fn a_sample_does_not_depend_on_how_many_are_drawn() {
    for method in [hmc(), mala()] {
        let few = drawn(method.clone(), 3, 3).rows;
        let many = drawn(method, 11, 4).rows;
        assert_eq!(few, many[..few.len()]);
    }
}

/// A training that is held is drawn from without a folder.
#[test]
fn a_training_in_memory_is_drawn_from() {
    let rows: Vec<f32> = (0..200).flat_map(|i| [(i as f32).sin(), (i as f32 * 0.7).cos()]).collect();
    let data = Subset::all(&Dataset::new("rows", "an array", &[2], Values::F32(rows)).unwrap());
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let options = TrainingOptions { steps: 20, batch: 50, ..TrainingOptions::default() };
    let task = Task::new(ScoreMatching { tangents: 0 });
    let mut training = Training::new(model, task, &data, options, default_executor()).unwrap();
    for _ in 0..20 {
        training.step().unwrap();
    }
    let trained = training.into_trained().unwrap();
    let sampler = Sampler { method: hmc(), batch: 8, count: 8, weights: WeightsChoice::Ema };
    let drawn = draw(&trained, &sampler, 8, 1, 2, &mut |_, _| Ok(())).unwrap();
    assert_eq!((drawn.rows.len(), drawn.stages, drawn.trajectory.len()), (16, 11, 11 * 4));
}
