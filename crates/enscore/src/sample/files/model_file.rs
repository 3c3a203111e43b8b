//! A model given by files instead of a run: a small TOML file that names its parameters.
//!
//! ```toml
//! [model]
//! kind = "rbm"                      # ln p(v, h) = b'v + c'h + v'Wh - ln Z
//! weights = "W.npy"                 # [visible, hidden]; paths are relative to this file. Of a
//!                                   # .safetensors file the array with the key's name is taken, or the one
//!                                   # that is named: "FILE.safetensors:W"
//! transposed = false                # true: weights are [hidden, visible]
//! visible_bias = "b_visible.npy"    # [visible]; [1, visible] is taken as well
//! hidden_bias = "c_hidden.npy"      # [hidden]
//! units = "bernoulli"               # or "gaussian", with deviation = 1.0
//! rows = "model.json"               # how rows are mapped first: a description that `export` wrote;
//!                                   # the data's own units without
//!
//! [model]
//! kind = "ising"                    # p(x) = exp(beta (Σ J x x' + Σ h x)) / Z, x = ±1
//! lattice = "torus"                 # "grid", "torus", or "graph"
//! shape = [64, 64]                  # of grid and torus
//! coupling = 1.0                    # J; of a graph a symmetric matrix, an npy file or [[0, 1], [1, 0]]; a
//!                                   # lattice takes one where each pair of sites has one bond
//! coupling_right = "R.npy"          # instead, of each site of a lattice and its right neighbour,
//!                                   # [height, width - 1], on a torus [height, width],
//! coupling_down = "D.npy"           # and of each site and the one below, [height - 1, width], on a torus
//!                                   # [height, width]
//! field = 0.0                       # h, 0 without; or one number a site, an npy file or a list
//! beta = 0.44                       # 1 without
//! ```

use std::path::Path;

use toml::{Table, Value};

use super::reader::{Reader, overridden, transposed};
use super::row_map::RowMap;
use crate::error::{Error, Reason, Result};
use crate::ising::{Field, IsingModel, Lattice};
use crate::model::{Bipartite, RBM_PARAMETERS, Rbm, Units};
use crate::sample::WeightedBipartite;

/// A model read from files.
pub enum ModelFile {
    /// A restricted Boltzmann machine with W, b and c.
    Rbm(Box<RbmFile>),
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
    /// States of the units, row after row, in the units of the data.
    ///
    /// # Errors
    /// States that don't fill whole rows.
    pub fn raw_rows(&self, states: &[f32]) -> Result<Vec<f32>> {
        self.rows
            .as_ref()
            .map_or_else(|| Ok(states.to_vec()), |map| map.raw(states, self.model.first_width()))
    }

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
        ModelFile::read_with(path, &[])
    }

    /// The same with other values of some keys, each `model.KEY=VALUE`, as in `model.beta=0.3`.
    ///
    /// # Errors
    /// As [`ModelFile::read`]; an override of another table, or without a value.
    pub fn read_with(path: &Path, overrides: &[String]) -> Result<ModelFile> {
        let mut table = model_table(path)?;
        for each in overrides {
            let (key, value) = overridden(each)?;
            table.insert(key, value);
        }
        let reader = Reader { table: &table, path };
        match reader.text("kind")? {
            "rbm" => reader.rbm().map(|file| ModelFile::Rbm(Box::new(file))),
            "ising" => reader.ising().map(ModelFile::Ising),
            other => Err(Error::input("unknown model.kind")
                .at(reader.place("kind"))
                .found(other)
                .expected("\"rbm\" or \"ising\"")),
        }
    }
}

/// The [model] table of the file at `path`.
///
/// # Errors
/// A file that can't be read, is no TOML, or has another table.
pub(super) fn model_table(path: &Path) -> Result<Table> {
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
    match document.get("model") {
        Some(Value::Table(table)) => Ok(table.clone()),
        _ => Err(Error::input("a model file without a [model] table").at(&place).expected("[model]")),
    }
}

impl Reader<'_> {
    fn ising(&self) -> Result<IsingModel> {
        let known =
            ["kind", "lattice", "shape", "coupling", "coupling_right", "coupling_down", "field", "beta"];
        self.only(&known)?;
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
            if let Some(key) = ["shape", "coupling_right", "coupling_down"].iter().find(|key| self.has(key)) {
                return Err(Error::input("a graph has no shape").at(self.place(key)));
            }
            let matrix = self.array("coupling", 2)?;
            return IsingModel::dense(matrix.shape[0], &matrix.values, field, beta).map_err(placed);
        }
        let [height, width] = self.sides()?;
        let coupling = self.coupling(height, width, lattice == "torus")?;
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
        self.only(&["kind", weights, "transposed", visible, hidden, "units", "deviation", "rows"])?;
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
        let turned = match self.table.get("transposed") {
            None => false,
            Some(Value::Boolean(turned)) => *turned,
            Some(other) => {
                return Err(Error::input("wrong type for this key")
                    .at(self.place("transposed"))
                    .found(other)
                    .expected("true or false"));
            }
        };
        let mut w = self.array(weights, 2)?;
        if turned {
            w = transposed(&w);
        }
        let b = self.array(visible, 1)?;
        let c = self.array(hidden, 1)?;
        if w.shape != [b.shape[0], c.shape[0]] {
            let turned = w.shape == [c.shape[0], b.shape[0]];
            let error = Error::input("weights and biases don't match")
                .at(self.path.display())
                .found(format_args!("weights {:?}", w.shape))
                .expected(format_args!("[{}, {}] to match the biases", b.shape[0], c.shape[0]));
            let remedy = "transpose the weights, or set transposed = true";
            return Err(if turned { error.remedy(remedy) } else { error });
        }
        let model = Rbm::new(&b.shape, c.shape[0], units).map_err(|error| error.at(self.path.display()))?;
        let rows = match self.table.get("rows") {
            Some(_) => Some(RowMap::read(&self.beside("rows")?)?),
            None => None,
        };
        Ok(RbmFile { model, values: [w.values, b.values, c.values], rows })
    }
}
