//! Reads the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two label bytes
//! and the planes of red, green and blue, 32 x 32 each.

use super::failure::no_memory;
use super::input::Input;
use crate::data::{Dataset, Scale, Values};
use crate::error::{Error, Reason, Result};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// The records of some files, one after the other, of `label_bytes` labels each, of which the last is kept.
pub(in crate::data) fn read(
    name: &str,
    place: &str,
    files: impl IntoIterator<Item = Result<Input<'static>>>,
    label_bytes: usize,
    classes: Vec<String>,
) -> Result<Dataset> {
    let record = label_bytes + 3 * PLANE;
    let mut pixels: Vec<u8> = Vec::new();
    let mut labels: Vec<u32> = Vec::new();
    for input in files {
        let mut input = input?;
        let bytes = input.unclaimed_rest()?;
        if bytes.is_empty() || bytes.len() % record != 0 {
            return Err(Error::new(Reason::Damaged, "not a whole number of CIFAR records")
                .at(input.place())
                .found(format!("{} bytes", bytes.len()))
                .expected(format!("a multiple of {record}")));
        }
        let room = pixels.try_reserve(bytes.len()).and_then(|()| labels.try_reserve(bytes.len() / record));
        room.map_err(|_| no_memory(place, bytes.len() as u64))?;
        for record in bytes.chunks_exact(record) {
            labels.push(u32::from(record[label_bytes - 1]));
            let planes = &record[label_bytes..];
            pixels.extend((0..PLANE).flat_map(|at| [0, 1, 2].map(|plane| planes[plane * PLANE + at])));
        }
    }
    let data =
        Dataset::new(name, place, &[SIDE, SIDE, 3], Values::U8(pixels))?.with_scale(Scale::quantised(256))?;
    data.with_classes(labels, classes)
}

/// How many label bytes a file of this name has, where it is one of CIFAR's.
pub(in crate::data) fn label_bytes(file: &str) -> Option<usize> {
    match file {
        "train.bin" | "test.bin" => Some(2),
        _ if file.ends_with(".bin") && (file.starts_with("data_batch") || file.starts_with("test_batch")) => {
            Some(1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels_and_the_fine_label_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.bin");
        let planes: Vec<u8> = (0..3 * PLANE).map(|at| (at / PLANE * 80 + at % 5) as u8).collect();
        std::fs::write(&path, [&[4, 2][..], &planes].concat()).unwrap();
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let data = read("t", "t", [Input::open(&path)], 2, names).unwrap();
        assert_eq!((data.row_shape(), data.labels().unwrap()), (&[32, 32, 3][..], &[2][..]));
        let mut first = [0.0; 3 * PLANE];
        data.copy_row_f64(0, &mut first).unwrap();
        let bytes: Vec<f64> = first[..6].iter().map(|value| value * 255.0).collect();
        let expected = [0.0, 84.0, 163.0, 1.0, 80.0, 164.0];
        assert!(bytes.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{bytes:?}");
        assert!(read("t", "t", [Input::open(&path)], 1, Vec::new()).is_err());
    }
}
