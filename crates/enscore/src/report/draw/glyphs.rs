//! Letters, digits and signs, five pixels high, for titles and labels in raster pictures. Small letters are
//! drawn as capitals.

use super::image::Image;

/// Height of a glyph before scaling.
pub(crate) const HEIGHT: usize = 5;

/// Rows of a glyph; `#` is ink. Unknown characters are blank.
fn rows(character: char) -> [&'static str; HEIGHT] {
    match character.to_ascii_uppercase() {
        // The letter O is drawn as a zero.
        '0' | 'O' => ["###", "# #", "# #", "# #", "###"],
        '1' => [" # ", "## ", " # ", " # ", "###"],
        '2' => ["###", "  #", "###", "#  ", "###"],
        '3' => ["###", "  #", "###", "  #", "###"],
        '4' => ["# #", "# #", "###", "  #", "  #"],
        '5' => ["###", "#  ", "###", "  #", "###"],
        '6' => ["###", "#  ", "###", "# #", "###"],
        '7' => ["###", "  #", "  #", "  #", "  #"],
        '8' => ["###", "# #", "###", "# #", "###"],
        '9' => ["###", "# #", "###", "  #", "###"],
        'A' => ["###", "# #", "###", "# #", "# #"],
        'B' => ["## ", "# #", "## ", "# #", "## "],
        'C' => ["###", "#  ", "#  ", "#  ", "###"],
        'D' => ["## ", "# #", "# #", "# #", "## "],
        'E' => ["###", "#  ", "## ", "#  ", "###"],
        'F' => ["###", "#  ", "## ", "#  ", "#  "],
        'G' => ["####", "#   ", "# ##", "#  #", "####"],
        'H' => ["# #", "# #", "###", "# #", "# #"],
        'I' | '|' => ["#", "#", "#", "#", "#"],
        'J' => ["  #", "  #", "  #", "# #", "###"],
        'K' => ["#  #", "# # ", "##  ", "# # ", "#  #"],
        'L' => ["#  ", "#  ", "#  ", "#  ", "###"],
        'M' => ["#   #", "## ##", "# # #", "#   #", "#   #"],
        'N' => ["#  #", "## #", "# ##", "#  #", "#  #"],
        'P' => ["###", "# #", "###", "#  ", "#  "],
        'Q' => ["####", "#  #", "#  #", "# ##", "####"],
        'R' => ["## ", "# #", "## ", "# #", "# #"],
        'S' => [" ##", "#  ", " # ", "  #", "## "],
        'T' => ["###", " # ", " # ", " # ", " # "],
        'U' => ["# #", "# #", "# #", "# #", "###"],
        'V' => ["# #", "# #", "# #", "# #", " # "],
        'W' => ["#   #", "#   #", "# # #", "## ##", "#   #"],
        'X' => ["# #", "# #", " # ", "# #", "# #"],
        'Y' => ["# #", "# #", " # ", " # ", " # "],
        'Z' => ["###", "  #", " # ", "#  ", "###"],
        'σ' => ["    ", " ###", "#  #", "#  #", " ## "],
        '²' => ["## ", " ##", "###", "   ", "   "],
        '±' => [" # ", "###", " # ", "   ", "###"],
        '+' => ["   ", " # ", "###", " # ", "   "],
        '-' | '–' | '−' => ["   ", "   ", "###", "   ", "   "],
        '=' => ["   ", "###", "   ", "###", "   "],
        '<' => ["  #", " # ", "#  ", " # ", "  #"],
        '>' => ["#  ", " # ", "  #", " # ", "#  "],
        '*' => ["# #", " # ", "# #", "   ", "   "],
        '/' => ["  #", "  #", " # ", "#  ", "#  "],
        '%' => ["#  #", "  # ", " #  ", "#  #", "    "],
        '.' => [" ", " ", " ", " ", "#"],
        ',' => ["  ", "  ", "  ", " #", "# "],
        ':' => [" ", "#", " ", "#", " "],
        ';' => ["  ", " #", "  ", " #", "# "],
        '!' => ["#", "#", "#", " ", "#"],
        '?' => ["## ", "  #", " # ", "   ", " # "],
        '_' => ["   ", "   ", "   ", "   ", "###"],
        '\'' => ["#", "#", " ", " ", " "],
        '(' => [" #", "# ", "# ", "# ", " #"],
        ')' => ["# ", " #", " #", " #", "# "],
        '[' => ["##", "# ", "# ", "# ", "##"],
        ']' => ["##", " #", " #", " #", "##"],
        _ => ["  "; HEIGHT],
    }
}

/// Width of a text in pixels at this scale.
pub(crate) fn width(text: &str, scale: usize) -> usize {
    let columns: usize = text.chars().map(|character| rows(character)[0].len() + 1).sum();
    columns.saturating_sub(1) * scale
}

/// The text cut to `room` pixels at this scale, with two dots at its end where something is missing.
pub(crate) fn fitted(text: &str, scale: usize, room: usize) -> String {
    if width(text, scale) <= room {
        return text.to_string();
    }
    let mut kept = text.to_string();
    while !kept.is_empty() && width(&format!("{kept}.."), scale) > room {
        kept.pop();
    }
    format!("{}..", kept.trim_end())
}

/// Draws a text with its upper left corner at `[left, top]`.
pub(crate) fn draw(
    image: &mut Image,
    text: &str,
    [mut left, top]: [usize; 2],
    scale: usize,
    colour: &[u8; 3],
) {
    for character in text.chars() {
        let glyph = rows(character);
        for (row, line) in glyph.iter().enumerate() {
            for (column, _) in line.match_indices('#') {
                image.fill([left + column * scale, top + row * scale], [scale; 2], colour);
            }
        }
        left += (glyph[0].len() + 1) * scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_is_a_rectangle_and_no_two_are_alike() {
        let known = "0123456789ABCDEFGHIJKLMNPQRSTUVWXYZσ²±+-=<>*/%.,:;!?_'()[]";
        for character in known.chars() {
            let glyph = rows(character);
            assert!(glyph.iter().all(|row| row.len() == glyph[0].len()), "{character}");
            assert!(known.chars().filter(|&other| rows(other) == glyph).count() == 1, "{character}");
        }
    }

    #[test]
    fn long_texts_are_cut_with_dots() {
        assert_eq!(fitted("MODEL", 2, 100), "MODEL");
        let cut = fitted("a title that does not fit", 2, 100);
        assert!(cut.ends_with("..") && cut.starts_with("a title") && width(&cut, 2) <= 100, "{cut}");
        assert_eq!(fitted("long", 2, 0), "..");
    }

    #[test]
    fn text_is_drawn_within_its_width() {
        let mut image = Image::filled(30, 10, 1, 0).unwrap();
        draw(&mut image, "-1.5", [0, 0], 2, &[255; 3]);
        let last = (0..30).rev().find(|x| (0..10).any(|y| image.pixels[y * 30 + x] > 0)).unwrap();
        assert_eq!(last + 1, width("-1.5", 2));
    }
}
