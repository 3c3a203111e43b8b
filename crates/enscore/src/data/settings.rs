//! `[data]`: the training data.

use std::path::PathBuf;

use crate::Result;
use crate::keys::{Reader, Setting, choice, within};

/// Where the data is: exactly one of a name and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A built-in or known data set.
    Name(String),
    /// A file or folder; a relative one is relative to the working folder.
    Path(PathBuf),
}

choice! {
    /// Preprocessing of a table's columns, fitted on its training rows.
    Preprocess {
        /// Nothing.
        None = "none",
        /// Each column gets mean 0 and standard deviation 1.
        Standardise = "standardise",
        /// The columns are mapped linearly to mean 0 and covariance I.
        Whiten = "whiten",
    }
}

/// The training data.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSettings {
    /// Where it is.
    pub source: Source,
    /// Fraction of the training rows held out for validation.
    pub validation: f64,
    /// Fraction of all rows held out for testing, before validation rows are.
    pub test_fraction: f64,
    /// Add uniform noise as wide as one level of the values.
    pub dequantise: bool,
    /// Binarise values at half of their scale.
    pub binarise: bool,
    /// Preprocessing of the columns.
    pub preprocess: Preprocess,
    /// Drop the first of two columns whose correlation exceeds this, and constant columns; 0 drops none.
    pub drop_correlated: f64,
    /// Names of columns to leave out.
    pub leave_out: Vec<String>,
}

impl std::fmt::Display for Source {
    /// The name or path, as a data argument on the command line.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Source::Name(name) => f.write_str(name),
            Source::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

impl DataSettings {
    pub(crate) fn read(reader: &mut Reader) -> Result<DataSettings> {
        reader.table("data");
        let name = reader.optional::<String>(
            "name",
            (),
            "Name of a built-in or known data set; alternatively set path.",
        )?;
        let about_path = "File or folder of data, relative to the working folder; alternatively set name.";
        let path = reader.optional::<String>("path", (), about_path)?;
        let source = match (name, path) {
            (Some(name), None) if !is_blank(&name) => Source::Name(name),
            (None, Some(path)) if !is_blank(&path) => Source::Path(PathBuf::from(path)),
            (Some(_), Some(path)) => {
                let error = reader.wrong("path").found(format!("{} in addition to data.name", path.text()));
                return Err(error.expected("only one of the two").remedy("remove one of them"));
            }
            (None, None) => {
                let error = reader.missing("data.name or data.path");
                return Err(error.remedy("add name = \"digits\", or path = \"FILE or FOLDER\""));
            }
            (Some(_), None) => return Err(reader.wrong("name").found("\"\"").expected("a name")),
            (None, Some(_)) => return Err(reader.wrong("path").found("\"\"").expected("a path")),
        };
        let data = DataSettings {
            source,
            validation: reader.get(
                "validation",
                0.1,
                within(0.0, 0.5),
                "Fraction of the training rows held out for validation.",
            )?,
            test_fraction: reader.get(
                "test_fraction",
                0.0,
                within(0.0, 0.5),
                "Fraction of all rows held out for testing, before the validation rows; for data without a test split.",
            )?,
            dequantise: reader.get(
                "dequantise",
                false,
                (),
                "Add uniform noise as wide as one level of the values.",
            )?,
            binarise: reader.get(
                "binarise",
                false,
                (),
                "Binarise: values of at least half their scale (128 of 0 to 255) become 1, the others 0.",
            )?,
            preprocess: reader.get(
                "preprocess",
                Preprocess::None,
                (),
                "Preprocessing of a table's columns, fitted on the training rows. With it, dequantise adds noise at each column's resolution.",
            )?,
            drop_correlated: reader.get(
                "drop_correlated",
                0.0,
                within(0.0, 1.0),
                "With preprocess: drop the first of two columns whose correlation exceeds this, and constant columns; 0 drops none.",
            )?,
            leave_out: reader.get(
                "leave_out",
                Vec::new(),
                (),
                "With preprocess: names of columns to leave out, such as labels.",
            )?,
        };
        if data.binarise && (data.dequantise || data.preprocess != Preprocess::None) {
            let error = reader.wrong("binarise").found("true together with dequantise or preprocess");
            return Err(error
                .expected("binarise without either, so that values stay 0 and 1")
                .remedy("remove one of them"));
        }
        if data.drop_correlated > 0.0 && data.preprocess == Preprocess::None {
            let error =
                reader.wrong("drop_correlated").found(format!("{} without preprocess", data.drop_correlated));
            return Err(error.remedy("set data.preprocess = \"whiten\" or \"standardise\", or remove it"));
        }
        if !data.leave_out.is_empty() && data.preprocess == Preprocess::None {
            let error =
                reader.wrong("leave_out").found(format!("{} without preprocess", data.leave_out.text()));
            return Err(error.remedy("set data.preprocess = \"whiten\" or \"standardise\", or remove it"));
        }
        Ok(data)
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
