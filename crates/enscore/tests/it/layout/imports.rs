//! Who imports whom: the files of a crate and the arrows between them, re-exports followed to where a name is
//! defined.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// A path as it stands in the code, or one leaf of a `use`, with the name that it gets here.
struct Named {
    path: Vec<String>,
    alias: String,
}

/// One file: its module's path below the crate's root, what it imports, and what it names in its code.
struct Module {
    file: String,
    path: Vec<String>,
    /// The leaves of `use`; `true` for those that are re-exported.
    uses: Vec<(Named, bool)>,
    /// Paths in the code outside of `use`.
    named: Vec<Vec<String>>,
}

/// The files of a crate with the arrows from each to those that it imports from.
pub struct Imports {
    pub files: Vec<String>,
    pub arrows: BTreeSet<(usize, usize)>,
    /// Arrows to what a file only passes on to others.
    pub passed_on: BTreeSet<(usize, usize)>,
}

impl Imports {
    /// Draws the arrows between `sources`, the sources of one crate.
    pub fn new(sources: &[Source]) -> Imports {
        let modules: Vec<Module> = sources.iter().map(Module::new).collect();
        let places: BTreeMap<Vec<String>, usize> =
            modules.iter().enumerate().map(|(at, module)| (module.path.clone(), at)).collect();
        let tree = Tree { modules: &modules, places };
        let all = |targets: &dyn Fn(usize) -> Vec<usize>| -> BTreeSet<(usize, usize)> {
            let from = |at| targets(at).into_iter().map(move |target| (at, target));
            (0..modules.len()).flat_map(from).filter(|(from, to)| from != to).collect()
        };
        Imports {
            files: modules.iter().map(|module| module.file.clone()).collect(),
            arrows: all(&|at| tree.targets(at)),
            passed_on: all(&|at| tree.passed_on(at)),
        }
    }

    /// Groups of files that import each other, directly or through others.
    pub fn circles(&self) -> Vec<Vec<usize>> {
        let count = self.files.len();
        let reached: Vec<Vec<bool>> = (0..count).map(|start| self.reached_from(start)).collect();
        let mut circles: Vec<Vec<usize>> = Vec::new();
        for (a, from_here) in reached.iter().enumerate() {
            let circle: Vec<usize> =
                (0..count).filter(|b| *b == a || (from_here[*b] && reached[*b][a])).collect();
            if circle.len() > 1 && circle[0] == a {
                circles.push(circle);
            }
        }
        circles
    }

    fn reached_from(&self, start: usize) -> Vec<bool> {
        let mut reached = vec![false; self.files.len()];
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for (_, next) in self.arrows.range((at, 0)..(at + 1, 0)) {
                if !reached[*next] {
                    reached[*next] = true;
                    open.push(*next);
                }
            }
        }
        reached
    }
}

impl Module {
    fn new(source: &Source) -> Module {
        let below = source.name.split_once("/src/").map_or(source.name.as_str(), |(_, below)| below);
        let mut path: Vec<String> = below.trim_end_matches(".rs").split('/').map(String::from).collect();
        if ["mod", "lib", "main"].contains(&path[path.len() - 1].as_str()) {
            path.pop();
        }
        let mut module = Module { file: source.name.clone(), path, uses: Vec::new(), named: Vec::new() };
        module.read(&tokens(&source.text()));
        module
    }

    fn read(&mut self, tokens: &[String]) {
        let mut at = 0;
        let mut depth = 0;
        // The depths of braces at which modules inside this file begin.
        let mut inner: Vec<usize> = Vec::new();
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => {
                    depth += 1;
                    if at > 1 && tokens[at - 2] == "mod" {
                        inner.push(depth);
                    }
                }
                "}" => {
                    if inner.last() == Some(&depth) {
                        inner.pop();
                    }
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            if tokens[at] == "use" {
                let end = at + tokens[at..].iter().position(|token| token == ";").unwrap_or(1);
                let public = at > 0 && (tokens[at - 1] == "pub" || tokens[at - 1] == ")");
                let mut leaves = Vec::new();
                use_tree(&tokens[at + 1..end], &[], &mut leaves);
                self.uses.extend(leaves.into_iter().map(|leaf| {
                    let path = from_file(leaf.path, inner.len());
                    (Named { path, ..leaf }, public)
                }));
                at = end;
            } else if is_word(&tokens[at]) && (at == 0 || ![".", "::"].contains(&tokens[at - 1].as_str())) {
                let path = path_at(tokens, at);
                // `pub(in crate::a)` says who may see an item, not what it needs.
                let visibility = at > 1 && tokens[at - 2..at] == ["(", "in"];
                at += 2 * path.len() - 1;
                if !visibility {
                    self.named.push(from_file(path, inner.len()));
                }
                continue;
            }
            at += 1;
        }
    }
}

