//! Files are short, say what they are, and fit a page.

use std::collections::BTreeMap;
use std::fs::read_to_string;

use super::source::{Source, is_rust, name, none, sources, workspace_files};

/// Lines of a file without its inline tests.
const LONGEST: usize = 450;
const MEDIAN: std::ops::RangeInclusive<usize> = 60..=260;
/// Rust files of a folder, those of its subfolders apart.
const FULLEST: usize = 14;
/// Columns of a line of comments: what rustfmt gives code.
const WIDEST_COMMENT: usize = 110;

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut violations = Vec::new();
    for path in workspace_files().into_iter().filter(|path| is_rust(path)) {
        let text = read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            violations.push(format!("{}: does not begin with //!", name(&path)));
        }
        let lines = Source::new(name(&path), &text).lines;
        if lines > LONGEST {
            violations.push(format!("{}: {lines} lines, at most {LONGEST}", name(&path)));
        }
    }
    none("files begin with their purpose and fit a reading", violations);
    for krate in ["program", "cpu", "enscore"] {
        let mut lengths: Vec<usize> = sources(krate).iter().map(|source| source.lines).collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        println!("{krate}: {} files, median {median} lines, longest {:?}", lengths.len(), lengths.last());
        assert!(
            MEDIAN.contains(&median),
            "the median file of {krate} has {median} lines, expected {MEDIAN:?}"
        );
    }
}

#[test]
fn comments_fit_the_width_of_code() {
    let mut violations = Vec::new();
    for path in workspace_files().into_iter().filter(|path| is_rust(path)) {
        for (number, line) in read_to_string(&path).unwrap().lines().enumerate() {
            let columns = line.chars().count();
            if line.trim_start().starts_with("//") && columns > WIDEST_COMMENT {
                violations.push(format!("{}:{}: {columns} columns", name(&path), number + 1));
            }
        }
    }
    none("comments have at most 110 columns", violations);
}

#[test]
fn folders_hold_few_files() {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for path in workspace_files().into_iter().filter(|path| is_rust(path)) {
        *count.entry(name(path.parent().unwrap())).or_default() += 1;
    }
    let full = count.iter().filter(|(_, count)| **count > FULLEST);
    let violations = full.map(|(folder, count)| format!("{folder}: {count} files, at most {FULLEST}"));
    none("a folder holds at most 14 Rust files", violations.collect());
}
