//! Serves the bundled data: 1,797 grey 8x8 digits with levels 0 to 16.

use std::io::Read;

use flate2::read::GzDecoder;

use super::split::Split;
use super::{Dataset, Scale, Values};
use crate::error::{Error, Result};

const IMAGES: &[u8] = include_bytes!("../../data/digits8x8-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../data/digits8x8-labels-idx1-ubyte.gz");
/// The IDX headers of the two files: sixteen and eight bytes.
const HEADERS: [usize; 2] = [16, 8];
const PIXELS: usize = 64;
/// Rows before this one are the training split, the others the test split.
pub(super) const FIRST_TEST_ROW: usize = 1500;

/// All 1,797 bundled digits (UCI optdigits in scikit-learn's order, CC BY 4.0), of shape [8, 8, 1], with
/// labels.
///
/// # Errors
/// Never with an intact build; the bundled bytes are decompressed like any others.
pub fn digits() -> Result<Dataset> {
    rows(0, usize::MAX)
}

/// The first 1,500 digits for training, or the other 297 for testing.
pub(super) fn split(split: Split) -> Result<Dataset> {
    match split {
        Split::Train => rows(0, FIRST_TEST_ROW),
        Split::Test => rows(FIRST_TEST_ROW, usize::MAX),
    }
}

fn rows(start: usize, end: usize) -> Result<Dataset> {
    let images = unpack(IMAGES, HEADERS[0])?;
    let labels = unpack(LABELS, HEADERS[1])?;
    let part = |bytes: &[u8], width: usize| {
        let end = end.saturating_mul(width).min(bytes.len());
        bytes.get(start * width..end).map(<[u8]>::to_vec).unwrap_or_default()
    };
    let source = "bundled: UCI optdigits, CC BY 4.0, from scikit-learn's copy";
    Dataset::new("digits", source, &[8, 8, 1], Values::U8(part(&images, PIXELS)))?
        .with_scale(Scale::quantised(17))?
        .with_labels(part(&labels, 1).into_iter().map(u32::from).collect())
}

fn unpack(compressed: &[u8], header: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match GzDecoder::new(compressed).read_to_end(&mut bytes) {
        Ok(length) if length > header => Ok(bytes.split_off(header)),
        _ => Err(Error::run("the bundled digits are damaged").remedy("reinstall enscore")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_all_there() {
        let all = digits().unwrap();
        assert_eq!((all.rows(), all.row_shape()), (1797, &[8, 8, 1][..]));
        assert_eq!(all.values().range(), (0.0, 16.0));
        let Values::U8(pixels) = all.values() else { panic!("not bytes") };
        // The first row of the first image, a 0, as scikit-learn's documentation prints it.
        assert_eq!(pixels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!(all.labels().unwrap()[..4], [0, 1, 2, 3]);
        let mut row = [0.0; 64];
        all.copy_row(0, &mut row).unwrap();
        assert_eq!(row[3], 13.0 / 16.0);
    }

    #[test]
    fn the_splits_are_disjoint_parts_of_the_whole() {
        let all = digits().unwrap();
        let train = split(Split::Train).unwrap();
        let test = split(Split::Test).unwrap();
        assert_eq!((train.rows(), test.rows()), (1500, 297));
        let pixels = |data: &Dataset| match data.values() {
            Values::U8(v) => v.clone(),
            _ => Vec::new(),
        };
        assert_eq!([pixels(&train), pixels(&test)].concat(), pixels(&all));
        assert_eq!([train.labels().unwrap(), test.labels().unwrap()].concat(), all.labels().unwrap());
    }
}
