//! A figure or metric that can't be computed says why and leaves the others; runs without held-out rows are
//! evaluated on what there is.

use serde_json::Value;

use crate::common::Folder;
use crate::figures::plain::page::Page;

/// A perceptron energy of rows of this width.
fn energy(objective: &str) -> String {
    format!(
        "[data]\npath = 'rows.csv'\nvalidation = 0.2\n[model]\nkind = 'mlp-energy'\nhidden = [4]\n{objective}\n\
         [train]\nsteps = 4\nbatch = 8\n[sampler]\nkind = 'langevin'\nsteps = 3\nstep_size = 0.01\n"
    )
}

/// Rows of which most are equal.
fn mostly_equal(folder: &Folder) {
    let row = |i: usize| if i < 50 { "1,2\n".to_string() } else { format!("{}.5,{}\n", i % 7, i % 5) };
    folder.write("rows.csv", format!("a,b\n{}", (0..60).map(row).collect::<String>()).as_bytes());
}

fn metric<'a>(answer: &'a Value, word: &str) -> &'a Value {
    let metrics = answer["metrics"].as_object().unwrap();
    metrics.iter().find(|(name, _)| name.starts_with(word)).unwrap_or_else(|| panic!("{answer}")).1
}

#[test]
fn a_metric_that_fails_says_why_and_leaves_the_others() {
    let folder = Folder::new();
    mostly_equal(&folder);
    folder.write("e.toml", energy("[objective]\nkind = 'dsm'\nsigma = 0.3").as_bytes());
    let trained = folder.succeed("train e.toml --out run --json").json();
    for answer in [&trained["evaluation"], &folder.succeed("evaluate run --samples 20 --json").json()] {
        assert!(metric(answer, "mmd")["value"].is_null(), "{answer}");
        let reason = metric(answer, "mmd")["reason"].as_str().unwrap();
        assert!(reason.contains("bandwidth") && reason.contains("half may be equal"), "{reason}");
        for word in ["sliced_wasserstein", "frechet"] {
            assert!(metric(answer, word)["value"].is_number(), "{answer}");
        }
    }
    let text = folder.succeed("evaluate run --samples 20").stdout;
    assert!(text.contains("mmd2                   can't be computed: no usable bandwidth"), "{text}");
    let page = Page::of(&folder, "run");
    assert!(page.text("Metrics").contains("mmd2 can't be computed"), "{}", page.text("Metrics"));
    let alone = folder.succeed("evaluate run --samples 20 --metrics frechet --json").json();
    assert_eq!(alone["metrics"].as_object().unwrap().len(), 1, "{alone}");
}

#[test]
fn one_reason_for_all_metrics_is_said_once() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let text = folder.succeed("evaluate run --samples 1").stdout;
    let line = "mmd2, sliced_wasserstein, frechet_pca, kid, precision, recall, coverage  can't be computed: too few rows to compare samples with \
                data: found 1 sample, 10 real rows";
    assert!(text.contains(line) && text.matches("can't be computed").count() == 1, "{text}");
    let page = Page::of(&folder, "run").text("Metrics");
    assert_eq!(page.matches("can't be computed").count(), 1, "{page}");
}

#[test]
fn rows_of_data_that_is_named_are_not_called_held_out() {
    let folder = Folder::new();
    folder.write("n.toml", energy("[objective]\nkind = 'nce'").replace("rows.csv", "points.csv").as_bytes());
    folder.succeed("train n.toml --out run --no-report");
    let text = folder.succeed("evaluate run --data points.csv").stdout;
    assert!(text.contains("log density of rows of points.csv") && !text.contains("held-out"), "{text}");
    assert!(folder.succeed("evaluate run").stdout.contains("log density of held-out rows"));
    folder.succeed("train mlp.toml --out score --no-report");
    let text = folder.succeed("evaluate score --data points.csv").stdout;
    assert!(text.contains("\nloss  ") && !text.contains("held-out"), "{text}");
}

