//! Noise belongs to the data row that it is contrasted with: batches side by side share none of it, and the
//! standard error of a loss from the scatter of its batches is right for every ratio.

use enscore::evaluate::Mean;
use enscore::executor::{Routine, RowSlice, default_executor};
use enscore::model::{
    Gaussian, GaussianEnergy, GaussianMixture, Network, NoiseDensity, RealNvp, StudentT, Uniform,
    parameters_of, trace,
};
use enscore::objective::{FrozenFlow, Noise, NoiseContrastive, objective_program};
use enscore_program::Kind;
use enscore_program::executor::Width;
use enscore_program::random::{Key, normal_row};

use crate::common::traced::run;
use enscore_program::Value;

fn densities() -> Vec<(&'static str, Box<dyn NoiseDensity>)> {
    let covariance = [1.0, 0.6, 0.6, 0.8];
    let gaussian = || Gaussian::new(&[2], &[0.5, -1.0], &covariance).unwrap();
    let other = Gaussian::diagonal(&[2], &[-2.0, 2.0], &[0.3, 0.5]).unwrap();
    let flow = || Box::new(RealNvp::new(&[2], 2, &[3, 3], &[0.0; 2], &[1.0; 2]).unwrap());
    let parameters = parameters_of(&Network::Flow(flow())).unwrap();
    let weight = |size: usize| (0..size).map(|i| 0.1 * (i as f32 * 1.7).sin()).collect::<Vec<f32>>();
    let weights = parameters.into_iter().map(|p| (p.clone(), weight(p.size()))).collect();
    vec![
        ("gaussian", Box::new(gaussian())),
        ("mixture", Box::new(GaussianMixture::new(&[3.0, 1.0], vec![gaussian(), other]).unwrap())),
        ("student", Box::new(StudentT::new(&[2], &[0.5, -1.0], &covariance, 3.0).unwrap())),
        ("uniform", Box::new(Uniform::new(&[2], &[-1.0, 0.0], &[1.0, 0.5]).unwrap())),
        ("flow", Box::new(FrozenFlow::new(flow(), weights))),
    ]
}

#[test]
fn draws_of_rows_do_not_depend_on_the_batches_of_rows() {
    for (name, density) in densities() {
        let draws = |first: u64, rows: usize, each: usize| {
            let (program, _) = trace(&[], |scope, _| {
                let key = scope.input("key", Kind::Key, &[]);
                vec![("x".to_string(), density.draw_each(key, rows, each))]
            })
            .unwrap();
            run(&program, &[Value::Key(Key { row: first, ..Key::new(5, 0) })]).remove(0)
        };
        let whole = draws(0, 6, 3);
        assert_eq!(whole.len(), 6 * 3 * 2, "{name}");
        assert_eq!([draws(0, 4, 3), draws(4, 2, 3)].concat(), whole, "{name}");
        let mut different = whole.chunks(2).map(|x| x[0].to_bits()).collect::<Vec<_>>();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 18, "{name}: every draw is its own");
    }
}

/// The loss of an energy on fresh rows and noise, seed by seed: (loss - mean of all) / standard error.
fn z_scores(ratio: usize) -> Vec<f64> {
    const BATCH: usize = 64;
    const BATCHES: usize = 40;
    const SEEDS: u64 = 150;
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let noise = Noise::new(Gaussian::diagonal(&[2], &[0.3, 0.0], &[1.5, 1.5]).unwrap());
    let objective = NoiseContrastive { noise, ratio, log_z: 1.0 };
    let (_, parameters) = trace(&[], |scope, parameters| {
        use enscore::model::LogDensity;
        let x = scope.input("x", Kind::Float, &[1, 2]);
        vec![("g".to_string(), objective.log_ratio(&model, parameters, x * model.log_density(parameters, x)))]
    })
    .unwrap();
    let program = objective_program(&model, &objective, &parameters, BATCH).unwrap();
    let executor = default_executor();
    let mut routine = Routine::compile(&*executor, &program, Width::Single).unwrap();
    let values: Vec<Vec<f32>> = parameters.iter().map(|p| vec![1.0; p.size()]).collect();
    let weights = enscore::executor::Weights::upload(&*executor, &parameters, &values).unwrap();
    let mut found = Vec::new();
    for seed in 0..SEEDS {
        let mut x = vec![0.0; BATCH * BATCHES * 2];
        normal_row(Key::new(seed, 0), 99, 0, &mut x);
        let rows = RowSlice::new(&x, 2).unwrap();
        let means =
            routine.over::<f32>(&rows).weights(&weights).key(Key::new(seed, 1)).means("loss").unwrap();
        found.push(Mean::of(&means.iter().map(|batch| batch.mean).collect::<Vec<f64>>()).unwrap());
    }
    let mean = found.iter().map(|loss| loss.value).sum::<f64>() / found.len() as f64;
    found.iter().map(|loss| (loss.value - mean) / loss.std_err).collect()
}

/// 150 z-scores have a standard deviation of 1 to 6 %; batches that share noise make it 1.5 and more.
#[test]
fn standard_errors_of_the_loss_are_right_for_every_ratio() {
    for ratio in [1, 2, 8] {
        let z = z_scores(ratio);
        let deviation = (z.iter().map(|z| z * z).sum::<f64>() / (z.len() - 1) as f64).sqrt();
        println!("ratio {ratio}: standard deviation of z {deviation:.3}");
        assert!((0.8..1.25).contains(&deviation), "ratio {ratio}: {deviation}");
    }
}
