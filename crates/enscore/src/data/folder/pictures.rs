//! Reads the pictures of a folder, in the order of their names; those in subfolders are labelled by them.

use std::path::{Path, PathBuf};

use super::entries::{entries, name_of, subfolders, without_data};
use crate::data::Dataset;
use crate::data::formats::failure::no_memory;
use crate::data::formats::image::{self, Kind, dropped_alpha};
use crate::data::formats::input::{Input, readable};
use crate::data::reading::Reading;
use crate::error::{Error, Result};

/// A file and its class.
struct File {
    path: PathBuf,
    class: u32,
}

/// Reads all pictures of a folder, or of its subfolders, one for each class.
pub(super) fn read(folder: &Path, reading: &Reading) -> Result<Dataset> {
    let (files, classes) = found(folder)?;
    let unread = unread_folders(folder, &classes)?;
    let place = folder.display().to_string();
    let kind = common_kind(&files, reading)?;
    let total = kind.bytes().saturating_mul(files.len() as u64);
    if total > readable() {
        return Err(no_memory(&place, total));
    }
    let mut samples: Vec<u8> = Vec::new();
    samples.try_reserve_exact(total as usize).map_err(|_| no_memory(&place, total))?;
    let mut transparent = 0;
    for File { path, .. } in &files {
        let mut input = Input::open(path)?;
        let file = input.unclaimed_rest()?;
        let (picture, dropped) =
            image::decode(&file, input.place())?.samples(kind, reading, input.place())?;
        samples.extend_from_slice(&picture);
        transparent += usize::from(dropped);
    }
    let mut data = kind.dataset(&name_of(folder), &place, samples)?;
    let below = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    data = data.with_row_names(files.iter().map(|file| below(&file.path)).collect())?;
    if !classes.is_empty() {
        data = data.with_classes(files.iter().map(|file| file.class).collect(), classes)?;
    }
    let data = if transparent > 0 { data.noted(dropped_alpha(transparent)) } else { data };
    Ok(unread.into_iter().fold(data, |data, note| data.noted(note)))
}

/// What is said of folders of pictures beside pictures.
fn unread_folders(folder: &Path, classes: &[String]) -> Result<Option<String>> {
    if !classes.is_empty() {
        return Ok(None);
    }
    let inside = entries(folder)?;
    let holds = |path: &&PathBuf| entries(path).is_ok_and(|inside| pictures(&inside).next().is_some());
    let unread: Vec<String> =
        subfolders(&inside).into_iter().filter(holds).map(|path| name_of(path)).collect();
    Ok((!unread.is_empty()).then(|| {
        format!(
            "subfolders are not read where a folder has pictures of its own: {}; to read all, move those into a subfolder",
            unread.join(", ")
        )
    }))
}

/// The pictures in a folder, or in its subfolders with the names of those.
fn found(folder: &Path) -> Result<(Vec<File>, Vec<String>)> {
    let inside = entries(folder)?;
    let here: Vec<File> = pictures(&inside).map(|path| File { path, class: 0 }).collect();
    if !here.is_empty() {
        return Ok((here, Vec::new()));
    }
    let mut files = Vec::new();
    let mut classes = Vec::new();
    for class in subfolders(&inside) {
        let number = classes.len() as u32;
        let of_class = entries(class)?;
        let before = files.len();
        files.extend(pictures(&of_class).map(|path| File { path, class: number }));
        if files.len() > before {
            classes.push(name_of(class));
        }
    }
    if files.is_empty() {
        return Err(without_data(folder));
    }
    Ok((files, classes))
}

/// Files that their endings call pictures.
fn pictures(entries: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let is_picture = |path: &&PathBuf| {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg" | "jpe" | "jfif")) && path.is_file()
    };
    entries.iter().filter(is_picture).cloned()
}

/// The kind that all pictures can have.
fn common_kind(files: &[File], reading: &Reading) -> Result<Kind> {
    let mut common: Option<(Kind, &Path)> = None;
    for File { path, .. } in files {
        let mut input = Input::open(path)?;
        let kind = image::probe(&input.unclaimed_rest()?, input.place())?;
        let (before, first) = *common.get_or_insert((kind, path));
        let same_size = [kind.height, kind.width] == [before.height, before.width];
        if !same_size && reading.size.is_none() {
            return Err(Error::input("pictures of different sizes in one folder")
                .at(path.display())
                .found(kind)
                .expected(format!("{before}, as {}", name_of(first)))
                .remedy(format!(
                    "set data.size = [{}, {}] to crop and resize all",
                    before.height, before.width
                )));
        }
        common = Some((before.with(kind), first));
    }
    match common {
        Some((kind, _)) => Ok(kind.wanted(reading)),
        None => Err(Error::input("no pictures")),
    }
}
