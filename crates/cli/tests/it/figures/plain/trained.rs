//! Trainings of the families by the binary, in a folder with more rows than they learn from.

use crate::common::Folder;
use crate::families::data::{Data, write_data};
use crate::families::family;

/// Two full batches of 256 rows and a short one.
pub const POINTS: usize = 600;
/// A full batch of 256 rows and a short one.
pub const BITS: usize = 300;

pub fn folder() -> Folder {
    let folder = Folder::new();
    write_data(&folder.path("."));
    let mut points = "a,b\n".to_string();
    for i in 0..POINTS {
        let angle = i as f64 * 0.731;
        let radius = 1.0 + 0.5 * (i as f64 * 0.377).sin();
        points.push_str(&format!("{:.4},{:.4}\n", radius * angle.cos() + 0.2, 0.6 * radius * angle.sin()));
    }
    folder.write("more_points.csv", points.as_bytes());
    let bits: String = (0..BITS as u32)
        .map(|i| {
            let word = i.wrapping_mul(2_654_435_761) >> 7;
            let row: Vec<String> = (0..6).map(|bit| (word >> bit & 1).to_string()).collect();
            row.join(",") + "\n"
        })
        .collect();
    folder.write("more_bits.csv", format!("u,v,w,x,y,z\n{bits}").as_bytes());
    folder
}

/// Trains a family as `run`; its data are named by their whole paths, so that tests can read them too.
pub fn train(folder: &Folder, name: &str, run: &str, more: &str) {
    folder.write(&format!("{name}.toml"), settings(name).as_bytes());
    let data = data(folder, name);
    let ran = folder.run(&format!("train {name}.toml --out {run} --no-report --set {data} {more}"));
    // A training may warn, of a return after divergence.
    let warned = ran.stderr.lines().all(|line| line.starts_with("enscore: warning: "));
    assert!(ran.code == Some(0) && warned, "{ran:?}");
}

/// The name of further rows for a family, by their whole path.
pub fn more_rows(folder: &Folder, name: &str) -> Option<String> {
    let file = match family(name).data {
        Data::Points => "more_points.csv",
        Data::Bits => "more_bits.csv",
        Data::Digits => return None,
    };
    Some(folder.path(file).display().to_string())
}

/// The settings of a family, but for its data.
pub fn settings(name: &str) -> &'static str {
    family(name).text
}

/// The `--set` argument that names its data.
pub fn data(folder: &Folder, name: &str) -> String {
    family(name).data.argument(&folder.path(""))
}
