//! metrics.jsonl: one JSON object a line, appended while training, cut back to the checkpoint on resuming.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::manifest::MetricsMark;
use crate::files::{cannot, unreadable};
use crate::{Error, Reason, Result};

/// Appends lines. Every line reaches the system at once, so that a killed training loses none.
#[derive(Debug)]
pub struct MetricsWriter {
    file: File,
    path: PathBuf,
    mark: MetricsMark,
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
        let kept = MetricsMark { bytes: kept.len() as u64, lines };
        let warning = (kept != mark).then(|| {
            let expected = format!("the checkpoint recorded {} in {} bytes", mark.lines, mark.bytes);
            format!("{}: only {lines} lines in {} bytes are left, {expected}", path.display(), kept.bytes)
        });
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        file.set_len(kept.bytes).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok((MetricsWriter { file, path: path.to_path_buf(), mark: kept }, warning))
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
            let _ = self.file.set_len(self.mark.bytes);
            let _ = self.file.seek(SeekFrom::Start(self.mark.bytes));
            return Err(cannot("write", &self.path, reason));
        }
        self.mark.bytes += line.len() as u64;
        self.mark.lines += 1;
        Ok(())
    }

    /// Makes all lines durable and says how far the file reaches: what a checkpoint records.
    ///
    /// # Errors
    /// [`Reason::Unwritable`] naming the path and the system's reason.
    pub fn sync(&mut self) -> Result<MetricsMark> {
        self.file.sync_data().map_err(|reason| cannot("write", &self.path, reason))?;
        Ok(self.mark)
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
        assert_eq!(
            writer.sync().unwrap(),
            MetricsMark { bytes: fs::metadata(&path).unwrap().len(), lines: 2 }
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1,\"loss\":null}\n{\"step\":3}\n");
        assert_eq!(read_metrics(&path).unwrap().rows.len(), 2);
    }

    #[test]
    fn a_file_shorter_than_recorded_is_warned_about() {
        let (_folder, path) = file();
        fs::write(&path, "{\"a\":1}\n{\"a\":").unwrap();
        let (writer, warning) = MetricsWriter::resume(&path, MetricsMark { bytes: 100, lines: 9 }).unwrap();
        let expected = "only 1 lines in 8 bytes are left, the checkpoint recorded 9 in 100 bytes";
        assert_eq!(warning.unwrap(), format!("{}: {expected}", path.display()));
        assert_eq!(writer.mark, MetricsMark { bytes: 8, lines: 1 });
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
