//! Two-valued images as spins: PNG (grey, or colours that are all grey) and npy of one image. The smaller of
//! the two values is -1 (black), the greater 1 (white); an image of one value is black if that is 0 or less.

use std::path::Path;

use crate::data::{Dataset, Split, Values, load};
use crate::error::{Error, Reason, Result};

/// An image of spins.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryImage {
    /// `[height, width]`, each -1 (black) or 1 (white), row-major.
    pub spins: Vec<i8>,
    /// Pixels down.
    pub height: usize,
    /// Pixels across.
    pub width: usize,
    /// What black and white are in the file.
    pub levels: [f64; 2],
}

/// Reads a two-valued image from a PNG or npy file.
///
/// An npy file holds one image, `[height, width]` (or with one channel or in a batch of one). With
/// `threshold`, values at it or above it are white and others black, and the image may be grey. It is in the
/// file's own units; for a PNG file one up to 1 is a fraction of full white instead (0.5 is level 127.5 of
/// 255).
///
/// # Errors
/// When the file can't be read, holds no image, has NaN or colours, or is grey without a `threshold`, which
/// names the first pixel that is neither the darkest nor the brightest.
pub fn read_binary_image(path: &Path, threshold: Option<f64>) -> Result<BinaryImage> {
    let place = path.display().to_string();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    if !matches!(ending.as_deref(), Some("png" | "npy")) {
        let error = Error::input("unsupported image format").at(place);
        return Err(error.remedy("save it as .png or .npy"));
    }
    // A name of built-in data that is no file here would be loaded as such.
    if !path.is_file() {
        return Err(Error::new(Reason::Unreadable, "no such file").at(place).remedy("check the path"));
    }
    let data = load(&place, Split::Train)?;
    let [height, width, channels] = image_shape(&data).ok_or_else(|| {
        let rows = data.rows();
        let shape = data.row_shape();
        let error = Error::input("not one image").at(&place).found(format!("{rows} rows of shape {shape:?}"));
        error.expected("[height, width]").remedy("save one image, e.g. numpy.save(path, images[0])")
    })?;
    let values = Grey { values: data.values(), channels, width, place: &place };
    values.check_grey()?;
    // The full level of PNG; an npy file's values mean what they are.
    let full = data.scale().levels.filter(|_| ending.as_deref() == Some("png")).map(|n| f64::from(n) - 1.0);
    let levels = match threshold {
        Some(_) => [0.0, full.unwrap_or(1.0)],
        None => values.two_levels()?,
    };
    let white = match (threshold, full) {
        (Some(part), Some(full)) if part <= 1.0 => part * full,
        (Some(level), _) => level,
        (None, _) => levels[1],
    };
    let spins = (0..height * width).map(|pixel| if values.get(pixel) >= white { 1 } else { -1 }).collect();
    Ok(BinaryImage { spins, height, width, levels })
}

/// `[height, width, channels]` of a single image: rows of a table are its rows.
fn image_shape(data: &Dataset) -> Option<[usize; 3]> {
    match (data.rows(), data.row_shape()) {
        (1, [height, width, channels @ (1 | 3)]) => Some([*height, *width, *channels]),
        (height, [width]) | (height, [width, 1, 1]) => Some([height, *width, 1]),
        _ => None,
    }
}

/// Values of pixels whose channels are equal.
struct Grey<'a> {
    values: &'a Values,
    channels: usize,
    width: usize,
    place: &'a str,
}

