//! The figures as files and one page.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::drawn::{Drawn, Number};
use super::studio::{Size, Studio};
use super::{FIGURES, LectureFigure, figure};
use crate::error::Result;
use crate::files::write_bytes_atomically;
use crate::report::{Chapter, Claim, Content, Figure, PictureFormat, render_chapters};

const TITLE: &str = "Energy-based and score-based models, redrawn";
const LEAD: &str = "Every figure below comes from a run that was made for this page. Below each stand \
    numbers of that run beside what they should be: a truth known in closed form, by enumeration or by \
    quadrature, or a claim.";

/// What to redraw, and where to.
pub struct Request<'a> {
    /// The names of figures; none for all.
    pub figures: &'a [String],
    /// The folder of the page and its pictures.
    pub out: &'a Path,
    /// The format of charts and maps; sheets of images are PNG.
    pub format: PictureFormat,
    /// How much work figures may be.
    pub size: Size,
    /// The seed of all draws.
    pub seed: u64,
}

/// A figure as redrawn.
#[derive(Debug)]
pub struct Redrawn {
    /// Its name.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it shows.
    pub drawn: Drawn,
    /// Its pictures' files.
    pub files: Vec<PathBuf>,
    /// How long it took.
    pub seconds: f64,
}

/// Redraws figures, each into files `NAME.png` or in another format (`NAME-2.png`, ...), then `lecture.html`
/// and `lecture.md` of all of them.
/// `began` is told the title of each figure before it is drawn, and how many there are.
///
/// # Errors
/// An unknown figure, before anything runs; a folder that can't be written; [`crate::Reason::Interrupted`],
/// with the
/// pictures drawn so far in their files.
pub fn redraw(
    request: &Request,
    stop: &dyn Fn() -> Option<i32>,
    began: &mut dyn FnMut(usize, usize, &str) -> Result<()>,
) -> Result<(Vec<Redrawn>, PathBuf)> {
    let wanted: Vec<&LectureFigure> = if request.figures.is_empty() {
        FIGURES.iter().collect()
    } else {
        request.figures.iter().map(|name| figure(name)).collect::<Result<_>>()?
    };
    let runs = request.out.join("runs");
    let studio = Studio { size: request.size, seed: request.seed, runs: &runs, stop };
    let mut redrawn = Vec::new();
    for (index, figure) in wanted.iter().enumerate() {
        began(index, wanted.len(), figure.title)?;
        studio.go_on()?;
        let start = Instant::now();
        let drawn =
            (figure.draw)(&studio).map_err(|error| error.within(format_args!("figure {}", figure.name)))?;
        let files = write_pictures(figure.name, &drawn.figures, request)?;
        let seconds = start.elapsed().as_secs_f64();
        redrawn.push(Redrawn { name: figure.name, title: figure.title, drawn, files, seconds });
    }
    let chapters: Vec<Chapter> = redrawn.iter().map(chapter).collect();
    let path = request.out.join("lecture.html");
    write_bytes_atomically(&path, render_chapters(TITLE, LEAD, &chapters).as_bytes())?;
    write_bytes_atomically(&request.out.join("lecture.md"), markdown(&redrawn).as_bytes())?;
    Ok((redrawn, path))
}

fn write_pictures(
    name: &str,
    figures: &[Figure],
    Request { out, format, .. }: &Request,
) -> Result<Vec<PathBuf>> {
    let format = *format;
    let mut files = Vec::new();
    for (index, figure) in figures.iter().enumerate() {
        let stem = if index == 0 { name.to_string() } else { format!("{name}-{}", index + 1) };
        let path = match &figure.content {
            Content::Png(bytes) => {
                let path = out.join(format!("{stem}.png"));
                write_bytes_atomically(&path, bytes)?;
                path
            }
            Content::Drawing(picture) => {
                let path = out.join(format!("{stem}.{}", format.ending()));
                picture.write(&path, format)?;
                path
            }
            Content::Comparison(table) => {
                let path = out.join(format!("{stem}.md"));
                write_bytes_atomically(&path, table.markdown().as_bytes())?;
                path
            }
        };
        files.push(path);
    }
    Ok(files)
}

/// The same page in Markdown, with its pictures in their files.
fn markdown(redrawn: &[Redrawn]) -> String {
    let mut out = format!("# {TITLE}\n\n{LEAD}\n");
    for Redrawn { name, title, drawn, files, seconds } in redrawn {
        let _ = write!(out, "\n## {title}\n\n{}\n\n", drawn.caption);
        for (figure, file) in drawn.figures.iter().zip(files) {
            let file = file.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(out, "![{0}]({file})\n\n*{0}*\n\n", figure.caption);
        }
        out.push_str("| number | this run | should be | |\n|---|---:|---:|---|\n");
        for number in &drawn.numbers {
            let mark = if number.holds() { "✓" } else { "**!**" };
            let [what, found, wanted] =
                [&number.what, &number.found(), &number.wanted()].map(|cell| escaped(cell));
            let _ = writeln!(out, "| {what} | {found} | {wanted} | {mark} |");
        }
        let _ = writeln!(out, "\n`enscore lecture {name}`: {seconds:.1} s");
    }
    out
}

/// Text in a cell of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn chapter(redrawn: &Redrawn) -> Chapter {
    let claim = |number: &Number| Claim {
        what: number.what.clone(),
        found: number.found(),
        wanted: number.wanted(),
        holds: number.holds(),
    };
    Chapter {
        name: redrawn.name.to_string(),
        title: redrawn.title.to_string(),
        text: redrawn.drawn.caption.clone(),
        figures: redrawn.drawn.figures.clone(),
        claims: redrawn.drawn.numbers.iter().map(claim).collect(),
        note: format!("enscore lecture {}: {:.1} s", redrawn.name, redrawn.seconds),
    }
}
