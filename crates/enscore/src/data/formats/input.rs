//! Reads a file or a compressed stream within what it can hold, and knows at which byte it is.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use super::element::{Bytes, Element};
use super::failure::{cannot_read, damaged, no_memory};
use super::gzip::Members;
use crate::data::Values;
use crate::error::{Error, Reason, Result};
use crate::memory::free_memory;

/// Deflate can't expand a byte to more than this many (zlib's technical notes, "maximum compression factor").
pub(in crate::data) const DEFLATE_RATIO: u64 = 1032;
/// The most that is ever read into one data set.
const MOST_BYTES: u64 = 64 << 30;
/// The most text or image bytes taken from a compressed stream, whose size no header states.
const MOST_UNSTATED: u64 = 1 << 30;
/// A compressed file that expands by more than this, beyond [`BOMB_BYTES`], is refused: data doesn't.
const BOMB_RATIO: u64 = 400;
const BOMB_BYTES: u64 = 64 << 20;
/// How much of the start is kept to recognise the format.
const PREFIX: u64 = 1 << 14;
/// Bytes that are converted at a time.
const PIECE: u64 = 1 << 18;

/// A stream of bytes with a place for errors, a position, and a bound on its length.
pub(in crate::data) struct Input<'a> {
    place: String,
    reader: Box<dyn Read + 'a>,
    prefix: Vec<u8>,
    position: u64,
    /// The length, where it is known before reading: that of a plain file.
    exact: Option<u64>,
    /// What the length can't exceed.
    most: u64,
    /// The length before decompression, where it is decompressed.
    packed: Option<u64>,
    /// Bytes of values that memory has room for.
    room: u64,
}

impl Input<'static> {
    /// Opens a file; a gzip file is decompressed on the way.
    pub(in crate::data) fn open(path: &Path) -> Result<Self> {
        let (file, length) = open_file(path)?;
        Input::plain_or_gzip(path.display().to_string(), BufReader::new(file), length)
    }
}

/// Bytes of values that memory has room for: a third of what is free, since a model's rows and what is
/// computed from them need room as well.
pub(in crate::data) fn readable() -> u64 {
    free_memory().map_or(MOST_BYTES, |free| free / 3).min(MOST_BYTES)
}

/// Opens a regular file, with its length.
pub(in crate::data) fn open_file(path: &Path) -> Result<(File, u64)> {
    let failed = |e: io::Error| cannot_read(path, e);
    // A pipe or a device would block or never end, so the kind is checked before opening.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Error::input("not a file").at(path.display()).expected("a regular file"));
    }
    Ok((File::open(path).map_err(failed)?, metadata.len()))
}

impl<'a> Input<'a> {
    /// Bytes in memory, as if they were a file.
    #[cfg(test)]
    pub(in crate::data) fn bytes(place: &str, bytes: &'a [u8]) -> Result<Self> {
        Input::plain_or_gzip(place.to_string(), Cursor::new(bytes), bytes.len() as u64)
    }

    /// An entry of `compressed` bytes in an archive, decompressed by its reader.
    pub(in crate::data) fn entry(place: String, reader: impl Read + 'a, compressed: u64) -> Result<Self> {
        Input::packed(place, reader, compressed)
    }

    fn plain_or_gzip(place: String, mut reader: impl Read + 'a, length: u64) -> Result<Self> {
        let mut magic = Vec::new();
        reader
            .by_ref()
            .take(2)
            .read_to_end(&mut magic)
            .map_err(|e| Error::new(Reason::Unreadable, &e).at(&place).caused_by(e))?;
        let gzip = magic == [0x1f, 0x8b];
        let reader = Cursor::new(magic).chain(reader);
        if gzip {
            return Input::packed(place, Members::new(BufReader::new(reader)), length);
        }
        Input::start(place, reader, Some(length), length, None)
    }

    /// What `length` compressed bytes give.
    fn packed(place: String, reader: impl Read + 'a, length: u64) -> Result<Self> {
        let most = length.saturating_mul(DEFLATE_RATIO).min(MOST_BYTES);
        Input::start(place, reader, None, most, Some(length))
    }

    fn start(
        place: String,
        mut reader: impl Read + 'a,
        exact: Option<u64>,
        most: u64,
        packed: Option<u64>,
    ) -> Result<Self> {
        let mut prefix = Vec::new();
        if let Err(e) = reader.by_ref().take(PREFIX).read_to_end(&mut prefix) {
            return Err(damaged(&place, prefix.len() as u64, e));
        }
        if exact == Some(0) && !prefix.is_empty() {
            return Err(Error::input("a file without a size, as systems offer them")
                .at(place)
                .remedy("copy it to a file first"));
        }
        let reader = Box::new(Cursor::new(prefix.clone()).chain(reader));
        Ok(Input { place, reader, prefix, position: 0, exact, most, packed, room: readable() })
    }

    /// The file's name, for errors.
    pub(in crate::data) fn place(&self) -> &str {
        &self.place
    }

    /// The first kilobytes, after decompression, whatever has been read since.
    pub(in crate::data) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether the bytes are decompressed on the way.
    pub(in crate::data) fn is_compressed(&self) -> bool {
        self.exact.is_none()
    }

    /// Bytes of values that memory has room for ([`readable`]).
    pub(in crate::data) fn room(&self) -> u64 {
        self.room
    }

    /// The next `count` bytes of a header; `count` must be small.
    pub(in crate::data) fn header(&mut self, count: usize) -> Result<Vec<u8>> {
        self.read(count as u64)
    }

