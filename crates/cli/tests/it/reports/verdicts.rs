//! The report's verdict, columns, links and words.

use crate::common::Folder;
use crate::figures::plain::page::Page;

/// Rows of a table with names, the third a sum of the others and noise.
fn table(folder: &Folder) {
    let row = |i: usize| {
        let [a, b, c] = [0.37, 0.91, 2.3].map(|rate| (i as f64 * rate).sin());
        format!("{:.3},{:.3},{:.3}\n", 10.0 * a, 100.0 + b, a + b + 0.3 * c)
    };
    let text: String = (0..200).map(row).collect();
    folder.write("table.csv", format!("width,height,sum\n{text}").as_bytes());
}

const FLOW: &str = "[data]\npath = 'table.csv'\nvalidation = 0.2\n[model]\nkind = 'real-nvp'\nhidden = [8]\n\
                    [objective]\nkind = 'ml'\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 4\n";

#[test]
fn a_table_has_its_columns_by_name() {
    let folder = Folder::new();
    table(&folder);
    folder.write("flow.toml", FLOW.as_bytes());
    folder.succeed("train flow.toml --out run --no-report");
    folder.succeed("evaluate run --samples 50");
    let page = Page::of(&folder, "run");
    let lines = page.table("Columns");
    assert_eq!(lines[0][..4], ["column", "mean", "deviation", "5 %"]);
    assert_eq!([&lines[1][0], &lines[2][0], &lines[3][0]], ["width", "samples", "height"]);
    // Of the training rows, 160 of 200, in the units of the file.
    let mean: f64 = lines[3][1].parse().unwrap();
    assert!((mean - 100.0).abs() < 0.3, "{lines:?}");
    assert!(page.section("Columns").unwrap().contains("<svg"));
    let verdict = page.text("Verdict");
    assert!(verdict.contains("20 rows a side") && verdict.contains("more samples"), "{verdict}");
    let words = page.text("Words");
    assert!(words.contains("log-likelihood") && words.contains("sliced Wasserstein"), "{words}");
    assert!(!words.contains("AUROC"), "only what is shown is explained: {words}");
    let files = page.text("Files of the run");
    assert!(files.contains("settings.toml") && files.contains("metrics.jsonl"), "{files}");
    let environment = page.text("Environment");
    assert!(
        environment.contains("evaluate run --samples 50") && environment.contains("UTC"),
        "{environment}"
    );
    assert!(environment.contains(" cores"), "{environment}");
}

#[test]
fn points_have_a_map_of_their_density() {
    let folder = Folder::new();
    folder.write("flow.toml", FLOW.replace("table.csv", "points.csv").as_bytes());
    for (settings, run) in [("flow.toml", "flow"), ("mlp.toml", "score")] {
        folder.succeed(&format!("train {settings} --out {run} --no-report"));
        folder.succeed(&format!("evaluate {run} --samples 20"));
        let page = Page::of(&folder, run);
        assert!(page.section("Density").unwrap().contains("data:image/png"), "{run}");
        assert_eq!(page.table("Columns")[1][0], "a", "{run}");
    }
}
