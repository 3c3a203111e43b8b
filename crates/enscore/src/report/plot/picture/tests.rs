//! The three files of a drawing.

use super::*;
use crate::report::markup::check;
use crate::report::plot::{COLOURS, INK, line, text, title};
use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;

fn drawing() -> Picture {
    draw("a & b", [120.0, 60.0], |area| {
        area.draw(&Rectangle::new([(100, 100), (300, 200)], COLOURS[0].filled()))?;
        area.draw(&PathElement::new(vec![(0, 550), (1200, 550)], line(COLOURS[1], 2.0, 0.5)))?;
        area.draw_text("σ² < ½", &title(), (400, 100))?;
        area.draw_text("no 'tag", &text(10.0, INK), (400, 300))
    })
    .unwrap()
}

fn pixel(image: &Image, [x, y]: [usize; 2]) -> [u8; 3] {
    let start = (y * image.width + x) * 3;
    [image.pixels[start], image.pixels[start + 1], image.pixels[start + 2]]
}

#[test]
fn an_svg_says_what_it_is_and_needs_nothing_else() {
    let picture = drawing();
    let svg = picture.svg();
    check(svg).unwrap();
    assert!(svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60""#), "{svg}");
    assert!(svg.contains(r#"aria-label="a &amp; b""#) && svg.contains(">σ² &lt; ½</text>"), "{svg}");
    assert!(!svg.contains('\n') && !svg.contains("url("));
    assert_eq!(picture.size(), [120.0, 60.0]);
}

#[test]
fn a_png_has_twice_the_size_and_things_where_they_lie() {
    let image = png::decode(&drawing().png().unwrap());
    assert_eq!((image.width, image.height, image.channels), (240, 120, 3));
    assert_eq!(pixel(&image, [40, 30]), [0x00, 0x72, 0xb2]);
    assert_eq!(pixel(&image, [2, 2]), [255; 3]);
    // Half of vermilion on white.
    let [red, green, blue] = pixel(&image, [120, 110]);
    assert!(red.abs_diff(0xea) <= 1 && green.abs_diff(0xaf) <= 1 && blue.abs_diff(0x80) <= 1);
}

/// Letters are drawn with the font that the library carries, whatever the machine has.
#[test]
fn a_png_has_letters() {
    let image = png::decode(&drawing().png().unwrap());
    let ink = |[left, top, right, bottom]: [usize; 4]| {
        let places = (top..bottom).flat_map(|y| (left..right).map(move |x| [x, y]));
        places.filter(|at| pixel(&image, *at)[0] < 128).count()
    };
    // About a sixth of the box of a line of text is ink.
    let found = [ink([80, 8, 180, 34]), ink([80, 52, 160, 72])];
    assert!(found.iter().all(|count| (60..900).contains(count)), "{found:?}");
}

#[test]
fn a_pdf_is_a_page() {
    let pdf = drawing().pdf().unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 1000, "{} bytes", pdf.len());
    let text = String::from_utf8_lossy(&pdf);
    // 120 x 60 units of 1/96 inch are 90 x 45 points.
    assert!(text.contains("/MediaBox [0 0 90 45]"), "{:.2000}", text);
}

#[test]
fn pixels_stay_what_they_are() {
    let image = Image { width: 3, height: 2, channels: 1, pixels: vec![0, 50, 100, 150, 200, 255] };
    let picture = Picture::of_pixels("sheet", image.clone()).unwrap();
    assert_eq!(png::decode(&picture.png().unwrap()), image);
    check(picture.svg()).unwrap();
    assert!(picture.pdf().unwrap().starts_with(b"%PDF"));
    let wrong = Image { width: 3, height: 3, channels: 1, pixels: vec![0; 6] };
    assert!(Picture::of_pixels("sheet", wrong).is_err());
}

#[test]
fn each_format_has_its_file() {
    let folder = tempfile::tempdir().unwrap();
    for (format, start) in
        [(PictureFormat::Png, &b"\x89PNG"[..]), (PictureFormat::Svg, b"<svg "), (PictureFormat::Pdf, b"%PDF")]
    {
        let path = folder.path().join(format!("a.{}", format.ending()));
        drawing().write(&path, format).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(start), "{format:?}");
    }
}

#[test]
fn sizes_beyond_the_memory_are_refused() {
    for size in [[0.0, 10.0], [f64::NAN, 10.0], [1e6, 1e6]] {
        assert!(draw("x", size, |_| Ok(())).is_err(), "{size:?}");
    }
}
