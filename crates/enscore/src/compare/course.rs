//! How far a training was from the truth at the end of each of its parts, kept in the run's folder: a
//! comparison that goes on or is repeated trains these parts no more, and still knows when a quality was
//! reached.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason, Result};
use crate::files::{check_json, sealed_json, write_bytes_atomically};

/// The file's name.
const FILE: &str = "divergence.json";

/// The end of a part.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Point {
    step: u64,
    /// Seconds of training until then.
    seconds: f64,
    /// The relative Fisher divergence there.
    relative: f64,
}

/// The ends of parts, in their order.
#[derive(Default)]
pub(super) struct Course(Vec<Point>);

/// The file: older versions wrote the bare list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Checked { points: Vec<Point> },
    Bare(Vec<Point>),
}

impl Course {
    /// What is kept of the run at `run`; nothing of one that is yet to be trained.
    pub(super) fn of(run: &Path) -> Result<Course> {
        let file = run.join(FILE);
        if !file.exists() {
            return Ok(Course::default());
        }
        let failed = |reason: Reason| {
            Error::new(reason, "can't read the stored divergences")
                .at(file.display())
                .remedy("remove the file")
        };
        let text = std::fs::read(&file).map_err(|error| failed(Reason::Unreadable).found_error(error))?;
        check_json(&text, &file.display().to_string()).map_err(|error| error.remedy("remove the file"))?;
        match serde_json::from_slice(&text).map_err(|error| failed(Reason::Damaged).found_error(error))? {
            Kept::Checked { points } | Kept::Bare(points) => Ok(Course(points)),
        }
    }

    pub(super) fn knows(&self, step: u64) -> bool {
        self.0.iter().any(|point| point.step == step)
    }

    /// Adds the end of a part and keeps it.
    pub(super) fn add(&mut self, run: &Path, step: u64, seconds: f64, relative: f64) -> Result<()> {
        self.0.push(Point { step, seconds, relative });
        let kept = Kept::Checked { points: self.0.clone() };
        let text = sealed_json(&kept).map_err(|error| error.within("can't write the divergences"))?;
        write_bytes_atomically(&run.join(FILE), &text)
    }

    /// Seconds until the divergence was first at most `quality`.
    pub(super) fn reached(&self, quality: f64) -> Option<f64> {
        self.0.iter().find(|point| point.relative <= quality).map(|point| point.seconds)
    }
}
