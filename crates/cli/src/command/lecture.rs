//! `enscore lecture`: the figures of the lecture, redrawn from live runs.

use std::time::Instant;

use enscore::lecture::{self, FIGURES, Redrawn, Request, Size, redraw};
use enscore::text::counted;
use enscore::train::Observer;
use enscore::{Error, Reason, Result};
use serde_json::{Value, json};

use crate::args::Lecture;
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

pub(crate) fn run(context: &Context, arguments: &Lecture) -> Result<Answer> {
    if arguments.list {
        return Ok(list());
    }
    for name in &arguments.figures {
        lecture::figure(name).map_err(|error| error.remedy("enscore lecture --list describes them"))?;
    }
    let out = &arguments.out;
    std::fs::create_dir_all(out).map_err(|reason| {
        Error::new(Reason::Unwritable, "can't create the folder of the lecture")
            .at(out.display())
            .found_error(reason)
    })?;
    let began = Instant::now();
    let request = Request {
        figures: &arguments.figures,
        out,
        format: arguments.format.into(),
        size: if arguments.quick { Size::Quick } else { Size::Full },
        seed: arguments.seed,
    };
    let (redrawn, page) = context.on_threads(0, || {
        let mut progress = Progress::new(context);
        let result = redraw(&request, &|| context.signals.came(), &mut |index, count, title| {
            progress.message(title);
            progress.phase("figures", index as u64, count as u64)
        });
        progress.end();
        result
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let json = json!({
        "page": text_of(&page), "seconds": seconds, "figures": redrawn.iter().map(figure).collect::<Vec<_>>(),
    });
    let mut lines = Lines::default();
    for Redrawn { name, drawn, seconds, .. } in &redrawn {
        let holds = drawn.numbers.iter().filter(|number| number.holds()).count();
        let of = counted(drawn.numbers.len(), "number", "numbers");
        lines = lines.line(name, format!("{seconds:.1} s, {holds} of {of} as they should be"));
        for number in drawn.numbers.iter().filter(|number| !number.holds()) {
            lines = lines.line("", format!("{}: {}, not {}", number.what, number.found(), number.wanted()));
        }
    }
    let lines = lines.line("seconds", format!("{seconds:.1}")).line("page", page.display());
    Ok(Answer::new(json, lines.text()))
}

fn list() -> Answer {
    let figures: Vec<Value> =
        FIGURES.iter().map(|figure| json!({ "name": figure.name, "title": figure.title })).collect();
    let lines = FIGURES.iter().fold(Lines::default(), |lines, figure| lines.line(figure.name, figure.title));
    Answer::new(json!({ "figures": figures }), lines.text())
}

fn figure(redrawn: &Redrawn) -> Value {
    let number = |number: &lecture::Number| {
        json!({
            "what": number.what, "value": number.value, "std_err": number.std_err, "expected": number.wanted(),
            "holds": number.holds(),
        })
    };
    json!({
        "name": redrawn.name, "title": redrawn.title, "seconds": redrawn.seconds,
        "files": redrawn.files.iter().map(|file| text_of(file)).collect::<Vec<_>>(),
        "numbers": redrawn.drawn.numbers.iter().map(number).collect::<Vec<_>>(),
    })
}
