//! Reads the IDX format of MNIST: two zero bytes, a type, the number of dimensions, big-endian sizes, then
//! the values.

use super::element::{Bytes, Element};
use super::input::Input;
use super::tensor::Layout;
use crate::data::Dataset;
use crate::data::reading::Reading;
use crate::error::{Error, Reason, Result};

/// Whether a file that starts so is IDX.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    matches!(prefix, [0, 0, kind, 1..=u8::MAX, ..] if element(*kind).is_some())
}

fn element(kind: u8) -> Option<Element> {
    Some(match kind {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0B => Element::I16,
        0x0C => Element::I32,
        0x0D => Element::F32,
        0x0E => Element::F64,
        _ => return None,
    })
}

/// The type and the sizes.
fn header(input: &mut Input) -> Result<(Element, Vec<u64>)> {
    let magic = input.header(4)?;
    let place = input.place().to_string();
    let Some(element) = element(magic[2]).filter(|_| magic[0] == 0 && magic[1] == 0) else {
        return Err(Error::new(Reason::Damaged, "not an IDX file")
            .at(format!("{place}, byte 0"))
            .found(format!("{:02x} {:02x} {:02x} {:02x}", magic[0], magic[1], magic[2], magic[3]))
            .expected("00 00, a type (08, 09, 0b, 0c, 0d or 0e) and the number of dimensions"));
    };
    if !(1..=4).contains(&magic[3]) {
        return Err(Error::input("an IDX file with an unsupported number of dimensions")
            .at(format!("{place}, byte 3"))
            .found(magic[3])
            .expected("1 to 4"));
    }
    let sizes = input.header(4 * usize::from(magic[3]))?;
    let (sizes, _) = sizes.as_chunks::<4>();
    Ok((element, sizes.iter().map(|&size| u64::from(u32::from_be_bytes(size))).collect()))
}

/// Reads rows: vectors or images.
pub(in crate::data) fn read(name: &str, mut input: Input, reading: &Reading) -> Result<Dataset> {
    let (element, dims) = header(&mut input)?;
    if dims.len() == 1 {
        return Err(Error::input("an IDX file of labels, not of rows")
            .at(input.place())
            .found(format!("one dimension of {}", dims[0]))
            .remedy("name the image file; the labels next to it are found automatically"));
    }
    let layout = Layout::new(&dims, element, input.place())?;
    let values = input.claimed_values(layout.bytes, element, Bytes::Big)?;
    layout.dataset(name, input.place(), values, reading)
}

/// Reads labels: one number per row; of several numbers per row, as QMNIST has them, the first.
pub(in crate::data) fn read_labels(mut input: Input) -> Result<Vec<u32>> {
    let (element, dims) = header(&mut input)?;
    let refused = |found: String| {
        Error::new(Reason::Damaged, "not an IDX file of labels")
            .found(found)
            .expected("whole numbers from 0, one per row")
    };
    let (rows, columns) = match dims[..] {
        [rows] => (rows, 1),
        [rows, columns] if columns > 0 => (rows, columns),
        _ => return Err(refused(format!("{element:?} of sizes {dims:?}")).at(input.place())),
    };
    let bytes = rows.saturating_mul(columns).saturating_mul(element.size() as u64);
    let values = input.claimed_values(bytes, element, Bytes::Big)?;
    let label = |row: u64| {
        let value = values.get((row * columns) as usize);
        let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
        fits.then_some(value as u32)
            .ok_or_else(|| refused(value.to_string()).at(format!("{}, row {row}", input.place())))
    };
    (0..rows).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scale, Values};

    fn parse(bytes: &[u8]) -> Result<Dataset> {
        read("t", Input::bytes("t.idx", bytes)?, &Reading::default())
    }

    fn images() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];
        file.extend([0, 1, 2, 3, 4, 255]);
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_compressed_files_give_the_same_rows() {
        let plain = parse(&images()).unwrap();
        assert_eq!(
            (plain.rows(), plain.row_shape(), plain.scale()),
            (2, &[1, 3, 1][..], Scale::quantised(256))
        );
        assert_eq!(plain.values(), &Values::U8(vec![0, 1, 2, 3, 4, 255]));
        assert_eq!(parse(&gzip(&images())).unwrap().fingerprint(), plain.fingerprint());
    }

    #[test]
    fn numbers_are_big_endian() {
        let mut file = vec![0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        file.extend([1, 0, 0xff, 0xff]);
        assert_eq!(parse(&file).unwrap().values(), &Values::F32(vec![256.0, -1.0]));
    }

    #[test]
    fn sizes_that_the_file_does_not_have_are_refused_with_both_figures() {
        let mut huge = images();
        huge[4..16].fill(0xff);
        let error = parse(&huge).unwrap_err().to_string();
        assert!(error.contains("too large") || error.contains("claims"), "{error}");
        let mut large = images();
        large[4..8].copy_from_slice(&[0x40, 0, 0, 0]);
        let error = parse(&large).unwrap_err().to_string();
        assert!(error.contains("3221225472 bytes of values") && error.contains("6 bytes after"), "{error}");
        let error = parse(&gzip(&large)).unwrap_err().to_string();
        assert!(error.contains("3221225472") && error.contains("room for at most"), "{error}");
    }

    #[test]
    fn truncated_long_and_empty_files_are_refused_with_the_byte() {
        for length in 0..images().len() {
            assert!(parse(&images()[..length]).is_err(), "plain, {length}");
            assert!(parse(&gzip(&images()[..length])).is_err(), "compressed, {length}");
        }
        let error = parse(&gzip(&images()[..20])).unwrap_err().to_string();
        assert!(error.contains("truncated") && error.contains("byte 20"), "{error}");
        let long = [images(), vec![1]].concat();
        assert!(parse(&long).is_err() && parse(&gzip(&long)).is_err());
        let mut empty = images();
        empty[7] = 0;
        assert!(parse(&empty).unwrap_err().to_string().contains("empty"));
        let compressed = gzip(&images());
        for length in 0..compressed.len() {
            assert!(parse(&compressed[..length]).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn labels_are_told_from_rows() {
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
        assert!(parse(&labels).unwrap_err().to_string().contains("labels"));
        assert_eq!(read_labels(Input::bytes("l", &labels).unwrap()).unwrap(), [7, 9]);
        assert!(read_labels(Input::bytes("l", &images()).unwrap()).is_err());
    }
}
