//! The shape of the code: folders use only what comes before them, crates depend in one direction, files are short and
//! say what they are, nothing panics on purpose, and nothing names the machine that it was written on.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// The folders of the library in the order in which data flows: each may use those before it, and errors.
const ORDER: [&str; 11] = [
    "settings",
    "data",
    "model",
    "mcmc",
    "objective",
    "checkpoint",
    "sample",
    "evaluate",
    "report",
    "train",
    "compare",
];
const FOR_ALL: [&str; 3] = ["error", "Error", "Result"];
/// Lines of a file without its inline tests.
const LONGEST: usize = 450;
const MEDIAN: std::ops::RangeInclusive<usize> = 60..=260;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The path from the workspace, with slashes.
fn name(path: &Path) -> String {
    let relative = path.strip_prefix(workspace()).unwrap_or(path);
    relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// All files below `folder` but for hidden folders, what builds and runs leave, and git's own.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    const LEFT_OUT: [&str; 3] = ["target", "runs", "demo"];
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && name != ".git" {
            found.push(path);
        } else if path.is_dir() && !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) {
            files(&path, found);
        }
    }
}

fn workspace_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&workspace(), &mut found);
    found
}

/// A source file of a crate, without what is compiled for tests only.
struct Source {
    name: String,
    /// Code with its line number; comments are blank.
    code: Vec<(usize, String)>,
    /// Lines, inline tests left out.
    lines: usize,
}

/// Sources below `crates/CRATE/src`, without files that are modules for tests.
fn sources(krate: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    files(&workspace().join("crates").join(krate).join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let texts: Vec<(PathBuf, String)> =
        paths.into_iter().map(|p| (p.clone(), read_to_string(p).unwrap())).collect();
    let tests: Vec<PathBuf> = texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let keep = texts.iter().filter(|(path, _)| !tests.contains(path));
    keep.map(|(path, text)| Source::new(name(path), text)).collect()
}

/// The files of `#[cfg(test)] mod NAME;`.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
        pair[1].trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'))
    });
    let stem = path.file_stem().unwrap().to_string_lossy();
    let folder = match stem.as_ref() {
        "mod" | "lib" | "main" => path.parent().unwrap().to_path_buf(),
        _ => path.with_extension(""),
    };
    named.map(|module| folder.join(format!("{module}.rs"))).collect()
}

impl Source {
    fn new(name: String, text: &str) -> Source {
        let lines: Vec<&str> = text.lines().collect();
        let (mut code, mut at) = (Vec::new(), 0);
        let mut count = 0;
        while at < lines.len() {
            if lines[at].trim() == "#[cfg(test)]" {
                at = end_of_item(&lines, at) + 1;
                continue;
            }
            count += 1;
            code.push((at + 1, without_comment(lines[at]).to_string()));
            at += 1;
        }
        Source { name, code, lines: count }
    }

    /// `LINE of FILE`, for messages.
    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }
}

/// The last line of the item under the attribute in line `start`: rustfmt puts what closes it in the same column.
fn end_of_item(lines: &[&str], start: usize) -> usize {
    let indent = lines[start].len() - lines[start].trim_start().len();
    for (number, line) in lines.iter().enumerate().skip(start + 1) {
        let same_column = line.len() - line.trim_start().len() == indent;
        if same_column
            && (line.ends_with(';') || line.trim_start().starts_with(['}', ')']) || line.ends_with("{}"))
        {
            return number;
        }
    }
    lines.len() - 1
}

/// The line up to a comment; a `//` after a colon is an address.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.find(" // ").map_or(line, |comment| &line[..comment])
}

