//! metrics.jsonl: one JSON object a line, appended while training, cut back to the checkpoint on resuming.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::manifest::MetricsMark;
use crate::files::{Sha256Hex, cannot, sha256, unreadable};
use crate::{Error, Reason, Result};

/// Appends lines. Every line reaches the system at once, so that a killed training loses none.
#[derive(Debug)]
pub struct MetricsWriter {
    file: File,
    path: PathBuf,
    bytes: u64,
    lines: u64,
    /// Of everything written.
    hash: Sha256Hex,
}

impl MetricsWriter {
    /// Opens the file, which need not exist, and cuts it back to `mark`, which a checkpoint recorded.
    ///
    /// Where the file is shorter than that or was changed, its whole lines up to there are kept, and the
    /// second value is a warning about it.
    ///
    /// # Errors
    /// [`Reason::Unwritable`] naming the path and the system's reason.
    pub fn resume(path: &Path, mark: MetricsMark) -> Result<(MetricsWriter, Option<String>)> {
        let failed = |reason| cannot("write", path, reason);
        let mut kept = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(reason) if reason.kind() == ErrorKind::NotFound => Vec::new(),
            Err(reason) => return Err(failed(reason)),
        };
        kept.truncate(usize::try_from(mark.bytes).unwrap_or(usize::MAX));
        kept.truncate(kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1));
        let lines = kept.iter().filter(|byte| **byte == b'\n').count() as u64;
        let bytes = kept.len() as u64;
        let mut hash = Sha256Hex::new();
        hash.update(&kept);
        let warning = if (bytes, lines) != (mark.bytes, mark.lines) {
            let expected = format!("the checkpoint recorded {} in {} bytes", mark.lines, mark.bytes);
            Some(format!("{}: only {lines} lines in {bytes} bytes are left, {expected}", path.display()))
        } else if !mark.sha256.is_empty() && hash.clone().digits() != mark.sha256 {
            Some(format!("{}: lines were changed after they were written", path.display()))
        } else {
            None
        };
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok((MetricsWriter { file, path: path.to_path_buf(), bytes, lines, hash }, warning))
    }

    /// Appends `row`, which becomes a JSON object. Numbers that aren't finite become null.
    ///
    /// # Errors
    /// [`Error::run`] where the line can't be written whole; the file keeps only whole lines.
    pub fn append(&mut self, row: &impl Serialize) -> Result<()> {
        let wrong =
            |found: String| Error::run("can't write a line of metrics").at(self.path.display()).found(found);
        let value =
            serde_json::to_value(row).map_err(|reason| wrong(reason.to_string()).caused_by(reason))?;
        if !value.is_object() {
            return Err(wrong(value.to_string()).expected("a JSON object"));
        }
        let line = format!("{value}\n");
        if let Err(reason) = self.file.write_all(line.as_bytes()) {
            // A cut line would join the next one; if it can't be removed either, the reader still tolerates
            // it.
            let _ = self.file.set_len(self.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.bytes));
            return Err(cannot("write", &self.path, reason));
        }
        self.bytes += line.len() as u64;
        self.lines += 1;
        self.hash.update(&line);
        Ok(())
    }

    /// How far the file reaches.
    pub fn mark(&self) -> MetricsMark {
        MetricsMark { bytes: self.bytes, lines: self.lines, sha256: self.hash.clone().digits() }
    }

    /// Makes all lines durable and says how far the file reaches: what a checkpoint records.
    ///
    /// # Errors
    /// [`Reason::Unwritable`] naming the path and the system's reason.
    pub fn sync(&mut self) -> Result<MetricsMark> {
        self.file.sync_data().map_err(|reason| cannot("write", &self.path, reason))?;
        Ok(self.mark())
    }
}

/// The lines of a metrics file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// One object a line.
    pub rows: Vec<Map<String, Value>>,
    /// Whether a last line without an end was left out: the training was cut while writing it.
    pub cut: bool,
}

/// Reads a metrics file that a checkpoint recorded up to `mark`.
///
/// # Errors
/// As [`read_metrics`]; [`Reason::Damaged`] where the lines that the checkpoint knows were changed or are
/// gone.
pub(crate) fn read_metrics_to(path: &Path, mark: &MetricsMark) -> Result<Metrics> {
    let metrics = read_metrics(path)?;
    let bytes = fs::read(path).map_err(|reason| unreadable("read", path, reason))?;
    let known = usize::try_from(mark.bytes).ok().and_then(|length| bytes.get(..length));
    if mark.sha256.is_empty() || known.is_some_and(|known| sha256(known) == mark.sha256) {
        return Ok(metrics);
    }
    Err(Error::new(Reason::Damaged, "the file was changed after it was written")
        .at(path.display())
        .found("contents that differ from the checkpoint's checksum")
        .remedy("restore the file"))
}

