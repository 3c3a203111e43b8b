//! log Z by each exact way.

use std::fmt::Write;
use std::time::Instant;

use enscore::ising::exact::exact_log_z;
use enscore::ising::{Bond, Coupling, Field, IsingModel};

use crate::{Section, torus};

/// A table of models, ways and times.
pub fn section() -> Section {
    let field = Field::Uniform(0.1);
    let pairs = (0..30).flat_map(|i| (0..i).map(move |j| (j, i)));
    let complete =
        pairs.map(|(j, i)| Bond { sites: [j, i], coupling: 0.05 * ((i * j) % 7) as f64 - 0.15 }).collect();
    let models = [
        ("all pairs of 30 sites, in a field", IsingModel::graph(30, complete, field.clone(), 0.5)?),
        ("20 x 20 grid in a field", IsingModel::grid(20, 20, Coupling::Uniform(1.0), field.clone(), 0.44)?),
        ("10 x 200 torus in a field", IsingModel::torus(10, 200, Coupling::Uniform(1.0), field, 0.44)?),
        ("256 x 256 torus", torus(256, 0.44)?),
        ("4096 x 4096 torus", torus(4096, 0.44)?),
    ];
    let mut text = "\n## log Z\n\n| model | method | log Z | seconds |\n|---|---|---:|---:|\n".to_string();
    for (name, model) in models {
        let began = Instant::now();
        let exact = exact_log_z(&model)?;
        let seconds = began.elapsed().as_secs_f64();
        writeln!(text, "| {name} | {} | {:.8} | {seconds:.3} |", exact.method.name(), exact.log_z)?;
    }
    Ok(text)
}
