//! Pictures as PNG, SVG and PDF.

use crate::common::{Folder, png_size};

/// A file begins as its kind does.
fn assert_is(folder: &Folder, name: &str, start: &str) {
    let bytes = std::fs::read(folder.path(name)).unwrap();
    assert!(bytes.starts_with(start.as_bytes()) && bytes.len() > 900, "{name}: {} bytes", bytes.len());
}

#[test]
fn samples_are_written_in_the_format_that_is_asked_for() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out mlp --no-report");
    let drawn = folder.succeed("sample mlp --num 20 --format svg --json").json();
    assert_eq!(drawn["samples"], "mlp/samples/sample-seed0.svg");
    let svg = folder.text("mlp/samples/sample-seed0.svg");
    // The names of the columns, and every sample.
    assert!(svg.starts_with("<svg ") && svg.contains(">a</text>") && svg.contains(">b</text>"), "{svg}");
    assert!(svg.matches("h.01").count() > 10 && svg.contains(">Samples</text>"));
    folder.succeed("sample mlp --num 20 --out points.pdf");
    assert_is(&folder, "points.pdf", "%PDF-");
    folder.succeed("sample mlp --num 20 --out points.png --format png");
    // Twice the size of the drawing.
    let size = svg.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(f64::from(png_size(&folder.path("points.png")).0), 2.0 * size.parse::<f64>().unwrap());
    let refused = [
        ("sample mlp --out points.png --format pdf", "--format and --out name different formats"),
        ("sample mlp --out points.csv --format png", "--format and --out name different formats"),
        ("sample mlp --format gif", "png or svg or pdf"),
        ("compare two.toml --format bmp", "png or svg or pdf"),
    ];
    for (arguments, expected) in refused {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{arguments}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
    }
}

/// Images keep their pixels, whatever the file is.
#[test]
fn sheets_of_images_are_written_in_each_format() {
    let folder = Folder::new();
    folder.succeed("train unet.toml --out unet --no-report --set train.steps=2");
    for name in ["sheet.svg", "sheet.pdf", "sheet.png"] {
        folder.succeed(&format!("sample unet --num 9 --out {name}"));
    }
    assert_is(&folder, "sheet.svg", "<svg ");
    assert_is(&folder, "sheet.pdf", "%PDF-");
    assert_eq!(png_size(&folder.path("sheet.png")), (8 * 58 + 2, 2 * 58 + 2));
    assert!(folder.text("sheet.svg").contains("viewBox=\"0 0 466 118\""));
}

#[test]
fn a_comparison_is_drawn_in_the_format_that_is_asked_for() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'two-moons'\n[model]\nkind = 'mlp'\nhidden = [8]\n[objective]\nkind = 'ssm'\n\
                    [train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n[compare]\nquality = 0.9\nscore = []\n\
                    energy = ['model.kind=mlp-energy', 'model.hidden=[8]', 'model.confinement=2.0']\n";
    folder.write("two.toml", settings.as_bytes());
    folder.succeed("compare two.toml --out both --format svg");
    let svg = folder.text("both/comparison.svg");
    assert!(!folder.exists("both/comparison.png"));
    // Truth and energy have densities, on one scale; the score alone lies on its length.
    for (words, times) in
        [(">Truth<", 1), (">score<", 1), (">energy<", 1), (">density<", 1), (">length of the score<", 1)]
    {
        assert_eq!(svg.matches(words).count(), times, "{words}");
    }
    folder.succeed("compare two.toml --out both --format pdf");
    assert_is(&folder, "both/comparison.pdf", "%PDF-");
}
