//! The Student t energy: its normaliser against the density's, and a training that finds the parameters of
//! the data.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{Network, NoiseDensity, StudentT, StudentTEnergy, trace};
use enscore::objective::{ScoreMatching, Task};
use enscore::train::schedule::LearningRate;
use enscore::train::{Training, TrainingOptions};
use enscore_program::random::Key;
use enscore_program::{Initial, Kind, Value, interpret};

const MEAN: [f64; 2] = [0.5, -1.0];
/// Of the scatter matrix, row by row, and its Cholesky factor L.
const SCATTER: [f64; 4] = [1.0, 0.3, 0.3, 0.5];
const DEGREES: f64 = 5.0;

/// A with A A' = S⁻¹: the transposed inverse of L.
fn factor() -> [f64; 4] {
    let l = [SCATTER[0].sqrt(), SCATTER[1] / SCATTER[0].sqrt()];
    let last = (SCATTER[3] - l[1] * l[1]).sqrt();
    [1.0 / l[0], -l[1] / (l[0] * last), 0.0, 1.0 / last]
}

#[test]
fn f_less_log_z_is_the_density() {
    let model = StudentTEnergy::new(&[2], 3.0).unwrap();
    let points = [[0.0, 0.0], [0.5, -1.0], [4.0, 2.0], [-30.0, 7.0]];
    let (program, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[4, 2]);
        vec![("f".to_string(), enscore::model::LogDensity::log_density(&model, parameters, x))]
    })
    .unwrap();
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["mean", "factor", "log_degrees"]);
    assert!(matches!(parameters[2].initial, Initial::Constant(start) if start == 3f64.ln()));
    // The parameters are declared while f is traced: behind x.
    let inputs = [
        Value::Float(points.concat()),
        Value::Float(MEAN.to_vec()),
        Value::Float(factor().to_vec()),
        Value::Float(vec![DEGREES.ln()]),
    ];
    let f = interpret(&program, &inputs).unwrap()[0].floats().to_vec();
    // ln Γ(5/2) + ln(5π) - ln Γ(7/2) - ln |det A|, where Γ(7/2) = 5/2 Γ(5/2).
    let [a, _, _, d] = factor();
    let log_z = (DEGREES * std::f64::consts::PI).ln() - 2.5f64.ln() - (a * d).ln();
    let density = StudentT::new(&[2], &MEAN, &SCATTER, DEGREES).unwrap();
    for (x, f) in points.iter().zip(f) {
        let expected = density.log_density_of(x);
        assert!((f - log_z - expected).abs() < 1e-12 * expected.abs(), "{x:?}: {} {expected}", f - log_z);
    }
    assert!(StudentTEnergy::new(&[2], 0.0).is_err() && StudentTEnergy::new(&[0], 5.0).is_err());
}

fn rows(count: usize) -> Vec<f32> {
    let density = StudentT::new(&[2], &MEAN, &SCATTER, DEGREES).unwrap();
    let (program, _) = trace(&[], |scope, _| {
        let key = scope.input("key", Kind::Key, &[]);
        vec![("x".to_string(), density.draw(key, count))]
    })
    .unwrap();
    let drawn = interpret(&program, &[Value::Key(Key::new(5, 1))]).unwrap();
    drawn[0].floats().iter().map(|x| *x as f32).collect()
}

/// From a wrong place, scale and tail.
#[test]
fn score_matching_recovers_the_parameters() {
    let data = Dataset::new("student", "drawn", &[2], Values::F32(rows(20_000))).unwrap();
    let model = Network::Energy(Box::new(StudentTEnergy::new(&[2], 20.0).unwrap()));
    let defaults = TrainingOptions::default();
    let options = TrainingOptions {
        steps: 1500,
        batch: 1000,
        learning_rate: LearningRate { peak: 0.02, ..defaults.learning_rate },
        ema_decay: 0.99,
        ..defaults
    };
    let task = Task::new(ScoreMatching { tangents: 0 });
    let mut training = Training::new(model, task, &Subset::all(&data), options, default_executor()).unwrap();
    for _ in 0..1500 {
        training.step().unwrap();
    }
    let found: Vec<f64> = training.averages().unwrap().concat().iter().map(|x| f64::from(*x)).collect();
    let [a, b, c, d] = [found[2], found[3], found[4], found[5]];
    let precision = [a * a + b * b, a * c + b * d, c * c + d * d];
    let determinant = SCATTER[0] * SCATTER[3] - SCATTER[1] * SCATTER[2];
    let expected = [SCATTER[3] / determinant, -SCATTER[1] / determinant, SCATTER[0] / determinant];
    for (found, expected) in found.iter().zip(MEAN) {
        assert!((found - expected).abs() < 0.05, "{found} {expected}");
    }
    for (found, expected) in precision.iter().zip(expected) {
        assert!((found - expected).abs() < 0.15, "{found} {expected}");
    }
    let degrees = found[6].exp();
    assert!((degrees - DEGREES).abs() < 0.8, "{degrees}");
}