/// The modules of the crate's root that `code` of a file `depth` modules below the root names, with their lines.
fn uses(source: &Source, depth: usize) -> Vec<(usize, String)> {
    // Lines are joined, since a list of imports may go over several.
    let mut text = String::new();
    let mut starts = Vec::new();
    for (line, code) in &source.code {
        starts.push((text.len(), *line));
        text.push_str(code);
        text.push('\n');
    }
    let line_of = |at: usize| starts.iter().rev().find(|(start, _)| *start <= at).unwrap().1;
    let mut found = Vec::new();
    for root in ["crate::".to_string(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&root) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            // `$crate` is this crate too; a longer chain of supers, or `my_crate`, is something else.
            if before.is_alphanumeric() || before == '_' || (before == ':' && root.starts_with("super")) {
                continue;
            }
            let rest = &text[at + root.len()..];
            found.extend(first_names(rest).into_iter().map(|name| (line_of(at), name)));
        }
    }
    found
}

/// The names that a path or a braced list of paths begins with: `a` of `a::b`, `a` and `c` of `{a::b, c::{d, e}}`.
fn first_names(text: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = text.strip_prefix('{') else { return vec![word(text)] };
    let (mut depth, mut names, mut start) = (1, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            names.push(word(list[start..at].trim_start()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Fails with every violation on a line of its own.
fn none(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{rule}:\n{}", violations.join("\n"));
}

#[test]
fn folders_use_only_those_before_them() {
    let mut violations = Vec::new();
    let mut checked = 0;
    for source in sources("enscore") {
        let parts: Vec<&str> = source.name.split('/').skip(3).collect();
        let [folder, .., file] = parts[..] else { continue };
        let Some(own) = ORDER.iter().position(|known| *known == folder) else {
            violations.push(format!("{}: the folder {folder} is not in the order", source.name));
            continue;
        };
        let depth = parts.len() - usize::from(file == "mod.rs");
        for (line, name) in uses(&source, depth) {
            checked += 1;
            let allowed = FOR_ALL.contains(&name.as_str()) || ORDER[..=own].contains(&name.as_str());
            if !allowed {
                violations.push(format!("{}: {folder} uses {name}", source.place(line)));
            }
        }
    }
    assert!(checked > 50, "only {checked} uses were found");
    none("a folder uses only folders before it", violations);
}

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

#[test]
fn nothing_panics_on_purpose() {
    let mut violations = Vec::new();
    for source in ["program", "cpu", "enscore", "cli"].iter().flat_map(|krate| sources(krate)) {
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

#[test]
fn files_are_short_and_say_what_they_are() {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let mut violations = Vec::new();
    for path in workspace_files().into_iter().filter(rust) {
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

/// The lock file names the public registry by its nature and is left out; the words are split so that this file does
/// not hold them.
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

#[test]
fn the_checks_see_what_they_should() {
    let source = |text: &str| Source::new("a.rs".into(), text);
    let names =
        |text: &str, depth| -> Vec<String> { uses(&source(text), depth).into_iter().map(|u| u.1).collect() };
    assert_eq!(names("use crate::a::b;\nuse crate::{\n    c,\n    d::{e, f},\n};\n", 2), ["a", "c", "d"]);
    assert_eq!(names("use super::a;\nlet x = super::super::b::c();\n", 2), ["b"]);
    assert_eq!(names("use super::a;\n", 1), ["a"]);
    assert!(
        names("// crate::a\nlet x = 1; // crate::b\n#[cfg(test)]\nmod tests {\n    use crate::c;\n}\n", 2)
            .is_empty()
    );
    assert_eq!(names("#[cfg(test)]\nuse crate::a;\nuse crate::b;\n", 2), ["b"]);
    assert_eq!(
        names("    #[cfg(test)]\n    fn f() {\n        crate::a()\n    }\n    crate::b()\n", 2),
        ["b"]
    );
    assert_eq!(source("a\n#[cfg(test)]\nmod tests {\n    b\n}\n").lines, 1);
    assert!(super_chain_is_exact());
}

/// Three supers from a module of depth two are no path, and of depth three reach the root once.
fn super_chain_is_exact() -> bool {
    let text = Source::new("a.rs".into(), "super::super::super::a::b");
    uses(&text, 3).len() == 1 && uses(&text, 4).is_empty()
}
