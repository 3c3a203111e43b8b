//! `[data]`: what is learnt from.

use std::path::PathBuf;

use super::reader::Reader;
use super::value::{Setting, within};
use crate::Result;

/// Where the data is: exactly one of a name and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A built-in or known data set.
    Name(String),
    /// A file or folder; a relative one is relative to the working folder.
    Path(PathBuf),
}

/// The training data.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Data {
    /// Where it is.
    pub source: Source,
    /// Fraction of the training rows held out for validation.
    pub validation: f64,
    /// Whether uniform noise as wide as one level of the values is added.
    pub dequantise: bool,
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

impl Data {
    pub(super) fn read(reader: &mut Reader) -> Result<Data> {
        reader.table("data");
        let name = reader.optional::<String>("name", (), "A built-in or known data set; or give path.")?;
        let about_path =
            "A file or folder of data; a relative path is relative to the working folder. Or give name.";
        let path = reader.optional::<String>("path", (), about_path)?;
        let source = match (name, path) {
            (Some(name), None) if !is_blank(&name) => Source::Name(name),
            (None, Some(path)) if !is_blank(&path) => Source::Path(PathBuf::from(path)),
            (Some(_), Some(path)) => {
                let error = reader.wrong("path").found(format!("{} beside data.name", path.text()));
                return Err(error.expected("one of the two").remedy("remove one of them"));
            }
            (None, None) => {
                let error = reader.missing("data.name or data.path");
                return Err(error.remedy("add name = \"digits\", or path = the folder of the data"));
            }
            (Some(_), None) => return Err(reader.wrong("name").found("\"\"").expected("a name")),
            (None, Some(_)) => return Err(reader.wrong("path").found("\"\"").expected("a path")),
        };
        Ok(Data {
            source,
            validation: reader.get(
                "validation",
                0.1,
                within(0.0, 0.5),
                "Fraction of the training rows held out for validation.",
            )?,
            dequantise: reader.get(
                "dequantise",
                false,
                (),
                "Whether uniform noise as wide as one level of the values is added.",
            )?,
        })
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
