//! The run's report as one self-contained HTML page: no scripts, nothing loaded from elsewhere.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::contents::{ColumnTable, Content, Fact, Figure, Metric, Report, SigmaLoss, Timing};
use super::verdict::Finding;
use crate::citation::Citation;
use crate::evaluate::{ColumnComparison, QUANTILES, Spread};
use crate::report::markup::{escape, number, table};

/// Rows of the noise-level table; a schedule of hundreds is thinned evenly.
const MAX_SIGMA_ROWS: usize = 24;

const NULL_SENTENCE: &str = "The null value is the same metric between two separate sets of real data of the same \
    size: by this metric, a model whose value is about as large can't be told apart from the data.";

// Enforces what the page promises: a browser loads nothing for it.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The report as an HTML page. All text is escaped.
pub fn render(report: &Report) -> String {
    let mut body = String::new();
    head(&mut body, report);
    verdict(&mut body, &report.findings);
    pictures(&mut body, report);
    columns(&mut body, report);
    curves(&mut body, report);
    metrics(&mut body, &report.metrics, &report.refused);
    sigma_losses(&mut body, &report.sigma_losses);
    section(&mut body, "Data", facts(&report.data));
    if !report.settings.trim().is_empty() {
        section(&mut body, "Settings", format!("<pre>{}</pre>", escape(report.settings.trim_end())));
    }
    timings(&mut body, &report.timings);
    section(&mut body, "Environment", facts(&report.environment));
    files(&mut body, &report.files);
    glossary(&mut body, &report.glossary);
    citations(&mut body, &report.works);
    page(&report.title, &body)
}

/// A whole page around a body, which is escaped already.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    let style = include_str!("report.css");
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>
<title>{title}</title>
<style>
{style}</style></head>
<body>
{body}</body></html>
"#
    )
}

