//! Potentials of a two-valued image from a small TOML file, for denoising under any pairwise model:
//!
//! ```toml
//! [model]
//! kind = "pairwise"                    # p(x | y) ∝ Π psi_i(x_i) Π psi_ij(x_i, x_j); positive numbers
//! psi = [[0.9, 0.1], [0.1, 0.9]]       # [noisy pixel, true pixel], black first; or [height, width, 2], npy
//! psi_right = [[2.0, 1.0], [1.0, 2.0]] # [pixel, its right neighbour]; or [height, width - 1, 2, 2]
//! psi_down = [[2.0, 1.0], [1.0, 2.0]]  # [pixel, the one below]; or [height - 1, width, 2, 2]
//! ```

use std::path::Path;

use super::model_file::model_table;
use super::reader::Reader;
use crate::error::{Error, Reason, Result};
use crate::ising::BinaryImage;
use crate::ising::denoise::ImageTables;

/// The potentials that the file at `path` gives an image whose noisy pixels are those of `noisy`.
///
/// # Errors
/// A file that can't be read, of another kind, with arrays that don't fit the image, or potentials that are
/// not above 0.
pub fn read_image_tables(path: &Path, noisy: &BinaryImage) -> Result<ImageTables> {
    let table = model_table(path)?;
    let reader = Reader { table: &table, path };
    if reader.text("kind")? != "pairwise" {
        return Err(Error::input("not a model of an image")
            .at(reader.place("kind"))
            .found(reader.text("kind")?)
            .expected("\"pairwise\""));
    }
    reader.only(&["kind", "psi", "psi_right", "psi_down"])?;
    let [height, width] = [noisy.height, noisy.width];
    let of_pixel = |pixel: &i8| usize::from(*pixel > 0);
    let psi = reader.any_array("psi")?;
    let psi = if psi.shape == [2, 2] {
        noisy.spins.iter().flat_map(|pixel| psi.values[2 * of_pixel(pixel)..][..2].to_vec()).collect()
    } else {
        shaped(&reader, "psi", psi, &[height, width, 2])?
    };
    let pair = |key: &str, [rows, columns]: [usize; 2]| -> Result<Vec<f64>> {
        let key = if reader.has(key) { key } else { "psi_right" };
        let found = reader.any_array(key)?;
        if found.shape == [2, 2] {
            return Ok(found.values.repeat(rows * columns));
        }
        shaped(&reader, key, found, &[rows, columns, 2, 2])
    };
    let right = pair("psi_right", [height, width - 1])?;
    let down = pair("psi_down", [height - 1, width])?;
    ImageTables::new([height, width], &psi, &right, &down).map_err(|error| {
        let place = reader.place(&error.place);
        error.at(place)
    })
}

fn shaped(reader: &Reader, key: &str, found: crate::data::Array, expected: &[usize]) -> Result<Vec<f64>> {
    if found.shape == expected {
        return Ok(found.values);
    }
    Err(Error::new(Reason::Shape, "the potentials don't match the image")
        .at(reader.place(key))
        .found(format_args!("shape {:?}", found.shape))
        .expected(format_args!("[2, 2] or {expected:?}")))
}