impl Grey<'_> {
    fn pixels(&self) -> usize {
        self.values.len() / self.channels
    }

    fn value(&self, index: usize) -> f64 {
        match self.values {
            Values::U8(values) => f64::from(values[index]),
            Values::F32(values) => f64::from(values[index]),
            Values::F64(values) => values[index],
        }
    }

    fn get(&self, pixel: usize) -> f64 {
        self.value(pixel * self.channels)
    }

    fn at(&self, what: &str, pixel: usize) -> Error {
        let place = format!("{}, row {}, column {}", self.place, pixel / self.width, pixel % self.width);
        Error::input(what).at(place)
    }

    fn check_grey(&self) -> Result<()> {
        let coloured = |pixel: &usize| {
            let first = self.get(*pixel);
            (1..self.channels).any(|channel| self.value(pixel * self.channels + channel) != first)
        };
        match (0..self.pixels()).find(coloured) {
            Some(pixel) => {
                let error = self.at("a coloured pixel", pixel).expected("a black and white image");
                Err(error.remedy("convert the image to grey first"))
            }
            None => Ok(()),
        }
    }

    fn two_levels(&self) -> Result<[f64; 2]> {
        let (low, high) = self.values.range();
        let grey = |pixel: &usize| ![low, high].contains(&self.get(*pixel));
        if let Some(pixel) = (0..self.pixels()).find(grey) {
            return Err(self
                .at("a grey pixel", pixel)
                .found(self.get(pixel))
                .expected(format!("only two values, such as {low} and {high}"))
                .remedy("give a threshold T: values of at least T are white"));
        }
        Ok(if low < high {
            [low, high]
        } else if high > 0.0 {
            [0.0, high]
        } else {
            [low, if low < 0.0 { -low } else { 1.0 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{npy_file, png_file};
    use png::{BitDepth, ColorType};

    fn read(name: &str, bytes: &[u8], threshold: Option<f64>) -> Result<BinaryImage> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_binary_image(&path, threshold)
    }

    fn npy_of(shape: &str, values: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        npy_file(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"), &bytes)
    }

    fn grey(size: [u32; 2], samples: &[u8]) -> Vec<u8> {
        png_file(size, ColorType::Grayscale, BitDepth::Eight, samples)
    }

    #[test]
    fn black_is_the_smaller_value() {
        let found = read("a.png", &grey([2, 2], &[0, 255, 255, 0]), None).unwrap();
        assert_eq!(found.spins, [-1, 1, 1, -1]);
        assert_eq!((found.height, found.width, found.levels), (2, 2, [0.0, 255.0]));
        let rgb = png_file([2, 1], ColorType::Rgb, BitDepth::Eight, &[9, 9, 9, 7, 7, 7]);
        assert_eq!(read("a.PNG", &rgb, None).unwrap().spins, [1, -1]);
        for shape in ["(3, 2)", "(1, 3, 2)", "(3, 2, 1)", "(1, 3, 2, 1)"] {
            let found = read("a.npy", &npy_of(shape, &[1.0, -1.0, 1.0, 1.0, 1.0, -1.0]), None).unwrap();
            assert_eq!((found.spins, found.height), (vec![1, -1, 1, 1, 1, -1], 3), "{shape}");
            assert_eq!((found.width, found.levels), (2, [-1.0, 1.0]));
        }
    }

    #[test]
    fn one_value_is_black_or_white_by_its_sign() {
        let of = |value: f32| read("a.npy", &npy_of("(1, 2)", &[value; 2]), None).unwrap();
        assert_eq!((of(0.0).spins, of(0.0).levels), (vec![-1, -1], [0.0, 1.0]));
        assert_eq!((of(-1.0).spins, of(-1.0).levels), (vec![-1, -1], [-1.0, 1.0]));
        assert_eq!((of(1.0).spins, of(1.0).levels), (vec![1, 1], [0.0, 1.0]));
    }

    #[test]
    fn grey_needs_a_threshold() {
        let png = grey([3, 2], &[0, 255, 255, 0, 100, 128]);
        let error = read("a.png", &png, None).unwrap_err().to_string();
        assert!(error.contains("row 1, column 1: found 100") && error.contains("threshold"), "{error}");
        let spins = |threshold| read("a.png", &png, Some(threshold)).unwrap().spins;
        assert_eq!((spins(128.0), spins(0.5)), (vec![-1, 1, 1, -1, -1, 1], vec![-1, 1, 1, -1, -1, 1]));
        assert_eq!((spins(100.0), spins(1.0)), (vec![-1, 1, 1, -1, 1, 1], vec![-1, 1, 1, -1, -1, -1]));
        let values = npy_of("(1, 3)", &[0.2, 0.5, 7.0]);
        assert_eq!(read("a.npy", &values, Some(0.5)).unwrap().spins, [-1, 1, 1]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let message = |name: &str, bytes: &[u8]| read(name, bytes, None).unwrap_err().to_string();
        assert!(message("a.npy", &npy_of("(2, 3, 2)", &[1.0; 12])).contains("not one image"));
        assert!(message("a.npy", &npy_of("(1, 2)", &[1.0, f32::NAN])).contains("NaN"));
        assert!(message("a.npy", &npy_of("(0, 2)", &[])).contains("empty"));
        assert!(message("a.csv", b"1,0\n").contains(".png or .npy"));
        let rgb = png_file([2, 1], ColorType::Rgb, BitDepth::Eight, &[9, 9, 9, 7, 7, 8]);
        assert!(message("a.png", &rgb).contains("row 0, column 1"));
        assert!(
            read_binary_image(Path::new("no/such.png"), None).unwrap_err().to_string().contains("no such")
        );
    }
}
