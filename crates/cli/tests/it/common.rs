//! Runs the built binary in a fresh folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A perceptron on points of the plane: a training takes a fraction of a second.
pub const MLP: &str = r#"
[data]
path = "points.csv"
[model]
kind = "mlp"
hidden = [8]
embedding = 4
[objective]
levels = 3
[train]
steps = 40
batch = 16
checkpoint_every = 10
validate_every = 20
[sampler]
steps_per_level = 2
count = 8
"#;

/// A small U-Net on the built-in digits: some ten milliseconds a step, so that a test can stop it on the way.
pub const UNET: &str = r#"
[data]
name = "digits"
[model]
kind = "unet"
channels = 8
multipliers = [1, 2]
groups = 4
embedding = 8
[objective]
levels = 4
[train]
steps = 60
batch = 64
checkpoint_every = 20
validate_every = 0
[sampler]
steps_per_level = 2
count = 8
"#;

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Its stdout as one JSON object.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        let value: Value = serde_json::from_str(&self.stdout).unwrap();
        assert!(value.is_object(), "{self:?}");
        value
    }
}

/// A folder with the settings above and `points.csv`.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let mut points = "a,b\n".to_string();
        for i in 0..100 {
            // Two turns of a spiral.
            let angle = f64::from(i) * 0.126;
            let (sine, cosine) = angle.sin_cos();
            points.push_str(&format!("{:.4},{:.4}\n", angle * cosine, angle * sine + 2.0));
        }
        folder.write("points.csv", points.as_bytes());
        folder.write("mlp.toml", MLP.as_bytes());
        folder.write("unet.toml", UNET.as_bytes());
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Changes the settings of a run by hand, as an older version would have written them: without a
    /// checksum.
    pub fn edit_settings(&self, run: &str, from: &str, to: &str) {
        let name = format!("{run}/settings.toml");
        let text = self.text(&name).replace(from, to);
        let unsealed: String = text
            .lines()
            .filter(|line| !line.starts_with("# sha256 "))
            .map(|line| format!("{line}\n"))
            .collect();
        self.write(&name, unsealed.as_bytes());
    }

    /// What lies in it, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enscore"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `enscore` with arguments that hold no spaces.
    pub fn run(&self, arguments: &str) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must succeed.
    pub fn succeed(&self, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        // Chains of small models that were hardly trained need not arrive.
        let said = ran.stderr.lines().filter(|line| !line.starts_with("enscore: warning: "));
        assert_eq!((ran.code, said.count()), (Some(0), 0), "enscore {arguments}: {ran:?}");
        ran
    }

    /// Starts a training, waits until the checkpoint of `step` stands, then does `stop` to it; returns the
    /// exit code.
    pub fn stopped_after(&self, arguments: &str, step: u64, stop: impl FnOnce(&mut Child)) -> Option<i32> {
        let mut child = self.command(arguments).spawn().unwrap();
        let run = arguments.split_whitespace().skip_while(|word| *word != "--out").nth(1).unwrap();
        let checkpoint = self.path(&format!("{run}/checkpoints/step-{step:09}"));
        let began = Instant::now();
        while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint");
            std::thread::sleep(Duration::from_millis(1));
        }
        stop(&mut child);
        child.wait().unwrap().code()
    }

    /// The newest step with a checkpoint, by its folder: a kill may have come before `latest` was written.
    pub fn latest_step(&self, run: &str) -> u64 {
        let entries = std::fs::read_dir(self.path(&format!("{run}/checkpoints"))).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter_map(|name| name.strip_prefix("step-")?.parse().ok()).max().unwrap()
    }

    /// The bytes of the tensors of a checkpoint.
    pub fn state(&self, run: &str, step: u64) -> Vec<u8> {
        self.read(&format!("{run}/checkpoints/step-{step:09}/state.safetensors"))
    }

    /// The tensors of a checkpoint.
    pub fn tensors(&self, run: &str, step: u64) -> BTreeMap<String, Vec<f32>> {
        let bytes = self.state(run, step);
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let values =
            |bytes: &[u8]| bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        tensors.iter().map(|(name, tensor)| (name.to_string(), values(tensor.data()))).collect()
    }

    /// The rows of metrics.jsonl.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        let text = self.text(&format!("{run}/metrics.jsonl"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The values of an npy file of single precision.
    pub fn npy(&self, name: &str) -> Vec<f32> {
        match enscore::data::load(&self.path(name).display().to_string(), enscore::data::Split::Train)
            .unwrap()
            .values()
        {
            enscore::data::Values::F32(values) => values.clone(),
            other => panic!("not single precision: {other:?}"),
        }
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }
}

/// Sends a signal by its name.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Width and height of a PNG file, from its header.
pub fn png_size(path: &Path) -> (u32, u32) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// Says something of a test that passes, where libtest keeps what is printed to itself.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
