//! Reads numpy's npy format (NEP 1): magic, version, a header that is a Python dictionary, then the values.
//!
//! The header is parsed here, as the three keys that numpy writes and nothing else, so that a hostile one
//! meets no general parser. Arrays of Python objects are pickles, which run code when read: they are refused.

use crate::data::formats::element::{Bytes, Element};
use crate::data::formats::failure::{no_memory, short};
use crate::data::formats::input::Input;
use crate::data::formats::tensor::Layout;
use crate::data::reading::Reading;
use crate::data::{Dataset, Values};
use crate::error::{Error, Reason, Result};

/// The longest header that is read; numpy itself refuses more than 10,000 characters.
const LONGEST_HEADER: usize = 1 << 16;

/// Whether a file that starts so is npy.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"\x93NUMPY")
}

/// Reads rows: vectors or images.
pub(in crate::data) fn read(name: &str, mut input: Input, reading: &Reading) -> Result<Dataset> {
    let header = read_header(&mut input)?;
    let layout = Layout::new(&header.shape, header.element, input.place())?;
    let values = header.values(&mut input, layout.bytes)?;
    layout.dataset(name, input.place(), values, reading)
}

/// Reads an array of any number of axes: its extents, and its values row-major.
pub(in crate::data) fn read_values(mut input: Input) -> Result<(Vec<usize>, Values)> {
    let header = read_header(&mut input)?;
    let Header { element, shape, .. } = &header;
    let claimed = shape.iter().try_fold(element.size() as u64, |product, &d| product.checked_mul(d));
    let extents: Option<Vec<usize>> = shape.iter().map(|&d| usize::try_from(d).ok()).collect();
    let (Some(claimed), Some(extents)) = (claimed.filter(|&c| c < 1 << 63), extents) else {
        return Err(Error::input("the array is too large")
            .at(input.place())
            .found(format!("shape {shape:?}"))
            .expected("fewer than 2^63 bytes"));
    };
    Ok((extents, header.values(&mut input, claimed)?))
}

#[derive(Debug, PartialEq)]
struct Header {
    element: Element,
    order: Bytes,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    /// The values behind the header, last index fastest.
    fn values(&self, input: &mut Input, claimed: u64) -> Result<Values> {
        if !self.fortran_order {
            return input.claimed_values(claimed, self.element, self.order);
        }
        let bytes = input.claimed_rest(claimed)?;
        let bytes = to_c_order(&bytes, &self.shape, self.element.size());
        let bytes = bytes.ok_or_else(|| no_memory(input.place(), claimed))?;
        self.element.decode(bytes, self.order, input.place())
    }
}

fn read_header(input: &mut Input) -> Result<Header> {
    let start = input.header(8)?;
    let place = input.place().to_string();
    if !recognises(&start) {
        return Err(Error::new(Reason::Damaged, "not an npy file")
            .at(place)
            .expected("the bytes 93 'NUMPY' at its start"));
    }
    let length = match start[6] {
        1 => {
            let bytes = input.header(2)?;
            usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))
        }
        2 | 3 => {
            let bytes = input.header(4)?;
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
        }
        version => {
            return Err(Error::input("an unknown npy version")
                .at(format!("{place}, byte 6"))
                .found(version)
                .expected("1, 2 or 3")
                .remedy("save it again with numpy.save"));
        }
    };
    if length > LONGEST_HEADER {
        return Err(Error::input("the npy header is too long")
            .at(format!("{place}, byte 8"))
            .found(format!("{length} bytes"))
            .expected(format!("at most {LONGEST_HEADER}")));
    }
    let text = input.header(length)?;
    Parser { text: &text, at: 0 }.header().map_err(|e| {
        let place = if e.place.is_empty() { place } else { format!("{place}, {}", e.place) };
        e.at(place)
    })
}

