//! A model given by files instead of a run: a small TOML file that names its parameters.
//!
//! ```toml
//! [model]
//! kind = "rbm"                      # ln p(v, h) = b'v + c'h + v'Wh - ln Z
//! weights = "W.npy"                 # [visible, hidden]; paths are relative to this file. Of a
//!                                   # .safetensors file the array with the key's name is taken
//! visible_bias = "b_visible.npy"    # [visible]
//! hidden_bias = "c_hidden.npy"      # [hidden]
//! units = "bernoulli"               # or "gaussian", with deviation = 1.0
//! rows = "model.json"               # how rows are mapped first: a description that `export` wrote;
//!                                   # the data's own units without
//!
//! [model]
//! kind = "ising"                    # p(x) = exp(beta (Σ J x x' + Σ h x)) / Z, x = ±1
//! lattice = "torus"                 # "grid", "torus", or "graph"
//! shape = [64, 64]                  # of grid and torus
//! coupling = 1.0                    # J; of a graph a symmetric matrix, an npy file or [[0, 1], [1, 0]]
//! field = 0.0                       # h, 0 without; or one number a site, an npy file or a list
//! beta = 0.44                       # 1 without
//! ```

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::row_map::RowMap;
use crate::checkpoint::{TensorData, Tensors};
use crate::data::{Array, read_array};
use crate::error::{Error, Reason, Result};
use crate::ising::{Coupling, Field, IsingModel, Lattice};
use crate::model::{Bipartite, RBM_PARAMETERS, Rbm, Units};
use crate::sample::WeightedBipartite;

/// A model read from files.
pub enum ModelFile {
    /// A restricted Boltzmann machine with W, b and c.
    Rbm(RbmFile),
    /// An Ising model.
    Ising(IsingModel),
}

