//! Decodes the numeric types of binary files.

use super::failure::no_memory;
use crate::data::Values;
use crate::error::{Error, Result};
use crate::files::half;

/// The type of the numbers in a binary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Element {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

/// The order of the bytes in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Bytes {
    Little,
    Big,
}

impl Element {
    /// Bytes of one number.
    pub(in crate::data) fn size(self) -> usize {
        match self {
            Element::Bool | Element::U8 | Element::I8 => 1,
            Element::U16 | Element::I16 | Element::F16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// Bytes of one number as it is kept.
    pub(in crate::data) fn width_in_memory(self) -> u64 {
        match self {
            Element::Bool | Element::U8 => 1,
            Element::I8 | Element::U16 | Element::I16 | Element::F16 | Element::F32 => 4,
            Element::U32 | Element::I32 | Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// Room for `count` numbers; none where the system refuses it.
    pub(in crate::data) fn reserve(self, count: u64) -> Option<Values> {
        let count = usize::try_from(count).ok()?;
        Some(match self.width_in_memory() {
            1 => Values::U8(room(count)?),
            4 => Values::F32(room(count)?),
            _ => Values::F64(room(count)?),
        })
    }

    /// Puts the numbers in `bytes`, a whole number of them, behind `values` of this type.
    pub(in crate::data) fn append(self, bytes: &[u8], order: Bytes, values: &mut Values) {
        match (self, values) {
            (_, Values::U8(out)) => out.extend_from_slice(bytes),
            (Element::I8, Values::F32(out)) => each(bytes, order, out, |x| f32::from(i8::from_le_bytes(x))),
            (Element::U16, Values::F32(out)) => each(bytes, order, out, |x| f32::from(u16::from_le_bytes(x))),
            (Element::I16, Values::F32(out)) => each(bytes, order, out, |x| f32::from(i16::from_le_bytes(x))),
            (Element::F16, Values::F32(out)) => {
                each(bytes, order, out, |x| half::from_binary16(u16::from_le_bytes(x)))
            }
            (_, Values::F32(out)) => each(bytes, order, out, f32::from_le_bytes),
            (Element::U32, Values::F64(out)) => each(bytes, order, out, |x| f64::from(u32::from_le_bytes(x))),
            (Element::I32, Values::F64(out)) => each(bytes, order, out, |x| f64::from(i32::from_le_bytes(x))),
            (Element::U64, Values::F64(out)) => each(bytes, order, out, |x| u64::from_le_bytes(x) as f64),
            (Element::I64, Values::F64(out)) => each(bytes, order, out, |x| i64::from_le_bytes(x) as f64),
            (_, Values::F64(out)) => each(bytes, order, out, f64::from_le_bytes),
        }
    }

    /// The numbers in `bytes`, a whole number of them.
    pub(in crate::data) fn decode(self, bytes: Vec<u8>, order: Bytes, place: &str) -> Result<Values> {
        let not_boolean = |i: usize| {
            let error = Error::input("a Boolean that is neither 0 nor 1");
            error.at(format!("{place}, value {i}")).found(bytes[i])
        };
        match self {
            Element::U8 => Ok(Values::U8(bytes)),
            Element::Bool => match bytes.iter().position(|&byte| byte > 1) {
                None => Ok(Values::U8(bytes)),
                Some(i) => Err(not_boolean(i)),
            },
            _ => {
                let count = (bytes.len() / self.size()) as u64;
                let mut values = self.reserve(count).ok_or_else(|| no_memory(place, bytes.len() as u64))?;
                self.append(&bytes, order, &mut values);
                Ok(values)
            }
        }
    }
}

fn room<T>(count: usize) -> Option<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).ok()?;
    Some(values)
}

fn each<const N: usize, T>(bytes: &[u8], order: Bytes, out: &mut Vec<T>, number: impl Fn([u8; N]) -> T) {
    let (chunks, _) = bytes.as_chunks::<N>();
    out.extend(chunks.iter().map(|chunk| {
        let mut little = *chunk;
        if order == Bytes::Big {
            little.reverse();
        }
        number(little)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_decoded() {
        let decode =
            |element: Element, bytes: &[u8], order| element.decode(bytes.to_vec(), order, "t").unwrap();
        assert_eq!(decode(Element::U16, &[1, 2], Bytes::Little), Values::F32(vec![513.0]));
        assert_eq!(decode(Element::U16, &[1, 2], Bytes::Big), Values::F32(vec![258.0]));
        assert_eq!(decode(Element::I32, &(-7i32).to_be_bytes(), Bytes::Big), Values::F64(vec![-7.0]));
        assert_eq!(decode(Element::F64, &1.5f64.to_le_bytes(), Bytes::Little), Values::F64(vec![1.5]));
        assert_eq!(decode(Element::F32, &1.5f32.to_be_bytes(), Bytes::Big), Values::F32(vec![1.5]));
        assert!(Element::Bool.decode(vec![0, 1, 2], Bytes::Little, "t").is_err());
        let halves = [0x3c00u16, 0xc000, 0x7bff, 0x0001, 0x3555, 0x8000].map(u16::to_le_bytes).concat();
        let expected = vec![1.0, -2.0, 65504.0, 2f32.powi(-24), 0.333_251_95, -0.0];
        assert_eq!(decode(Element::F16, &halves, Bytes::Little), Values::F32(expected));
    }
}
