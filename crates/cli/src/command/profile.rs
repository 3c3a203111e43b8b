//! `enscore profile`: where the time of a training's updates goes, step by step, beside the machine's limits.

use enscore::settings::Settings;
use enscore::train::{ProgramProfile, TrainingProfile, WorkRow, profile};
use enscore::{Error, Result};

use super::train::say_notes;
use crate::args::Profile;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines};

/// Steps that the table shows; with `--json` all of them.
const SHOWN_STEPS: usize = 15;
/// Characters of a step's name.
const NAME_WIDTH: usize = 72;
/// Bytes of a mebibyte.
const MEBIBYTE: f64 = (1u64 << 20) as f64;

pub(crate) fn run(context: &Context, arguments: &Profile) -> Result<Answer> {
    given::settings(&arguments.settings)?;
    let settings = Settings::load(&arguments.settings, &arguments.set)?;
    say_notes(&settings);
    let profile = context.on_threads(settings.train().threads, || {
        profile(&settings, u64::from(arguments.updates), &|| context.signals.came())
    })?;
    let json = serde_json::to_value(&profile)
        .map_err(|reason| Error::run("can't write the profile").found_error(reason))?;
    Ok(Answer::new(json, text(&profile)))
}

fn text(profile: &TrainingProfile) -> String {
    let p = profile;
    let lines = Lines::default()
        .line("update", format!("{:.4} ms, mean of {}, {} parameters, {} threads", p.update_ms, p.updates, p.parameters, p.threads))
        .line("limit", format!("{:.4} ms, {:.0} % of the update: sum over steps of max(operations / peak, bytes / copy bandwidth)", p.limit_ms, 100.0 * p.share_of_limit))
        .line("steps", format!("{:.4} ms run one after another, as below; in an update short ones may run in parallel", p.steps_ms))
        .line("host", format!("{:.4} ms: batches, starts of chains", p.host_ms))
        .line("work", format!("{:.4} GFLOP in matrix products and convolutions, {:.2} MB read and written", p.operations / 1e9, p.bytes / 1e6))
        .line("peak", format!("{:.1} GFLOP/s in a large matrix product", p.peak_gflops))
        .line("copy bandwidth", format!("{:.1} GB/s beyond the caches, reads plus writes", p.copy_gb_per_s))
        .line("compile time", format!("{:.1} ms", p.compile_ms));
    let lines = p
        .programs
        .iter()
        .fold(lines, |lines, program| lines.line(&format!("program {}", program.name), of_program(program)));
    let heading = format!("{:>10}{:>8}{:>10}{:>9}{:>10}", "ms", "share", "GFLOP/s", "GB/s", "of limit");
    let mut text = format!("{}\n{heading}  group\n", lines.text());
    p.groups.iter().for_each(|row| text.push_str(&line_of(row, false)));
    text.push_str(&format!("\n{heading}  step, runs per update\n"));
    let several = p.programs.len() > 1;
    p.steps.iter().take(SHOWN_STEPS).for_each(|row| text.push_str(&line_of(row, several)));
    if p.steps.len() > SHOWN_STEPS {
        let rest: f64 = p.steps[SHOWN_STEPS..].iter().map(|row| row.ms).sum();
        text.push_str(&format!("{rest:>10.4}  {} more (--json lists all)\n", p.steps.len() - SHOWN_STEPS));
    }
    text
}

fn of_program(program: &ProgramProfile) -> String {
    let ProgramProfile { runs, steps, arena_bytes, touched_bytes, copy_gb_per_s, .. } = program;
    format!(
        "{} runs per update, {steps} steps, arena {:.1} MiB; copies its working set of {:.1} MiB at {copy_gb_per_s:.1} GB/s",
        short(*runs),
        *arena_bytes as f64 / MEBIBYTE,
        *touched_bytes as f64 / MEBIBYTE,
    )
}

fn line_of(row: &WorkRow, with_program: bool) -> String {
    let WorkRow { ms, share, gflops, gb_per_s, share_of_limit, .. } = row;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let gflops = if *gflops > 0.0 { format!("{gflops:.1}") } else { "-".to_string() };
    let name: String = if row.name.chars().count() > NAME_WIDTH {
        row.name.chars().take(NAME_WIDTH).chain("..".chars()).collect()
    } else {
        row.name.clone()
    };
    let program = if with_program { format!("{}: ", row.program) } else { String::new() };
    let times = if row.count == 1.0 { String::new() } else { format!(" ({} times)", short(row.count)) };
    format!(
        "{ms:>10.4}{:>8}{gflops:>10}{gb_per_s:>9.1}{:>10}  {program}{name}{times}\n",
        percent(*share),
        percent(*share_of_limit),
    )
}

/// A count without digits that say nothing.
fn short(count: f64) -> String {
    if count.fract() == 0.0 { format!("{count:.0}") } else { format!("{count:.2}") }
}