/// The modules of a crate, with the way to find one by its path.
struct Tree<'a> {
    modules: &'a [Module],
    places: BTreeMap<Vec<String>, usize>,
}

impl Tree<'_> {
    /// The files that file `at` imports from. What it only passes on does not count.
    fn targets(&self, at: usize) -> Vec<usize> {
        let module = &self.modules[at];
        let named = |alias: &str| {
            // A lower-case name may be a local variable; types and traits are known by their capital.
            alias.starts_with(char::is_uppercase) && module.named.iter().any(|path| path[0] == alias)
        };
        let imported = module.uses.iter().filter(|(leaf, public)| !public || named(&leaf.alias));
        let mut found: Vec<usize> =
            imported.filter_map(|(leaf, _)| self.resolve(at, &leaf.path, 0)).collect();
        for path in module.named.iter().filter(|path| path.len() > 1) {
            let alias = module.uses.iter().find(|(leaf, _)| leaf.alias == path[0]);
            found.extend(match alias {
                Some((leaf, _)) => self.resolve(at, &[&leaf.path, &path[1..]].concat(), 0),
                None => self.resolve(at, path, 0),
            });
        }
        found
    }

    /// The files that file `at` passes names on from.
    fn passed_on(&self, at: usize) -> Vec<usize> {
        let public = self.modules[at].uses.iter().filter(|(_, public)| *public);
        public.filter_map(|(leaf, _)| self.resolve(at, &leaf.path, 0)).collect()
    }

    /// The file that defines what `path` names in file `at`; none for another crate's.
    fn resolve(&self, at: usize, path: &[String], depth: usize) -> Option<usize> {
        let mut module = self.modules[at].path.clone();
        let mut rest = path;
        match path[0].as_str() {
            "crate" => module.clear(),
            "self" | "super" => {}
            _ => {
                let child = [&module[..], &path[..1]].concat();
                self.places.get(&child)?;
            }
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(module.pop()),
                _ => {
                    let child = [&module[..], std::slice::from_ref(first)].concat();
                    if !self.places.contains_key(&child) {
                        return self.item(*self.places.get(&module)?, rest, depth);
                    }
                    module = child;
                }
            }
            rest = others;
        }
        self.places.get(&module).copied()
    }

    /// The file that defines `rest` of file `at`, which may pass it on from elsewhere.
    fn item(&self, at: usize, rest: &[String], depth: usize) -> Option<usize> {
        let passed = self.modules[at].uses.iter().find(|(leaf, _)| leaf.alias == rest[0]);
        match passed {
            // A macro is passed on under its own name, `use keys;`.
            Some((leaf, _)) if leaf.path.len() > 1 && depth < 8 => {
                self.resolve(at, &[&leaf.path, &rest[1..]].concat(), depth + 1)
            }
            _ => Some(at),
        }
    }
}

