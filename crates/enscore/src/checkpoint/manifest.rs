//! What a run and each of its checkpoints say about themselves, as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use enscore_program::random::Key;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::{Dataset, Statistics, TableRecord, Whitening};
use crate::files::{check_json, sealed_json, sha256};
use crate::model::DataFacts;
use crate::{Error, Reason, Result};

/// The version of the files written here. A reader refuses newer ones.
pub const FORMAT_VERSION: u64 = 1;

/// The data that a run learns from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Its name or path.
    pub name: String,
    /// A hash of its contents.
    pub fingerprint: String,
    /// How its values were scaled: what undoes it.
    pub scale: Value,
    /// The extents of one row: `[d]`, or `[height, width, channels]`.
    pub row_shape: Vec<usize>,
    /// The variance of the scaled training rows, averaged over their elements.
    pub variance: f64,
    /// The smallest and largest scaled value of the training rows.
    pub range: [f64; 2],
    /// The mean of each element of the scaled training rows; empty where the model does not need it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f64>,
    /// The standard deviation of each element; empty where the model does not need it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviation: Vec<f64>,
    /// The number of training rows, where the model keeps them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The map from the scaled rows to what the model sees, where there is one; the moments above are then
    /// after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whitening: Option<Whitening>,
    /// How a table's columns became the values of a row, to read others like it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableRecord>,
}

impl DataRecord {
    /// The record of `dataset`, whose training rows have these moments.
    ///
    /// # Errors
    /// None for a scale of finite numbers, which every data set has.
    pub fn of(dataset: &Dataset, statistics: &Statistics) -> Result<DataRecord> {
        let scale = serde_json::to_value(dataset.scale())
            .map_err(|reason| Error::run("can't record the data's scale").found_error(reason))?;
        Ok(DataRecord {
            name: dataset.name().to_string(),
            fingerprint: dataset.fingerprint(),
            scale,
            row_shape: dataset.row_shape().to_vec(),
            variance: statistics.overall_variance(),
            range: [statistics.low, statistics.high],
            mean: statistics.mean.clone(),
            deviation: statistics.deviation(),
            count: None,
            whitening: None,
            table: None,
        })
    }

    /// The values of a row of the data that the map keeps, where there is one.
    pub fn kept(&self) -> Option<&[usize]> {
        self.whitening.as_ref().map(|whitening| &whitening.kept[..])
    }

    /// The names of the values of a row in the data's units, where its columns have some.
    pub fn value_names(&self) -> Option<Vec<String>> {
        self.table.as_ref()?.names_of(self.kept())
    }

    /// The number of levels of a value, where rows are on levels from 0 to 1.
    fn levels(&self) -> Option<u32> {
        let levels = self.scale.get("levels").filter(|_| self.whitening.is_none())?.as_u64()?;
        u32::try_from(levels).ok()
    }

    /// The facts about the data that a model is built from.
    pub fn facts(&self) -> DataFacts<'_> {
        DataFacts {
            row_shape: &self.row_shape,
            variance: self.variance,
            mean: &self.mean,
            deviation: &self.deviation,
            levels: self.levels(),
            count: self.count,
            rows: &[],
        }
    }
}

/// What a run is: written once, when it is created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// The version of the format.
    pub format: u64,
    /// The version of enscore that created the run.
    pub enscore: String,
    /// The seed of every random number.
    pub seed: u64,
    /// The data that the run learns from.
    pub data: DataRecord,
    /// Numbers that the model learns.
    pub parameters: u64,
    /// The instruction path in use: bits are promised per version, path and machine type.
    pub instructions: String,
    /// Versions of what else the bits depend on.
    pub versions: BTreeMap<String, String>,
    /// The temperature of the chains that teach an energy: its density is exp(f/T) / Z. None where it is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
}

impl RunManifest {
    /// The manifest of a run by this version of enscore.
    pub fn new(seed: u64, data: DataRecord, parameters: u64, instructions: &str) -> Self {
        RunManifest {
            format: FORMAT_VERSION,
            enscore: env!("CARGO_PKG_VERSION").to_string(),
            seed,
            data,
            parameters,
            instructions: instructions.to_string(),
            versions: BTreeMap::new(),
            temperature: None,
        }
    }
}

/// A file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name within the checkpoint's folder.
    pub name: String,
    /// The size of the file.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl FileRecord {
    /// The record of a file with these contents.
    pub fn of(name: &str, contents: &[u8]) -> Self {
        FileRecord { name: name.to_string(), bytes: contents.len() as u64, sha256: sha256(contents) }
    }
}

/// How far metrics.jsonl reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsMark {
    /// The length of the metrics file.
    pub bytes: u64,
    /// Lines of the metrics file.
    pub lines: u64,
    /// SHA-256 of the file up to there, in hexadecimal; empty where an older version wrote the mark.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
}

