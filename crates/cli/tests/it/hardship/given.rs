//! One thing given for another: swapped arguments, settings for a model, a run for data, links, standard
//! input.

use super::words::refused;
use crate::common::Folder;

#[test]
fn what_was_given_is_named_with_what_to_give() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let train_first = ["a settings file for enscore train, not a run", "train it first"];
    for (arguments, parts) in [
        ("score points.csv run", ["not a run folder: points.csv", "did you swap RUN and DATA?"]),
        ("train points.csv", ["a data file, not a settings file: points.csv", "data.path"]),
        ("train run", ["a run folder, not a settings file: run", "run/settings.toml --out run --resume"]),
        ("sample run/settings.toml", ["a file of a run, not the run", "give the run folder itself: run"]),
        ("sample run/manifest.json", ["a file of a run, not the run", "give the run folder itself: run"]),
        ("sample mlp.toml --out x.csv", train_first),
        ("logz mlp.toml", train_first),
        ("score mlp.toml points.csv", train_first),
        ("evaluate mlp.toml", train_first),
        ("data info run", ["a run folder, not data: run", "give a data file"]),
        ("score run run", ["a run folder, not data: run", "give a data file"]),
        ("data info mlp.toml", ["a settings or model file, not data: mlp.toml", "data that it names"]),
        ("train mlp.toml --out x --set data.path=unet.toml", ["not data: unet.toml", "data that it names"]),
        ("data info -", ["standard input is not read: -", "give a file"]),
        ("data info /dev/stdin", ["standard input is not read: /dev/stdin", "give a file"]),
    ] {
        refused(&folder, arguments, &parts);
    }
    folder.write(
        "ising.toml",
        b"[model]\nkind = \"ising\"\nlattice = \"grid\"\nshape = [2, 2]\ncoupling = 1.0\n",
    );
    refused(&folder, "evaluate ising.toml", &["a model file, not a run: ising.toml", "trained run"]);
}

/// Arguments with bytes that are no text.
#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_are_refused_in_one_line() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"x\xff.csv");
    let ran =
        std::process::Command::new(env!("CARGO_BIN_EXE_enscore")).args(["data", "info"]).arg(name).output();
    let ran = ran.unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    let expected = "enscore: an argument that is not UTF-8: found \"x\\xFF.csv\"; rename the file\n";
    assert_eq!((ran.status.code(), said.as_str()), (Some(2), expected));
}

#[cfg(unix)]
#[test]
fn a_link_given_as_output_is_written_through() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    folder.write("real.csv", b"old");
    std::os::unix::fs::symlink("real.csv", folder.path("link.csv")).unwrap();
    folder.succeed("sample run --num 1 --out link.csv");
    assert!(folder.path("link.csv").is_symlink());
    assert_eq!(folder.text("real.csv").lines().next(), Some("a,b"));
    folder.succeed("score run points.csv --out link.csv");
    assert!(folder.path("link.csv").is_symlink());
    assert_eq!(folder.text("real.csv").lines().next(), Some("score_norm"));
}
