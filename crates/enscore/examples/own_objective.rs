//! An objective of your own: a function of a model, its parameters and a batch; derivatives inside it
//! are one call.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{GaussianEnergy, LogDensity, Network, sum_rows};
use enscore::objective::{Batch, Estimate, Objective, Task};
use enscore::program::Parameters;
use enscore::train::{Training, TrainingOptions};

/// Score matching (Hyvärinen 2005, theorem 1) of rows of two numbers, written out: E [|s|²/2 + ∂s_1/∂x_1
/// + ∂s_2/∂x_2].
struct PlainScoreMatching;

impl Objective for PlainScoreMatching {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        let scope = x.scope();
        let f = model.log_density(parameters, x);
        let score = scope.gradient(f.sum_all(), &[x])[0];
        // Rows don't depend on each other, so one gradient of a sum over rows has each row's derivative.
        let mut trace = sum_rows(x.zeros_like());
        for axis in 0..2 {
            let along = score.slice(1, axis, axis + 1).sum_all();
            trace = trace + scope.gradient(along, &[x])[0].slice(1, axis, axis + 1).reshape(&[x.extent(0)]);
        }
        let loss = batch.mean(0.5 * sum_rows(score.square()) + trace);
        Estimate::of_dimensions(batch, loss)
    }
}

/// Runs the example; the tests call it, too.
pub fn main() -> enscore::Result<()> {
    let rows: Vec<f32> =
        (0..800).flat_map(|i| [(i as f32 * 0.37).sin(), 2.0 * (i as f32 * 0.91).cos()]).collect();
    let data = Subset::all(&Dataset::new("waves", "an array", &[2], Values::F32(rows))?);
    let options = TrainingOptions { steps: 800, batch: 200, ..TrainingOptions::default() };
    let options = TrainingOptions {
        learning_rate: enscore::train::schedule::LearningRate { peak: 0.01, ..options.learning_rate },
        ..options
    };
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2])?));
    let mut training =
        Training::new(model, Task::new(PlainScoreMatching), &data, options, default_executor())?;
    for _ in 0..800 {
        training.step()?;
    }
    // The best Gaussian has the inverse of the data's covariance, here diagonal, as its precision.
    let precision = &training.weights()?[1];
    let variance = enscore::data::statistics(&data)?.variance;
    println!("precision {:.3} and {:.3}", precision[0], precision[3]);
    assert!((f64::from(precision[0]) * variance[0] - 1.0).abs() < 0.1);
    assert!((f64::from(precision[3]) * variance[1] - 1.0).abs() < 0.1);
    Ok(())
}