fn head(out: &mut String, report: &Report) {
    let _ = writeln!(out, "<h1>{}</h1>", escape(&report.title));
    if !report.summary.is_empty() {
        let _ = writeln!(out, r#"<p class="lead">{}</p>"#, escape(&report.summary));
    }
    for warning in &report.warnings {
        let _ = writeln!(out, r#"<p class="warning">{}</p>"#, escape(warning));
    }
    if !report.figures.is_empty() {
        let tile = |fact: &Fact| {
            let (number, words) = fact.number_and_words();
            let words =
                if words.is_empty() { String::new() } else { format!(" <small>{}</small>", escape(words)) };
            format!("<div><b>{}{words}</b><span>{}</span></div>", escape(number), escape(&fact.name))
        };
        let tiles: String = report.figures.iter().map(tile).collect();
        let _ = writeln!(out, r#"<div class="figures">{tiles}</div>"#);
    }
}

/// What was found, the good after what needs a look, each with what to do next.
fn verdict(out: &mut String, findings: &[Finding]) {
    let item = |finding: &Finding| {
        let mark = if finding.is_good { r#"<b class="good">✓</b>"# } else { r#"<b class="bad">!</b>"# };
        let next = match finding.next.as_str() {
            "" => String::new(),
            next => format!(r#" <span class="soft">{}</span>"#, escape(next)),
        };
        format!("<li>{mark} {}{next}</li>\n", escape(&finding.says))
    };
    let (good, bad): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|finding| finding.is_good);
    let items: String = bad.into_iter().chain(good).map(item).collect();
    if !items.is_empty() {
        section(out, "Verdict", format!(r#"<ul class="verdict">{items}</ul>"#));
    }
}

fn pictures(out: &mut String, report: &Report) {
    let beside: String = report.samples.iter().chain(&report.real).map(figure).collect();
    let both = report.samples.is_some() && report.real.is_some();
    section(out, "Samples", if both { format!(r#"<div class="beside">{beside}</div>"#) } else { beside });
    section(out, "Density", report.density.iter().map(figure).collect());
    section(out, "Nearest training data", report.nearest.iter().map(figure).collect());
    section(out, "Latent variables", report.latents.iter().map(figure).collect());
    section(out, "Filters", report.filters.iter().map(figure).collect());
    section(out, "Samples as they form", report.trajectory.iter().map(figure).collect());
}

/// A heading with its content; nothing if the content is empty.
fn section(out: &mut String, heading: &str, content: String) {
    if !content.is_empty() {
        let _ = writeln!(out, "<h2>{heading}</h2>\n{content}");
    }
}

pub(super) fn figure(figure: &Figure) -> String {
    let caption = escape(&figure.caption);
    let content = match &figure.content {
        Content::Drawing(picture) => picture.svg().to_string(),
        Content::Comparison(table) => table.html(),
        Content::Png(bytes) => {
            let data = STANDARD.encode(bytes);
            format!(r#"<img alt="{caption}"{} src="data:image/png;base64,{data}"/>"#, sides(bytes))
        }
    };
    format!("<figure>{content}<figcaption>{caption}</figcaption></figure>\n")
}

/// Width and height from a PNG's header, so that the page doesn't jump while it loads.
fn sides(bytes: &[u8]) -> String {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] if bytes.len() > 24 => {
            let side =
                |at: usize| bytes[at..at + 4].iter().fold(0u32, |side, &byte| side << 8 | u32::from(byte));
            format!(r#" width="{}" height="{}""#, side(16), side(20))
        }
        _ => String::new(),
    }
}

fn metrics(out: &mut String, metrics: &[Metric], refused: &[Fact]) {
    let mut content = String::new();
    if !metrics.is_empty() {
        let rows = metrics.iter().map(|metric| {
            let null = metric.null.map_or("-".into(), number);
            let n = metric.n.map_or("-".into(), |n| n.to_string());
            vec![escape(&metric.name), number(metric.value), null, n]
        });
        content.push_str(&table(&["metric", "value", "null value", "n"], rows));
    }
    if metrics.iter().any(|metric| metric.null.is_some()) {
        let _ = write!(content, r#"<p class="soft">{}</p>"#, escape(NULL_SENTENCE));
    }
    for Fact { name, value } in refused {
        let _ = write!(
            content,
            r#"<p class="warning">{} can't be computed: {}</p>"#,
            escape(name),
            escape(value)
        );
    }
    section(out, "Metrics", content);
}

fn sigma_losses(out: &mut String, losses: &[SigmaLoss]) {
    if losses.is_empty() {
        return;
    }
    let shown = losses.len().min(MAX_SIGMA_ROWS);
    let pick = |row: usize| losses[row * (losses.len() - 1) / (shown - 1).max(1)];
    let rows = (0..shown).map(pick).map(|SigmaLoss { sigma, loss, baseline }| {
        vec![number(sigma), number(loss), baseline.map_or("-".into(), number)]
    });
    let mut content = table(&["sigma", "loss", "best linear score"], rows);
    if shown < losses.len() {
        let _ = write!(content, r#"<p class="soft">{shown} of {} noise levels.</p>"#, losses.len());
    }
    section(out, "Loss by noise level", content);
}

/// Columns of a table: pictures, then figures of data and samples one below the other.
fn columns(out: &mut String, report: &Report) {
    let mut content: String = report.columns.iter().map(figure).collect();
    if let Some(ColumnTable { names, columns, by_chance }) = &report.column_table {
        let line = |name: String, spread: &Spread, distance: String| {
            let mut cells = vec![name, number(spread.mean), number(spread.deviation)];
            cells.extend(spread.quantiles.iter().map(|value| number(*value)));
            cells.push(distance);
            cells
        };
        let lines = |column: &ColumnComparison| {
            let name = names.get(column.column).map_or(String::new(), |name| escape(name));
            let far = if column.distance > *by_chance { "<b>{}</b>" } else { "{}" };
            let distance = far.replace("{}", &format!("{:.3}", column.distance));
            [line(name, &column.data, String::new()), line("samples".into(), &column.samples, distance)]
        };
        let quantiles = QUANTILES.map(|share| format!("{:.0} %", 100.0 * share));
        let mut header = vec!["column", "mean", "deviation"];
        header.extend(quantiles.iter().map(String::as_str));
        header.push("distance");
        content.push_str(&table(&header, columns.iter().flat_map(lines)));
        let note = format!(
            "The first line of a column is the data's, in its own units. The distance is the largest difference \
             between the shares of data and samples up to any value, 0 to 1 (Kolmogorov and Smirnov); above \
             {by_chance:.3}, in bold, it is chance in one of twenty columns at most."
        );
        let _ = write!(content, r#"<p class="soft">{}</p>"#, escape(&note));
    }
    section(out, "Columns", content);
}

fn curves(out: &mut String, report: &Report) {
    let mut content: String = report.curves.iter().map(figure).collect();
    if !report.constants.is_empty() {
        let said: Vec<String> =
            report.constants.iter().map(|Fact { name, value }| format!("{name} {value}")).collect();
        let text = format!("Not drawn, because it did not change: {}.", said.join("; "));
        let _ = write!(content, r#"<p class="soft">{}</p>"#, escape(&text));
    }
    section(out, "Curves", content);
}

/// Links to files beside the page.
fn files(out: &mut String, files: &[String]) {
    let link = |name: &String| format!(r#"<li><a href="{0}">{0}</a></li>"#, escape(name));
    let links: String = files.iter().map(link).collect();
    if !links.is_empty() {
        section(out, "Files of the run", format!("<ul>{links}</ul>"));
    }
}

fn glossary(out: &mut String, words: &[(&str, &str)]) {
    let line =
        |(name, meaning): &(&str, &str)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(meaning));
    let lines: String = words.iter().map(line).collect();
    if !lines.is_empty() {
        section(out, "Words", format!("<dl>{lines}</dl>"));
    }
}

fn timings(out: &mut String, timings: &[Timing]) {
    if timings.is_empty() {
        return;
    }
    let rows = timings.iter().map(|Timing { name, seconds, steps }| {
        let rate = steps.filter(|_| *seconds > 0.0).map(|steps| steps as f64 / seconds);
        let steps = steps.map_or("-".into(), |steps| steps.to_string());
        vec![escape(name), number(*seconds), steps, rate.map_or("-".into(), number)]
    });
    section(out, "Timings", table(&["part", "seconds", "steps", "steps per second"], rows));
}

fn facts(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let row =
        |fact: &Fact| format!("<tr><td>{}</td><td>{}</td></tr>\n", escape(&fact.name), escape(&fact.value));
    let rows: String = facts.iter().map(row).collect();
    format!(r#"<table class="facts"><tbody>{rows}</tbody></table>"#)
}

fn citations(out: &mut String, works: &[Citation]) {
    let item = |work: &Citation| {
        let reference = escape(&work.to_string());
        let role = escape(work.role);
        format!(r#"<li>{reference} <span class="soft">[{role}]</span></li>"#)
    };
    let items: String = works.iter().map(item).collect();
    if !items.is_empty() {
        section(out, "Methods and data used", format!("<ul>{items}</ul>"));
    }
}

#[cfg(test)]
mod tests;
