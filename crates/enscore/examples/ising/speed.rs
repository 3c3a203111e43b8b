//! Time per site over the size of the lattice.

use std::fmt::Write;
use std::time::Instant;

use enscore::ising::chains::{Rule, SingleSite, SpinTransition, SwendsenWang, random_spins};
use enscore_program::random::Key;

use crate::{Section, cold, torus};

const BETA: f64 = 0.44;

/// A table of nanoseconds a site.
pub fn section() -> Section {
    let mut text = "\n## Cost is linear in the number of sites\n\nPicoseconds per site and sweep on tori at β = 0.44, one thread, \
         the fastest of several bursts. Site-by-site sweeps and clusters read 60 bytes of neighbours and couplings per site \
         and slow down once these leave the cache; packed sweeps don't.\n\n\
         | lattice | packed Metropolis | its flips per ns | site-by-site Gibbs | Swendsen-Wang |\n\
         |---|---:|---:|---:|---:|\n"
        .to_string();
    for side in [64usize, 128, 256, 512, 1024, 2048, 4096] {
        let seconds = packed(side)?;
        write!(text, "| {side}² | {:.0} | {:.2} |", 1e12 * seconds, 1e-9 / seconds)?;
        if side > 1024 {
            writeln!(text, " | |")?;
            continue;
        }
        let model = torus(side, BETA)?;
        let mut spins = random_spins(side * side, Key::new(1, 0));
        for chain in [
            &mut SingleSite::new(&model, Rule::HeatBath) as &mut dyn SpinTransition,
            &mut SwendsenWang::new(&model),
        ] {
            let mut least = f64::INFINITY;
            for step in 0..5 {
                let began = Instant::now();
                chain.step(&mut spins, Key::new(2, step))?;
                least = least.min(began.elapsed().as_secs_f64());
            }
            write!(text, " {:.0} |", 1e12 * least / (side * side) as f64)?;
        }
        writeln!(text)?;
    }
    Ok(text)
}

/// Seconds a site of packed Metropolis sweeps.
fn packed(side: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut chain = cold(side, BETA, Rule::Metropolis)?;
    let sweeps = ((1u64 << 24) / (side * side) as u64).max(2);
    let mut least = f64::INFINITY;
    pool.install(|| {
        for burst in 0..20 {
            let began = Instant::now();
            (0..sweeps).for_each(|step| chain.sweep(Key::new(3, burst * sweeps + step)));
            least = least.min(began.elapsed().as_secs_f64() / sweeps as f64);
        }
    });
    Ok(least / (side * side) as f64)
}
