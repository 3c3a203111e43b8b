//! `--format`: what pictures are written as.

use clap::ValueEnum;
use enscore::report::PictureFormat;

/// The formats of pictures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Png,
    Svg,
    Pdf,
}

impl From<Format> for PictureFormat {
    fn from(format: Format) -> PictureFormat {
        match format {
            Format::Png => PictureFormat::Png,
            Format::Svg => PictureFormat::Svg,
            Format::Pdf => PictureFormat::Pdf,
        }
    }
}
