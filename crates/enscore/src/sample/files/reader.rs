//! The [model] table of a model file: its keys and overrides of them, and the arrays that they name or spell
//! out.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::checkpoint::{TensorData, Tensors};
use crate::data::{Array, read_array};
use crate::error::{Error, Reason, Result};

/// The table of a file, with what was read from it.
pub(super) struct Reader<'a> {
    pub(super) table: &'a Table,
    pub(super) path: &'a Path,
}

impl Reader<'_> {
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}, model.{key}", self.path.display())
    }

    /// Refuses keys other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        match self.table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Error::input("unknown key")
                .at(self.place(key))
                .expected(format_args!("one of {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    pub(super) fn value(&self, key: &str) -> Result<&Value> {
        self.table.get(key).ok_or_else(|| Error::input("missing key").at(self.place(key)))
    }

    pub(super) fn text(&self, key: &str) -> Result<&str> {
        let value = self.value(key)?;
        value.as_str().ok_or_else(|| {
            Error::input("wrong type for this key").at(self.place(key)).found(value).expected("a string")
        })
    }

    pub(super) fn number(&self, key: &str) -> Result<f64> {
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
    pub(super) fn beside(&self, key: &str) -> Result<PathBuf> {
        Ok(self.path.parent().unwrap_or(Path::new("")).join(PathBuf::from(self.text(key)?)))
    }

    /// The array that a key names or spells out, of any number of axes.
    pub(super) fn any_array(&self, key: &str) -> Result<Array> {
        Ok(self.found_array(key)?.0)
    }

    /// The array that a key names or spells out, with `axes` axes.
    pub(super) fn array(&self, key: &str, axes: usize) -> Result<Array> {
        let (array, path) = self.found_array(key)?;
        let array = if axes == 1 { squeezed(array) } else { array };
        if array.shape.len() != axes || array.values.is_empty() {
            return Err(Error::new(Reason::Shape, "the array's shape does not match the model")
                .at(format_args!("{} ({})", self.place(key), path.display()))
                .found(format_args!("shape {:?}", array.shape))
                .expected(format_args!("{axes} {}", if axes == 1 { "axis" } else { "axes" })));
        }
        Ok(array)
    }

    /// The array with the file that it stands in.
    fn found_array(&self, key: &str) -> Result<(Array, PathBuf)> {
        Ok(match self.value(key)? {
            list @ Value::Array(_) => (self.spelt_out(key, list)?, self.path.to_path_buf()),
            _ => {
                let (file, name) = named_array(self.text(key)?);
                let path = self.path.parent().unwrap_or(Path::new("")).join(PathBuf::from(file));
                let tensors =
                    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"));
                (if tensors { tensor(&path, name.unwrap_or(key))? } else { read_array(&path)? }, path)
            }
        })
    }

    /// A list of numbers, or of lists of equal length.
    pub(super) fn spelt_out(&self, key: &str, value: &Value) -> Result<Array> {
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

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }
}

/// The key of [model] and the value of an override. What is no TOML is text, as a shell leaves it.
pub(super) fn overridden(text: &str) -> Result<(String, Value)> {
    let parts = text.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
    let of_model = parts.and_then(|(key, value)| key.strip_prefix("model.").map(|key| (key.trim(), value)));
    let Some((key, value)) = of_model.filter(|(key, value)| !key.is_empty() && !value.is_empty()) else {
        return Err(Error::input("wrong override")
            .at(format_args!("override {text}"))
            .expected("model.KEY=VALUE, as in model.beta=0.3")
            .remedy("a model file has no other table"));
    };
    let parsed = format!("value = {value}").parse::<Table>().ok();
    let value =
        parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(value.into()));
    Ok((key.to_string(), value))
}

/// A path, and what names an array in the file: what follows `.safetensors:`.
fn named_array(text: &str) -> (&str, Option<&str>) {
    let ending = ".safetensors:";
    match text.to_ascii_lowercase().find(ending) {
        Some(at) => (&text[..at + ending.len() - 1], Some(&text[at + ending.len()..])),
        None => (text, None),
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
            .remedy(format_args!("name the array: \"{}:NAME\"", path.display()))
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

/// A matrix with rows and columns exchanged.
pub(super) fn transposed(matrix: &Array) -> Array {
    let [rows, columns] = [matrix.shape[0], matrix.shape[1]];
    let values = (0..rows * columns).map(|at| matrix.values[at % rows * columns + at / rows]).collect();
    Array { shape: vec![columns, rows], values }
}

/// A row or a column as a vector.
fn squeezed(array: Array) -> Array {
    let Array { shape, values } = array;
    let shape = if shape.len() == 2 && shape.contains(&1) { vec![values.len()] } else { shape };
    Array { shape, values }
}