/// A random key, as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The seed of the run.
    pub seed: u64,
    /// The step whose draws it keys, from 0.
    pub step: u64,
    /// The number of the first row of a batch.
    pub row: u64,
}

impl From<Key> for KeyRecord {
    fn from(key: Key) -> Self {
        KeyRecord { seed: key.seed, step: key.step, row: key.row }
    }
}

impl From<KeyRecord> for Key {
    fn from(key: KeyRecord) -> Self {
        Key { seed: key.seed, step: key.step, row: key.row }
    }
}

/// What a checkpoint is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointManifest {
    /// The version of the format.
    pub format: u64,
    /// The version of enscore that wrote it.
    pub enscore: String,
    /// Updates done when it was written.
    pub step: u64,
    /// Every other file of its folder.
    pub files: Vec<FileRecord>,
    /// How far metrics.jsonl reached: a resumed training goes on from there.
    pub metrics: MetricsMark,
    /// How far it reached with the lines that only the last step of a training brings, where it brought some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<MetricsMark>,
    /// Seconds spent training, over all its parts.
    pub seconds: f64,
    /// The random key of the next step.
    pub key: KeyRecord,
}

/// A manifest as JSON text, its keys in the order of its fields, with its checksum.
pub(super) fn to_json(manifest: &impl Serialize) -> Result<Vec<u8>> {
    sealed_json(manifest).map_err(|error| error.within("can't write a manifest"))
}

/// Reads a manifest, which `path` names in errors.
///
/// # Errors
/// [`Reason::Newer`] where the format is newer than [`FORMAT_VERSION`]; [`Reason::Damaged`] where the text
/// isn't such a manifest, or was changed.
pub(super) fn from_json<M: DeserializeOwned>(text: &[u8], path: &Path) -> Result<M> {
    let damaged = |reason: serde_json::Error| {
        Error::new(Reason::Damaged, "not a manifest that this version can read")
            .at(path.display())
            .found_error(reason)
    };
    let value: Value = serde_json::from_slice(text).map_err(damaged)?;
    let format = value.get("format").and_then(Value::as_u64);
    if let Some(format) = format.filter(|format| *format > FORMAT_VERSION) {
        let writer = value.get("enscore").and_then(Value::as_str).unwrap_or("a newer version");
        return Err(Error::new(Reason::Newer, "written by a newer enscore")
            .at(path.display())
            .found(format!("format {format}"))
            .expected(format!("format {FORMAT_VERSION} or older"))
            .remedy(format!("use enscore {writer} or newer")));
    }
    check_json(text, &path.display().to_string())?;
    serde_json::from_value(value).map_err(damaged)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn example() -> RunManifest {
        let scale = serde_json::json!({ "shift": 0.1, "factor": 0.30000000000000004 });
        let data = DataRecord {
            name: "digits".into(),
            fingerprint: "ab".into(),
            scale,
            row_shape: vec![8, 8, 1],
            variance: 0.125,
            range: [0.0, 1.0],
            mean: Vec::new(),
            deviation: Vec::new(),
            count: None,
            whitening: None,
            table: None,
        };
        RunManifest::new(3, data, 12, "avx512")
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let text = to_json(&example()).unwrap();
        assert_eq!(from_json::<RunManifest>(&text, Path::new("m")).unwrap(), example());
        assert!(text.starts_with(b"{\n  \"format\": 1,\n  \"enscore\": "));
    }

    /// Scales are used in computations: JSON must keep every bit of a number.
    #[test]
    fn numbers_keep_every_bit() {
        let mut words = [0; 4000];
        enscore_program::random::row_words(Key::new(1, 0), 0, 0, &mut words);
        for pair in words.chunks(2) {
            let mut manifest = example();
            let number = f64::from_bits(u64::from(pair[0]) << 32 | u64::from(pair[1]));
            if number.is_finite() {
                manifest.data.scale = serde_json::json!(number);
                let text = to_json(&manifest).unwrap();
                assert_eq!(from_json::<RunManifest>(&text, Path::new("m")).unwrap(), manifest);
            }
        }
    }

    #[test]
    fn newer_formats_and_damaged_manifests_are_refused() {
        let refusal = |text: &str| {
            let error = from_json::<RunManifest>(text.as_bytes(), Path::new("m")).expect_err("refused");
            assert!(error.reason.is_refusal());
            error.to_string()
        };
        assert_eq!(
            refusal(r#"{"format": 2, "enscore": "9.1.0", "other": 1}"#),
            "written by a newer enscore: m: found format 2, expected format 1 or older; use enscore 9.1.0 or newer"
        );
        assert_eq!(
            refusal(r#"{"format": 1, "enscore": "0.1.0"}"#),
            "not a manifest that this version can read: m: found missing field `seed`"
        );
        assert_eq!(
            refusal("{"),
            "not a manifest that this version can read: m: found EOF while parsing an object at line 1 column 1"
        );
    }
}
