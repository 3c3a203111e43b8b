//! Named arrays in safetensors files, with reproducible bytes: the same arrays give the same file.
//!
//! A file has no metadata, and the format orders its arrays by type and name, so bytes depend on nothing
//! else: neither on the order of insertion nor on the clock.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::files::{half, unreadable, write_atomically};
use crate::{Error, Reason, Result};

/// The numbers of an array, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
}

impl TensorData {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            TensorData::F32(values) => values.len(),
            TensorData::F64(values) => values.len(),
            TensorData::I64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn dtype(&self) -> Dtype {
        match self {
            TensorData::F32(_) => Dtype::F32,
            TensorData::F64(_) => Dtype::F64,
            TensorData::I64(_) => Dtype::I64,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            TensorData::F32(values) => joined(values.iter().map(|value| value.to_le_bytes())),
            TensorData::F64(values) => joined(values.iter().map(|value| value.to_le_bytes())),
            TensorData::I64(values) => joined(values.iter().map(|value| value.to_le_bytes())),
        }
    }

    fn from_bytes(dtype: Dtype, bytes: &[u8]) -> Option<TensorData> {
        Some(match dtype {
            // Half precision is widened: arrays are written in single precision or better.
            Dtype::F16 => TensorData::F32(halves(bytes).map(half::from_binary16).collect()),
            Dtype::BF16 => TensorData::F32(halves(bytes).map(half::from_bfloat16).collect()),
            Dtype::F32 => TensorData::F32(words(bytes).map(f32::from_le_bytes).collect()),
            Dtype::F64 => TensorData::F64(words(bytes).map(f64::from_le_bytes).collect()),
            Dtype::I64 => TensorData::I64(words(bytes).map(i64::from_le_bytes).collect()),
            _ => return None,
        })
    }
}

fn joined<const N: usize>(words: impl ExactSizeIterator<Item = [u8; N]>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(N * words.len());
    for word in words {
        bytes.extend_from_slice(&word);
    }
    bytes
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> {
    words(bytes).map(u16::from_le_bytes)
}

/// One array with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// The shape; empty for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, as many as the shape says.
    pub fn data(&self) -> &TensorData {
        &self.data
    }
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.data.dtype()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.data.bytes())
    }

    fn data_len(&self) -> usize {
        self.data.len() * self.data.dtype().bitsize() / 8
    }
}

