//! Where things are drawn, and what can't be drawn.

use super::*;
use crate::evaluate::{Base, GaussianBase, IsotropicMixture};
use crate::report::centres;
use crate::report::markup::check;
use enscore_program::random::Key;

const WINDOW: [[f64; 2]; 2] = [[-4.0, 4.0], [-4.0, 4.0]];

fn pixel(image: &Image, [x, y]: [usize; 2]) -> [u8; 3] {
    let start = (y * image.width + x) * 3;
    [image.pixels[start], image.pixels[start + 1], image.pixels[start + 2]]
}

fn pixels(picture: &Picture) -> Image {
    png::decode(&picture.png().unwrap())
}

/// The pixel of a PNG at which a panel shows a place.
fn place(panels: &[Panel], columns: usize, at: usize, [x, y]: [f64; 2]) -> [usize; 2] {
    let sheet = Sheet::new(panels, columns).unwrap();
    let Frame { corner, size, x: across, y: up, .. } = &sheet.cells[at].frame;
    let place =
        [corner[0] + size[0] * across.axis.position(x), corner[1] + size[1] * (1.0 - up.axis.position(y))];
    place.map(|v| (2.0 * v) as usize)
}

/// Smoothing overshoots a little at the edges of steps.
fn assert_near(found: [u8; 3], expected: [u8; 3], what: &str) {
    let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 14);
    assert!(near, "{what}: {found:?}, not {expected:?}");
}

fn panel() -> Panel {
    Panel::new("A title", "a subtitle", WINDOW).unwrap()
}

#[test]
fn the_peak_is_bright_where_it_lies() {
    let mut density = GaussianBase::isotropic(&[2.0, 1.0], 0.2).unwrap();
    let bright = panel().density_of(&mut density, 0.0, 112).unwrap();
    let seen = |panel: &Panel, at: [f64; 2]| {
        let panels = std::slice::from_ref(panel);
        pixel(&pixels(&density_sheet(panels, 3).unwrap()), place(panels, 1, 0, at))
    };
    assert_near(seen(&bright, [2.0, 1.0]), Ramp::Warm.colour(1.0), "the peak");
    assert_near(seen(&bright, [-3.5, 3.5]), Ramp::Warm.colour(0.0), "far from it");
    // Halved brightness beside a panel of four times the density.
    let dimmer = bright.clone().with_brightest(4.0 * bright.greatest_density().unwrap()).unwrap();
    assert_near(seen(&dimmer, [2.0, 1.0]), Ramp::Warm.colour(0.5), "the dimmed peak");
}

/// A density in the first cell alone lies in the upper left corner.
#[test]
fn maps_are_the_right_side_up() {
    let mut values = vec![0.0; 16];
    values[0] = 1.0;
    let panels = [panel().with_density(values, [4, 4]).unwrap()];
    let image = pixels(&density_sheet(&panels, 1).unwrap());
    let seen = |at| pixel(&image, place(&panels, 1, 0, at));
    assert_near(seen([-3.8, 3.8]), Ramp::Warm.colour(1.0), "upper left");
    for corner in [[3.8, 3.8], [-3.8, -3.8], [3.8, -3.8]] {
        assert_near(seen(corner), Ramp::Warm.colour(0.0), "another corner");
    }
}

/// Without a density the ground is the length of the score: of a Gaussian, the distance from its mean.
#[test]
fn a_score_alone_lies_on_its_length() {
    let mut density = GaussianBase::isotropic(&[0.0, 0.0], 1.0).unwrap();
    let alone = panel().score_of(&mut density, 3).unwrap();
    let field = alone.length.as_ref().unwrap();
    for (at, place) in centres(WINDOW, field.shape).chunks(2).enumerate() {
        assert!((field.values[at] - place[0].hypot(place[1])).abs() < 1e-5, "{place:?}");
    }
    let panels = [alone];
    let picture = density_sheet(&panels, 1).unwrap();
    assert!(picture.svg().contains(">length of the score</text>") && !picture.svg().contains(">density<"));
    let image = pixels(&picture);
    let corner = pixel(&image, place(&panels, 1, 0, [3.95, 3.95]));
    assert_near(corner, Ramp::Cool.colour(1.0), "the corner");
    let share = (2f64.hypot(0.7) / (4.0 * 2f64.sqrt())).sqrt();
    assert_near(pixel(&image, place(&panels, 1, 0, [0.7, 2.0])), Ramp::Cool.colour(share), "between");
    // A density takes its place.
    let both = panels[0].clone().with_density(vec![1.0], [1, 1]).unwrap();
    let picture = density_sheet(&[both], 1).unwrap();
    assert!(picture.svg().contains(">density</text>") && !picture.svg().contains("length of the score"));
}