/// Reads the dictionary literal of a header.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn header(&mut self) -> Result<Header> {
        let mut dtype = None;
        let mut fortran = None;
        let mut shape = None;
        self.expect(b'{')?;
        while !self.accept(b'}') {
            match self.string()?.as_str() {
                "descr" => {
                    self.expect(b':')?;
                    dtype = Some(self.dtype()?);
                }
                "fortran_order" => {
                    self.expect(b':')?;
                    fortran = Some(self.boolean()?);
                }
                "shape" => {
                    self.expect(b':')?;
                    shape = Some(self.tuple()?);
                }
                other => {
                    return Err(self.error("'descr', 'fortran_order' or 'shape'").found(short(other)));
                }
            }
            if !self.accept(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        match (dtype, fortran, shape) {
            (Some((element, order)), Some(fortran_order), Some(shape)) => {
                Ok(Header { element, order, fortran_order, shape })
            }
            _ => Err(self.error("the keys 'descr', 'fortran_order' and 'shape'")),
        }
    }

    fn error(&self, expected: &str) -> Error {
        Error::new(Reason::Damaged, "a damaged npy header")
            .at(format!("character {} of the header", self.at))
            .expected(expected)
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.accept(byte) { Ok(()) } else { Err(self.error(&format!("'{}'", byte as char))) }
    }

    fn string(&mut self) -> Result<String> {
        let quote = match self.peek() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return Err(self.error("a quoted string")),
        };
        self.at += 1;
        let rest = &self.text[self.at..];
        let Some(length) = rest.iter().position(|&b| b == quote) else {
            return Err(self.error("the end of a string"));
        };
        self.at += length + 1;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn boolean(&mut self) -> Result<bool> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<u64>> {
        let mut sizes = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            let mut digits = String::new();
            self.peek();
            while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
                digits.push(*digit as char);
                self.at += 1;
            }
            // Python 2 wrote long integers with an L.
            self.accept(b'L');
            sizes.push(digits.parse().map_err(|_| self.error("a size below 2^64"))?);
            if !self.accept(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(sizes)
    }

    fn dtype(&mut self) -> Result<(Element, Bytes)> {
        if self.peek() == Some(b'[') {
            return Err(Error::input("an array of structures")
                .expected("an array of one numeric type")
                .remedy("save each field as a separate array"));
        }
        let text = self.string()?;
        let (order, kind) = match text.split_at_checked(1) {
            Some(("<", kind)) => (Bytes::Little, kind),
            Some((">", kind)) => (Bytes::Big, kind),
            Some(("|", kind)) => (Bytes::Little, kind),
            Some(("=", kind)) => (if cfg!(target_endian = "big") { Bytes::Big } else { Bytes::Little }, kind),
            _ => return Err(self.error("a type such as '<f4'").found(short(&text))),
        };
        let element = match kind {
            "b1" => Element::Bool,
            "u1" => Element::U8,
            "i1" => Element::I8,
            "u2" => Element::U16,
            "i2" => Element::I16,
            "u4" => Element::U32,
            "i4" => Element::I32,
            "u8" => Element::U64,
            "i8" => Element::I64,
            "f2" => Element::F16,
            "f4" => Element::F32,
            "f8" => Element::F64,
            _ if kind.starts_with('O') => {
                return Err(Error::input(
                    "an array of Python objects is a pickle, which would run code when read",
                )
                .found(short(&text))
                .expected("numbers")
                .remedy("save it again as numbers: numpy.save(path, array.astype('float32'))"));
            }
            _ if kind.starts_with('c') => {
                return Err(Error::input("an array of complex numbers")
                    .found(short(&text))
                    .expected("real numbers")
                    .remedy("save the real part, or real and imaginary part as columns"));
            }
            _ => {
                return Err(Error::input("an array of an unsupported type")
                    .found(short(&text))
                    .expected("Booleans, integers, or floats of 2, 4 or 8 bytes")
                    .remedy("save it again with astype('float32')"));
            }
        };
        Ok((element, order))
    }
}

