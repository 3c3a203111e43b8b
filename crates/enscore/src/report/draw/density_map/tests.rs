//! Where things are drawn, and what can't be drawn.

use super::*;
use crate::evaluate::{Base, GaussianBase, IsotropicMixture};
use enscore_program::random::Key;

const WINDOW: [[f64; 2]; 2] = [[-4.0, 4.0], [-4.0, 4.0]];

fn pixel(image: &Image, [x, y]: [usize; 2]) -> [u8; 3] {
    let start = (y * image.width + x) * 3;
    [image.pixels[start], image.pixels[start + 1], image.pixels[start + 2]]
}

#[test]
fn the_peak_is_bright_where_it_lies() {
    let mut density = GaussianBase::isotropic(&[2.0, 1.0], 0.2).unwrap();
    let panel = Panel::new("N", "", WINDOW).unwrap().density_of(&mut density, 0.0, 112).unwrap();
    let image = density_sheet(std::slice::from_ref(&panel), 3).unwrap();
    let [x, y] = panel.place([2.0, 1.0], panel.size()).map(|v| v as usize);
    assert_eq!([x, y], [168, 84]);
    assert_eq!(pixel(&image, [GAP + x, GAP + TEXT + y]), colour_ramp::colour(1.0));
    assert_eq!(pixel(&image, [GAP + 5, GAP + TEXT + 5]), colour_ramp::colour(0.0));
    // Halved brightness beside a panel of four times the density.
    let dimmer = panel.clone().with_brightest(4.0 * panel.greatest_density().unwrap()).unwrap();
    let image = density_sheet(&[dimmer], 1).unwrap();
    assert_eq!(pixel(&image, [GAP + x, GAP + TEXT + y]), colour_ramp::colour(0.5));
}

#[test]
fn places_go_along_rows_from_the_top() {
    let found = centres([[0.0, 4.0], [0.0, 2.0]], [2, 4]);
    assert_eq!(found[..4], [0.5, 1.5, 1.5, 1.5]);
    assert_eq!(found[8..10], [0.5, 0.5]);
    assert_eq!(found.len(), 16);
}

/// A window twice as wide as high has a plot twice as wide as high.
#[test]
fn units_are_equal_on_both_axes() {
    let panel = Panel::new("", "", [[0.0, 2.0], [5.0, 6.0]]).unwrap();
    assert_eq!(panel.size(), [SIDE, SIDE / 2]);
    let image = density_sheet(
        &[panel.with_points([[1.0 + 0.5 / 112.0, 5.5 - 0.5 / 224.0], [1.0, 7.0], [f64::NAN, 5.5]])],
        1,
    )
    .unwrap();
    assert_eq!(pixel(&image, [GAP + SIDE / 2, GAP + TEXT + SIDE / 2]), POINT_ON_WHITE);
}

/// Arrows grow with the norm, to a cell at most, and large or small numbers stay finite.
#[test]
fn arrows_have_bounded_lengths() {
    let lengths = arrow_lengths(&[[1.0, 0.0], [0.0, -2.0], [4.0, 0.0], [1e200, 1e200], [0.0, 0.0]]);
    assert!(lengths[0] < lengths[1] && lengths[1] < lengths[2] && lengths[3] == 1.0, "{lengths:?}");
    assert!(lengths.iter().all(|length| (0.35..=1.0).contains(length)));
    for scale in [0.0, 1e-320, 1e300, f64::MAX] {
        let panel = Panel::new("", "", WINDOW).unwrap();
        density_sheet(&[panel.with_arrows(vec![[scale, -scale]; 9], [3, 3]).unwrap()], 1)
            .unwrap()
            .check()
            .unwrap();
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    for window in
        [[[0.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [f64::NAN, 1.0]], [[-f64::MAX, f64::MAX], [0.0, 1.0]]]
    {
        assert!(Panel::new("", "", window).is_err());
    }
    let panel = || Panel::new("", "", WINDOW).unwrap();
    assert!(panel().with_density(vec![0.0; 5], [2, 3]).is_err());
    assert!(panel().with_density(vec![], [0, 3]).is_err());
    assert!(panel().with_density(vec![0.0, -1.0], [1, 2]).unwrap_err().place.contains("column 1"));
    assert!(panel().with_arrows(vec![[0.0, f64::NAN]], [1, 1]).is_err());
    assert!(panel().with_brightest(0.0).is_err());
    assert!(panel().score_of(&mut GaussianBase::isotropic(&[0.0; 3], 1.0).unwrap(), 4).is_err());
    assert!(density_sheet(&[], 1).is_err() && density_sheet(&[panel()], 0).is_err());
    density_sheet(&[panel().with_density(vec![0.0; 4], [2, 2]).unwrap()], 1).unwrap().check().unwrap();
}

/// A sheet as reports have it stays small as a file.
#[test]
fn six_panels_are_a_small_file() {
    let means = [2.0, 0.0, -1.0, 1.7, -1.0, -1.7];
    let mixture = IsotropicMixture::new(&[0.5, 0.3, 0.2], &means, &[0.15; 3], 2).unwrap();
    let panels: Vec<Panel> = [0.0, 0.3, 0.6, 1.0, 1.5, 2.0]
        .iter()
        .map(|sigma| {
            let mut noisy = mixture.noisy(*sigma).unwrap();
            let points = noisy.draw(Key::new(1, 0), 100).unwrap();
            let panel =
                Panel::new("Three Gaussians", &format!("σ = {sigma}, KL 0.012 ± 0.001"), WINDOW).unwrap();
            let panel = panel.density_of(&mut noisy, 0.0, 112).unwrap();
            panel.score_of(&mut noisy, 14).unwrap().with_points(points.chunks(2).map(|p| [p[0], p[1]]))
        })
        .collect();
    let image = density_sheet(&panels, 3).unwrap();
    let bytes = crate::report::png::encode(&image).unwrap();
    assert!(bytes.len() < 200_000, "{} bytes", bytes.len());
    if let Ok(path) = std::env::var("SCRATCH_PNG") {
        std::fs::write(path, bytes).unwrap();
    }
}

/// y grows upwards: the barbs of an arrow along +y lie in the upper half.
#[test]
fn arrows_point_up_where_y_grows() {
    let panel = Panel::new("", "", WINDOW).unwrap().with_arrows(vec![[0.0, 1.0]], [1, 1]).unwrap();
    let image = density_sheet(&[panel], 1).unwrap();
    let ink = |rows: std::ops::Range<usize>| {
        let inside = |y: usize| (0..SIDE).map(move |x| [GAP + x, GAP + TEXT + y]);
        rows.flat_map(inside).filter(|at| pixel(&image, *at) != [255; 3]).count()
    };
    assert!(ink(0..SIDE / 2) > 2 * ink(SIDE / 2..SIDE), "{} {}", ink(0..SIDE / 2), ink(SIDE / 2..SIDE));
}
