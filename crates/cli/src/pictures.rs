//! Files that samples are written to: their formats, and the sheets of pictures.

use std::path::Path;

use enscore::report::{Image, PictureFormat, sheet};
use enscore::{Error, Reason, Result};

/// Images are enlarged as long as a sheet stays below this many pixels.
const SHEET_WIDTH: usize = 2000;

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Picture(PictureFormat),
    Npy,
    Csv,
}

impl Format {
    pub(crate) fn of(path: &Path) -> Result<Format> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("png") => Ok(Format::Picture(PictureFormat::Png)),
            Some("svg") => Ok(Format::Picture(PictureFormat::Svg)),
            Some("pdf") => Ok(Format::Picture(PictureFormat::Pdf)),
            Some("npy") => Ok(Format::Npy),
            Some("csv") => Ok(Format::Csv),
            _ => Err(Error::input("unsupported sample format")
                .at(path.display())
                .expected("a file name ending in .png, .svg, .pdf, .npy or .csv")),
        }
    }

    /// The ending of its files' names.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Format::Picture(format) => format.ending(),
            Format::Npy => "npy",
            Format::Csv => "csv",
        }
    }
}

/// Creates a folder for output, where it isn't there.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|reason| {
        Error::new(Reason::Unwritable, "can't create the folder")
            .at(folder.display())
            .found_error(reason)
            .remedy("choose another --out")
    })
}

pub(crate) fn refuse_missing_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() && !path.is_dir() {
        return Ok(());
    }
    let what = if path.is_dir() { "the output is a folder, not a file" } else { "no such folder" };
    let place = if path.is_dir() { path } else { folder };
    Err(Error::input(what).at(place.display()).remedy("create the folder, or name another file"))
}

/// The first `count` of `rows` on one sheet, which is as high as wide from its square on. Images of black and
/// white alone lie on grey.
pub(crate) fn sheet_of(rows: &[f32], shape: [usize; 3], count: usize) -> Result<Image> {
    let square = sheet::COLUMNS * sheet::COLUMNS;
    let columns = if count <= square { sheet::COLUMNS } else { count.isqrt() };
    let scale = enlargement(shape, columns);
    if rows.iter().all(|value| *value == 0.0 || *value == 1.0) {
        return sheet::sheet_between(rows, shape, columns, scale, sheet::GAP, sheet::GREY);
    }
    sheet::sheet(rows, shape, columns, scale, sheet::GAP)
}

/// How much images are enlarged of which `columns` lie side by side.
pub(crate) fn enlargement(shape: [usize; 3], columns: usize) -> usize {
    let [_, width, _] = shape;
    sheet::enlargement(shape).min(SHEET_WIDTH / (columns * width).max(1)).max(1)
}
