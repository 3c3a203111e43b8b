//! Crates depend in one direction.

use std::fs::read_to_string;

use super::source::{none, sources, workspace};

/// The dependencies of a crate, those of its tests included.
fn dependencies(krate: &str) -> Vec<String> {
    let text = read_to_string(workspace().join("crates").join(krate).join("Cargo.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    kinds
        .iter()
        .filter_map(|kind| table.get(*kind)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let forbidden: [(&str, &[&str]); 3] = [
        ("program", &["enscore-cpu", "enscore", "enscore-cli", "rayon", "pulp", "gemm"]),
        ("cpu", &["enscore", "enscore-cli"]),
        ("enscore", &["enscore-cli", "clap"]),
    ];
    let found = forbidden.iter().flat_map(|(krate, names)| {
        let found = dependencies(krate);
        let wrong = names.iter().filter(move |name| found.iter().any(|found| found == *name));
        wrong.map(move |name| format!("crates/{krate}/Cargo.toml: depends on {name}"))
    });
    none("program knows no executor, the executor no library, the library no binary", found.collect());
    assert!(dependencies("enscore").contains(&"enscore-cpu".to_string()));
}

/// Whatever else a library would know of one executor, another could not take its place.
#[test]
fn the_library_names_one_executor_in_one_place() {
    let sources = sources("enscore");
    let named = sources.iter().filter(|source| source.text().contains("enscore_cpu"));
    let elsewhere = named.filter(|source| !source.name.starts_with("crates/enscore/src/executor/"));
    none("only executor/ names the processor's crate", elsewhere.map(|source| source.name.clone()).collect());
}
