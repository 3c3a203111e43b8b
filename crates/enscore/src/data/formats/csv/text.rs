//! The text of a file as UTF-8 or Latin-1, whatever marks it starts with.

use std::io::{self, Cursor, Read};

use crate::data::formats::input::Input;
use crate::error::{Error, Reason, Result};

/// The mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A text, without a byte-order mark.
pub(super) struct Utf8<'a> {
    prefix: Vec<u8>,
    reader: Box<dyn Read + 'a>,
    /// Whether the last byte read is a carriage return that is not yet handed on.
    held: bool,
}

impl<'a> Utf8<'a> {
    /// The text of a file in UTF-8, Latin-1, or UTF-16 with its mark.
    pub(super) fn new(mut input: Input<'a>) -> Result<Utf8<'a>> {
        let place = input.place().to_string();
        let little = match input.prefix() {
            [0xff, 0xfe, ..] => Some(true),
            [0xfe, 0xff, ..] => Some(false),
            _ => None,
        };
        let Some(little) = little else {
            let mut prefix = input.prefix().to_vec();
            if prefix.starts_with(MARK) {
                input.header(MARK.len())?;
                prefix.drain(..MARK.len());
            }
            return Ok(Utf8 { prefix, reader: Box::new(input), held: false });
        };
        let bytes = input.unclaimed_rest()?;
        let (pairs, odd) = bytes[2..].as_chunks::<2>();
        let units = pairs
            .iter()
            .map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
        let text: std::result::Result<String, _> = char::decode_utf16(units).collect();
        match text {
            Ok(text) if odd.is_empty() => {
                let bytes = text.into_bytes();
                let prefix = bytes[..bytes.len().min(1 << 14)].to_vec();
                Ok(Utf8 { prefix, reader: Box::new(Cursor::new(bytes)), held: false })
            }
            _ => Err(Error::new(Reason::Damaged, "a damaged text in UTF-16")
                .at(place)
                .remedy("save it in UTF-8")),
        }
    }

    /// The first kilobytes.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}

/// Lines end with a line feed alone: the reader of tables counts a carriage return before it as a line.
impl Read for Utf8<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let start = usize::from(self.held);
            if out.len() <= start {
                return Ok(0);
            }
            out[0] = b'\r';
            let count = self.reader.read(&mut out[start..])?;
            let at_end = count == 0;
            let mut end = start + count;
            self.held = !at_end && out[end - 1] == b'\r';
            end -= usize::from(self.held);
            if !out[..end].contains(&b'\r') {
                if end > 0 || at_end {
                    return Ok(end);
                }
                continue;
            }
            let mut kept = 0;
            for i in 0..end {
                if out[i] != b'\r' || out[..end].get(i + 1) != Some(&b'\n') {
                    out[kept] = out[i];
                    kept += 1;
                }
            }
            return Ok(kept);
        }
    }
}
