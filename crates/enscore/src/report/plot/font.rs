//! The font of all drawings, which the library carries: text has the same widths and looks the same on every
//! machine.

use std::sync::{Arc, OnceLock};

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};
use resvg::usvg::fontdb::Database;

use super::backend::UNIT;
use crate::error::{Error, Result};

/// The name of the font's family.
pub(super) const FAMILY: &str = "Inter";
static REGULAR: &[u8] = include_bytes!("fonts/Inter-Regular.ttf");
static SEMI_BOLD: &[u8] = include_bytes!("fonts/Inter-SemiBold.ttf");

/// Makes the font known to what measures text; more than once does nothing.
pub(super) fn register() -> Result<()> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, SEMI_BOLD).is_ok()
    });
    if *known { Ok(()) } else { Err(Error::run("can't read the font of drawings").at(FAMILY)) }
}

/// The same font for what turns drawings into pixels and pages. No font of the machine is in it.
pub(super) fn database() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(SEMI_BOLD.to_vec());
        fonts.set_sans_serif_family(FAMILY);
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

/// Width of a text at this size, in units of a drawing.
pub(in crate::report) fn width(text: &str, size: f64, style: FontStyle) -> f64 {
    let measured = register().ok().and_then(|()| {
        // Measured large: what comes back are whole numbers.
        let font = FontDesc::new(FontFamily::Name(FAMILY), 100.0 * UNIT, style);
        font.layout_box(text).ok()
    });
    match measured {
        // plotters' size is that of a line, 1.24 em; the font's own line has 1.21 em.
        Some((_, (wide, _))) => f64::from(wide) / (100.0 * UNIT) * size * LINE_PER_EM,
        None => 0.6 * size * text.chars().count() as f64,
    }
}

/// Ascent and descent of the font together, in em: what a size of 1 means to what measures.
const LINE_PER_EM: f64 = 2478.0 / 2048.0;

/// The text cut to `room`, with dots at its end where something is missing.
pub(in crate::report) fn fitted(text: &str, size: f64, style: FontStyle, room: f64) -> String {
    if width(text, size, style) <= room {
        return text.to_string();
    }
    let mut kept = text.to_string();
    while !kept.is_empty() && width(&format!("{}…", kept.trim_end()), size, style) > room {
        kept.pop();
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::FontStyle::{Bold, Normal};

    /// Advances of the font itself, of 2048 units an em.
    #[test]
    fn widths_are_those_of_the_font() {
        let advance = |text: &str| width(text, 2048.0, Normal);
        let digit = advance("0");
        assert!((1200.0..1400.0).contains(&digit), "{digit}");
        assert!((advance("0000") - 4.0 * digit).abs() < 8.0);
        assert!(width("Title", 14.0, Bold) > width("Title", 14.0, Normal));
        assert!((width("abc", 20.0, Normal) - 2.0 * width("abc", 10.0, Normal)).abs() < 1e-9);
        assert!(advance("iii") < advance("mmm") / 2.0);
    }

    #[test]
    fn long_texts_are_cut_with_dots() {
        assert_eq!(fitted("Model", 11.0, Normal, 100.0), "Model");
        let cut = fitted("a title that does not fit, not at all", 11.0, Normal, 100.0);
        assert!(cut.ends_with('…') && cut.starts_with("a title"), "{cut}");
        assert!((60.0..=100.0).contains(&width(&cut, 11.0, Normal)), "{cut}");
        assert_eq!(fitted("long", 11.0, Normal, 0.0), "…");
    }

    #[test]
    fn the_fonts_have_the_letters_of_charts() {
        let fonts = database();
        assert_eq!(fonts.len(), 2);
        for face in fonts.faces() {
            assert_eq!(face.families[0].0, FAMILY);
        }
        register().unwrap();
        let missing = width("\u{4e00}", 10.0, Normal);
        for sign in "σθβ±−×·…≤≥∞√²½éß→–’".chars() {
            let found = width(&sign.to_string(), 10.0, Normal);
            assert!(found > 0.0 && (found - missing).abs() > 1e-9, "{sign}");
        }
    }
}
