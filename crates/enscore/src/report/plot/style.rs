//! Colours, sizes and weights of everything that is drawn, on white.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::backend::{UNIT, units};
use super::font::FAMILY;

/// Okabe and Ito's colours that read as lines on white, which the colour-blind tell apart: blue, vermilion,
/// green, purple, orange, sky blue.
pub(in crate::report) const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];
/// Text, lesser text, frames and axes, grid lines.
pub(in crate::report) const INK: RGBColor = RGBColor(0x26, 0x2b, 0x31);
pub(in crate::report) const FAINT: RGBColor = RGBColor(0x5d, 0x66, 0x70);
pub(in crate::report) const FRAME: RGBColor = RGBColor(0x8b, 0x93, 0x9c);
pub(in crate::report) const GRID: RGBColor = RGBColor(0xe4, 0xe7, 0xea);

/// Sizes of text, in units of a drawing.
pub(in crate::report) const TITLE: f64 = 14.0;
pub(in crate::report) const BODY: f64 = 11.5;
pub(in crate::report) const SMALL: f64 = 10.5;

/// plotters divides a font's size by this to get the height of an em.
const LINE_PER_EM: f64 = 1.24;

/// Text of this size in this colour, placed by its upper left corner.
pub(in crate::report) fn text(size: f64, colour: RGBColor) -> TextStyle<'static> {
    let font = (FontFamily::Name(FAMILY), size * UNIT * LINE_PER_EM).into_font();
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }
}

/// The same at another corner of its box.
pub(in crate::report) fn text_at(
    size: f64,
    colour: RGBColor,
    across: HPos,
    down: VPos,
) -> TextStyle<'static> {
    text(size, colour).pos(Pos::new(across, down))
}

/// A title.
pub(in crate::report) fn title() -> TextStyle<'static> {
    let font = (FontFamily::Name(FAMILY), TITLE * UNIT * LINE_PER_EM).into_font().style(FontStyle::Bold);
    TextStyle::from(font).color(&INK)
}

/// A line of this width, with this opacity.
pub(in crate::report) fn line(colour: RGBColor, width: f64, opacity: f64) -> ShapeStyle {
    colour.mix(opacity).stroke_width(units(width).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What dichromats see of a colour: Machado, Oliveira and Fernandes 2009, severity 1, in linear light.
    const PROTANOPIA: [[f64; 3]; 3] =
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]];
    const DEUTERANOPIA: [[f64; 3]; 3] =
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]];
    const TRITANOPIA: [[f64; 3]; 3] =
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]];

    /// CIE L*a*b* of linear light.
    fn lab(linear: [f64; 3]) -> [f64; 3] {
        let row = |weights: [f64; 3], white: f64| {
            let v: f64 = weights.iter().zip(linear).map(|(w, v)| w * v.clamp(0.0, 1.0)).sum::<f64>() / white;
            if v > 0.008856 { v.cbrt() } else { 7.787 * v + 16.0 / 116.0 }
        };
        let x = row([0.4124, 0.3576, 0.1805], 0.9505);
        let y = row([0.2126, 0.7152, 0.0722], 1.0);
        let z = row([0.0193, 0.1192, 0.9505], 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn seen(colour: RGBColor, by: Option<[[f64; 3]; 3]>) -> [f64; 3] {
        let linear = [colour.0, colour.1, colour.2].map(|level| {
            let v = f64::from(level) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        let mixed = |rows: [[f64; 3]; 3]| {
            rows.map(|row| row.iter().zip(linear).map(|(weight, v)| weight * v).sum::<f64>())
        };
        lab(by.map_or(linear, mixed))
    }

    #[test]
    fn colours_are_told_apart_without_red_green_or_blue_cones() {
        for by in [None, Some(PROTANOPIA), Some(DEUTERANOPIA), Some(TRITANOPIA)] {
            for (at, one) in COLOURS.iter().enumerate() {
                for other in &COLOURS[..at] {
                    let [a, b] = [seen(*one, by), seen(*other, by)];
                    let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    // A distance of 2.3 is just seen side by side.
                    assert!(distance > 9.0, "{one:?} and {other:?}: {distance:.1}");
                }
            }
        }
    }

    #[test]
    fn text_reads_on_white() {
        for colour in [INK, FAINT] {
            assert!(seen(colour, None)[0] < 50.0, "{colour:?}");
        }
    }
}
