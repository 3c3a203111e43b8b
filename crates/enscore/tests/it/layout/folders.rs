//! Folders use only those before them.

use super::imports::Imports;
use super::source::{none, sources};

/// What stands in the source folder of each crate, in an order in which each may use those before it. Names
/// on one line are one floor, whose rooms know each other.
const ORDERS: [(&str, &[&str]); 4] = [
    (
        "program",
        &[
            "random",
            "shape",
            "value",
            // The rules of primitives are written with the operators of variables: see `circles.rs`.
            "op primitive program scope simplify var",
            "compose",
            "parameters",
            "interpret",
            "derivative",
            "executor",
        ],
    ),
    // Kernels know no programs; then plans, what is planned, and running it.
    (
        "cpu",
        &[
            "simd",
            "stretch",
            "math",
            "random",
            "matmul",
            "conv",
            "ising",
            "plan",
            "fused",
            "band",
            "argument",
            "step",
            "run",
            "compile",
            "work",
            "executable",
            "peaks",
            "executor",
        ],
    ),
    // The order in which data flows.
    (
        "enscore",
        &[
            "citation error streams text",
            "memory",
            "executor",
            "files",
            "keys",
            "data",
            "ising",
            "model",
            "mcmc",
            "objective",
            "checkpoint",
            "sample",
            "settings",
            "trained",
            "evaluate",
            "report",
            "export",
            "source",
            "train",
            "compare",
            "lecture",
        ],
    ),
    (
        "cli",
        &[
            "output",
            "duration numbers given",
            "args",
            "parse",
            "pictures",
            "signals",
            "context",
            "progress",
            "flags",
            "command",
        ],
    ),
];

/// The folder below `src`, or the file, that a source stands in.
fn entry(file: &str) -> &str {
    let below = file.split_once("/src/").map_or(file, |(_, below)| below);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

#[test]
fn folders_use_only_those_before_them() {
    let mut violations = Vec::new();
    for (krate, order) in ORDERS {
        let imports = Imports::new(&sources(krate));
        let floor = |file: usize| {
            let name = entry(&imports.files[file]);
            order.iter().position(|floor| floor.split(' ').any(|known| known == name))
        };
        let root = |file: usize| ["lib", "main"].contains(&entry(&imports.files[file]));
        for file in (0..imports.files.len()).filter(|file| !root(*file) && floor(*file).is_none()) {
            violations.push(format!("{}: not in the order of {krate}", imports.files[file]));
        }
        for (from, to) in imports.arrows.union(&imports.passed_on).filter(|(from, _)| !root(*from)) {
            if floor(*from) < floor(*to) {
                violations.push(format!("{} uses {}", imports.files[*from], imports.files[*to]));
            }
        }
    }
    none("a folder uses only folders before it", violations);
}
