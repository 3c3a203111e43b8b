//! Trains a network on fresh rows at every step, and evaluates what came out.

use enscore::data::{Dataset, Subset, Values};
use enscore::model::{Network, Score, batch_shape, trace};
use enscore::objective::{Objective, Task};
use enscore::train::schedule::{Decay, LearningRate};
use enscore::train::update::Optimiser;
use enscore::train::{Training, TrainingOptions};
use enscore_program::{Kind, Value, interpret};

/// How long and how fast.
#[derive(Clone, Copy)]
pub struct Course {
    pub batch: usize,
    pub steps: u64,
    pub learning_rate: f64,
    pub seed: u64,
}

/// A trained network: the average of its weights over the last steps.
pub struct Fitted(Training);

/// Trains `model` in single precision on fresh rows each step: `fill(step, x)` writes the batch.
pub fn train(
    model: Network,
    objective: impl Objective + 'static,
    course: Course,
    mut fill: impl FnMut(u64, &mut [f32]),
) -> Fitted {
    let Course { batch, steps, learning_rate, seed } = course;
    let row_shape = model.row_shape().to_vec();
    let mut x = vec![0.0; batch * row_shape.iter().product::<usize>()];
    fill(0, &mut x);
    let data = Dataset::new("draws", "fresh at every step", &row_shape, Values::F32(x.clone())).unwrap();
    let options = TrainingOptions {
        steps,
        batch,
        seed,
        optimiser: Optimiser { clip_norm: 0.0, ..Optimiser::default() },
        learning_rate: LearningRate {
            peak: learning_rate,
            warmup_steps: steps / 50,
            decay: Decay::Cosine,
            final_fraction: 0.0,
        },
        ema_decay: 0.995,
        ..TrainingOptions::default()
    };
    let mut training = Training::new(model, Task::new(objective), &Subset::all(&data), options).unwrap();
    for step in 1..=steps {
        fill(step, &mut x);
        assert!(training.step_on(&x).unwrap().finite, "step {step} is finite");
    }
    Fitted(training)
}

impl Fitted {
    /// The scores at `x`, `[n, ..row_shape]`, for noise `sigma`, in double precision.
    pub fn score(&self, x: &[f64], sigma: f64) -> Vec<f64> {
        let model = self.0.model();
        let row_shape = model.row_shape();
        let n = x.len() / row_shape.iter().product::<usize>();
        let (program, _) = trace(self.0.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(n, row_shape));
            let sigma = scope.input("sigma", Kind::Float, &[n]);
            vec![("score".to_string(), model.score(parameters, x, sigma))]
        })
        .unwrap();
        let wide = |values: &Vec<f32>| Value::Float(values.iter().map(|v| f64::from(*v)).collect());
        let mut inputs: Vec<Value> = self.0.averages().iter().map(wide).collect();
        inputs.extend([Value::Float(x.to_vec()), Value::Float(vec![sigma; n])]);
        interpret(&program, &inputs).unwrap()[0].floats().to_vec()
    }
}
