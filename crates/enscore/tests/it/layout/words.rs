//! Words that the code leaves out: panics on purpose, the machine that it was written on, the command line's
//! flags.

use std::fs::read_to_string;

use super::source::{CRATES, name, none, sources, workspace_files};

/// Names the flags of another program, which it runs.
const CALLS_CURL: &str = "crates/enscore/src/data/fetch.rs";

#[test]
fn nothing_panics_on_purpose() {
    let mut violations = Vec::new();
    for source in CRATES.iter().flat_map(|krate| sources(krate)) {
        for (line, code) in &source.code {
            // A parser may call its own method `expect`, but not with a message.
            let words = [".unwrap()", ".expect(\"", ".expect(&", "todo!(", "unimplemented!(", "#[ignore"];
            if let Some(word) = words.iter().find(|word| code.contains(*word)) {
                violations.push(format!("{}: {word}", source.place(*line)));
            }
        }
    }
    none("no unwrap, expect, todo or ignored test outside tests", violations);
}

/// The lock file names the public registry by its nature and is left out; the words are split so that this
/// file does not hold them.
#[test]
fn nothing_names_a_machine_or_a_registry() {
    let folders = ["work", "home", "root", "Users"].map(|folder| format!("/{folder}/"));
    let hosts =
        [("crates", "io"), ("pypi", "org"), ("npmjs", "org"), ("pythonhosted", "org"), ("golang", "org")];
    let hosts = hosts.map(|(host, domain)| format!("{host}.{domain}"));
    let mut violations = Vec::new();
    for path in workspace_files() {
        let name = name(&path);
        let Ok(text) = read_to_string(&path) else { continue };
        if name == "Cargo.lock" {
            continue;
        }
        for (line, code) in text.lines().enumerate() {
            if let Some(word) = folders.iter().chain(&hosts).find(|word| names(code, word)) {
                violations.push(format!("{name}:{}: {word}", line + 1));
            }
        }
    }
    none("no path of a machine, no host of a registry", violations);
}

/// Whether `line` names `word`; a folder inside a longer path (`data/home/a`) is another one.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        !word.starts_with('/') || !(before.is_alphanumeric() || "._-/$}".contains(before))
    })
}

/// Whoever calls the library passes parameters, not flags: its errors name the parameter.
#[test]
fn the_library_names_no_flags() {
    let mut violations = Vec::new();
    for source in sources("enscore").iter().filter(|source| source.name != CALLS_CURL) {
        for (line, _) in source.code.iter().filter(|(_, code)| flags(code) > 0) {
            violations.push(source.place(*line));
        }
    }
    none("strings of the library name no flag of the command line", violations);
}

/// How many flags, `--word`, the line names; code has none outside of strings.
fn flags(line: &str) -> usize {
    let begins_word = |at: usize| line[at + 2..].starts_with(|c: char| c.is_ascii_lowercase());
    line.match_indices("--").filter(|(at, _)| begins_word(*at)).count()
}

#[test]
fn flags_are_told_from_other_dashes() {
    assert_eq!(flags(r#".at("--chain").remedy("use --set a.b=1 or --set c.d=2")"#), 3);
    assert_eq!(flags(r#"x - -y; "a -- b"; "---:|"; "{a}--{b}""#), 0);
}