/// Panels of one scale share the bar at the end of their row; others have their own.
#[test]
fn a_bar_of_colours_stands_by_each_scale() {
    let map = |top: f64| panel().with_density(vec![top, 0.0], [1, 2]).unwrap();
    let bars = |panels: &[Panel]| density_sheet(panels, 3).unwrap().svg().matches(">density<").count();
    assert_eq!(bars(&[map(1.0), map(1.0), map(1.0)]), 1);
    assert_eq!(bars(&[map(1.0), map(2.0), map(1.0)]), 2);
    assert_eq!(bars(&[map(1.0), map(1.0), map(1.0), map(1.0)]), 2, "one in each row");
    assert_eq!(bars(&[map(1.0), map(3.0).with_brightest(1.0).unwrap()]), 1);
    assert_eq!(bars(&[panel()]), 0);
}

/// A window twice as wide as high has a plot twice as wide as high.
#[test]
fn units_are_equal_on_both_axes() {
    let wide = Panel::new("", "", [[0.0, 2.0], [5.0, 6.0]]).unwrap();
    let panels = [wide.with_points([[1.0, 5.5], [1.0, 7.0], [f64::NAN, 5.5]])];
    let sheet = Sheet::new(&panels, 1).unwrap();
    assert_eq!(sheet.cells[0].frame.size, [SIDE, SIDE / 2.0]);
    let picture = density_sheet(&panels, 1).unwrap();
    assert_eq!(picture.svg().matches("h.01").count(), 1, "points outside are not drawn");
    let found = pixel(&pixels(&picture), place(&panels, 1, 0, [1.0, 5.5]));
    assert!(found[2] > found[0] + 80, "a blue point: {found:?}");
}

/// Words, plots and bars of all panels keep off each other and inside the picture.
#[test]
fn nothing_overlaps() {
    let density = |top: f64| panel().with_density(vec![top, 0.0], [1, 2]).unwrap().with_labels(["x1", "x2"]);
    let odd = Panel::new("Other", "", [[0.0, 30.0], [1000.0, 1003.0]]).unwrap();
    let panels = [density(1.0), density(1e-7), panel(), odd, density(2e5), density(2e5)];
    for columns in [1, 2, 3, 6] {
        let sheet = Sheet::new(&panels, columns).unwrap();
        let [wide, high] = sheet.size();
        let box_of = |cell: &Cell| {
            let [left, top] = cell.frame.corner;
            let right = left + cell.frame.size[0] + cell.right();
            [left - cell.left(), top - cell.head(), right, top - cell.head() + cell.height()]
        };
        let boxes: Vec<[f64; 4]> = sheet.cells.iter().map(box_of).collect();
        for (at, a) in boxes.iter().enumerate() {
            assert!(a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= wide && a[3] <= high, "{columns}: {a:?}");
            for b in &boxes[..at] {
                let apart = a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3];
                assert!(apart, "{columns} columns: {a:?} and {b:?}");
            }
        }
    }
}

