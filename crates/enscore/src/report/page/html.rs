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
    let title = escape(&report.title);
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
    section(out, "Filters", report.filters.iter().map(figure).collect());
    section(out, "From noise to samples", report.trajectory.iter().map(figure).collect());
}

/// A heading with its content; nothing if the content is empty.
fn section(out: &mut String, heading: &str, content: String) {
    if !content.is_empty() {
        let _ = writeln!(out, "<h2>{heading}</h2>\n{content}");
    }
}

fn figure(figure: &Figure) -> String {
    let caption = escape(&figure.caption);
    let content = match &figure.content {
        Content::Chart(chart) => chart.svg(),
        Content::Scatter(scatter) => scatter.svg(),
        Content::Pairs(pairs) => pairs.svg(),
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
mod tests {
    use super::*;
    use crate::report::{
        Scale, Scatter, gradient_norm, learning_rate, loss_curve, markup, sheet, sigma_losses,
    };

    const WORK: Citation = Citation {
        role: "data",
        authors: "Ethem Alpaydin, Cenk Kaynak",
        year: 1998,
        title: "Optical Recognition of Handwritten Digits",
        venue: "UCI Machine Learning Repository, CC BY 4.0",
    };

    /// An image of soft blobs, different for each index.
    fn blobs(count: usize, side: usize) -> Vec<f32> {
        let value = |i: usize| {
            let image = i / (side * side);
            let y = i / side % side;
            let x = i % side;
            let a = (image * 7 % 5) as f32 + 1.5;
            let b = (image * 3 % 4) as f32 + 2.0;
            (-((x as f32 - a).powi(2) + (y as f32 - b).powi(2)) / 4.0).exp()
        };
        (0..count * side * side).map(value).collect()
    }

    fn example() -> Report {
        let shape = [8, 8, 1];
        let sheet_of =
            |skip: usize| sheet::sheet(&blobs(72, 8)[skip * 64..][..64 * 64], shape, 8, 4, 2).unwrap();
        let train: Vec<(f64, f64)> = (0..6000)
            .map(|i| {
                (f64::from(i), 0.4 + 3.0 / (1.0 + f64::from(i) / 90.0) + 0.1 * (f64::from(i) * 7.3).sin())
            })
            .collect();
        let validation: Vec<(f64, f64)> =
            (1..=12).map(|i| (f64::from(i) * 500.0, 0.45 + 250.0 / (f64::from(i) * 500.0))).collect();
        let sigmas: Vec<f64> = (0..10).map(|i| 4.0 * 0.6f64.powi(i)).collect();
        let losses: Vec<(f64, f64)> = sigmas.iter().map(|s| (*s, 0.5 * s / (0.3 + s))).collect();
        let baseline: Vec<(f64, f64)> = sigmas.iter().map(|s| (*s, 0.8 * s / (0.4 + s))).collect();
        let paired = sheet::pairs(&blobs(24, 8), &blobs(24, 8), shape, 6, 4, 2).unwrap();
        let strip = sheet::trajectory(&blobs(50, 8), 5, shape, 4, 2).unwrap();
        Report {
            title: "digits-ncsn".into(),
            summary: "A noise-conditional score network with 101,632 parameters, trained for 6,000 steps on 1,617 \
                      images of digits (8x8, grey). Its samples lie close to the data: MMD 0.0021, where two sets \
                      of real digits give 0.0017."
                .into(),
            figures: vec![
                Fact::new("validation loss", "0.492"),
                Fact::new("MMD (null 0.0017)", "0.0021"),
                Fact::new("steps per second", "142"),
                Fact::new("seconds in total", "61.3"),
            ],
            warnings: vec!["2 of 1,000 chains left the finite numbers and were dropped.".into()],
            samples: Some(Figure::picture("64 samples of the model.", &sheet_of(0)).unwrap()),
            real: Some(Figure::picture("64 images held back from training.", &sheet_of(8)).unwrap()),
            nearest: Some(Figure::picture("Left a sample, right its nearest training image.", &paired).unwrap()),
            filters: Some(Figure::picture("Eight filters.", &sheet_of(3)).unwrap()),
            trajectory: Some(Figure::picture("Five chains, from the largest noise level.", &strip).unwrap()),
            curves: vec![
                Figure::chart("Loss of each batch and on held-back data.", loss_curve(&train, &validation, Scale::Log, None)),
                Figure::chart("Below the dashed line the model beats any linear score.", sigma_losses(&losses, &baseline)),
                Figure::chart("Warm-up, then constant.", learning_rate(&[(0.0, 0.0), (500.0, 1e-3), (6000.0, 1e-3)])),
                Figure::chart("Before clipping.", gradient_norm(&train)),
            ],
            metrics: vec![
                Metric { name: "MMD".into(), value: 0.00213, null: Some(0.0017), n: Some(500) },
                Metric { name: "sliced Wasserstein".into(), value: 0.0421, null: Some(0.0388), n: Some(500) },
                Metric { name: "Fréchet distance (pixels)".into(), value: 1.27, null: None, n: None },
            ],
            refused: vec![Fact::new("MMD of pixels", "all rows are equal")],
            sigma_losses: losses
                .iter()
                .zip(&baseline)
                .map(|(&(sigma, loss), b)| SigmaLoss { sigma, loss, baseline: Some(b.1) })
                .collect(),
            data: vec![
                Fact::new("name", "digits8x8"),
                Fact::new("rows", "1617 for training, 180 held back"),
                Fact::new("shape", "8 x 8 x 1"),
                Fact::new("fingerprint", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
                Fact::new("licence", "CC BY 4.0"),
            ],
            settings: "[model]\nkind = \"unet\"\nchannels = 32\n\n[train]\nsteps = 6000\nbatch = 64\n".into(),
            timings: vec![
                Timing { name: "train".into(), seconds: 42.2, steps: Some(6000) },
                Timing { name: "sample".into(), seconds: 15.04, steps: Some(1000) },
                Timing { name: "evaluate".into(), seconds: 4.1, steps: None },
            ],
            environment: vec![Fact::new("enscore", "0.1.0"), Fact::new("instructions", "avx512"), Fact::new("threads", 2)],
            works: vec![WORK],
            findings: vec![
                Finding { is_good: true, says: "By mmd2 & others".into(), next: String::new() },
                Finding { is_good: false, says: "The loss rises".into(), next: "Stop < earlier".into() },
            ],
            files: vec!["settings.toml".into()],
            glossary: vec![("AUROC", "a chance < 1")],
            constants: vec![Fact::new("learning rate", "0.001")],
            ..Report::default()
        }
    }

    #[test]
    fn a_full_report_is_well_formed_and_loads_nothing() {
        let page = render(&example());
        // For a look by eye: set the variable to a path.
        if let Some(path) = std::env::var_os("ENSCORE_EXAMPLE_REPORT") {
            std::fs::write(path, &page).unwrap();
        }
        markup::check(&page).unwrap();
        for load in [
            "src=\"http",
            "href=\"http",
            "href=\"/",
            "src=\"//",
            "url(",
            "<script",
            "<link",
            "@import",
            "<iframe",
        ] {
            assert!(!page.contains(load), "{load}");
        }
        assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 5);
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(page.matches("Optical Recognition of Handwritten Digits").count() == 1);
        assert!(
            page.contains(&escape(NULL_SENTENCE)) && page.contains(r#"width="274" height="274""#),
            "sides"
        );
    }

    #[test]
    fn what_needs_a_look_stands_first_and_links_are_relative() {
        let page = render(&example());
        let [bad, good] = ["The loss rises", "By mmd2"].map(|says| page.find(says).unwrap());
        assert!(bad < good && page.contains("Stop &lt; earlier"));
        assert!(page.contains(r#"<a href="settings.toml">settings.toml</a>"#));
        assert!(page.contains("it did not change: learning rate 0.001.") && page.contains("<dt>AUROC</dt>"));
    }

    #[test]
    fn an_empty_report_is_well_formed() {
        let page = render(&Report::default());
        markup::check(&page).unwrap();
        assert!(!page.contains("<h2>"));
    }

    #[test]
    fn all_text_is_escaped() {
        let evil = || "<script>alert(\"1\")</script>&'".to_string();
        let fact = || vec![Fact { name: evil(), value: evil() }];
        let scatter = Scatter::new(&evil(), [&evil(), &evil()], &[0.0, 1.0], &[], 2).unwrap();
        let mut chart = loss_curve(&[], &[], Scale::Linear, Some(&evil()));
        (chart.title, chart.x_label, chart.series[0].name) = (evil(), evil(), evil());
        chart.series.push(chart.series[0].clone());
        let report = Report {
            title: evil(),
            summary: evil(),
            figures: fact(),
            warnings: vec![evil()],
            samples: Some(Figure { caption: evil(), content: Content::Png(vec![1, 2, 3]) }),
            real: Some(Figure::scatter(evil(), scatter)),
            curves: vec![Figure::chart(evil(), chart)],
            metrics: vec![Metric { name: evil(), value: f64::NAN, null: Some(f64::INFINITY), n: Some(0) }],
            data: fact(),
            settings: evil(),
            timings: vec![Timing { name: evil(), seconds: 0.0, steps: Some(3) }],
            environment: fact(),
            ..Report::default()
        };
        let page = render(&report);
        markup::check(&page).unwrap();
        assert!(!page.contains("<script") && !page.contains("alert(\""));
        assert!(page.matches("&lt;script&gt;").count() >= 15);
        assert!(page.contains("not finite") && !page.contains("NaN") && !page.contains("inf<"));
    }

    #[test]
    fn many_noise_levels_are_thinned_with_both_ends_kept() {
        for count in [1, 2, 24, 25, 500] {
            let loss = |i| SigmaLoss { sigma: 1000.0 + i as f64, loss: 1.0, baseline: None };
            let report = Report { sigma_losses: (0..count).map(loss).collect(), ..Report::default() };
            let page = render(&report);
            assert_eq!(page.matches("<tr>").count(), count.min(MAX_SIGMA_ROWS) + 1);
            assert!(page.contains(">1000<") && page.contains(&format!(">{}<", 999 + count)), "{count}");
        }
    }

    #[test]
    fn numbers_have_four_digits() {
        let cases =
            [(0.0, "0"), (0.00213, "0.002130"), (142.18, "142.2"), (999.96, "1000"), (123456.7, "123457")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((number(1e-7), number(-2.5e9)), ("1.000e-7".into(), "-2.500e9".into()));
    }
}