/// Reads a metrics file, leaving out a last line that was cut.
///
/// # Errors
/// [`Reason::Damaged`] naming the path and the line that isn't a JSON object.
pub fn read_metrics(path: &Path) -> Result<Metrics> {
    let bytes = fs::read(path).map_err(|reason| unreadable("read", path, reason))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut rows = Vec::new();
    for (index, line) in bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let row = serde_json::from_slice(line).map_err(|reason| {
            let error = Error::new(Reason::Damaged, "not a line of metrics")
                .found_error(reason)
                .expected("a JSON object");
            error.at(format!("{}, line {}", path.display(), index + 1))
        })?;
        rows.push(row);
    }
    Ok(Metrics { rows, cut: whole < bytes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        (folder, path)
    }

    #[test]
    fn resuming_cuts_back_to_the_mark_and_goes_on() {
        let (_folder, path) = file();
        let (mut writer, warning) = MetricsWriter::resume(&path, MetricsMark::default()).unwrap();
        assert_eq!(warning, None);
        writer.append(&json!({ "step": 1, "loss": f64::NAN })).unwrap();
        let mark = writer.sync().unwrap();
        writer.append(&json!({ "step": 2 })).unwrap();
        drop(writer);
        let (mut writer, warning) = MetricsWriter::resume(&path, mark).unwrap();
        assert_eq!(warning, None);
        writer.append(&json!({ "step": 3 })).unwrap();
        let whole = fs::read(&path).unwrap();
        let expected = MetricsMark { bytes: whole.len() as u64, lines: 2, sha256: sha256(&whole) };
        assert_eq!(writer.sync().unwrap(), expected);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1,\"loss\":null}\n{\"step\":3}\n");
        assert_eq!(read_metrics(&path).unwrap().rows.len(), 2);
    }

    /// Lines of the right number and length, of which one says something else.
    #[test]
    fn lines_that_were_changed_are_warned_about_and_refused() {
        let (_folder, path) = file();
        let (mut writer, _) = MetricsWriter::resume(&path, MetricsMark::default()).unwrap();
        writer.append(&json!({ "step": 1, "loss": 0.25 })).unwrap();
        let mark = writer.sync().unwrap();
        writer.append(&json!({ "step": 2, "loss": 0.5 })).unwrap();
        assert_eq!(read_metrics_to(&path, &mark).unwrap().rows.len(), 2);
        let changed = fs::read_to_string(&path).unwrap().replace("0.25", "0.35");
        fs::write(&path, changed).unwrap();
        assert!(read_metrics_to(&path, &mark).unwrap_err().to_string().contains("was changed"));
        let (_, warning) = MetricsWriter::resume(&path, mark).unwrap();
        assert!(warning.unwrap().contains("were changed"));
    }

    #[test]
    fn a_file_shorter_than_recorded_is_warned_about() {
        let (_folder, path) = file();
        fs::write(&path, "{\"a\":1}\n{\"a\":").unwrap();
        let mark = MetricsMark { bytes: 100, lines: 9, ..Default::default() };
        let (writer, warning) = MetricsWriter::resume(&path, mark).unwrap();
        let expected = "only 1 lines in 8 bytes are left, the checkpoint recorded 9 in 100 bytes";
        assert_eq!(warning.unwrap(), format!("{}: {expected}", path.display()));
        let MetricsMark { bytes, lines, sha256: hash } = writer.mark();
        assert_eq!((bytes, lines), (8, 1));
        assert_eq!(hash, sha256(&fs::read(&path).unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
    }

    #[test]
    fn a_cut_last_line_is_left_out_and_others_are_refused() {
        let (_folder, path) = file();
        fs::write(&path, "{\"a\":1}\n{\"a\":").unwrap();
        let metrics = read_metrics(&path).unwrap();
        assert_eq!((metrics.rows.len(), metrics.cut), (1, true));
        fs::write(&path, "{\"a\":1}\n[2]\n{}\n").unwrap();
        let message = read_metrics(&path).expect_err("refused").to_string();
        assert!(
            message.starts_with(&format!("not a line of metrics: {}, line 2: ", path.display())),
            "{message}"
        );
        fs::write(&path, "").unwrap();
        assert_eq!(read_metrics(&path).unwrap(), Metrics::default());
    }

    #[test]
    fn only_objects_are_lines() {
        let (_folder, path) = file();
        let (mut writer, _) = MetricsWriter::resume(&path, MetricsMark::default()).unwrap();
        let message = writer.append(&3).expect_err("refused").to_string();
        assert!(message.ends_with("found 3, expected a JSON object"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
