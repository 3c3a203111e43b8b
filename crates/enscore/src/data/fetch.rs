//! Downloads a known data set with curl, checks it, and puts it in place.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::known::{Availability, Known, KnownFile, known};
use crate::error::{Error, Reason, Result};
use crate::files::sha256;

/// A file that is in place after [`fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// The file on this machine.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was there before, and nothing was downloaded.
    pub already: bool,
}

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The data set, with its source and licence.
    pub known: Known,
    /// Its files, all checked.
    pub files: Vec<FetchedFile>,
}

/// Downloads the files of a known data set into `folder`, which is made if it isn't there.
///
/// Every file's size and SHA-256 are checked, whether it was there or is new; a new one is written aside and
/// renamed.
///
/// # Errors
/// When the name is unknown or is not for download, a different file lies in the way, or `curl`, the network,
/// the check or the disk fails; the error says how to get the files by hand.
pub fn fetch(name: &str, folder: &Path) -> Result<Fetched> {
    let Some(known) = known().iter().find(|k| k.name == name) else {
        let names: Vec<&str> = known().iter().map(|k| k.name).collect();
        return Err(Error::input("no such known data set").found(name).expected(names.join(", ")));
    };
    fetch_with(known, folder, &curl)
}

/// Downloads an address to a file of at most this many bytes, or says why it can't.
type Download<'a> = &'a dyn Fn(&str, &Path, u64) -> std::result::Result<(), String>;

fn fetch_with(known: &Known, folder: &Path, download: Download) -> Result<Fetched> {
    let Availability::Download { base } = known.availability else {
        return Err(Error::input(format!("{} is not a download", known.name)).remedy(known.how_to_get()));
    };
    let disk = |e: io::Error| not_written(folder, e);
    std::fs::create_dir_all(folder).map_err(disk)?;
    let mut files = Vec::new();
    for file in known.files {
        let path = folder.join(file.name);
        let already = path.try_exists().map_err(disk)?;
        if already {
            check(&path, file).map_err(|e| e.remedy("move the file away and fetch again"))?;
        } else {
            let aside = folder.join(format!(".{}.partial-{}", file.name, std::process::id()));
            let result = get(base, file, &aside, &path, download);
            if result.is_err() {
                // What is left aside is of no use; that it can't be removed either would hide the cause.
                let _ = std::fs::remove_file(&aside);
            }
            result.map_err(|e| {
                let remedy = format!(
                    "download {base}{} ({} bytes, {}) by hand and put it into {}",
                    file.name,
                    file.bytes,
                    known.licence,
                    folder.display()
                );
                e.remedy(remedy)
            })?;
        }
        files.push(FetchedFile { path, bytes: file.bytes, already });
    }
    Ok(Fetched { known: *known, files })
}

fn get(base: &str, file: &KnownFile, aside: &Path, path: &Path, download: Download) -> Result<()> {
    let url = format!("{base}{}", file.name);
    download(&url, aside, file.bytes)
        .map_err(|e| Error::run(format!("the download failed ({e})")).at(&url))?;
    check(aside, file)?;
    let disk = |e: io::Error| not_written(path, e);
    File::open(aside).and_then(|f| f.sync_all()).map_err(disk)?;
    std::fs::rename(aside, path).map_err(disk)
}

fn not_written(path: &Path, error: io::Error) -> Error {
    Error::new(Reason::Unwritable, format!("cannot be written ({error})")).at(path.display()).caused_by(error)
}

/// Checks a file's size and hash.
fn check(path: &Path, expected: &KnownFile) -> Result<()> {
    let read = |e: io::Error| Error::run(format!("cannot be read ({e})")).at(path.display()).caused_by(e);
    let bytes = std::fs::metadata(path).map_err(read)?.len();
    let wrong = |found: String, expected: String| {
        Err(Error::run("not the expected file").at(path.display()).found(found).expected(expected))
    };
    if bytes != expected.bytes {
        return wrong(format!("{bytes} bytes"), format!("{} bytes", expected.bytes));
    }
    match sha256(&std::fs::read(path).map_err(read)?) {
        found if found == expected.sha256 => Ok(()),
        found => wrong(format!("SHA-256 {found}"), expected.sha256.to_string()),
    }
}

fn curl(url: &str, out: &Path, bytes: u64) -> std::result::Result<(), String> {
    let limit = bytes.to_string();
    let output = Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location", "--proto", "=https"])
        .args([
            "--connect-timeout",
            "30",
            "--speed-limit",
            "1",
            "--speed-time",
            "60",
            "--max-filesize",
            &limit,
        ])
        .arg("--output")
        .arg(out)
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("curl cannot be run: {e}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [KnownFile; 1] = [KnownFile {
        name: "f",
        bytes: 3,
        // The example of FIPS 180-2, appendix B.1.
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }];

    fn example() -> Known {
        Known { files: &FILES, availability: Availability::Download { base: "https://a/" }, ..known()[1] }
    }

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_checked_and_put_in_place_once() {
        let folder = tempfile::tempdir().unwrap();
        let fetched = fetch_with(&example(), folder.path(), &|url, out, bytes| {
            assert_eq!((url, bytes), ("https://a/f", 3));
            std::fs::write(out, "abc").map_err(|e| e.to_string())
        });
        assert!(!fetched.unwrap().files[0].already);
        assert_eq!(names(folder.path()), ["f"]);
        let again = fetch_with(&example(), folder.path(), &|_, _, _| Err("asked again".into())).unwrap();
        assert!(again.files[0].already);
        std::fs::write(folder.path().join("f"), "abd").unwrap();
        let error = fetch_with(&example(), folder.path(), &|_, _, _| Ok(())).unwrap_err().to_string();
        assert!(error.contains("SHA-256") && error.contains("move the file away"), "{error}");
    }

    #[test]
    fn a_failed_download_leaves_nothing_and_says_how_to_do_it_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        let write = |content: &'static str| {
            move |_: &str, out: &Path, _: u64| std::fs::write(out, content).map_err(|e| e.to_string())
        };
        let offline = |_: &str, _: &Path, _: u64| Err("could not resolve host".to_string());
        let downloads: [Download; 3] = [&write("abd"), &write("abcd"), &offline];
        for download in downloads {
            let error = fetch_with(&example(), folder.path(), download).unwrap_err().to_string();
            assert!(error.contains("download https://a/f (3 bytes, CC BY-SA 3.0) by hand"), "{error}");
            assert!(names(folder.path()).is_empty());
        }
    }

    #[test]
    fn what_is_not_for_download_is_refused() {
        let folder = Path::new("unused");
        assert!(fetch("nothing", folder).unwrap_err().to_string().contains("digits, mnist"));
        assert!(fetch("digits", folder).unwrap_err().to_string().contains("built into"));
        assert!(fetch("fashion-mnist", folder).unwrap_err().to_string().contains("apt install"));
        assert!(!folder.exists());
    }
}
