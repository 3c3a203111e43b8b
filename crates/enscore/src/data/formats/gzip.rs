//! Decompresses gzip files of one or several members; what follows the last is left alone, as gunzip does.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The members of a gzip file, one after the other.
pub(super) struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    /// The members of a file that starts with one.
    pub(super) fn new(reader: R) -> Self {
        Members { member: Some(GzDecoder::new(reader)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let count = member.read(out)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { return Ok(0) };
            if rest.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        Members::new(file).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn all_members_are_read_and_what_follows_them_is_not() {
        let two = [gzip(b"one"), gzip(b"two")].concat();
        assert_eq!(read(&two).unwrap(), b"onetwo");
        assert_eq!(read(&[&two[..], &[0; 9]].concat()).unwrap(), b"onetwo");
        assert_eq!(read(&[&two[..], b"garbage"].concat()).unwrap(), b"onetwo");
        assert!(read(&two[..two.len() - 4]).is_err());
    }
}
