//! What a run's answers depend on is covered by a checksum: a flipped bit of any file is refused, told, or
//! changes nothing. What they don't depend on may be damaged or can't be written, and they still come.

use std::path::PathBuf;

use serde_json::Value;

use crate::common::Folder;

/// A perceptron energy in the plane, whose log Z is known by quadrature and kept.
const ENERGY: &str = r#"
[data]
path = "points.csv"
[model]
kind = "mlp-energy"
hidden = [6]
confinement = 0.05
[objective]
kind = "ssm"
[train]
steps = 20
batch = 16
checkpoint_every = 10
validate_every = 10
log_every = 5
[sampler]
step_size = 0.001
steps = 10
"#;

/// Bits of each file that are flipped.
const FLIPS: usize = 24;

fn trained() -> Folder {
    let folder = Folder::new();
    folder.write("energy.toml", ENERGY.as_bytes());
    folder.succeed("train energy.toml --out run --no-report");
    folder.succeed("score run points.csv --log-z 1.5 --out first.csv");
    folder
}

/// Every file below a run that is read.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let mut folders = vec![folder.path("run")];
    let mut files = Vec::new();
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let written = |path: &PathBuf| path.ends_with("lock") || path.extension().is_some_and(|e| e == "csv");
    files.retain(|path| !written(path));
    files.sort();
    files
}

/// What the run answers; none where it refuses. The second value: whether it warned.
fn answer(folder: &Folder) -> (Option<(String, Value)>, bool) {
    let ran = folder.run("score run points.csv --out now.csv --json");
    if ran.code != Some(0) {
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{ran:?}");
        return (None, true);
    }
    let mut json = ran.json();
    let warned = !json["warnings"].as_array().unwrap().is_empty();
    json.as_object_mut().unwrap().remove("warnings");
    (Some((folder.text("now.csv"), json)), warned)
}

#[test]
fn a_flipped_bit_of_any_file_changes_no_answer_silently() {
    let folder = trained();
    let (expected, warned) = answer(&folder);
    assert!(expected.is_some() && !warned);
    let kept = folder.read("run/log_z.json");
    let mut refused = 0;
    for path in files(&folder) {
        let sound = std::fs::read(&path).unwrap();
        for flip in 0..FLIPS {
            let mut bytes = sound.clone();
            // Spread over the file; another bit each time.
            let at = flip * sound.len() / FLIPS;
            bytes[at] ^= 1 << (flip * 5 % 8);
            std::fs::write(&path, &bytes).unwrap();
            let (found, warned) = answer(&folder);
            refused += usize::from(found.is_none());
            assert!(warned || found == expected, "{}, byte {at}: {found:?}", path.display());
            folder.write("run/log_z.json", &kept);
        }
        std::fs::write(&path, &sound).unwrap();
    }
    assert!(refused > 0);
    assert_eq!(answer(&folder).0, expected);
}

/// Digits are what people and programs change.
#[test]
fn every_changed_digit_of_small_files_is_noticed() {
    let folder = trained();
    let (expected, _) = answer(&folder);
    let kept = folder.read("run/log_z.json");
    for name in ["settings.toml", "manifest.json", "log_z.json", "checkpoints/latest"] {
        let sound = folder.text(&format!("run/{name}"));
        let digits: Vec<usize> =
            sound.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(i, _)| i).collect();
        for at in digits.iter().step_by(1 + digits.len() / 30) {
            let mut bytes = sound.clone().into_bytes();
            bytes[*at] = b'0' + (bytes[*at] - b'0' + 1) % 10;
            folder.write(&format!("run/{name}"), &bytes);
            let (found, warned) = answer(&folder);
            assert!(warned || found == expected, "{name}, byte {at}");
            folder.write("run/log_z.json", &kept);
        }
        folder.write(&format!("run/{name}"), sound.as_bytes());
    }
}

#[test]
fn a_hand_edit_of_settings_is_refused_with_the_way_to_do_it() {
    let folder = trained();
    let text = folder.text("run/settings.toml").replace("hidden = [6]", "hidden = [7]");
    folder.write("run/settings.toml", text.as_bytes());
    for arguments in ["score run points.csv", "sample run --num 2", "train energy.toml --out run --resume"] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{ran:?}");
        assert!(ran.stderr.contains("run/settings.toml") && ran.stderr.contains("--set"), "{ran:?}");
    }
    // A copy of it is a settings file like any other.
    folder.succeed("train run/settings.toml --out new --no-report");
}

#[test]
fn a_damaged_side_file_does_not_block_other_answers() {
    let folder = trained();
    for damage in [&b"{\"log_z\": \"x\"}"[..], b"\xff\xfe", b""] {
        folder.write("run/log_z.json", damage);
        let scored = folder.succeed("score run points.csv --json --out again.csv").json();
        assert!(scored["warnings"][0].as_str().unwrap().contains("log_z.json"), "{scored}");
        assert_eq!(folder.read("run/log_z.json"), damage, "only the user replaces it");
        let evaluated = folder.succeed("evaluate run --samples 0 --json").json();
        assert!(evaluated["warnings"].to_string().contains("log_z.json"), "{evaluated}");
    }
    std::fs::remove_file(folder.path("run/log_z.json")).unwrap();
    let sound = folder.read("run/metrics.jsonl");
    let digit = sound.iter().position(u8::is_ascii_digit).unwrap();
    let mut changed = sound.clone();
    changed[digit] = b'0' + (changed[digit] - b'0' + 1) % 10;
    for damage in [&changed[..], b"not a line\n"] {
        folder.write("run/metrics.jsonl", damage);
        let evaluated = folder.succeed("evaluate run --samples 8 --json").json();
        assert!(evaluated["warnings"].to_string().contains("metrics.jsonl"), "{evaluated}");
        assert!(folder.text("run/report.html").contains("no curves of the training"));
    }
}

/// A folder in the place of a file can't be written by anyone, whatever their permissions.
#[test]
fn figures_come_where_the_run_takes_no_files() {
    let folder = trained();
    for name in ["report.html", "scores.csv", "log_z.json"] {
        let _ = std::fs::remove_file(folder.path(&format!("run/{name}")));
        std::fs::create_dir_all(folder.path(&format!("run/{name}/in/the/way"))).unwrap();
    }
    let evaluated = folder.succeed("evaluate run --samples 8 --json").json();
    assert!(evaluated["report"].is_null() && evaluated["figures"].is_array(), "{evaluated}");
    assert!(evaluated["warnings"].to_string().contains("--out"), "{evaluated}");
    let evaluated = folder.succeed("evaluate run --samples 8 --json --out elsewhere").json();
    assert_eq!(evaluated["report"], "elsewhere/report.html");
    assert!(folder.exists("elsewhere/report.html"));
    let scored = folder.succeed("score run points.csv --json --log-z 2 --out scores.csv").json();
    assert!(scored["means"]["log_density"].is_number(), "{scored}");
    assert!(scored["warnings"].to_string().contains("log Z was not stored"), "{scored}");
}

#[test]
fn what_the_desktop_leaves_does_not_fill_a_folder() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("run")).unwrap();
    for name in [".DS_Store", ".gitkeep", "Thumbs.db", "._run"] {
        folder.write(&format!("run/{name}"), b"x");
    }
    folder.succeed("train mlp.toml --out run --no-report");
    assert!(folder.exists("run/.gitkeep"));
    std::fs::create_dir(folder.path("other")).unwrap();
    folder.write("other/thesis.tex", b"x");
    let ran = folder.run("train mlp.toml --out other --no-report");
    assert!(ran.code == Some(2) && ran.stderr.contains("thesis.tex"), "{ran:?}");
}