/// A restricted Boltzmann machine and its parameters.
pub struct RbmFile {
    /// The model.
    pub model: Rbm,
    /// W, b and c, in the order of [`RBM_PARAMETERS`].
    pub values: [Vec<f64>; 3],
    /// How rows are mapped before they reach the units.
    pub rows: Option<RowMap>,
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

/// The array `name` of a safetensors file.
fn tensor(path: &Path, name: &str) -> Result<Array> {
    let tensors = Tensors::read(path)?;
    let found = tensors.get(name).ok_or_else(|| {
        let names: Vec<&str> = tensors.iter().map(|(name, _)| name).collect();
        Error::input("no array with this name")
            .at(format_args!("{}, {name}", path.display()))
            .found(names.join(", "))
    })?;
    let values: Vec<f64> = match found.data() {
        TensorData::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
        TensorData::F64(values) => values.clone(),
        TensorData::I64(values) => values.iter().map(|value| *value as f64).collect(),
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::input("a non-finite value in an array")
            .at(format_args!("{}, {name}, value {at}", path.display()))
            .found(values[at])
            .expected("finite numbers")),
        None => Ok(Array { shape: found.shape().to_vec(), values }),
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

    /// The extents of a state: `[height, width, 1]` of a lattice, else `[sites]` or `[visible]`.
    pub fn row_shape(&self) -> Vec<usize> {
        match self {
            ModelFile::Rbm(file) => vec![file.model.first_width()],
            ModelFile::Ising(model) => match model.lattice() {
                Lattice::Grid { height, width } | Lattice::Torus { height, width } => vec![height, width, 1],
                Lattice::Graph { sites } => vec![sites],
            },
        }
    }

    /// States as pictures show them, each value from 0 to 1.
    pub fn shown(&self, states: &[f32]) -> Vec<f32> {
        match self {
            ModelFile::Rbm(_) => states.to_vec(),
            ModelFile::Ising(_) => states.iter().map(|spin| 0.5 * (spin + 1.0)).collect(),
        }
    }

    /// Reads the model that the file at `path` describes.
    ///
    /// # Errors
    /// A file that can't be read or is no TOML, a kind or a key that is not known or is missing, arrays of
    /// shapes that don't fit each other, values that are not finite.
    pub fn read(path: &Path) -> Result<ModelFile> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|reason| {
            Error::new(Reason::Unreadable, "can't read the model file").at(&place).found_error(reason)
        })?;
        let document: Table = text.parse().map_err(|reason: toml::de::Error| {
            Error::input("not valid TOML").at(&place).found(reason.message()).caused_by(reason)
        })?;
        if let Some(other) = document.keys().find(|key| *key != "model") {
            return Err(Error::input("unknown table in a model file")
                .at(&place)
                .found(format_args!("[{other}]"))
                .expected("only [model]"));
        }
        let Some(Value::Table(table)) = document.get("model") else {
            return Err(Error::input("a model file without a [model] table").at(&place).expected("[model]"));
        };
        let reader = Reader { table, path };
        match reader.text("kind")? {
            "rbm" => reader.rbm().map(ModelFile::Rbm),
            "ising" => reader.ising().map(ModelFile::Ising),
            other => Err(Error::input("unknown model.kind")
                .at(reader.place("kind"))
                .found(other)
                .expected("\"rbm\" or \"ising\"")),
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
            Some(key) => Err(Error::input("unknown key")
                .at(self.place(key))
                .expected(format_args!("one of {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    fn value(&self, key: &str) -> Result<&Value> {
        self.table.get(key).ok_or_else(|| Error::input("missing key").at(self.place(key)))
    }

    fn text(&self, key: &str) -> Result<&str> {
        let value = self.value(key)?;
        value.as_str().ok_or_else(|| {
            Error::input("wrong type for this key").at(self.place(key)).found(value).expected("a string")
        })
    }

    fn number(&self, key: &str) -> Result<f64> {
        let value = self.value(key)?;
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        number.filter(|number| number.is_finite()).ok_or_else(|| {
            Error::input("wrong type for this key")
                .at(self.place(key))
                .found(value)
                .expected("a finite number")
        })
    }

    /// The path that a key names, relative to the file.
    fn beside(&self, key: &str) -> Result<PathBuf> {
        Ok(self.path.parent().unwrap_or(Path::new("")).join(PathBuf::from(self.text(key)?)))
    }

    /// The array that a key names or spells out, with `axes` axes.
    fn array(&self, key: &str, axes: usize) -> Result<Array> {
        let (array, path) = match self.value(key)? {
            list @ Value::Array(_) => (self.spelt_out(key, list)?, self.path.to_path_buf()),
            _ => {
                let path = self.beside(key)?;
                let tensors =
                    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
                (if tensors { tensor(&path, key)? } else { read_array(&path)? }, path)
            }
        };
        if array.shape.len() != axes || array.values.is_empty() {
            return Err(Error::new(Reason::Shape, "the array's shape does not match the model")
                .at(format_args!("{} ({})", self.place(key), path.display()))
                .found(format_args!("shape {:?}", array.shape))
                .expected(format_args!("{axes} {}", if axes == 1 { "axis" } else { "axes" })));
        }
        Ok(array)
    }

    /// A list of numbers, or of lists of equal length.
    fn spelt_out(&self, key: &str, value: &Value) -> Result<Array> {
        let number =
            |value: &Value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let (rows, nested): (Vec<&[Value]>, bool) = match list.first() {
            Some(Value::Array(_)) => {
                (list.iter().map(|row| row.as_array().map(Vec::as_slice).unwrap_or_default()).collect(), true)
            }
            _ => (vec![list], false),
        };
        let width = rows.first().map_or(0, |row| row.len());
        let values: Option<Vec<f64>> = rows.iter().flat_map(|row| row.iter().map(number)).collect();
        let values = values.filter(|values| values.iter().all(|value| value.is_finite()));
        match values {
            Some(values) if rows.iter().all(|row| row.len() == width) => {
                Ok(Array { shape: if nested { vec![rows.len(), width] } else { vec![width] }, values })
            }
            _ => Err(Error::input("not a list of numbers or of equally long rows").at(self.place(key))),
        }
    }

    fn ising(&self) -> Result<IsingModel> {
        self.only(&["kind", "lattice", "shape", "coupling", "field", "beta"])?;
        let number_or = |key: &str, default: f64| {
            if self.table.contains_key(key) { self.number(key) } else { Ok(default) }
        };
        let field = match self.table.get("field") {
            Some(Value::String(_) | Value::Array(_)) => Field::PerSite(self.array("field", 1)?.values),
            _ => Field::Uniform(number_or("field", 0.0)?),
        };
        let beta = number_or("beta", 1.0)?;
        let placed = |error: Error| {
            let place = if error.place.is_empty() {
                self.path.display().to_string()
            } else {
                format!("{}, {}", self.path.display(), error.place)
            };
            error.at(place)
        };
        let lattice = self.text("lattice")?;
        if lattice == "graph" {
            if self.table.contains_key("shape") {
                return Err(Error::input("a graph has no shape").at(self.place("shape")));
            }
            let matrix = self.array("coupling", 2)?;
            return IsingModel::dense(matrix.shape[0], &matrix.values, field, beta).map_err(placed);
        }
        let coupling = Coupling::Uniform(self.number("coupling")?);
        let [height, width] = self.sides()?;
        match lattice {
            "grid" => IsingModel::grid(height, width, coupling, field, beta).map_err(placed),
            "torus" => IsingModel::torus(height, width, coupling, field, beta).map_err(placed),
            other => Err(Error::input("unknown lattice")
                .at(self.place("lattice"))
                .found(other)
                .expected("\"grid\", \"torus\" or \"graph\"")),
        }
    }

    /// Height and width of a lattice.
    fn sides(&self) -> Result<[usize; 2]> {
        let value = self.value("shape")?;
        let side = |value: &Value| value.as_integer().and_then(|side| usize::try_from(side).ok());
        let sides: Option<Vec<usize>> = value.as_array().and_then(|list| list.iter().map(side).collect());
        match sides.as_deref() {
            Some([height, width]) if *height > 0 && *width > 0 => Ok([*height, *width]),
            _ => Err(Error::input("invalid lattice shape")
                .at(self.place("shape"))
                .found(value)
                .expected("[height, width], both at least 1")),
        }
    }

    fn rbm(&self) -> Result<RbmFile> {
        let [weights, visible, hidden] = RBM_PARAMETERS;
        self.only(&["kind", weights, visible, hidden, "units", "deviation", "rows"])?;
        let units = match self.table.get("units").map(|_| self.text("units")).transpose()? {
            None | Some("bernoulli") if self.table.contains_key("deviation") => {
                return Err(Error::input("only Gaussian units have a deviation").at(self.place("deviation")));
            }
            None | Some("bernoulli") => Units::Bernoulli,
            Some("gaussian") => Units::Gaussian { deviation: self.number("deviation")? },
            Some(other) => {
                return Err(Error::input("unknown kind of units")
                    .at(self.place("units"))
                    .found(other)
                    .expected("\"bernoulli\" or \"gaussian\""));
            }
        };
        let w = self.array(weights, 2)?;
        let b = self.array(visible, 1)?;
        let c = self.array(hidden, 1)?;
        if w.shape != [b.shape[0], c.shape[0]] {
            let turned = w.shape == [c.shape[0], b.shape[0]];
            let error = Error::input("weights and biases don't match")
                .at(self.path.display())
                .found(format_args!("weights {:?}", w.shape))
                .expected(format_args!("[{}, {}] to match the biases", b.shape[0], c.shape[0]));
            return Err(if turned { error.remedy("transpose the weights") } else { error });
        }
        let model = Rbm::new(&b.shape, c.shape[0], units).map_err(|error| error.at(self.path.display()))?;
        let rows = match self.table.get("rows") {
            Some(_) => Some(RowMap::read(&self.beside("rows")?)?),
            None => None,
        };
        Ok(RbmFile { model, values: [w.values, b.values, c.values], rows })
    }
}
