//! Trains a score with the real update on the real executor, and evaluates what came out.

use enscore::model::{Score, batch_shape, trace};
use enscore::objective::Objective;
use enscore::train::adam::Adam;
use enscore::train::schedule::{Decay, LearningRate, average_decay};
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::Key;
use enscore_program::{Kind, Parameter, Value, interpret};

/// How long and how fast.
#[derive(Clone, Copy)]
pub struct Training {
    pub batch: usize,
    pub steps: u64,
    pub learning_rate: f64,
    pub seed: u64,
}

/// A trained score: the average of its weights over the last steps.
pub struct Fitted<'a> {
    pub model: &'a dyn Score,
    pub parameters: Vec<Parameter>,
    pub weights: Vec<Vec<f32>>,
}

/// Trains `model` in f32 on fresh rows each step: `fill(step, x)` writes the batch.
pub fn train<'a>(
    model: &'a (dyn Score + 'static),
    objective: &dyn Objective<dyn Score>,
    training: Training,
    mut fill: impl FnMut(u64, &mut [f32]),
) -> Fitted<'a> {
    let Training { batch, steps, learning_rate, seed } = training;
    let optimiser = Optimiser { clip_norm: 0.0, ..Optimiser::default() };
    let update = UpdateProgram::trace(model, objective, &optimiser, batch, model.row_shape()).unwrap();
    let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    let rate = LearningRate {
        peak: learning_rate,
        warmup_steps: steps / 50,
        decay: Decay::Cosine,
        final_fraction: 0.0,
    };
    let mut state = update.initial_state(seed);
    let mut moved: Vec<Vec<f32>> = state.iter().map(|values| vec![0.0; values.len()]).collect();
    let mut x = vec![0.0; batch * model.row_shape().iter().product::<usize>()];
    let weights = vec![1.0; batch];
    let mut reported = vec![[0.0f32]; 3 + update.diagnostics.len()];
    for step in 1..=steps {
        fill(step, &mut x);
        let [c1, c2] = Adam::default().corrections(step);
        let rate = rate.at(step, step as f64 / steps as f64);
        let scalars = [rate, c1, c2, average_decay(0.995, step)].map(|scalar| [scalar as f32]);
        let mut inputs: Vec<Argument<f32>> = state.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(&x), Argument::Float(&weights), Argument::Key(Key::new(seed, step))]);
        inputs.extend(scalars.iter().map(|scalar| Argument::Float(scalar)));
        let mut outputs: Vec<&mut [f32]> = moved.iter_mut().map(|values| &mut values[..]).collect();
        outputs.extend(reported.iter_mut().map(|scalar| &mut scalar[..]));
        executable.run(&inputs, &mut outputs).unwrap();
        assert_eq!(reported[2], [1.0], "step {step} is finite");
        std::mem::swap(&mut state, &mut moved);
    }
    let weights = state.split_off(3 * update.parameters.len());
    Fitted { model, parameters: update.parameters, weights }
}

impl Fitted<'_> {
    /// The scores at `x`, `[n, ..row_shape]`, for noise `sigma`, in double precision.
    pub fn score(&self, x: &[f64], sigma: f64) -> Vec<f64> {
        let n = x.len() / self.model.row_shape().iter().product::<usize>();
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(n, self.model.row_shape()));
            let sigma = scope.input("sigma", Kind::Float, &[n]);
            vec![("score".to_string(), self.model.score(parameters, x, sigma))]
        })
        .unwrap();
        let wide = |values: &Vec<f32>| Value::Float(values.iter().map(|v| f64::from(*v)).collect());
        let mut inputs: Vec<Value> = self.weights.iter().map(wide).collect();
        inputs.extend([Value::Float(x.to_vec()), Value::Float(vec![sigma; n])]);
        interpret(&program, &inputs).unwrap()[0].floats().to_vec()
    }
}
