//! How near a workload comes to the limits of the machine, step by step: the sum over steps of max(operations
//! / peak, bytes / bandwidth) (Williams, Waterman and Patterson 2009). What counts is said at
//! [`enscore_cpu::Work`].

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use enscore_cpu::peaks::{LARGE_BYTES, copy_rate, product_rate};
use enscore_cpu::{Group, StepProfile};
use serde_json::{Map, Value, json};

use crate::runner::Runner;

/// How long the peaks of the machine are measured, once in a process.
const LONG: Duration = Duration::from_secs(1);
/// How long the bandwidth at the size of a workload is measured.
const SHORT: Duration = Duration::from_millis(300);

/// Operations per second of a large product, and bytes per second of a large copy.
fn measured() -> [f64; 2] {
    static PEAKS: OnceLock<[f64; 2]> = OnceLock::new();
    *PEAKS.get_or_init(|| [product_rate(LONG), copy_rate(LARGE_BYTES, LONG)])
}

/// The peaks of this process: `gflops` (10^9 operations per second) and `gb_per_s` of a copy behind the
/// caches.
pub fn peaks() -> String {
    let [operations, bytes] = measured();
    json!({ "gflops": operations / 1e9, "gb_per_s": bytes / 1e9 }).to_string()
}

/// One run of a workload: `gflop`, `mbytes`, `limit_ms`; `steps_ms`, the least time of its steps one after
/// another, also by group (small programs run theirs side by side, so a run may take less); `gb_per_s`, the
/// bandwidth of copying as much as the program touches.
pub fn answer(runner: &mut Runner, budget: Duration) -> Result<String, Box<dyn Error>> {
    let [peak, _] = measured();
    let bandwidth = copy_rate(runner.touched_bytes(), SHORT);
    let steps = runner.hot_spots(budget)?;
    let times = runner.programs_a_run() as f64;
    let limit =
        |step: &StepProfile| (step.work.operations as f64 / peak).max(step.work.bytes as f64 / bandwidth);
    // From 0 on: the sum of nothing is -0 otherwise.
    let sum = |steps: &[&StepProfile], of: &dyn Fn(&StepProfile) -> f64| {
        times * steps.iter().fold(0.0, |sum, step| sum + of(step))
    };
    let figures = |steps: &[&StepProfile]| {
        [
            ("gflop", sum(steps, &|step| step.work.operations as f64 / 1e9)),
            ("mbytes", sum(steps, &|step| step.work.bytes as f64 / 1e6)),
            ("limit_ms", sum(steps, &|step| 1e3 * limit(step))),
            ("steps_ms", sum(steps, &|step| 1e3 * step.least)),
        ]
        .map(|(name, figure)| (name.to_string(), json!(figure)))
    };
    let group = |group: Group| {
        let steps: Vec<&StepProfile> = steps.iter().filter(|step| step.work.group == group).collect();
        (group.name().to_string(), Value::Object(Map::from_iter(figures(&steps))))
    };
    let mut all = Map::from_iter(figures(&steps.iter().collect::<Vec<_>>()));
    all.insert("gb_per_s".to_string(), json!(bandwidth / 1e9));
    all.insert("groups".to_string(), Value::Object(Group::ALL.map(group).into_iter().collect()));
    Ok(Value::Object(all).to_string())
}