#[test]
fn an_evaluation_of_nothing_says_how_there_is_something() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report --set data.validation=0");
    let ran = folder.run("evaluate run --samples 0");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    for part in ["nothing to evaluate: found no held-out rows", "--data", "--samples N"] {
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    assert!(!folder.exists("run/report.html"));
}

/// The covariance of these columns would take gigabytes: only the Frechet distance may look at them so.
#[test]
fn wide_rows_have_all_metrics() {
    let folder = Folder::new();
    let row = |i: usize| (0..9000).map(|j| ((i * 31 + j * 7) % 11).to_string()).collect::<Vec<_>>().join(",");
    folder.write("rows.csv", (0..30).map(|i| row(i) + "\n").collect::<String>().as_bytes());
    folder.write("e.toml", energy("[objective]\nkind = 'dsm'\nsigma = 0.3").as_bytes());
    folder.succeed("train e.toml --out run --no-report");
    let answer = folder.succeed("evaluate run --samples 8 --json").json();
    for word in ["mmd", "sliced_wasserstein", "frechet"] {
        assert!(metric(&answer, word)["value"].is_number(), "{}", answer["metrics"]);
    }
}

#[test]
fn a_run_without_held_out_rows_has_a_report_of_its_training_rows() {
    let folder = Folder::new();
    folder.write("n.toml", energy("[objective]\nkind = 'nce'").replace("rows.csv", "points.csv").as_bytes());
    for settings in ["mlp.toml", "n.toml"] {
        let run = settings.trim_end_matches(".toml");
        let none = "--set data.validation=0";
        let trained = folder.succeed(&format!("train {settings} --out {run} --json {none}")).json();
        assert_eq!(trained["evaluation"]["held_out"], "training");
        let answer = folder.succeed(&format!("evaluate {run} --json")).json();
        assert!(answer["notes"][0].as_str().unwrap().contains("No rows are held out"), "{answer}");
        assert!(answer["loss_per_dim"].is_null() && metric(&answer, "mmd")["value"].is_number(), "{answer}");
        let figures = answer["figures"].as_array().unwrap();
        let labels: Vec<&str> = figures.iter().map(|figure| figure["label"].as_str().unwrap()).collect();
        assert!(labels.iter().all(|label| !label.contains("held-out")), "{labels:?}");
        assert_eq!(labels.len(), if settings == "n.toml" { 1 } else { 0 }, "{labels:?}");
        assert!(Page::of(&folder, run).warnings()[0].contains("No rows are held out"));
        let refused = folder.run(&format!("evaluate {run} --against points.csv"));
        assert!(refused.code == Some(2) && refused.stderr.contains("no held-out rows"), "{refused:?}");
        let other = folder.succeed(&format!("evaluate {run} --data points.csv --samples 0")).stdout;
        assert!(!other.contains("No rows are held out"), "{other}");
    }
}

/// The mean of one row has no standard error.
#[test]
fn one_row_has_no_error() {
    let folder = Folder::new();
    folder.write("n.toml", energy("[objective]\nkind = 'nce'").replace("rows.csv", "points.csv").as_bytes());
    folder.succeed("train n.toml --out run --no-report");
    folder.write("one.csv", b"a,b\n0.5,1.5\n");
    let answer = folder.succeed("evaluate run --data one.csv --samples 0 --json").json();
    let figure = |id: &str| {
        answer["figures"].as_array().unwrap().iter().find(|figure| figure["id"] == id).unwrap().clone()
    };
    assert!(figure("log_density_held_out")["std_err"].is_null(), "{answer}");
    assert!(figure("log_density_training")["std_err"].is_number(), "{answer}");
    assert_eq!(figure("log_likelihood")["unit"], "nats in the data's units");
    let text = folder.succeed("evaluate run --data one.csv --samples 0").stdout;
    assert!(!text.contains("± 0.0000"), "{text}");
}
