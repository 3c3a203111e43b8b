//! A model given by files instead of a run: a small TOML file that names its parameters.
//!
//! ```toml
//! [model]
//! kind = "rbm"                      # ln p(v, h) = b'v + c'h + v'Wh - ln Z
//! weights = "W.npy"                 # [visible, hidden]; paths are relative to this file
//! visible_bias = "b_visible.npy"    # [visible]
//! hidden_bias = "c_hidden.npy"      # [hidden]
//! units = "bernoulli"               # or "gaussian", with deviation = 1.0
//! ```

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::WeightedBipartite;
use crate::data::{Array, read_array};
use crate::error::{Error, Result};
use crate::model::{RBM_PARAMETERS, Rbm, Units};

/// A model read from files.
pub enum ModelFile {
    /// A restricted Boltzmann machine with W, b and c.
    Rbm(RbmFile),
}

/// A restricted Boltzmann machine and its parameters.
pub struct RbmFile {
    /// The model.
    pub model: Rbm,
    /// W, b and c, in the order of [`RBM_PARAMETERS`].
    pub values: [Vec<f64>; 3],
}

impl RbmFile {
    /// The model with its weights.
    ///
    /// # Errors
    /// None in fact: the shapes were checked.
    pub fn weighted(&self) -> Result<WeightedBipartite<'_>> {
        let values = |name: &str| {
            let at = RBM_PARAMETERS.iter().position(|known| *known == name);
            at.map(|at| self.values[at].clone()).unwrap_or_default()
        };
        WeightedBipartite::new(&self.model, |parameter| Ok(values(&parameter.name)))
    }
}

/// The table of a file, with what was read from it.
struct Reader<'a> {
    table: &'a Table,
    path: &'a Path,
}

impl ModelFile {
    /// Whether `path` names a model file, not a run.
    pub fn is_at(path: &Path) -> bool {
        path.is_file() && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
    }

    /// Reads the model that the file at `path` describes.
    ///
    /// # Errors
    /// A file that can't be read or is no TOML, a kind or a key that is not known or is missing, arrays of shapes that don't
    /// fit each other, values that are not finite.
    pub fn read(path: &Path) -> Result<ModelFile> {
        let place = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|reason| Error::input("the model file can't be read").at(&place).found(reason))?;
        let document: Table = text.parse().map_err(|reason: toml::de::Error| {
            Error::input("not valid TOML").at(&place).found(reason.message())
        })?;
        if let Some(other) = document.keys().find(|key| *key != "model") {
            return Err(Error::input("an unknown table of a model file")
                .at(&place)
                .found(format_args!("[{other}]"))
                .expected("[model] alone"));
        }
        let Some(Value::Table(table)) = document.get("model") else {
            return Err(Error::input("a model file without its table").at(&place).expected("[model]"));
        };
        let reader = Reader { table, path };
        match reader.text("kind")? {
            "rbm" => reader.rbm().map(ModelFile::Rbm),
            other => Err(Error::input("an unknown kind of model file")
                .at(reader.place("kind"))
                .found(other)
                .expected("\"rbm\"")),
        }
    }
}

impl Reader<'_> {
    fn place(&self, key: &str) -> String {
        format!("{}, model.{key}", self.path.display())
    }

    /// Refuses keys other than `known`.
    fn only(&self, known: &[&str]) -> Result<()> {
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Error::input("an unknown key")
                .at(self.place(key))
                .expected(format_args!("one of {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    fn value(&self, key: &str) -> Result<&Value> {
        self.table.get(key).ok_or_else(|| Error::input("a key is missing").at(self.place(key)))
    }

    fn text(&self, key: &str) -> Result<&str> {
        let value = self.value(key)?;
        value.as_str().ok_or_else(|| {
            Error::input("a key of another type").at(self.place(key)).found(value).expected("a string")
        })
    }

    fn number(&self, key: &str) -> Result<f64> {
        let value = self.value(key)?;
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        number.filter(|number| number.is_finite()).ok_or_else(|| {
            Error::input("a key of another type").at(self.place(key)).found(value).expected("a finite number")
        })
    }

    /// The array that a key names, with `axes` axes.
    fn array(&self, key: &str, axes: usize) -> Result<Array> {
        let name = PathBuf::from(self.text(key)?);
        let path = self.path.parent().unwrap_or(Path::new("")).join(name);
        let array = read_array(&path)?;
        if array.shape.len() != axes || array.values.is_empty() {
            return Err(Error::input("an array of another shape than the model's")
                .at(format_args!("{} ({})", self.place(key), path.display()))
                .found(format_args!("shape {:?}", array.shape))
                .expected(if axes == 2 { "[visible, hidden]" } else { "one axis" }));
        }
        Ok(array)
    }

    fn rbm(&self) -> Result<RbmFile> {
        let [weights, visible, hidden] = RBM_PARAMETERS;
        self.only(&["kind", weights, visible, hidden, "units", "deviation"])?;
        let units = match self.table.get("units").map(|_| self.text("units")).transpose()? {
            None | Some("bernoulli") if self.table.contains_key("deviation") => {
                return Err(Error::input("only Gaussian units have a deviation").at(self.place("deviation")));
            }
            None | Some("bernoulli") => Units::Bernoulli,
            Some("gaussian") => Units::Gaussian { deviation: self.number("deviation")? },
            Some(other) => {
                return Err(Error::input("an unknown kind of units")
                    .at(self.place("units"))
                    .found(other)
                    .expected("\"bernoulli\" or \"gaussian\""));
            }
        };
        let (w, b, c) = (self.array(weights, 2)?, self.array(visible, 1)?, self.array(hidden, 1)?);
        if w.shape != [b.shape[0], c.shape[0]] {
            let turned = w.shape == [c.shape[0], b.shape[0]];
            let error = Error::input("weights and biases that don't fit each other")
                .at(self.path.display())
                .found(format_args!("weights {:?}", w.shape))
                .expected(format_args!("[{}, {}] as the biases have", b.shape[0], c.shape[0]));
            return Err(if turned { error.remedy("transpose the weights") } else { error });
        }
        let model = Rbm::new(&b.shape, c.shape[0], units).map_err(|error| error.at(self.path.display()))?;
        Ok(RbmFile { model, values: [w.values, b.values, c.values] })
    }
}