    /// All that is left, which a header says is `claimed` bytes.
    ///
    /// The claim is checked against what the file can hold before anything is allocated.
    pub(in crate::data) fn claimed_rest(&mut self, claimed: u64) -> Result<Vec<u8>> {
        self.check_claim(claimed, claimed)?;
        let bytes = self.read(claimed)?;
        self.expect_end(claimed)?;
        Ok(bytes)
    }

    /// All that is left, which a header says is `claimed` bytes of numbers: a whole number of them.
    pub(in crate::data) fn claimed_values(
        &mut self,
        claimed: u64,
        element: Element,
        order: Bytes,
    ) -> Result<Values> {
        if element.size() == 1 {
            let bytes = self.claimed_rest(claimed)?;
            return element.decode(bytes, order, &self.place);
        }
        let count = claimed / element.size() as u64;
        self.check_claim(claimed, count.saturating_mul(element.width_in_memory()))?;
        let mut values = element.reserve(count).ok_or_else(|| no_memory(&self.place, claimed))?;
        let mut left = claimed;
        while left > 0 {
            let piece = self.read(left.min(PIECE))?;
            left -= piece.len() as u64;
            element.append(&piece, order, &mut values);
        }
        self.expect_end(claimed)?;
        Ok(values)
    }

    /// Checks that the file can hold what its header claims, and memory the `kept` bytes of it.
    fn check_claim(&self, claimed: u64, kept: u64) -> Result<()> {
        let size_error = |what: &str, found: String| {
            Error::new(Reason::Damaged, what)
                .at(format!("{}, byte {}", self.place, self.position))
                .found(found)
                .expected(format!("{claimed} bytes of values, as the header says"))
        };
        if let Some(exact) = self.exact {
            let rest = exact.saturating_sub(self.position);
            if rest != claimed {
                let what =
                    if rest < claimed { "a truncated file" } else { "more bytes than the header says" };
                let error =
                    size_error(what, format!("{rest} bytes after the header (file of {exact} bytes)"));
                return Err(error.remedy("get a fresh copy of the file"));
            }
        }
        if self.position.saturating_add(claimed) > self.most.min(MOST_BYTES) {
            return Err(size_error(
                "the header claims more data than the file can hold",
                format!("room for at most {} bytes", self.most.saturating_sub(self.position)),
            )
            .remedy("the file is damaged; get a fresh copy"));
        }
        if let Some(packed) = self.packed.filter(|packed| is_bomb(claimed, *packed)) {
            return Err(Error::input("a compressed file that expands too far")
                .at(&self.place)
                .found(format!("{packed} bytes that become {claimed}"))
                .expected(format!("at most {BOMB_RATIO} times as many"))
                .remedy("if it is meant, decompress it first"));
        }
        if kept > self.room {
            return Err(Error::input("the data is too large for the free memory")
                .at(&self.place)
                .found(format!("{kept} bytes of numbers"))
                .expected(format!("at most {}, a third of what is free", self.room))
                .remedy("use part of the data, or a machine with more memory"));
        }
        Ok(())
    }

    fn expect_end(&mut self, claimed: u64) -> Result<()> {
        if self.read_up_to(1)?.is_empty() {
            return Ok(());
        }
        Err(Error::new(Reason::Damaged, "more bytes than the header says")
            .at(format!("{}, byte {}", self.place, self.position - 1))
            .expected(format!("the end after {claimed} bytes of values")))
    }

    /// All that is left, of a length that no header states.
    pub(in crate::data) fn unclaimed_rest(&mut self) -> Result<Vec<u8>> {
        let limit = self.unstated_limit();
        let bytes = self.read_up_to(limit.saturating_add(1))?;
        if bytes.len() as u64 > limit {
            return Err(too_much(limit).at(&self.place));
        }
        Ok(bytes)
    }

    /// How many bytes may be read where no header states a size.
    fn unstated_limit(&self) -> u64 {
        let most = if self.is_compressed() { MOST_UNSTATED } else { self.most.min(MOST_BYTES) };
        let bomb = self.packed.map_or(u64::MAX, |packed| (packed * BOMB_RATIO).max(BOMB_BYTES));
        most.min(bomb).min(self.room)
    }

    fn read(&mut self, count: u64) -> Result<Vec<u8>> {
        let bytes = self.read_up_to(count)?;
        if (bytes.len() as u64) < count {
            return Err(Error::new(Reason::Damaged, "a truncated file")
                .at(format!("{}, byte {}", self.place, self.position))
                .found("the end")
                .expected(format!("{} bytes more", count - bytes.len() as u64))
                .remedy("get a fresh copy of the file"));
        }
        Ok(bytes)
    }

    fn read_up_to(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let expected = usize::try_from(count.min(self.most)).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(expected).map_err(|_| no_memory(&self.place, expected as u64))?;
        let result = self.reader.by_ref().take(count).read_to_end(&mut bytes);
        self.position += bytes.len() as u64;
        match result {
            Ok(_) => Ok(bytes),
            Err(e) => Err(damaged(&self.place, self.position, e)),
        }
    }
}

/// Streaming, for text: fails where a compressed stream expands beyond the limit.
impl Read for Input<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out)?;
        self.position += read as u64;
        if self.position > self.unstated_limit() {
            return Err(io::Error::other(too_much(self.unstated_limit()).to_string()));
        }
        Ok(read)
    }
}

fn too_much(limit: u64) -> Error {
    Error::input("the data is too large")
        .found(format!("more than {limit} bytes"))
        .remedy("use part of it; decompress a compressed file first")
}

/// Whether so many bytes from so few are an attack rather than data.
fn is_bomb(claimed: u64, packed: u64) -> bool {
    claimed > BOMB_BYTES && claimed > packed.saturating_mul(BOMB_RATIO)
}
