//! No circle of imports: a file never needs, through others, what needs it.

use super::imports::Imports;
use super::source::{CRATES, none, sources};

/// Circles that may stay, each by the folders and files that it lies in, with the reason.
const ALLOWED: [(&[&str], &str); 1] = [(
    &[
        "crates/program/src/op.rs",
        "crates/program/src/primitive/",
        "crates/program/src/program.rs",
        "crates/program/src/scope.rs",
        "crates/program/src/simplify.rs",
        "crates/program/src/var.rs",
    ],
    "rules of primitives are written with the operators of variables, which apply primitives",
)];

#[test]
fn no_file_imports_what_imports_it() {
    let mut violations = Vec::new();
    let mut needed = [false; ALLOWED.len()];
    for krate in CRATES {
        let imports = Imports::new(&sources(krate));
        println!("{krate}: {} files, {} arrows", imports.files.len(), imports.arrows.len());
        assert!(imports.arrows.len() >= imports.files.len(), "{krate}: arrows are missing");
        for circle in imports.circles() {
            let inside = |places: &[&str]| {
                circle.iter().all(|file| places.iter().any(|place| imports.files[*file].starts_with(place)))
            };
            if let Some(known) = ALLOWED.iter().position(|(places, _)| inside(places)) {
                needed[known] = true;
                continue;
            }
            violations.push(format!("a circle of {} files:", circle.len()));
            for (from, to) in &imports.arrows {
                if circle.contains(from) && circle.contains(to) {
                    violations.push(format!("    {} > {}", imports.files[*from], imports.files[*to]));
                }
            }
        }
    }
    none("files import each other in one direction", violations);
    for ((places, _), needed) in ALLOWED.iter().zip(needed) {
        assert!(needed, "there is no circle in {places:?} any more: take it out of the list");
    }
}