/// Named arrays, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    /// A set without arrays.
    pub fn new() -> Self {
        Tensors::default()
    }

    /// Adds an array of this shape.
    ///
    /// # Errors
    /// [`Error::input`] where the name is taken or the numbers aren't as many as the shape says.
    pub fn insert(&mut self, name: &str, shape: &[usize], data: TensorData) -> Result<()> {
        let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        if count != Some(data.len()) {
            return Err(Error::new(Reason::Shape, "a tensor's size does not match its shape")
                .at(name)
                .found(format!("{} numbers", data.len()))
                .expected(format!("shape {shape:?}")));
        }
        if self.0.contains_key(name) {
            return Err(Error::input("two tensors with the same name").at(name));
        }
        self.0.insert(name.to_string(), Tensor { shape: shape.to_vec(), data });
        Ok(())
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// Every array, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// How many arrays there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The 32-bit floats of this name.
    ///
    /// # Errors
    /// [`Error::input`] where there is no such array or it has another type.
    pub fn f32(&self, name: &str) -> Result<&[f32]> {
        match self.of_type(name, Dtype::F32)? {
            TensorData::F32(values) => Ok(values),
            _ => Ok(&[]),
        }
    }

    /// The 64-bit floats of this name.
    ///
    /// # Errors
    /// As [`Tensors::f32`].
    pub fn f64(&self, name: &str) -> Result<&[f64]> {
        match self.of_type(name, Dtype::F64)? {
            TensorData::F64(values) => Ok(values),
            _ => Ok(&[]),
        }
    }

    /// The 64-bit integers of this name.
    ///
    /// # Errors
    /// As [`Tensors::f32`].
    pub fn i64(&self, name: &str) -> Result<&[i64]> {
        match self.of_type(name, Dtype::I64)? {
            TensorData::I64(values) => Ok(values),
            _ => Ok(&[]),
        }
    }

    fn of_type(&self, name: &str, dtype: Dtype) -> Result<&TensorData> {
        let Some(tensor) = self.get(name) else { return Err(Error::input("a tensor is missing").at(name)) };
        if tensor.data.dtype() != dtype {
            let error = Error::input("a tensor of the wrong type").at(name);
            return Err(error.found(tensor.data.dtype()).expected(dtype));
        }
        Ok(&tensor.data)
    }

    /// Checks that there are exactly the arrays of these names and shapes, beside any whose names begin with
    /// one of `others`.
    ///
    /// # Errors
    /// One [`Error::input`] that lists every missing, unexpected and differently shaped array.
    pub fn expect_shapes_beside(&self, expected: &[(String, Vec<usize>)], others: &[&str]) -> Result<()> {
        let mut problems = Vec::new();
        for (name, shape) in expected {
            match self.get(name) {
                None => problems.push(format!("{name} {shape:?} is missing")),
                Some(tensor) if tensor.shape != *shape => {
                    problems.push(format!("{name} is {:?}, should be {shape:?}", tensor.shape))
                }
                Some(_) => {}
            }
        }
        let known: std::collections::BTreeSet<_> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let is_other = |name: &str| others.iter().any(|other| name.starts_with(other));
        for (name, tensor) in self.iter().filter(|(name, _)| !known.contains(name) && !is_other(name)) {
            problems.push(format!("{name} {:?} is unexpected", tensor.shape));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::input("the tensors don't match the model")
            .found(problems.join(", "))
            .remedy("use the settings that the run was trained with"))
    }

    /// The bytes of a safetensors file.
    ///
    /// # Errors
    /// [`Error::input`] where the format can't hold the arrays.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let refused = |reason| Error::input("can't write tensors").found_error(reason);
        safetensors::serialize(self.iter(), None).map_err(refused)
    }

    /// Reads the bytes of a safetensors file, which `place` names in errors.
    ///
    /// # Errors
    /// [`Reason::Damaged`] where the file is cut, its header and size disagree, or an array has another type
    /// than F32, F64 and I64.
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Tensors> {
        let damaged = |reason: &dyn std::fmt::Display| {
            Error::new(Reason::Damaged, "not a complete safetensors file")
                .at(place)
                .found(format!("{} bytes, {reason}", bytes.len()))
                .remedy("restore the file")
        };
        if !offsets_fit(bytes) {
            return Err(damaged(&"offsets beyond the end"));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|reason| damaged(&reason).caused_by(reason))?;
        let mut tensors = Tensors::new();
        for (name, view) in file.iter() {
            let data = TensorData::from_bytes(view.dtype(), view.data()).ok_or_else(|| {
                let error = Error::new(Reason::Damaged, "a tensor of an unsupported type")
                    .at(format!("{place}, {name}"));
                error.found(view.dtype()).expected("F16, BF16, F32, F64 or I64")
            })?;
            tensors.insert(name, view.shape(), data)?;
        }
        Ok(tensors)
    }

    /// Writes a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// As [`Tensors::to_bytes`] and [`write_atomically`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        write_atomically(path, |writer: &mut dyn Write| writer.write_all(&bytes))
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// As [`Tensors::from_bytes`]; [`Reason::Unreadable`] where the file isn't there.
    pub fn read(path: &Path) -> Result<Tensors> {
        let bytes = fs::read(path).map_err(|reason| unreadable("read", path, reason))?;
        Tensors::from_bytes(&bytes, &path.display().to_string())
    }
}

