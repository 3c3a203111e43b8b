//! `enscore data`: the data sets that have a name, their download, and what is in one.

use std::path::{Path, PathBuf};

use enscore::Result;
use enscore::data::{Availability, Dataset, Known, Split, Subset, fetch, known, load, load_test, statistics};
use serde_json::{Value, json};

use crate::args::Data;
use crate::output::{Answer, Lines, text_of};

pub(crate) fn run(arguments: &Data) -> Result<Answer> {
    match arguments {
        Data::List => Ok(list()),
        Data::Fetch { name, out } => get(name, out.clone().unwrap_or(Path::new("data").join(name))),
        Data::Info { data } => info(data),
    }
}

fn list() -> Answer {
    let describe = |data: &Known| {
        let text = Lines::default()
            .line(data.name, data.description)
            .line("  rows", format!("{} for training, {} for testing", data.rows[0], data.rows[1]))
            .line("  shape", format!("{:?}", data.row_shape))
            .line("  source", data.source)
            .line("  licence", data.licence)
            .line("  how to get it", data.how_to_get());
        text.text()
    };
    let sets: Vec<Value> = known().iter().map(known_json).collect();
    Answer::new(json!({ "data": sets }), known().iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn known_json(data: &Known) -> Value {
    json!({
        "name": data.name, "description": data.description, "rows": data.rows, "shape": data.row_shape,
        "source": data.source, "licence": data.licence, "bytes": data.bytes(),
        "built_in": matches!(data.availability, Availability::BuiltIn | Availability::Generated), "how_to_get": data.how_to_get(),
    })
}

fn get(name: &str, folder: PathBuf) -> Result<Answer> {
    let fetched = fetch(name, &folder)?;
    let files: Vec<Value> = fetched
        .files
        .iter()
        .map(|file| json!({ "path": text_of(&file.path), "bytes": file.bytes, "already": file.already }))
        .collect();
    let data = &fetched.known;
    let mut lines = Lines::default()
        .line("name", data.name)
        .line("source", data.source)
        .line("licence", data.licence)
        .line("bytes", data.bytes())
        .line("folder", folder.display());
    for file in &fetched.files {
        let note = if file.already { " (already present)" } else { "" };
        lines = lines.line("file", format!("{}{note}", file.path.display()));
    }
    let json = json!({
        "name": data.name, "source": data.source, "licence": data.licence, "bytes": data.bytes(),
        "folder": text_of(&folder), "files": files,
    });
    Ok(Answer::new(json, lines.text()))
}

fn info(source: &str) -> Result<Answer> {
    let data = load(source, Split::Train)?;
    let test_rows = load_test(source)?.map(|test| test.rows());
    let moments = statistics(&Subset::all(&data))?;
    let scale = data.scale();
    let json = json!({
        "name": data.name(), "source": data.source(), "rows": data.rows(), "test_rows": test_rows,
        "shape": data.row_shape(), "image": data.is_image(),
        "scale": { "low": scale.low, "high": scale.high, "levels": scale.levels },
        "low": moments.low, "high": moments.high,
        "mean": moments.overall_mean(), "variance": moments.overall_variance(),
        "labels": data.labels().map(classes), "columns": data.columns(), "fingerprint": data.fingerprint(),
    });
    let rows = match test_rows {
        Some(test) => format!("{} for training, {test} for testing", data.rows()),
        None => format!("{}, no test split", data.rows()),
    };
    let mut lines = Lines::default()
        .line("name", data.name())
        .line("source", data.source())
        .line("rows", rows)
        .line("shape", format!("{:?}", data.row_shape()))
        .line("scale", scale_text(&data))
        .line("scaled values", format!("{} to {}", moments.low, moments.high))
        .line("mean", format!("{:.6}", moments.overall_mean()))
        .line("variance", format!("{:.6}", moments.overall_variance()));
    if let Some(labels) = data.labels() {
        lines = lines.line("labels", format!("{} classes", classes(labels)));
    }
    if let Some(columns) = data.columns() {
        lines = lines.line("columns", columns.join(", "));
    }
    Ok(Answer::new(json, lines.line("fingerprint", data.fingerprint()).text()))
}

fn scale_text(data: &Dataset) -> String {
    let scale = data.scale();
    match scale.levels {
        Some(levels) => format!("{} to {} in {levels} levels, scaled to 0 to 1", scale.low, scale.high),
        None if scale.is_none() => "unscaled".to_string(),
        None => format!("{} to {}, scaled to 0 to 1", scale.low, scale.high),
    }
}

/// How many different labels there are.
fn classes(labels: &[u8]) -> usize {
    let mut seen = [false; 256];
    labels.iter().for_each(|label| seen[usize::from(*label)] = true);
    seen.iter().filter(|seen| **seen).count()
}
