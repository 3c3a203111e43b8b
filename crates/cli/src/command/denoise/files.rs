//! The images that denoising reads and writes.

use std::path::Path;

use enscore::files::write_bytes_atomically;
use enscore::ising::{BinaryImage, read_binary_image};
use enscore::report::{Image, png, table};
use enscore::{Error, Result};

use crate::args::Denoise;

/// Black and white in files where the input has no levels of 8 bits.
const BLACK_AND_WHITE: [u8; 2] = [0, 255];

pub(super) fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

pub(super) fn truth(arguments: &Denoise, noisy: &BinaryImage) -> Result<Option<BinaryImage>> {
    let Some(path) = &arguments.truth else { return Ok(None) };
    let truth = read_binary_image(path, arguments.threshold)?;
    if [truth.height, truth.width] != [noisy.height, noisy.width] {
        return Err(Error::input("the truth and the image differ in size")
            .at(path.display())
            .found(format!("{} x {} pixels", truth.width, truth.height))
            .expected(format!("{} x {}", noisy.width, noisy.height)));
    }
    Ok(Some(truth))
}

/// The image in the values that the input has; as PNG, black and white if those are no levels of a PNG.
pub(super) fn write(out: &Path, arguments: &Denoise, noisy: &BinaryImage, spins: &[i8]) -> Result<()> {
    if is(out, "npy") {
        let values: Vec<f32> = spins.iter().map(|spin| noisy.levels[usize::from(*spin > 0)] as f32).collect();
        return write_bytes_atomically(out, &table::npy(&values, &[noisy.width])?);
    }
    let own = is(&arguments.input, "png") && noisy.levels.iter().all(|level| *level <= 255.0);
    let levels = if own { noisy.levels.map(|level| level as u8) } else { BLACK_AND_WHITE };
    let pixels = spins.iter().map(|spin| levels[usize::from(*spin > 0)]).collect();
    png::write(out, &Image { width: noisy.width, height: noisy.height, channels: 1, pixels })
}

pub(super) fn write_marginals(path: &Path, noisy: &BinaryImage, means: &[f64]) -> Result<()> {
    if is(path, "npy") {
        let values: Vec<f32> = means.iter().map(|mean| *mean as f32).collect();
        return write_bytes_atomically(path, &table::npy(&values, &[noisy.width])?);
    }
    let white: Vec<f32> = means.iter().map(|mean| (0.5 + 0.5 * mean) as f32).collect();
    png::write(path, &Image::from_unit(&white, [noisy.height, noisy.width, 1])?)
}