/// Whether every offset in the header lies within the file. The format's reader adds them up without a check
/// for overflow, so that a crafted header could make it panic; what else is wrong with a header it refuses
/// itself.
fn offsets_fit(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return true };
    let header = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length));
    let Some(Ok(serde_json::Value::Object(header))) = header.map(serde_json::from_slice) else { return true };
    let end = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
    header.values().filter_map(end).all(|end| end <= bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Tensors {
        let mut tensors = Tensors::new();
        tensors
            .insert("b.weight", &[2, 2], TensorData::F32(vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0, 4.0]))
            .unwrap();
        tensors.insert("a", &[], TensorData::F64(vec![0.1])).unwrap();
        tensors.insert("step", &[2], TensorData::I64(vec![i64::MIN, 7])).unwrap();
        tensors.insert("none", &[0, 3], TensorData::F32(vec![])).unwrap();
        tensors
    }

    fn refusal(bytes: &[u8]) -> String {
        let error = Tensors::from_bytes(bytes, "x").expect_err("refused");
        assert_eq!(error.reason, Reason::Damaged);
        error.to_string()
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        example().write(&path).unwrap();
        let read = Tensors::read(&path).unwrap();
        assert_eq!(read, example());
        assert!(read.f32("b.weight").unwrap()[1].is_sign_negative());
        assert_eq!(read.i64("step").unwrap(), [i64::MIN, 7]);
        assert_eq!(read.f64("a").unwrap(), [0.1]);
        assert_eq!(Tensors::from_bytes(&Tensors::new().to_bytes().unwrap(), "x").unwrap(), Tensors::new());
    }

    #[test]
    fn bytes_do_not_depend_on_the_order_of_insertion() {
        let mut reversed = Tensors::new();
        for (name, tensor) in example().iter().collect::<Vec<_>>().into_iter().rev() {
            reversed.insert(name, tensor.shape(), tensor.data().clone()).unwrap();
        }
        assert_eq!(reversed.to_bytes().unwrap(), example().to_bytes().unwrap());
    }

    /// Pins the bytes: a change of the format is a deliberate act.
    #[test]
    fn a_small_file_has_the_bytes_of_the_format() {
        let mut tensors = Tensors::new();
        tensors.insert("w", &[1], TensorData::F32(vec![1.0])).unwrap();
        let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  "#;
        let mut expected = (header.len() as u64).to_le_bytes().to_vec();
        expected.extend_from_slice(header);
        expected.extend_from_slice(&1.0f32.to_le_bytes());
        assert_eq!(tensors.to_bytes().unwrap(), expected);
    }

    #[test]
    fn every_cut_and_every_longer_file_is_refused() {
        let bytes = example().to_bytes().unwrap();
        for length in 0..bytes.len() {
            let message = refusal(&bytes[..length]);
            assert!(message.starts_with("not a complete safetensors file: x: found "), "{message}");
        }
        refusal(&[bytes.as_slice(), &[0]].concat());
    }

    #[test]
    fn headers_that_claim_too_much_are_refused() {
        let file = |header: &str, data: &[u8]| {
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
        };
        refusal(&u64::MAX.to_le_bytes());
        let message = refusal(&file(&overflowing_header(), &[0; 4]));
        assert!(message.contains("offsets beyond the end"), "{message}");
        for header in [
            r#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
            r#"{"w":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}"#,
            r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            r#"{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            r#"{"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#,
            "[]",
        ] {
            refusal(&file(header, &[0; 4]));
        }
        let wide =
            file(r#"{"w":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, &[0x00, 0x3e, 0x00, 0xc0]);
        assert_eq!(Tensors::from_bytes(&wide, "x").unwrap().f32("w").unwrap(), [1.5, -2.0]);
        let wide =
            file(r#"{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#, &[0xc0, 0x3f, 0x00, 0xc0]);
        assert_eq!(Tensors::from_bytes(&wide, "x").unwrap().f32("w").unwrap(), [1.5, -2.0]);
        let half = file(r#"{"w":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}"#, &[0; 4]);
        assert_eq!(
            refusal(&half),
            "a tensor of an unsupported type: x, w: found I16, expected F16, BF16, F32, F64 or I64"
        );
    }

    /// Sixteen arrays, each of a size that the format's reader can count, that end so near 2^64 that adding
    /// the header's size overflows.
    fn overflowing_header() -> String {
        let size = 1u64 << 60;
        let entry = |index: u64, start: u64, end: u64| {
            let shape = end - start;
            format!(r#""t{index:02}":{{"dtype":"U8","shape":[{shape}],"data_offsets":[{start},{end}]}}"#)
        };
        let mut entries: Vec<_> =
            (0..15).map(|index| entry(index, index * size, (index + 1) * size)).collect();
        entries.push(entry(15, 15 * size, u64::MAX - 3));
        format!("{{{}}}", entries.join(","))
    }

    #[test]
    fn every_difference_of_shape_is_listed() {
        let expected = [("a", vec![]), ("b.weight", vec![4]), ("c", vec![3]), ("none", vec![0, 3])];
        let expected = expected.map(|(name, shape)| (name.to_string(), shape));
        assert_eq!(
            example().expect_shapes_beside(&expected, &[]).expect_err("differs").to_string(),
            "the tensors don't match the model: found b.weight is [2, 2], should be [4], c [3] is missing, \
             step [2] is unexpected; use the settings that the run was trained with"
        );
        let shapes: Vec<_> = example().iter().map(|(n, t)| (n.to_string(), t.shape().to_vec())).collect();
        assert!(example().expect_shapes_beside(&shapes, &[]).is_ok());
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        let mut tensors = example();
        let message = |result: Result<()>| result.expect_err("refused").to_string();
        let one = || TensorData::F32(vec![1.0]);
        assert_eq!(message(tensors.insert("a", &[1], one())), "two tensors with the same name: a");
        let expected = "a tensor's size does not match its shape: z: found 1 numbers, expected shape [2]";
        assert_eq!(message(tensors.insert("z", &[2], one())), expected);
        assert!(tensors.insert("z", &[usize::MAX, 2], one()).is_err());
        assert_eq!(
            tensors.f32("a").expect_err("f64").to_string(),
            "a tensor of the wrong type: a: found F64, expected F32"
        );
        assert_eq!(tensors.f32("q").expect_err("missing").to_string(), "a tensor is missing: q");
    }
}
