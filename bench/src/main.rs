//! Answers `check NAME`, `gradient NAME` (the norm of a first run's), `time NAME SECONDS` (median
//! milliseconds), `least NAME SECONDS`, `compile NAME`, `memory NAME` (megabytes), `profile NAME
//! SECONDS`, `roofline NAME SECONDS`, `peaks` and `mnist-update` on standard input: `run` and `memory`
//! ask this program and its Python counterparts in turn. `grow NAME SECONDS AXIS EXTENT` and `chart ..`
//! are what `growth` asks.

mod adam;
mod boltzmann;
mod discrete;
mod drive;
mod generative;
mod growth;
mod max_flow;
mod memory;
mod mnist_update;
mod networks;
mod roofline;
mod runner;
mod workloads;

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use enscore_cpu::StepProfile;
use enscore_cpu::matmul::Products;
use runner::Runner;
use workloads::Workload;

/// Threads unless the command line names another number.
const THREADS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let data = PathBuf::from(std::env::args().nth(1).ok_or("usage: enscore-bench FOLDER_OF_DATA [THREADS]")?);
    let threads = std::env::args().nth(2).map_or(Ok(THREADS), |word| word.parse())?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    // On a thread of the pool, so that a run doesn't begin with handing itself over to one.
    rayon::scope(|_| serve(&data).map_err(|error| error.to_string())).map_err(Into::into)
}

/// Answers the requests on standard input.
fn serve(data: &Path) -> Result<(), Box<dyn Error>> {
    let mut runners = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, data, &mut runners)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// A workload of the table, or with "_bf16" after its name the same with products in bfloat16.
fn load(name: &str, data: &Path) -> Result<Runner, Box<dyn Error>> {
    let (name, products) = match name.strip_suffix("_bf16") {
        Some(name) => (name, Products::Bf16),
        None => (name, Products::Single),
    };
    let workload = Workload::named(name).ok_or_else(|| format!("no workload is called {name:?}"))?;
    Runner::new(&workload, &data.join(format!("{name}.bin")), products)
}

fn answer(line: &str, data: &Path, runners: &mut HashMap<String, Runner>) -> Result<String, Box<dyn Error>> {
    if let Some(text) = line.strip_prefix("chart ") {
        return growth::chart(text);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    if words[..] == ["mnist-update"] {
        return mnist_update::milliseconds();
    }
    if words[..] == ["peaks"] {
        return Ok(roofline::peaks());
    }
    let [verb, name, rest @ ..] = &words[..] else { return Err(format!("not a request: {line:?}").into()) };
    let budget = Duration::from_secs_f64(rest.first().map_or(Ok(1.0), |word| word.parse())?);
    if let Some(side) = max_flow::side(name) {
        return max_flow::answer(verb, side, &data.join(format!("{name}.bin")), budget);
    }
    if let Some(mut workload) = discrete::named(name) {
        return match *verb {
            "check" => Ok(workload.figure().to_string()),
            "time" => Ok((workload.time(budget).0 * 1e3).to_string()),
            "least" => Ok((workload.time(budget).1 * 1e3).to_string()),
            _ => Err(format!("not a request for a discrete model: {line:?}").into()),
        };
    }
    if *verb == "grow" {
        return growth::time(name, &rest[1..], budget);
    }
    if *verb == "memory" {
        return memory::peak(|| load(name, data));
    }
    if *verb == "check" {
        let mut runner = load(name, data)?;
        let mut figures = Vec::new();
        for _ in 0..2 {
            runner.run(0.0)?;
            figures.push(runner.figure().to_string());
        }
        return Ok(figures.join(" "));
    }
    if *verb == "gradient" {
        let mut runner = load(name, data)?;
        runner.run(0.0)?;
        return Ok(runner.gradient_norm().map_or_else(String::new, |norm| norm.to_string()));
    }
    if !runners.contains_key(*name) {
        runners.insert(name.to_string(), load(name, data)?);
    }
    let runner = runners.get_mut(*name).ok_or("no such workload")?;
    match *verb {
        "time" => Ok((runner.time(budget)?.0 * 1e3).to_string()),
        "least" => Ok((runner.time(budget)?.1 * 1e3).to_string()),
        "compile" => Ok((runner.compiled_in().as_secs_f64() * 1e3).to_string()),
        "roofline" => roofline::answer(runner, budget),
        "profile" => {
            let steps = runner.hot_spots(budget)?;
            let times = |step: &StepProfile| [step.least, step.seconds / step.runs as f64];
            let sum = |which: usize| steps.iter().map(|step| times(step)[which]).sum::<f64>();
            let line = |[least, mean]: [f64; 2], name: &str| {
                format!("{:9.4} {:9.4}  {name}", 1e3 * least, 1e3 * mean)
            };
            let heading = format!("least and mean of all {} steps", steps.len());
            let mut lines = vec![line([sum(0), sum(1)], &heading)];
            lines.extend(steps.iter().map(|step| line(times(step), &step.name)));
            Ok(lines.join("\n"))
        }
        _ => Err(format!("not a request: {line:?}").into()),
    }
}
