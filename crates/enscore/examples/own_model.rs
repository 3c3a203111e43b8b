//! A model of your own: a function over symbolic variables that names its parameters where it uses them.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{LogDensity, Network};
use enscore::objective::{ScoreMatching, Task};
use enscore::program::{Initial, Parameters, Var};
use enscore::train::{Training, TrainingOptions};

/// f(x) = -Σ_i exp(s_i) (x_i - m_i)² / 2: a Gaussian with independent elements.
struct Independent;

impl LogDensity for Independent {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let mean = parameters.get("mean", &[2], Initial::Constant(0.0));
        let log_precision = parameters.get("log_precision", &[2], Initial::Constant(0.0));
        ((x - mean).square() * log_precision.exp()).sum(&[1]) * -0.5
    }

    fn row_shape(&self) -> &[usize] {
        &[2]
    }
}

/// Runs the example; the tests call it, too.
pub fn main() -> enscore::Result<()> {
    // Means 1 and -2, standard deviations 0.5 and 2, on a grid of quantiles of a triangle's law.
    let spread = |i: usize| {
        2.449 * (1.0 - (1.0 - (i as f32 + 0.5) / 20.0).abs().sqrt()) * if i < 20 { -1.0 } else { 1.0 }
    };
    let rows: Vec<f32> =
        (0..1600).flat_map(|i| [1.0 + 0.5 * spread(i % 40), -2.0 + 2.0 * spread(i / 40)]).collect();
    let data = Subset::all(&Dataset::new("grid", "an array", &[2], Values::F32(rows))?);

    let options = TrainingOptions { steps: 600, batch: 400, ..TrainingOptions::default() };
    let options = TrainingOptions {
        learning_rate: enscore::train::schedule::LearningRate { peak: 0.02, ..options.learning_rate },
        ..options
    };
    let model = Network::Energy(Box::new(Independent));
    let mut training =
        Training::new(model, Task::new(ScoreMatching { tangents: 0 }), &data, options, default_executor())?;
    for _ in 0..600 {
        training.step()?;
    }
    let statistics = enscore::data::statistics(&data)?;
    let weights = training.weights()?;
    println!("fitted means {:?}, of the data {:?}", weights[0], statistics.mean);
    for (i, (mean, log_precision)) in weights[0].iter().zip(&weights[1]).enumerate() {
        let precision = f64::from(*log_precision).exp();
        assert!((f64::from(*mean) - statistics.mean[i]).abs() < 0.2);
        assert!((precision * statistics.variance[i] - 1.0).abs() < 0.2);
    }
    Ok(())
}