/// The elements of an array stored first index fastest, last index fastest; none without memory.
fn to_c_order(bytes: &[u8], shape: &[u64], size: usize) -> Option<Vec<u8>> {
    let shape: Vec<usize> = shape.iter().map(|&d| d as usize).collect();
    let strides: Vec<usize> = shape
        .iter()
        .scan(size, |stride, &d| {
            let own = *stride;
            *stride *= d;
            Some(own)
        })
        .collect();
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len()).ok()?;
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    while out.len() < bytes.len() {
        out.extend_from_slice(&bytes[from..from + size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    Some(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An npy file of version 1 with this header and these values.
    pub(crate) fn file(header: &str, values: &[u8]) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values);
        file
    }

    fn parse(header: &str, values: &[u8]) -> Result<Dataset> {
        read("t", Input::bytes("t.npy", &file(header, values))?, &Reading::default())
    }

    #[test]
    fn c_and_fortran_order_give_the_same_rows() {
        let c = parse("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", &[1, 2, 3, 4, 5, 6])
            .unwrap();
        assert_eq!((c.rows(), c.row_shape()), (2, &[3][..]));
        let f =
            parse("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!(c.fingerprint(), f.fingerprint());
        let images: Vec<u8> = (0..24).collect();
        let mut fortran = vec![0; 24];
        for (i, &value) in images.iter().enumerate() {
            let n = i / 12;
            let h = i / 4 % 3;
            let w = i % 4;
            fortran[n + 2 * h + 6 * w] = value;
        }
        let c = parse("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4)}", &images).unwrap();
        let f = parse("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}", &fortran).unwrap();
        assert_eq!((c.row_shape(), c.values()), (f.row_shape(), f.values()));
    }

    #[test]
    fn every_numeric_type_and_byte_order_is_read() {
        for (descr, bytes, expected) in [
            ("<f4", (-2.5f32).to_le_bytes().to_vec(), -2.5),
            (">f8", (-2.5f64).to_be_bytes().to_vec(), -2.5),
            (">i2", (-3i16).to_be_bytes().to_vec(), -3.0),
            ("<i8", (-3i64).to_le_bytes().to_vec(), -3.0),
            ("<u4", 7u32.to_le_bytes().to_vec(), 7.0),
            ("|b1", vec![1], 1.0),
            ("|i1", vec![0xff], -1.0),
        ] {
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1L, 1L)}}");
            let data = parse(&header, &bytes).unwrap_or_else(|e| panic!("{descr}: {e}"));
            assert_eq!(data.values().range().0, expected, "{descr}");
        }
    }

    #[test]
    fn pickles_and_other_types_are_refused_with_the_reason() {
        let refuse = |descr: &str| {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1, 1)}}");
            parse(&header, &[0; 8]).unwrap_err().to_string()
        };
        assert!(refuse("'|O'").contains("would run code"));
        assert!(refuse("'<c8'").contains("'<c8'"));
        assert!(refuse("'<f3'").contains("astype"));
        assert!(refuse("[('a', '<f4')]").contains("structures"));
        assert!(refuse("'é'").contains("a type such as"));
    }

    #[test]
    fn damaged_headers_are_refused() {
        let good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}";
        for length in 0..good.len() {
            assert!(parse(&good[..length], &[0; 6]).is_err(), "{length}");
        }
        let huge = good.replace("(2, 3)", "(99999999999999999999, 3)");
        assert!(parse(&huge, &[0; 6]).is_err());
        let overflowing = good.replace("(2, 3)", "(18446744073709551615, 3)");
        assert!(parse(&overflowing, &[0; 6]).is_err());
        let claims = parse(&good.replace("(2, 3)", "(1099511627776, 3)"), &[0; 6]).unwrap_err().to_string();
        assert!(claims.contains("3298534883328 bytes"), "{claims}");
        assert!(parse(good, &[0; 5]).is_err() && parse(good, &[0; 7]).is_err());
    }

    #[test]
    fn not_a_number_is_refused_with_its_row() {
        let values: Vec<u8> = [1.0f32, 2.0, f32::NAN, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let error = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", &values).unwrap_err();
        assert!(error.to_string().contains("t.npy, row 1, value 0"), "{error}");
    }
}
