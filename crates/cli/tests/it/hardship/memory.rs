//! Memory: what a size that the user chose would take is refused before it is taken, under any limit; and
//! what a training is told to take is what it takes.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Folder, Ran, say};

/// Runs `enscore` where its address space is limited to so many KiB.
fn within(folder: &Folder, kib: u64, arguments: &str) -> Ran {
    let binary = env!("CARGO_BIN_EXE_enscore");
    let script = format!("ulimit -v {kib}; exec {binary} {arguments}");
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path("")).output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Refused in one line with these parts.
fn refused(ran: &Ran, arguments: &str, parts: &[&str]) {
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "enscore {arguments}: {ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "enscore {arguments}: no {part:?} in {}", ran.stderr);
    }
}

#[test]
fn networks_beyond_a_limit_of_the_process_are_refused_with_the_remedy() {
    let folder = Folder::new();
    for arguments in [
        "train mlp.toml --out new --set model.hidden=[4000,4000]",
        "train unet.toml --out new --set model.channels=4096",
        "train mlp.toml --out new --set train.batch=1048576 --set model.hidden=[400,400]",
        "profile mlp.toml --set model.hidden=[4000,4000]",
    ] {
        let ran = within(&folder, 400_000, arguments);
        refused(&ran, arguments, &["memory", "use a smaller"]);
        assert!(!folder.exists("new"));
    }
    let ran = within(&folder, 400_000, "train mlp.toml --out small --no-report");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let arguments = "train mlp.toml --out new --threads 4096";
    refused(&within(&folder, 400_000, arguments), arguments, &["--threads", "fewer"]);
}

#[test]
fn counts_beyond_memory_are_refused_with_the_figure() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    folder.write(
        "torus.toml",
        b"[model]\nkind = 'ising'\nlattice = 'torus'\nshape = [65536, 16384]\ncoupling = 1\nbeta = 0.3\n",
    );
    folder.write(
        "small.toml",
        b"[model]\nkind = 'ising'\nlattice = 'torus'\nshape = [40, 40]\ncoupling = 1\nbeta = 0.3\n",
    );
    for (arguments, place) in [
        ("evaluate run --samples 4000000000", "--samples"),
        ("sample run --num 4000000000", "--num"),
        ("sample small.toml --num 4000000000 --out x.npy", "--num"),
        ("logz torus.toml --chains 1000000", "sites"),
        ("sample torus.toml --num 4 --out x.npy", "--num"),
        ("logz small.toml --chains 4000000000", "--chains"),
    ] {
        for ran in [folder.run(arguments), within(&folder, 800_000, arguments)] {
            refused(&ran, arguments, &[place, "iB"]);
        }
    }
}

/// Stacks of 16 kB, files of 0 bytes: an answer or one line.
#[test]
fn other_limits_end_in_one_line() {
    let folder = Folder::new();
    let binary = env!("CARGO_BIN_EXE_enscore");
    let run = |script: &str| {
        let script = format!("{script}; exec {binary} train mlp.toml --out run --no-report");
        Command::new("sh").args(["-c", &script]).current_dir(folder.path("")).output().unwrap()
    };
    let output = run("ulimit -f 0");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("File too large") && said.contains("ulimit -f"), "{said}");
    let output = run("ulimit -s 64");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Seven trainings: settings, and what else is set. Their parts differ: state, values of the update, replay
/// buffer, chains of units, data.
const TRAININGS: [(&str, &str); 7] = [
    (
        "a wide perceptron",
        "data.name='two-moons' model={kind='mlp',hidden=[1500,1500]} train={steps=4,checkpoint_every=2}",
    ),
    ("a U-Net", "data.name='digits' model={kind='unet',channels=48} train={steps=3,checkpoint_every=2}"),
    (
        "a large batch",
        "data.name='two-moons' model={kind='mlp',hidden=[256,256]} train={steps=3,batch=32768}",
    ),
    (
        "a replay buffer",
        "data.name='two-moons' model={kind='mlp-energy',hidden=[16]} objective={kind='cd',buffer=6000000,steps=2} train={steps=3}",
    ),
    (
        "a deep machine",
        "data={name='digits',binarise=true} model={kind='dbm',hidden=[2000,2000]} objective.kind='cd' train={steps=3}",
    ),
    (
        "a machine with many chains",
        "data={name='digits',binarise=true} model={kind='rbm',hidden=500} objective={kind='cd',chains=60000} train={steps=3}",
    ),
    (
        "a flow",
        "data.name='two-moons' model={kind='real-nvp',couplings=8,hidden=[512,512]} objective.kind='ml' train={steps=3,checkpoint_every=2}",
    ),
];

/// The most that the process ever held, in bytes; none where the system doesn't say.
fn peak(folder: &Folder, arguments: &str) -> (Value, Option<f64>) {
    let mut child = folder.command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most: Option<f64> = None;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        most = kib.map(|kib| kib * 1024.0).or(most);
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    (serde_json::from_str(&said).unwrap(), most)
}

#[test]
fn a_training_takes_the_memory_that_it_is_told_to() {
    let folder = Folder::new();
    let mut off = Vec::new();
    for (number, (name, settings)) in TRAININGS.iter().enumerate() {
        let text: String = settings.split(' ').map(|line| format!("{line}\n")).collect();
        folder.write("wide.toml", text.as_bytes());
        let arguments = format!("train wide.toml --out run{number} --no-report --json --threads 2");
        let (json, most) = peak(&folder, &arguments);
        let Some(most) = most else { return say("skipped: the system doesn't say what a process held") };
        let expected = json["memory_expected_bytes"].as_f64().unwrap();
        say(&format!("{name}: expected {:.0} MiB, held {:.0} MiB", expected / 1048576.0, most / 1048576.0));
        if (expected / most - 1.0).abs() > 0.25 {
            off.push(format!("{name}: {expected:.3e} expected, {most:.3e} held"));
        }
    }
    assert!(off.is_empty(), "{off:#?}");
}