/// A path in a module inside a file as it reads from the file: with so many supers less.
fn from_file(mut path: Vec<String>, inner: usize) -> Vec<String> {
    let supers = path.iter().take_while(|part| *part == "super").count().min(inner);
    if supers > 0 {
        path.drain(..supers - 1);
        path[0] = "self".to_string();
    }
    path
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The path that begins at a word: `a::b::c`.
fn path_at(tokens: &[String], start: usize) -> Vec<String> {
    let mut path = vec![tokens[start].clone()];
    let mut at = start + 1;
    while at + 1 < tokens.len() && tokens[at] == "::" && is_word(&tokens[at + 1]) {
        path.push(tokens[at + 1].clone());
        at += 2;
    }
    path
}

/// The leaves of what follows `use`: `a::{b, c as d}` gives `a::b` and `a::c` under the name d.
fn use_tree(tokens: &[String], prefix: &[String], leaves: &mut Vec<Named>) {
    let path =
        if tokens.first().is_some_and(|token| is_word(token)) { path_at(tokens, 0) } else { Vec::new() };
    let read = (2 * path.len()).saturating_sub(1);
    let mut full = [prefix, &path].concat();
    let after: Vec<&str> = tokens[read..].iter().take(2).map(String::as_str).collect();
    let list = if after.first() == Some(&"{") { Some(read + 1) } else { None };
    let list = if after == ["::", "{"] { Some(read + 2) } else { list };
    if let Some(start) = list {
        for part in parts(&tokens[start..tokens.len() - 1]) {
            use_tree(part, &full, leaves);
        }
        return;
    }
    if full.last().is_some_and(|last| last == "self") && full.len() > 1 {
        full.pop();
    }
    let Some(last) = full.last().cloned() else { return };
    let alias = if after.first() == Some(&"as") { tokens[read + 1].clone() } else { last };
    leaves.push(Named { path: full, alias });
}

/// The parts between the commas of a list, inner lists kept whole.
fn parts(tokens: &[String]) -> Vec<&[String]> {
    let mut depth = 0;
    let between = |token: &String| {
        depth += i32::from(token == "{") - i32::from(token == "}");
        depth == 0 && token == ","
    };
    tokens.split(between).filter(|part| !part.is_empty()).collect()
}

/// Words, `::` and single characters; strings, characters and white space are dropped.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        at += 1;
        match chars[start] {
            '"' => {
                while at < chars.len() && chars[at] != '"' {
                    at += if chars[at] == '\\' { 2 } else { 1 };
                }
                at += 1;
            }
            // A quoted quote would open a string, a quoted brace a block; a lifetime closes no quote.
            '\'' if chars.get(at) == Some(&'\\') => {
                at += 2;
                while at < chars.len() && chars[at - 1] != '\'' {
                    at += 1;
                }
            }
            '\'' if chars.get(at + 1) == Some(&'\'') => at += 2,
            'r' if chars[at..].starts_with(&['#', '"']) => {
                at += 2;
                while at < chars.len() && !chars[at..].starts_with(&['"', '#']) {
                    at += 1;
                }
                at += 2;
            }
            ':' if chars.get(at) == Some(&':') => {
                at += 1;
                found.push("::".to_string());
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                    at += 1;
                }
                found.push(chars[start..at].iter().collect());
            }
            c if c.is_whitespace() => {}
            c => found.push(c.to_string()),
        }
    }
    found
}

#[cfg(test)]
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> =
        files.iter().map(|(name, text)| Source::new(format!("crates/x/src/{name}"), text)).collect();
    let imports = Imports::new(&sources);
    let name = |at: &usize| imports.files[*at].trim_start_matches("crates/x/src/").to_string();
    imports.arrows.iter().map(|(from, to)| format!("{} > {}", name(from), name(to))).collect()
}

#[test]
fn arrows_follow_re_exports() {
    let facade = ("f/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::{B as C, D};\n");
    let found = arrows(&[facade, ("f/a.rs", "use super::{C, b::{self, E}};\n"), ("f/b.rs", "struct B;")]);
    assert_eq!(found, ["f/a.rs > f/b.rs"]);
    let found = arrows(&[facade, ("f/a.rs", "let x = \"super::b\";\n"), ("f/b.rs", "crate::f::A::new()")]);
    assert_eq!(found, ["f/b.rs > f/a.rs"]);
    let found = arrows(&[facade, ("f/a.rs", "use crate::f;\nf::D"), ("f/b.rs", "")]);
    assert_eq!(found, ["f/a.rs > f/mod.rs", "f/a.rs > f/b.rs"]);
    let used = ("f/mod.rs", "mod a;\npub use a::A;\nmod b;\nfn f(a: A) -> G { b::g() }\n");
    assert_eq!(
        arrows(&[used, ("f/a.rs", "super::f()"), ("f/b.rs", "")]),
        ["f/mod.rs > f/a.rs", "f/mod.rs > f/b.rs", "f/a.rs > f/mod.rs"]
    );
}

#[test]
fn who_may_see_an_item_is_no_import() {
    let facade = ("f/mod.rs", "mod a;\nfn f() -> a::A {}\n");
    let a = ("f/a.rs", "pub(in crate::f) struct A(pub(in crate::f) u8);\n");
    assert_eq!(arrows(&[facade, a]), ["f/mod.rs > f/a.rs"]);
}

#[test]
fn modules_inside_a_file_are_the_file() {
    let a = ("a.rs", "mod inner {\n    use super::b;\n    use super::super::c;\n}\nuse super::d;\n");
    assert_eq!(arrows(&[a, ("b.rs", ""), ("c.rs", ""), ("d.rs", "")]), ["a.rs > c.rs", "a.rs > d.rs"]);
}

#[test]
fn circles_are_found_through_others() {
    let sources = ["use super::b;", "use super::c;", "use super::a;", "use super::a;"];
    let sources: Vec<Source> = sources
        .iter()
        .zip(["a", "b", "c", "d"])
        .map(|(text, name)| Source::new(format!("crates/x/src/{name}.rs"), text))
        .collect();
    assert_eq!(Imports::new(&sources).circles(), [[0, 1, 2]]);
}
