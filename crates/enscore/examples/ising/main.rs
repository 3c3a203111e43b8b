//! Measures the two-dimensional Ising model beside its exact values and writes a page with pictures:
//!
//!     cargo run --release -p enscore --example ising -- docs
//!
//! writes `docs/ising.md` and `docs/images/ising-*.{svg,png}`, in two to three minutes on two idle cores.

mod critical;
mod curves;
mod exact;
mod speed;

use std::error::Error;
use std::path::PathBuf;

use enscore::ising::chains::{Checkerboard, Rule};
use enscore::ising::{Coupling, Field, IsingModel};

/// What every part returns: its section of the page.
pub type Section = Result<String, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let docs = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "docs".into()));
    let images = docs.join("images");
    std::fs::create_dir_all(&images)?;
    let mut page = INTRODUCTION.to_string();
    let parts: [(&str, &dyn Fn() -> Section); 4] = [
        ("exact values", &exact::section),
        ("curves over the temperature", &|| curves::section(&images)),
        ("the critical point", &|| critical::section(&images)),
        ("speed", &speed::section),
    ];
    for (name, section) in parts {
        let began = std::time::Instant::now();
        page += &section()?;
        eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
    }
    std::fs::write(docs.join("ising.md"), page)?;
    Ok(())
}

const INTRODUCTION: &str = "# The Ising model in two dimensions

Made by `cargo run --release -p enscore --example ising -- docs`. Energies are per site in units of J = 1, on tori without a
field; every mean has a standard error, from batch means of one chain or from the scatter of independent chains.
";

/// The square torus of J = 1 without a field.
pub fn torus(side: usize, beta: f64) -> enscore::Result<IsingModel> {
    IsingModel::torus(side, side, Coupling::Uniform(1.0), Field::Uniform(0.0), beta)
}

/// A chain of packed sweeps from all spins up.
pub fn cold(side: usize, beta: f64, rule: Rule) -> enscore::Result<Checkerboard> {
    Checkerboard::new(&torus(side, beta)?, rule, &vec![1; side * side])
}

/// A mean with its standard error, and how many of them it is from the truth.
pub fn beside(found: enscore::mcmc::ChainMean, exact: f64) -> String {
    let apart = (found.mean - exact) / found.std_err;
    format!("{:.5} ± {:.5} | {exact:.5} | {apart:+.1}", found.mean, found.std_err)
}
