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

fn manifest(path: &str) -> toml::Table {
    read_to_string(workspace().join(path).join("Cargo.toml")).unwrap().parse().unwrap()
}

/// A registry takes a crate only if each dependency has a version, and shows what the metadata says.
#[test]
fn every_crate_can_be_published() {
    let mut violations = Vec::new();
    let root = manifest(".");
    let shared = root["workspace"]["dependencies"].as_table().unwrap();
    for (name, dependency) in shared.iter().filter(|(_, value)| value.get("path").is_some()) {
        if dependency.get("version") != Some(&root["workspace"]["package"]["version"]) {
            violations.push(format!("Cargo.toml: {name} has a path, but not the version of the workspace"));
        }
    }
    for krate in super::source::CRATES {
        let table = manifest(&format!("crates/{krate}"));
        let package = table["package"].as_table().unwrap();
        let wanted =
            ["version", "license", "description", "readme", "keywords", "categories", "rust-version"];
        for key in wanted.into_iter().filter(|key| !package.contains_key(*key)) {
            violations.push(format!("crates/{krate}/Cargo.toml: no {key}"));
        }
        for file in ["LICENSE-MIT", "LICENSE-APACHE", package["readme"].as_str().unwrap_or("README.md")] {
            if !workspace().join("crates").join(krate).join(file).is_file() {
                violations.push(format!("crates/{krate}: no file {file}"));
            }
        }
        for (name, dependency) in
            table.get("dependencies").and_then(|table| table.as_table()).into_iter().flatten()
        {
            if dependency.get("path").is_some() {
                violations.push(format!("crates/{krate}/Cargo.toml: {name} has a path of its own"));
            }
        }
    }
    for path in ["bench", "crates/enscore/tests/outside"] {
        if manifest(path)["package"].get("publish") != Some(&toml::Value::Boolean(false)) {
            violations.push(format!("{path}/Cargo.toml: not publish = false"));
        }
    }
    none("crates have versions and metadata", violations);
}

/// The package of a crate holds the files of its own folder only.
#[test]
fn no_crate_includes_a_file_from_outside_its_folder() {
    let mut violations = Vec::new();
    for source in super::source::CRATES.iter().flat_map(|krate| super::source::sources(krate)) {
        let below = source.name.split('/').count() - 3;
        let outside = format!("\"{}", "../".repeat(below + 1));
        for (line, code) in &source.code {
            if code.contains("include_") && code.contains(&outside) {
                violations.push(source.place(*line));
            }
        }
    }
    none("included files are part of the package", violations);
    let [demo, digits] = ["crates/cli/src/command/demo.toml", "settings/digits.toml"];
    let text = |name: &str| read_to_string(workspace().join(name)).unwrap();
    assert_eq!(text(demo), text(digits), "{demo} is a copy of {digits}");
}
