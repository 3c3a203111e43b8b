//! Reads the workspace's sources: which files there are, and their code without comments and tests.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

pub const CRATES: [&str; 4] = ["program", "cpu", "enscore", "cli"];

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The path from the workspace, with slashes.
pub fn name(path: &Path) -> String {
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

pub fn workspace_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&workspace(), &mut found);
    found
}

/// Whether a path is a Rust file.
pub fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// A source file of a crate, without what is compiled for tests only.
pub struct Source {
    /// The path from the workspace.
    pub name: String,
    /// Code with its line number; comments are blank.
    pub code: Vec<(usize, String)>,
    /// Lines, inline tests left out.
    pub lines: usize,
}

/// Sources below `crates/CRATE/src`, without files that are modules for tests.
pub fn sources(krate: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    files(&workspace().join("crates").join(krate).join("src"), &mut paths);
    paths.retain(|path| is_rust(path));
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
        let item = pair[1].trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        item.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'))
    });
    let stem = path.file_stem().unwrap().to_string_lossy();
    let folder = match stem.as_ref() {
        "mod" | "lib" | "main" => path.parent().unwrap().to_path_buf(),
        _ => path.with_extension(""),
    };
    named.map(|module| folder.join(format!("{module}.rs"))).collect()
}

impl Source {
    pub fn new(name: String, text: &str) -> Source {
        let lines: Vec<&str> = text.lines().collect();
        let mut code = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if lines[at].trim() == "#[cfg(test)]" {
                at = end_of_item(&lines, at) + 1;
                continue;
            }
            code.push((at + 1, without_comment(lines[at]).to_string()));
            at += 1;
        }
        Source { name, lines: code.len(), code }
    }

    /// `LINE of FILE`, for messages.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }

    /// The code in one piece.
    pub fn text(&self) -> String {
        self.code.iter().map(|(_, code)| format!("{code}\n")).collect()
    }
}

/// The last line of the item under the attribute in line `start`: rustfmt puts what closes it in the same
/// column.
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

/// Fails with every violation on a line of its own.
pub fn none(rule: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "{rule}:\n{}", violations.join("\n"));
}

#[test]
fn code_for_tests_and_comments_are_left_out() {
    let text = |text: &str| Source::new("a.rs".into(), text).text();
    assert_eq!(text("// a\nlet x = 1; // b\n#[cfg(test)]\nmod tests {\n    c\n}\n"), "\nlet x = 1;\n");
    assert_eq!(text("#[cfg(test)]\nuse crate::a;\nuse crate::b;\n"), "use crate::b;\n");
    assert_eq!(
        text("    #[cfg(test)]\n    fn f() {\n        a()\n    }\n    b()\n"),
        "    b()\n",
        "an item for tests inside another one"
    );
}
