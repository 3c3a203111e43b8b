//! The most probable image by a minimum cut, on the images that `max_flow_worker.py` makes: fields ±2.2 and a
//! coupling of 1 between labels 0 and 1 are η = 1.1 and β = 1/2 of spins.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use enscore::ising::denoise::IsingDenoising;

/// Weight of agreement with the noisy image.
const ETA: f64 = 1.1;
/// Coupling of neighbours.
const BETA: f64 = 0.5;
/// Timed runs, at most.
const MOST_RUNS: usize = 200;
/// Runs before the first timed one.
const WARM_UP: usize = 2;

/// The side of the image of a workload `max_flow_SIDE`.
pub fn side(name: &str) -> Option<usize> {
    name.strip_prefix("max_flow_")?.parse().ok()
}

/// Answers `check` by the value of the cut, twice, and `time` by median milliseconds, `least` by the least.
pub fn answer(verb: &str, side: usize, image: &Path, budget: Duration) -> Result<String, Box<dyn Error>> {
    let pixels = std::fs::read(image)?;
    let noisy: Vec<i8> = pixels.iter().map(|pixel| if *pixel == 0 { -1 } else { 1 }).collect();
    let model = IsingDenoising::new(ETA, BETA)?;
    let run = || model.exact_map(&noisy, side, side);
    if verb == "check" {
        // What is paid for flips and borders, beside all spins and pixels alike.
        let best = -ETA * (side * side) as f64 - BETA * (2 * side * (side - 1)) as f64;
        let cut = run()?.energy - best;
        return Ok(format!("{cut} {cut}"));
    }
    for _ in 0..WARM_UP {
        run()?;
    }
    let began = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < 2 || (seconds.len() < MOST_RUNS && began.elapsed() < budget) {
        let start = Instant::now();
        run()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    match verb {
        "time" => Ok((seconds[seconds.len() / 2] * 1e3).to_string()),
        "least" => Ok((seconds[0] * 1e3).to_string()),
        _ => Err(format!("not a request of a minimum cut: {verb:?}").into()),
    }
}
