//! Trains a perceptron's energy on an array of your own by sliced score matching.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{Activation, MlpEnergy, Network};
use enscore::objective::{Directions, SlicedScoreMatching, Task};
use enscore::train::{Training, TrainingOptions};

/// Runs the example; the tests call it, too.
pub fn main() -> enscore::Result<()> {
    // 500 rows of two numbers: a noisy circle.
    let point = |i: usize| {
        let angle = i as f32 * 0.7;
        let radius = 1.0 + 0.1 * (i as f32 * 1.3).sin();
        [radius * angle.cos(), radius * angle.sin()]
    };
    let rows: Vec<f32> = (0..500).flat_map(point).collect();
    let data = Dataset::new("circle", "an array", &[2], Values::F32(rows))?;

    let model = Network::Energy(Box::new(MlpEnergy::new(&[2], &[32, 32], Activation::Softplus)?));
    let objective =
        SlicedScoreMatching { projections: 1, directions: Directions::Rademacher, variance_reduction: true };
    let options = TrainingOptions { steps: 300, batch: 64, ..TrainingOptions::default() };
    let mut training =
        Training::new(model, Task::new(objective), &Subset::all(&data), options, default_executor())?;
    let mut losses = Vec::new();
    for _ in 0..300 {
        losses.push(training.step()?.loss_per_dim);
    }
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    println!(
        "loss per dimension: {:.3} at first, {:.3} in the end",
        mean(&losses[..50]),
        mean(&losses[250..])
    );
    assert!(mean(&losses[250..]) < mean(&losses[..50]));
    Ok(())
}
