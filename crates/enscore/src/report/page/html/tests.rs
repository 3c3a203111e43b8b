//! Pages: what stands in them, escaped.

use super::*;
use crate::report::{Scale, Scatter, gradient_norm, learning_rate, loss_curve, markup, sheet, sigma_losses};

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
    let sheet_of = |skip: usize| sheet::sheet(&blobs(72, 8)[skip * 64..][..64 * 64], shape, 8, 4, 2).unwrap();
    let train: Vec<(f64, f64)> = (0..6000)
        .map(|i| (f64::from(i), 0.4 + 3.0 / (1.0 + f64::from(i) / 90.0) + 0.1 * (f64::from(i) * 7.3).sin()))
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
            Figure::chart("Loss of each batch and on held-back data.", &loss_curve(&train, &validation, Scale::Log, None)).unwrap(),
            Figure::chart("Below the dashed line the model beats any linear score.", &sigma_losses(&losses, &baseline)).unwrap(),
            Figure::chart("Warm-up, then constant.", &learning_rate(&[(0.0, 0.0), (500.0, 1e-3), (6000.0, 1e-3)])).unwrap(),
            Figure::chart("Before clipping.", &gradient_norm(&train)).unwrap(),
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
    assert!(page.contains(&escape(NULL_SENTENCE)) && page.contains(r#"width="274" height="274""#), "sides");
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
        real: Some(Figure::scatter(evil(), &scatter).unwrap()),
        curves: vec![Figure::chart(evil(), &chart).unwrap()],
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
