//! Decodes the numeric types of binary files.

use super::input::no_memory;
use crate::data::Values;
use crate::error::{Error, Result};

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
            Element::U16 | Element::I16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// The numbers in `bytes`, a whole number of them.
    pub(in crate::data) fn decode(self, bytes: Vec<u8>, order: Bytes, place: &str) -> Result<Values> {
        let b = &bytes;
        Ok(match self {
            Element::U8 => Values::U8(bytes),
            Element::Bool => match bytes.iter().position(|&byte| byte > 1) {
                None => Values::U8(bytes),
                Some(i) => {
                    return Err(Error::input("a Boolean that is neither 0 nor 1")
                        .at(format!("{place}, value {i}"))
                        .found(bytes[i]));
                }
            },
            Element::I8 => Values::F32(convert(b, order, place, |x| f32::from(i8::from_le_bytes(x)))?),
            Element::U16 => Values::F32(convert(b, order, place, |x| f32::from(u16::from_le_bytes(x)))?),
            Element::I16 => Values::F32(convert(b, order, place, |x| f32::from(i16::from_le_bytes(x)))?),
            Element::U32 => Values::F64(convert(b, order, place, |x| f64::from(u32::from_le_bytes(x)))?),
            Element::I32 => Values::F64(convert(b, order, place, |x| f64::from(i32::from_le_bytes(x)))?),
            Element::U64 => Values::F64(convert(b, order, place, |x| u64::from_le_bytes(x) as f64)?),
            Element::I64 => Values::F64(convert(b, order, place, |x| i64::from_le_bytes(x) as f64)?),
            Element::F32 => Values::F32(convert(b, order, place, f32::from_le_bytes)?),
            Element::F64 => Values::F64(convert(b, order, place, f64::from_le_bytes)?),
        })
    }
}

fn convert<const N: usize, T>(
    bytes: &[u8],
    order: Bytes,
    place: &str,
    number: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>> {
    let (chunks, _) = bytes.as_chunks::<N>();
    let mut values = Vec::new();
    values.try_reserve_exact(chunks.len()).map_err(|_| no_memory(place, bytes.len() as u64))?;
    values.extend(chunks.iter().map(|chunk| {
        let mut little = *chunk;
        if order == Bytes::Big {
            little.reverse();
        }
        number(little)
    }));
    Ok(values)
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
    }
}
