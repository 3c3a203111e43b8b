//! Signals: every command ends within about a second of the first one, with the code that tells which it was
//! and nothing half-written; a training keeps its state, amid a long update, too.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::{Folder, signal};

/// What a loaded machine adds to a second.
const SOON: Duration = Duration::from_millis(1800);

/// Chains so long that an update takes seconds.
const LONG_UPDATE: &str = r#"
[data]
path = "points.csv"
validation = 0.0
[model]
kind = "mlp-energy"
hidden = [8]
confinement = 1.0
[objective]
kind = "cd"
start = "noise"
steps = 400000
[train]
steps = 2
batch = 16
log_every = 1
validate_every = 0
"#;

const ISING: &str =
    "[model]\nkind = \"ising\"\nlattice = \"torus\"\nshape = [64, 64]\ncoupling = 1\nbeta = 0.44\n";

/// Starts `enscore`, waits until it is amid its work, sends the signal; returns code and stderr.
fn ended(folder: &Folder, arguments: &str, name: &str, amid: impl Fn() -> bool) -> (Option<i32>, String) {
    let mut child = folder.command(arguments).spawn().unwrap();
    let began = Instant::now();
    while !amid() && child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "enscore {arguments}: never amid its work");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(400));
    let sent = Instant::now();
    signal(&child, name);
    let output = child.wait_with_output().unwrap();
    assert!(sent.elapsed() < SOON, "enscore {arguments}: {:?} after the signal", sent.elapsed());
    assert!(output.stdout.is_empty(), "enscore {arguments}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A command without state ends with one line, and leaves the folder as it was.
fn ends(folder: &Folder, arguments: &str) {
    let before = folder.names();
    let (code, said) = ended(folder, arguments, "INT", || true);
    assert_eq!((code, said.lines().count()), (Some(130), 1), "enscore {arguments}: {said}");
    assert!(said.contains("was interrupted"), "enscore {arguments}: {said}");
    assert_eq!(folder.names(), before, "enscore {arguments} left something");
}

fn fifo(folder: &Folder, name: &str) {
    assert!(Command::new("mkfifo").arg(folder.path(name)).status().unwrap().success());
}

#[test]
fn commands_that_wait_for_a_file_end_at_once() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    fifo(&folder, "fifo.toml");
    for arguments in ["train fifo.toml --out new", "compare fifo.toml --out new", "profile fifo.toml"] {
        ends(&folder, arguments);
    }
    std::fs::remove_file(folder.path("run/manifest.json")).unwrap();
    fifo(&folder, "run/manifest.json");
    for command in ["sample run", "evaluate run", "score run points.csv", "export run --out new", "logz run"]
    {
        ends(&folder, command);
    }
    std::fs::write(folder.path("image.png"), b"").unwrap();
    ends(&folder, "inpaint run image.png --mask image.png --out filled.png");
}

#[test]
fn commands_amid_reading_and_computing_end_at_once() {
    let folder = Folder::new();
    let rows = "0.25,-1.5,3.75,0.125\n".repeat(1 << 20);
    folder.write("many.csv", rows.as_bytes());
    folder.write("ising.toml", ISING.as_bytes());
    let noise: Vec<f32> = (0..64 * 64).map(|i| f32::from(u8::from((i * 7919) % 13 > 5))).collect();
    let image = enscore::report::Image::from_unit(&noise, [64, 64, 1]).unwrap();
    folder.write("image.png", &enscore::report::png::encode(&image).unwrap());
    for arguments in [
        "data info many.csv",
        "suggest many.csv",
        "train mlp.toml --out new --set data.path=many.csv --set model.hidden=[1024]",
        "sample ising.toml --num 4 --steps 4000000000 --out ising.npy",
        "denoise image.png --out new.png --method gibbs --sweeps 1000000000",
        "profile unet.toml --updates 100000",
    ] {
        ends(&folder, arguments);
    }
}

#[test]
fn a_training_keeps_the_state_before_a_long_update() {
    let folder = Folder::new();
    folder.write("long.toml", LONG_UPDATE.as_bytes());
    let steps = folder.path("run/metrics.jsonl");
    let amid = || std::fs::read(&steps).is_ok_and(|lines| !lines.is_empty());
    let (code, said) = ended(&folder, "train long.toml --out run --no-report", "TERM", amid);
    assert_eq!((code, said.lines().count()), (Some(143), 1), "{said}");
    assert!(said.contains("after step 1") || said.contains("step 1 of 2"), "{said}");
    assert!(said.contains("--resume"), "{said}");
    assert_eq!(folder.latest_step("run"), 1);
    folder.succeed("train long.toml --out run --no-report --resume");
    folder.succeed("train long.toml --out whole --no-report");
    assert_eq!(folder.state("run", 2), folder.state("whole", 2));
}

/// The terminal is gone: as good a reason to keep the state.
#[test]
fn a_hangup_keeps_the_state_of_a_training_and_of_a_comparison() {
    let folder = Folder::new();
    let long = "--set train.steps=1000000";
    let arguments = format!("train unet.toml --out run --no-report {long}");
    let (code, said) = ended(&folder, &arguments, "HUP", || folder.exists("run/checkpoints/latest"));
    assert!(code == Some(129) && said.contains("a checkpoint was written"), "{said}");
    assert!(folder.latest_step("run") >= 20);
    let text = folder.text("mlp.toml") + "[compare]\na = []\nb = [\"train.seed=1\"]\n";
    folder.write("both.toml", text.as_bytes());
    let amid = || folder.exists("both/a/manifest.json");
    let (code, said) = ended(&folder, &format!("compare both.toml --out both {long}"), "INT", amid);
    assert!(code == Some(130) && said.contains("a checkpoint was written"), "{said}");
    let (code, said) = ended(&folder, "demo --out demo", "TERM", || folder.exists("demo/manifest.json"));
    assert!(code == Some(143) && said.contains("checkpoint"), "{said}");
    assert!(folder.exists("demo/checkpoints/latest"));
}

/// What `nohup` starts goes on after a hangup.
#[test]
fn a_hangup_that_was_ignored_stays_so() {
    let folder = Folder::new();
    let binary = env!("CARGO_BIN_EXE_enscore");
    let script =
        format!("trap '' HUP; exec {binary} train mlp.toml --out run --no-report --set train.steps=3000");
    let child = Command::new("sh").args(["-c", &script]).current_dir(folder.path("")).spawn().unwrap();
    while !folder.exists("run/manifest.json") {
        std::thread::sleep(Duration::from_millis(2));
    }
    signal(&child, "HUP");
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(folder.latest_step("run"), 3000);
}
