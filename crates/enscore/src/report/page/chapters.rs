//! A page of chapters: pictures with a text, and what was found beside what was claimed.

use std::fmt::Write;

use super::contents::Figure;
use super::html::{figure, page};
use crate::report::markup::{escape, table};

/// A chapter of a page.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its name in links.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// What is seen.
    pub text: String,
    /// Its pictures.
    pub figures: Vec<Figure>,
    /// What was found beside what it should be.
    pub claims: Vec<Claim>,
    /// The line below.
    pub note: String,
}

/// Something found beside what it should be.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What it should be.
    pub wanted: String,
    /// Whether it is.
    pub holds: bool,
}

/// The chapters as one self-contained HTML page with a table of contents. All text is escaped.
pub fn render_chapters(title: &str, lead: &str, chapters: &[Chapter]) -> String {
    let mut body = String::new();
    let _ = writeln!(body, "<h1>{}</h1>\n<p class=\"lead\">{}</p>", escape(title), escape(lead));
    let link = |chapter: &Chapter| {
        format!("<li><a href=\"#{}\">{}</a></li>\n", escape(&chapter.name), escape(&chapter.title))
    };
    if chapters.len() > 1 {
        let _ = writeln!(body, "<ol>\n{}</ol>", chapters.iter().map(link).collect::<String>());
    }
    for chapter in chapters {
        let _ = writeln!(
            body,
            "<h2 id=\"{}\">{}</h2>\n<p>{}</p>",
            escape(&chapter.name),
            escape(&chapter.title),
            escape(&chapter.text)
        );
        body.extend(chapter.figures.iter().map(figure));
        body.push_str(&claims(&chapter.claims));
        let _ = writeln!(body, "<p class=\"soft\">{}</p>", escape(&chapter.note));
    }
    page(title, &body)
}

fn claims(claims: &[Claim]) -> String {
    if claims.is_empty() {
        return String::new();
    }
    let mark =
        |holds: bool| if holds { r#"<b class="good">✓</b>"# } else { r#"<b class="bad">!</b>"# }.to_string();
    let row = |claim: &Claim| {
        vec![escape(&claim.what), escape(&claim.found), escape(&claim.wanted), mark(claim.holds)]
    };
    table(&["number", "this run", "should be", ""], claims.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_linked_and_a_claim_that_does_not_hold_is_marked() {
        let chapter = |name: &str, holds| Chapter {
            name: name.to_string(),
            title: format!("About <{name}>"),
            text: "Seen.".to_string(),
            figures: Vec::new(),
            claims: vec![Claim { what: "a".into(), found: "1".into(), wanted: "2".into(), holds }],
            note: String::new(),
        };
        let html = render_chapters("T", "L", &[chapter("one", true), chapter("two", false)]);
        assert!(html.contains("href=\"#two\"") && html.contains("id=\"two\""));
        assert!(html.contains("About &lt;one&gt;") && !html.contains("About <one>"));
        assert_eq!(html.matches("class=\"bad\"").count(), 1);
        assert_eq!(html.matches("class=\"good\"").count(), 1);
    }
}
