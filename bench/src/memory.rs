//! The most memory that a workload needs, as the system counts it (Linux: `VmRSS` and `VmHWM` of
//! /proc/self/status).

use std::error::Error;

use crate::runner::Runner;

/// Runs that reach the most.
const RUNS: usize = 5;

/// The most megabytes that loading a workload and some runs of it need, above those that the process has
/// before.
pub fn peak(load: impl FnOnce() -> Result<Runner, Box<dyn Error>>) -> Result<String, Box<dyn Error>> {
    // The most of before is forgotten.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = kilobytes("VmRSS:")?;
    let mut runner = load()?;
    for _ in 0..RUNS {
        runner.run(1.0)?;
    }
    Ok(((kilobytes("VmHWM:")? - before) * 1024.0 / 1e6).to_string())
}

fn kilobytes(field: &str) -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or_else(|| format!("/proc/self/status has no {field}"))?.parse()?)
}
