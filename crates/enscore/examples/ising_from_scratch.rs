//! An Ising model from scratch: its exact log Z by Kaufman's formula, and the mean energy by cluster
//! updates beside its exact value
//! -d log Z / dβ.

use enscore::ising::chains::{SpinTransition, SwendsenWang, random_spins};
use enscore::ising::exact::exact_log_z;
use enscore::ising::{Coupling, Field, IsingModel};
use enscore::program::random::Key;

/// Runs the example; the tests call it, too.
pub fn main() -> enscore::Result<()> {
    let beta = 0.4;
    let model = IsingModel::torus(8, 8, Coupling::Uniform(1.0), Field::Uniform(0.0), beta)?;
    let found = exact_log_z(&model)?;
    println!("log Z = {:.6} nats, by {}", found.log_z, found.method.name());

    let h = 1e-4;
    let above = exact_log_z(&model.clone().at_beta(beta + h)?)?.log_z;
    let below = exact_log_z(&model.clone().at_beta(beta - h)?)?.log_z;
    let exact = -(above - below) / (2.0 * h);

    let mut chain = SwendsenWang::new(&model);
    let mut spins = random_spins(model.sites(), Key::new(1, 0));
    let mut energies = Vec::new();
    for step in 0..2200 {
        chain.step(&mut spins, Key::new(2, step))?;
        if step >= 200 {
            energies.push(model.energy(&spins)?);
        }
    }
    let mean = energies.iter().sum::<f64>() / energies.len() as f64;
    println!("mean energy {mean:.2}, exactly {exact:.2}");
    assert!((mean - exact).abs() < 0.05 * exact.abs());
    Ok(())
}
