//! What plotters draws, as SVG.
//!
//! plotters' own SVG backend has whole pixels for places, an element for each of thousands of points and no
//! pictures. This one has places of a tenth, one path for what follows in one style, and pictures.

use std::convert::Infallible;
use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use plotters::coord::Shift;
use plotters::prelude::DrawingArea;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

use crate::report::markup::escape;

/// plotters' pixels in a unit of a drawing.
pub(in crate::report) const UNIT: f64 = 10.0;

/// A part of a drawing.
pub(in crate::report) type Area<'a> = DrawingArea<Svg<'a>, Shift>;

/// A length in plotters' pixels.
pub(in crate::report) fn units(length: f64) -> i32 {
    (length * UNIT).round() as i32
}

type Done = Result<(), DrawingErrorKind<Infallible>>;

/// Elements of SVG, written to a text.
pub(in crate::report) struct Svg<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// The path that is being written, and its style.
    path: String,
    style: String,
}

impl<'a> Svg<'a> {
    /// A drawing of this size, in plotters' pixels, at the end of a text.
    pub(super) fn new(out: &'a mut String, size: (u32, u32)) -> Self {
        Svg { out, size, path: String::new(), style: String::new() }
    }

    /// Adds to the path in this style, or begins one.
    fn draw(&mut self, style: String, path: std::fmt::Arguments) {
        if self.style != style {
            self.end_path();
            self.style = style;
        }
        let _ = self.path.write_fmt(path);
    }

    fn end_path(&mut self) {
        if !self.path.is_empty() {
            let _ = write!(self.out, r#"<path d="{}" {}/>"#, self.path, self.style);
            self.path.clear();
        }
        self.style.clear();
    }

    /// A line through places, dashed if `dash` is given as SVG has it.
    pub(super) fn line(
        &mut self,
        places: impl IntoIterator<Item = BackendCoord>,
        style: &impl BackendStyle,
        dash: &str,
    ) {
        let colour = style.color();
        let width = place(i64::from(style.stroke_width()));
        let dash = if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
        let (stroke, opacity) = (hex(colour), opacity("stroke", colour));
        let style = format!(r#"fill="none" stroke="{stroke}" stroke-width="{width}"{dash}{opacity}"#);
        for (at, (x, y)) in places.into_iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            self.draw(style.clone(), format_args!("{command}{} {}", place(x), place(y)));
        }
    }

    /// A PNG file's picture over a box, smoothed.
    pub(super) fn picture(&mut self, [left, top, right, bottom]: [i32; 4], png: &[u8]) {
        self.end_path();
        let data = STANDARD.encode(png);
        let [x, y, wide, high] = [left, top, right - left, bottom - top].map(place);
        let _ = write!(
            self.out,
            r#"<image x="{x}" y="{y}" width="{wide}" height="{high}" preserveAspectRatio="none" href="data:image/png;base64,{data}"/>"#
        );
    }
}

/// A place or a length in units, with a tenth at most.
fn place(pixels: impl Into<i64>) -> f64 {
    pixels.into() as f64 / UNIT
}

fn hex(colour: BackendColor) -> String {
    let (red, green, blue) = colour.rgb;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The attribute of what is not opaque.
fn opacity(of: &str, colour: BackendColor) -> String {
    if colour.alpha < 1.0 { format!(r#" {of}-opacity="{}""#, colour.alpha) } else { String::new() }
}

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        self.end_path();
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Done {
        self.draw_rect((x, y), (x + 1, y + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.line([from, to], style, "");
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        self.line(path, style, "");
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        self.end_path();
        let colour = style.color();
        let look = if fill {
            format!(r#"fill="{}"{}"#, hex(colour), opacity("fill", colour))
        } else {
            let width = place(i64::from(style.stroke_width()));
            let (stroke, opacity) = (hex(colour), opacity("stroke", colour));
            format!(r#"fill="none" stroke="{stroke}" stroke-width="{width}"{opacity}"#)
        };
        let [x, y, wide, high] = [left, top, right - left, bottom - top].map(place);
        let _ = write!(self.out, r#"<rect x="{x}" y="{y}" width="{wide}" height="{high}" {look}/>"#);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Done {
        let colour = style.color();
        let width = place(2 * i64::from(radius));
        let style = format!(
            r#"fill="none" stroke="{}" stroke-width="{width}" stroke-linecap="round"{}"#,
            hex(colour),
            opacity("stroke", colour)
        );
        // A line of no length with round ends is a dot; some readers leave out what has no length at all.
        self.draw(style, format_args!("M{} {}h.01", place(x), place(y)));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Done {
        let colour = style.color();
        let style = format!(r#"fill="{}"{}"#, hex(colour), opacity("fill", colour));
        for (at, (x, y)) in corners.into_iter().enumerate() {
            let command = if at == 0 { 'M' } else { 'L' };
            self.draw(style.clone(), format_args!("{command}{} {}", place(x), place(y)));
        }
        self.end_path();
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Done {
        if text.is_empty() {
            return Ok(());
        }
        self.end_path();
        // plotters' size is that of a line, 1.24 em.
        let size = (style.size() / 1.24).round();
        // From the place to the baseline: capitals are 0.73 em high.
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.73 * size,
            VPos::Center => 0.36 * size,
            VPos::Bottom => 0.0,
        };
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => r#" text-anchor="middle""#,
            HPos::Right => r#" text-anchor="end""#,
        };
        let weight = match style.style() {
            FontStyle::Bold => r#" font-weight="600""#,
            FontStyle::Normal | FontStyle::Italic | FontStyle::Oblique => "",
        };
        let turn = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 90,
            FontTransform::Rotate180 => 180,
            FontTransform::Rotate270 => 270,
        };
        let turned = match turn {
            0 => format!(r#"x="{}" y="{}""#, place(x), place(y + drop.round() as i32)),
            turn => {
                let down = place(drop.round() as i64);
                format!(r#"y="{down}" transform="translate({} {}) rotate({turn})""#, place(x), place(y))
            }
        };
        let size = place(size as i64);
        let colour = hex(style.color());
        let text = escape(text);
        let _ = write!(
            self.out,
            r#"<text {turned}{anchor} font-size="{size}"{weight} fill="{colour}">{text}</text>"#
        );
        Ok(())
    }
}
