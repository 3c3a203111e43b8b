//! The workloads of discrete models: no programs, but functions of the library that are called again and
//! again.

use std::time::{Duration, Instant};

use enscore_cpu::ising::{PackedTorus, Rule};
use enscore_cpu::simd::Instructions;
use enscore_program::random::Key;

/// A workload: a figure by which libraries are compared, and a burst of units of work.
pub struct Discrete {
    figure: fn() -> f64,
    burst: Box<dyn FnMut()>,
    /// Units of work in a burst.
    units: u32,
}

/// The workload with this name.
pub fn named(name: &str) -> Option<Discrete> {
    match name {
        "ising_metropolis_256" => {
            const SWEEPS: u32 = 100;
            let mut torus = Ising::start()?;
            let mut step = 0;
            let burst = move || {
                for _ in 0..SWEEPS {
                    torus.sweep(step);
                    step += 1;
                }
            };
            Some(Discrete { figure: Ising::energy_per_site, burst: Box::new(burst), units: SWEEPS })
        }
        _ => None,
    }
}

impl Discrete {
    /// The figure by which libraries are compared.
    pub fn figure(&self) -> f64 {
        (self.figure)()
    }

    /// Median and least seconds of a unit of work, over bursts that together take `budget`.
    pub fn time(&mut self, budget: Duration) -> (f64, f64) {
        let began = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < 2 || began.elapsed() < budget {
            let start = Instant::now();
            (self.burst)();
            seconds.push(start.elapsed().as_secs_f64() / f64::from(self.units));
        }
        seconds.sort_by(f64::total_cmp);
        (seconds[seconds.len() / 2], seconds[0])
    }
}

/// Metropolis on the checkerboard of a 256 x 256 torus at β = 0.44, one chain.
struct Ising(PackedTorus);

impl Ising {
    /// Sites along a side of the torus.
    const SIDE: usize = 256;
    /// Inverse temperature.
    const BETA: f64 = 0.44;

    /// A chain from a random state: a sweep of the heat bath without coupling.
    fn start() -> Option<Ising> {
        let mut torus = PackedTorus::pack(Ising::SIDE, Ising::SIDE, &[1; Ising::SIDE * Ising::SIDE])?;
        torus.sweep(Instructions::current(), Rule::HeatBath, 0.0, Key::new(0, 0));
        Some(Ising(torus))
    }

    fn sweep(&mut self, step: u64) {
        self.0.sweep(Instructions::current(), Rule::Metropolis, Ising::BETA, Key::new(1, step));
    }

    /// After a thousand sweeps.
    fn energy_per_site() -> f64 {
        let Some(mut ising) = Ising::start() else { return f64::NAN };
        (0..1000).for_each(|step| ising.sweep(step));
        -ising.0.bonds() as f64 / (Ising::SIDE * Ising::SIDE) as f64
    }
}
