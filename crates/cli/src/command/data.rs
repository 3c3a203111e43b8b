//! `enscore data`: the data sets that have a name, their download, and what is in one.

use std::path::{Path, PathBuf};

use enscore::data::{
    Availability, ColumnSummary, Dataset, Known, Labels, Reading, Split, Subset, TableSummary,
    describe_table, fetch, known, load, load_test, statistics,
};
use enscore::text::{counted, decimal};
use enscore::{Error, Result};
use serde_json::{Value, json};

use crate::args::Data;
use crate::given;
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
    given::data(source)?;
    let reading = Reading::default();
    let table = describe_table(source, &reading)?;
    let data = match (load(source, Split::Train), &table) {
        (Ok(data), _) => data,
        (Err(error), None) => return Err(error),
        // A table is described whether or not all of its columns are numbers.
        (Err(error), Some(table)) => return Ok(of_table(source, table, &error)),
    };
    let test_rows = load_test(source, &reading)?.map(|test| test.rows());
    let moments = statistics(&Subset::all(&data))?;
    let scale = data.scale();
    let json = json!({
        "name": data.name(), "source": data.source(), "rows": data.rows(), "test_rows": test_rows,
        "shape": data.row_shape(), "image": data.is_image(),
        "scale": { "low": scale.low, "high": scale.high, "levels": scale.levels },
        "low": moments.low, "high": moments.high,
        "mean": moments.overall_mean(), "variance": moments.overall_variance(),
        "labels": data.classes().map(Labels::classes), "classes": data.classes().map(|labels| labels.names.to_vec()),
        "columns": data.columns(), "fingerprint": data.fingerprint(),
        "table": table.as_ref().map(|table| &table.columns), "notes": data.notes(),
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
        .line("scaled values", format!("{} to {}", figure(moments.low), figure(moments.high)))
        .line("mean", decimal(moments.overall_mean(), 6))
        .line("variance", decimal(moments.overall_variance(), 6));
    if let Some(labels) = data.classes() {
        lines = lines.line("labels", classes(labels));
    }
    lines = data.notes().iter().fold(lines, |lines, note| lines.line("note", note));
    lines = table.iter().fold(lines.line("fingerprint", data.fingerprint()), columns);
    Ok(Answer::new(json, lines.text()))
}

/// What is in a table that can't be trained on as it is.
fn of_table(source: &str, table: &TableSummary, error: &Error) -> Answer {
    let json = json!({
        "source": source, "rows": table.rows, "table": table.columns, "notes": table.notes,
        "not_ready": error.to_string(),
    });
    let lines = Lines::default().line("source", source).line("rows", table.rows);
    let lines = table.notes.iter().fold(lines, |lines, note| lines.line("note", note));
    Answer::new(json, columns(lines, table).line("before training", error).text())
}

/// Columns that are listed, at most; all are in the JSON.
const LISTED: usize = 60;

fn columns(lines: Lines, table: &TableSummary) -> Lines {
    let listed = table.columns.iter().take(LISTED);
    let lines = listed.fold(lines.line("columns", table.columns.len()), |lines, column| {
        lines.line(&format!("  {}", column.name.escape_debug()), column_text(column))
    });
    match table.columns.len().checked_sub(LISTED) {
        Some(more @ 1..) => lines.line("  ...", format!("{more} more")),
        _ => lines,
    }
}

fn column_text(column: &ColumnSummary) -> String {
    let mut parts = vec![column.kind.to_string()];
    if let (Some(low), Some(high)) = (column.low, column.high) {
        parts.push(format!("{} to {}", figure(low), figure(high)));
    }
    if let (Some(mean), Some(deviation)) = (column.mean, column.deviation) {
        parts.push(format!("mean {}, standard deviation {}", figure(mean), figure(deviation)));
    }
    parts.push(format!("{} distinct", column.distinct));
    if !column.examples.is_empty() {
        let shown: Vec<String> = column.examples.iter().map(|text| short(text)).collect();
        parts.push(format!("such as {}", shown.join(", ")));
    }
    if column.missing > 0 {
        parts.push(format!("{} missing", column.missing));
    }
    parts.join(", ")
}

/// A number in at most six digits, with an exponent where it is very large or small.
fn figure(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.4e}");
    }
    let digits = if size >= 1.0 { 5 - (size.log10() as usize).min(5) } else { 6 };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(20).collect();
    if cut.len() < text.len() { format!("{cut:?}...") } else { format!("{cut:?}") }
}

fn scale_text(data: &Dataset) -> String {
    let scale = data.scale();
    match scale.levels {
        Some(levels) => format!("{} to {} in {levels} levels, scaled to 0 to 1", scale.low, scale.high),
        None if scale.is_none() => "unscaled".to_string(),
        None => format!("{} to {}, scaled to 0 to 1", scale.low, scale.high),
    }
}

/// How many different labels there are, and the names of the first.
fn classes(labels: &Labels) -> String {
    let present = labels.classes();
    let count = match labels.names.len() {
        0 => counted(present, "class", "classes"),
        all if all == present => counted(present, "class", "classes"),
        all => format!("{present} of {all} classes"),
    };
    let names: Vec<&str> = labels.names.iter().take(12).map(String::as_str).collect();
    if names.is_empty() { count } else { format!("{count}: {}", names.join(", ")) }
}