/// Arrows grow with the norm, to a cell at most, and large or small numbers stay finite.
#[test]
fn arrows_have_bounded_lengths() {
    let lengths = arrow_lengths(&[[1.0, 0.0], [0.0, -2.0], [4.0, 0.0], [1e200, 1e200], [0.0, 0.0]]);
    assert!(lengths[0] < lengths[1] && lengths[1] < lengths[2] && lengths[3] == 1.0, "{lengths:?}");
    assert!(lengths.iter().all(|length| (0.35..=1.0).contains(length)));
    for scale in [0.0, 1e-320, 1e300, f64::MAX] {
        let panel = panel().with_arrows(vec![[scale, -scale]; 9], [3, 3]).unwrap();
        let picture = density_sheet(&[panel], 1).unwrap();
        check(picture.svg()).unwrap();
        assert!(!picture.svg().contains("NaN") && !picture.svg().contains("inf"), "{scale}");
    }
}

/// y grows upwards: the barbs of an arrow along +y lie in the upper half.
#[test]
fn arrows_point_up_where_y_grows() {
    let panels = [panel().with_arrows(vec![[0.0, 1.0]], [1, 1]).unwrap()];
    let image = pixels(&density_sheet(&panels, 1).unwrap());
    let ink = |low: f64, high: f64| {
        let [left, top] = place(&panels, 1, 0, [-3.8, high]);
        let [right, bottom] = place(&panels, 1, 0, [3.8, low]);
        let all = (top..bottom).flat_map(|y| (left..right).map(move |x| [x, y]));
        all.filter(|at| pixel(&image, *at) != [255; 3]).count()
    };
    let [upper, lower] = [ink(0.1, 3.8), ink(-3.8, -0.1)];
    assert!(upper > 2 * lower && lower > 50, "{upper} {lower}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    for window in
        [[[0.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [f64::NAN, 1.0]], [[-f64::MAX, f64::MAX], [0.0, 1.0]]]
    {
        assert!(Panel::new("", "", window).is_err());
    }
    assert!(panel().with_density(vec![0.0; 5], [2, 3]).is_err());
    assert!(panel().with_density(vec![], [0, 3]).is_err());
    assert!(panel().with_density(vec![0.0, -1.0], [1, 2]).unwrap_err().place.contains("column 1"));
    assert!(panel().with_score_length(vec![0.0, f64::NAN], [1, 2]).is_err());
    assert!(panel().with_arrows(vec![[0.0, f64::NAN]], [1, 1]).is_err());
    assert!(panel().with_brightest(0.0).is_err());
    assert!(panel().score_of(&mut GaussianBase::isotropic(&[0.0; 3], 1.0).unwrap(), 4).is_err());
    assert!(density_sheet(&[], 1).is_err() && density_sheet(&[panel()], 0).is_err());
    let flat = panel().with_density(vec![0.0; 4], [2, 2]).unwrap();
    check(density_sheet(&[flat], 1).unwrap().svg()).unwrap();
}

/// A sheet as reports have it is a small file, and its words stand in it once.
#[test]
fn six_panels_are_a_small_file() {
    let means = [2.0, 0.0, -1.0, 1.7, -1.0, -1.7];
    let mixture = IsotropicMixture::new(&[0.5, 0.3, 0.2], &means, &[0.15; 3], 2).unwrap();
    let sigmas = [0.0, 0.3, 0.6, 1.0, 1.5, 2.0];
    let panels: Vec<Panel> = sigmas
        .iter()
        .map(|sigma| {
            let mut noisy = mixture.noisy(*sigma).unwrap();
            let points = noisy.draw(Key::new(1, 0), 100).unwrap();
            let title = format!("Noise {sigma}");
            let panel = Panel::new(&title, &format!("σ = {sigma}, KL 0.012 ± 0.001"), WINDOW).unwrap();
            let panel = panel.density_of(&mut noisy, 0.0, 112).unwrap();
            panel.score_of(&mut noisy, 14).unwrap().with_points(points.chunks(2).map(|p| [p[0], p[1]]))
        })
        .collect();
    let picture = density_sheet(&panels, 3).unwrap();
    check(picture.svg()).unwrap();
    for sigma in sigmas {
        assert_eq!(picture.svg().matches(&format!(">Noise {sigma}</text>")).count(), 1);
    }
    let bytes = picture.png().unwrap();
    assert!(
        bytes.len() < 900_000 && picture.svg().len() < 200_000,
        "{} {}",
        bytes.len(),
        picture.svg().len()
    );
}
