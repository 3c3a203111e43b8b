//! Scores rows and draws samples: train, keep the averaged weights in a file, open it again, ask for log
//! densities, sample by Hamiltonian Monte Carlo.

use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::mcmc::{Chains, Hmc, HostTransition};
use enscore::model::{GaussianEnergy, HostDensity, Network};
use enscore::objective::{ScoreMatching, Task};
use enscore::program::random::Key;
use enscore::sample::{TrainedDensity, TrainedModel};
use enscore::train::{Training, TrainingOptions};

fn network() -> enscore::Result<Network> {
    Ok(Network::Energy(Box::new(GaussianEnergy::new(&[2])?)))
}

/// Runs the example; the tests call it, too.
pub fn main() -> enscore::Result<()> {
    let rows: Vec<f32> = (0..600).flat_map(|i| [(i as f32 * 0.37).sin(), (i as f32 * 0.91).cos()]).collect();
    let data = Subset::all(&Dataset::new("waves", "an array", &[2], Values::F32(rows))?);
    let options = TrainingOptions { steps: 500, batch: 200, ..TrainingOptions::default() };
    let mut training = Training::new(
        network()?,
        Task::new(ScoreMatching { tangents: 0 }),
        &data,
        options,
        default_executor(),
    )?;
    for _ in 0..500 {
        training.step()?;
    }

    let path = std::env::temp_dir().join(format!("enscore-example-{}.safetensors", std::process::id()));
    training.into_trained()?.save(&path)?;
    let model = TrainedModel::open(network()?, &path)?;
    std::fs::remove_file(&path).ok();

    let mut density = TrainedDensity::new(&model)?;
    let inside_and_far = density.log_density(&[0.0, 0.0, 4.0, 4.0])?;
    println!("f at the centre {:.3}, far away {:.3} nats", inside_and_far[0], inside_and_far[1]);
    assert!(inside_and_far[0] > inside_and_far[1]);

    let mut chains = Chains::at(&mut density, vec![0.0; 2 * 100])?;
    let hmc = Hmc::new(0.3, 5)?;
    let mut acceptance = 0.0;
    for step in 0..50 {
        acceptance += hmc.step(&mut density, &mut chains, Key::new(1, step))?.mean_acceptance() / 50.0;
    }
    let variance = chains.x.iter().map(|x| x * x).sum::<f64>() / chains.x.len() as f64;
    println!("acceptance {acceptance:.2}, variance of the samples {variance:.2}");
    assert!(acceptance > 0.8 && (0.2..1.5).contains(&variance));
    Ok(())
}
