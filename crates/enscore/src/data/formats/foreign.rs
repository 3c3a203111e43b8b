//! Names what is no data: formats that aren't read, with the way to one that is, and files that only bear a
//! data file's name.

use super::READABLE;
use crate::error::Error;
use crate::keys::{COMPARE, TABLES};

/// What a format is, how a file of it starts, and what to do instead.
struct Foreign {
    what: &'static str,
    starts: &'static [&'static [u8]],
    remedy: &'static str,
}

const FROM_PANDAS: &str = "save it as Parquet or CSV, e.g. with pandas";

const FORMATS: [Foreign; 22] = [
    Foreign {
        what: "an HTML page, not data: a download that got an error or a login page",
        starts: &[b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"],
        remedy: "download the file again and look at it",
    },
    Foreign {
        what: "a Git LFS pointer, not the data itself",
        starts: &[b"version https://git-lfs"],
        remedy: "run `git lfs pull` in the repository it comes from",
    },
    Foreign {
        what: "a MATLAB 7.3 file (HDF5)",
        starts: &[b"MATLAB 7.3 MAT-file"],
        remedy: "save it in MATLAB with the option '-v7', or: python -c \"import h5py, numpy; numpy.save('x.npy', h5py.File('FILE')['NAME'][...].T)\"",
    },
    Foreign {
        what: "an HDF5 file (also Keras, NetCDF 4)",
        starts: &[b"\x89HDF\r\n\x1a\n"],
        remedy: "save the array: python -c \"import h5py, numpy; numpy.save('x.npy', h5py.File('FILE')['NAME'][...])\"; of NetCDF: python -c \"import xarray, numpy; numpy.save('x.npy', xarray.open_dataset('FILE')['NAME'].values)\"",
    },
    Foreign {
        what: "a NetCDF file",
        starts: &[b"CDF\x01", b"CDF\x02", b"CDF\x05"],
        remedy: "save the variable: python -c \"import xarray, numpy; numpy.save('x.npy', xarray.open_dataset('FILE')['NAME'].values)\"",
    },
    Foreign {
        what: "an Arrow or Feather file",
        starts: &[b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"],
        remedy: "save it as Parquet: python -c \"import pandas; pandas.read_feather('FILE').to_parquet('x.parquet')\"",
    },
    Foreign { what: "an ORC file", starts: &[b"ORC"], remedy: FROM_PANDAS },
    Foreign { what: "an Avro file", starts: &[b"Obj\x01"], remedy: FROM_PANDAS },
    Foreign {
        what: "an R data file",
        starts: &[b"RDX", b"X\n\x00\x00\x00"],
        remedy: "save it as CSV with R's write.csv",
    },
    Foreign {
        what: "an ARFF file",
        starts: &[b"@relation", b"@RELATION", b"@Relation"],
        remedy: "save it as CSV: python -c \"import pandas; from scipy.io import arff; pandas.DataFrame(arff.loadarff('FILE')[0]).to_csv('x.csv', index=False)\"",
    },
    Foreign {
        what: "JSON",
        starts: &[b"{", b"["],
        remedy: "save it as CSV: python -c \"import pandas; pandas.read_json('FILE').to_csv('x.csv', index=False)\"",
    },
    Foreign {
        what: "an SQLite database",
        starts: &[b"SQLite format 3"],
        remedy: "save a table of it as CSV",
    },
    Foreign { what: "a PDF document", starts: &[b"%PDF"], remedy: "save its table as CSV" },
    Foreign {
        what: "an old Excel or Office file",
        starts: &[b"\xd0\xcf\x11\xe0"],
        remedy: "save the sheet as CSV",
    },
    Foreign { what: "a 7-Zip archive", starts: &[b"7z\xbc\xaf"], remedy: "unpack it first" },
    Foreign { what: "an xz file", starts: &[b"\xfd7zXZ"], remedy: "decompress it first, with unxz" },
    Foreign { what: "a bzip2 file", starts: &[b"BZh"], remedy: "decompress it first, with bunzip2" },
    Foreign {
        what: "a Zstandard file",
        starts: &[b"\x28\xb5\x2f\xfd"],
        remedy: "decompress it first, with unzstd",
    },
    Foreign { what: "a GIF image", starts: &[b"GIF8"], remedy: "save it as PNG" },
    Foreign { what: "a TIFF image", starts: &[b"II*\0", b"MM\0*"], remedy: "save it as PNG" },
    Foreign { what: "a BMP image", starts: &[b"BM"], remedy: "save it as PNG" },
    Foreign {
        what: "a JPEG 2000 or HEIF image",
        starts: &[b"\0\0\0\x0cjP", b"\0\0\0\x18ftyp", b"\0\0\0\x1cftyp", b"\0\0\0\x20ftyp"],
        remedy: "save it as PNG",
    },
];

/// As [`refusal`], of the file at `place`, which its remedy names.
pub(in crate::data) fn refusal_of(prefix: &[u8], place: &str) -> Option<Error> {
    let mut error = refusal(prefix)?.at(place);
    error.remedy = error.remedy.replace("FILE", place);
    Some(error)
}

/// The refusal of a file that starts so, where it is known not to be data that can be read.
pub(in crate::data) fn refusal(prefix: &[u8]) -> Option<Error> {
    let start = prefix.trim_ascii_start();
    let is_text = is_text(prefix);
    let begins = |format: &&Foreign| {
        // A table may start with the letters that mark a binary format: BMI, for one.
        let of_text =
            |bytes: &&[u8]| matches!(bytes[0], b'<' | b'{' | b'[' | b'@' | b'v') && start.starts_with(bytes);
        let binary = |bytes: &&[u8]| !is_text && prefix.starts_with(bytes);
        format.starts.iter().any(|bytes| of_text(bytes) || binary(bytes))
    };
    if is_text && is_settings(start) {
        return Some(
            Error::input("a settings or model file, not data")
                .remedy("give the data that it names, or a file of data"),
        );
    }
    let known = FORMATS.iter().find(begins).map(|format| (format.what, format.remedy));
    let (what, remedy) = known.or_else(|| by_content(prefix))?;
    Some(Error::input(what).expected(READABLE).remedy(remedy))
}

/// Whether a text begins with a table of settings, behind comments or not.
fn is_settings(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let tables = TABLES.iter().copied().chain([COMPARE]);
    line.is_some_and(|line| tables.into_iter().any(|table| line == format!("[{table}]")))
}

fn is_text(prefix: &[u8]) -> bool {
    let utf8 = std::str::from_utf8(prefix).map_or_else(|error| error.error_len().is_none(), |_| true);
    utf8 && !prefix.contains(&0)
}

/// Formats that no fixed start tells.
fn by_content(prefix: &[u8]) -> Option<(&'static str, &'static str)> {
    if prefix.starts_with(b"RIFF") && prefix.get(8..12) == Some(b"WEBP") {
        return Some(("a WebP image", "save it as PNG"));
    }
    if prefix.get(257..262) == Some(b"ustar") {
        return Some(("a tar archive", "unpack it first"));
    }
    let text = std::str::from_utf8(prefix).ok()?;
    let pair = |word: &str| {
        word.split_once(':')
            .is_some_and(|(at, value)| at.parse::<u32>().is_ok() && value.parse::<f64>().is_ok())
    };
    let words: Vec<&str> = text.lines().next()?.split_ascii_whitespace().collect();
    let is_libsvm = words.len() > 1 && words[1..].iter().all(|word| pair(word));
    is_libsvm.then_some((
        "a LIBSVM file",
        "save it as CSV: python -c \"import numpy; from sklearn.datasets import load_svmlight_file as f; numpy.savetxt('x.csv', f('FILE')[0].toarray(), delimiter=',')\"",
    ))
}

/// What a zip archive without arrays is.
pub(in crate::data) fn zip_refusal(names: &[String]) -> Error {
    let has = |part: &str| names.iter().any(|name| name.starts_with(part));
    let (what, remedy) = if has("xl/") || has("[Content_Types].xml") {
        ("an Excel file", "save it as CSV")
    } else if has("content.xml") {
        ("an OpenDocument file", "save it as CSV")
    } else {
        ("a zip archive without arrays", "unpack it, and name the file in it")
    };
    if !what.starts_with("a zip") {
        return Error::input(what).remedy(remedy);
    }
    let listed = names.iter().take(5).map(|name| super::failure::short(name)).collect::<Vec<_>>().join(", ");
    Error::input(what).found(listed).expected("an npz file of arrays").remedy(remedy)
}
