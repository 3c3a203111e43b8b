//! `[data]`: the training data.

use std::path::PathBuf;

use super::reading::{Colour, Header, Missing, Reading};
use crate::Result;
use crate::keys::{ListOf, Reader, Setting, at_least, choice, within};

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

choice! {
    /// What values between 0 and 1 are to units in {0, 1}.
    Grey {
        /// They are refused.
        Refuse = "refuse",
        /// The units' values, as if a unit could be in between.
        Probabilities = "probabilities",
        /// The probabilities of 1: every batch draws its bits anew.
        Bits = "bits",
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
    /// What values between 0 and 1 are to units in {0, 1}.
    pub grey: Grey,
    /// Preprocessing of the columns.
    pub preprocess: Preprocess,
    /// Drop the first of two columns whose correlation exceeds this, and constant columns; 0 drops none.
    pub drop_correlated: f64,
    /// How it is read: columns, missing values, shape, size and colour of pictures.
    pub reading: Reading,
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
                "Binarise: values of at least half their scale become 1, the others 0. The scale is 0 to 1, -1 to 1, 0 to 255 (128 becomes 1) or 0 to 65535, whichever the values fill, whatever their type.",
            )?,
            grey: reader.get(
                "grey",
                Grey::Refuse,
                (),
                "Values between 0 and 1 for units in {0, 1}: refuse them, take them as the units' values, as scikit-learn does, or as probabilities of 1, of which every batch draws its bits anew (Burda et al. 2016); held-out rows are then bits drawn once.",
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
            reading: read_reading(reader)?,
        };
        if data.binarise && (data.dequantise || data.preprocess != Preprocess::None) {
            let error = reader.wrong("binarise").found("true together with dequantise or preprocess");
            return Err(error
                .expected("binarise without either, so that values stay 0 and 1")
                .remedy("remove one of them"));
        }
        if data.grey != Grey::Refuse
            && (data.binarise || data.dequantise || data.preprocess != Preprocess::None)
        {
            let error = reader
                .wrong("grey")
                .found(format!("{:?} together with binarise, dequantise or preprocess", data.grey.name()));
            return Err(error.expected("values from 0 to 1 as they are").remedy("remove one of them"));
        }
        if data.drop_correlated > 0.0 && data.preprocess == Preprocess::None {
            let error =
                reader.wrong("drop_correlated").found(format!("{} without preprocess", data.drop_correlated));
            return Err(error.remedy("set data.preprocess = \"whiten\" or \"standardise\", or remove it"));
        }
        Ok(data)
    }
}

/// The keys of how data is read.
fn read_reading(reader: &mut Reader) -> Result<Reading> {
    let any = || ListOf { items: at_least(1), length: within(1, 3) };
    Ok(Reading {
        leave_out: reader.get(
            "leave_out",
            Vec::new(),
            (),
            "Columns of a table that are not used; by name, or \"column N\" counted from 1.",
        )?,
        label: reader
            .optional::<String>("label", (), "Column of a table that holds labels; it is kept beside the rows.")?,
        one_hot: reader.get(
            "one_hot",
            Vec::new(),
            (),
            "Columns of categories, each of which becomes a column of 0 and 1 per category.",
        )?,
        missing: reader.get(
            "missing",
            Missing::Refuse,
            (),
            "Missing values of a table (empty, NA, ?, nan, null): refuse them, drop their rows, or take the mean of the column's other values.",
        )?,
        header: reader.get(
            "header",
            Header::Auto,
            (),
            "Whether a table's first row names its columns; auto tells from its cells.",
        )?,
        shape: reader.optional::<Vec<usize>>(
            "shape",
            any(),
            "Shape of a row, such as [28, 28] for flat rows of 784 pixels, or [height, width, channels].",
        )?,
        size: read_size(reader)?,
        colour: reader.get(
            "colour",
            Colour::AsIs,
            (),
            "Colours that pictures are read as; as-is reads all in colour where any is, and drops transparency.",
        )?,
        known: None,
        needed: None,
    })
}

fn read_size(reader: &mut Reader) -> Result<Option<[usize; 2]>> {
    let rule = ListOf { items: within(1, 1 << 14), length: within(2, 2) };
    let about = "Size that pictures are cropped around their middle and resized to, [height, width].";
    let size = reader.optional::<Vec<usize>>("size", rule, about)?;
    Ok(size.map(|size| [size[0], size[1]]))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
