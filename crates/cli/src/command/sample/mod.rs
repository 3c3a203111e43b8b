//! `enscore sample`: samples of a trained run or of a model file, as a picture or as numbers.

mod plan;

use std::path::Path;
use std::time::Instant;

use enscore::files::write_bytes_atomically;
use enscore::report::{Picture, Scatter, measured, png, sheet, table};
use enscore::sample::Average;
use enscore::source::{ModelSource, Samples};
use enscore::text::counted;
use enscore::{Error, Result};
use serde_json::json;

use self::plan::{Plan, plan};
use super::evaluate::threads_of;
use crate::args::Sample;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, text_of};
use crate::pictures::{Format, enlargement, sheet_of};
use crate::progress::Progress;

pub(crate) fn run(context: &Context, arguments: &Sample) -> Result<Answer> {
    given::model(&arguments.run)?;
    context.on_threads(threads_of(&arguments.run), || sample(context, arguments))
}

fn sample(context: &Context, arguments: &Sample) -> Result<Answer> {
    let plan = plan(arguments)?;
    let began = Instant::now();
    let mut progress = Progress::new(context);
    progress.phase("sampling", 0, plan.count as u64)?;
    let samples =
        plan.source.draw(&plan.asked, &mut |done, total| progress.phase("sampling", done, total))?;
    progress.end();
    let seconds = began.elapsed().as_secs_f64();
    write(&plan, &samples)?;
    if let Some(path) = &arguments.trajectory {
        write_trajectory(path, &plan, &samples)?;
    }
    Ok(answer(arguments, &plan, &samples, seconds))
}

fn answer(arguments: &Sample, plan: &Plan, samples: &Samples, seconds: f64) -> Answer {
    let Plan { source, asked, count, out, .. } = plan;
    let seed = asked.seed;
    let drawn = format!("{} in {seconds:.1} s", counted(*count, "sample", "samples"));
    let warnings = match source {
        ModelSource::Run(trained) => [&trained.warnings[..], &samples.drawn.warnings].concat(),
        ModelSource::File(_) => samples.drawn.warnings.clone(),
    };
    let (mut json, mut lines) = match source {
        ModelSource::Run(trained) => {
            let json = json!({
                "run": text_of(&arguments.run), "step": trained.step, "samples": text_of(out), "num": count,
                "seed": seed, "seconds": seconds, "trajectory": arguments.trajectory.as_deref().map(text_of),
                "warnings": warnings, "arrival": samples.drawn.arrival,
            });
            let lines = Lines::default()
                .line("run", format!("{}, step {}", arguments.run.display(), trained.step))
                .line("drawn", format!("{drawn}, seed {seed}"))
                .warnings(&warnings);
            (json, lines)
        }
        ModelSource::File(_) => {
            let steps = asked.file_steps();
            let json = json!({
                "model": text_of(&arguments.run), "samples": text_of(out), "num": count, "steps": steps,
                "seed": seed, "seconds": seconds,
            });
            let steps = counted(steps as usize, "step", "steps");
            let lines = Lines::default()
                .line("model", arguments.run.display())
                .line("drawn", format!("{drawn}, {steps} each, seed {seed}"));
            (json, lines)
        }
    };
    if let Some(averages) = &samples.averages {
        json["averages"] = json!(averages);
        lines = lines
            .line("energy per site", format!("{}, without beta", shown(&averages.energy_per_site)))
            .line("magnetisation", shown(&averages.magnetisation))
            .line("|magnetisation|", shown(&averages.absolute_magnetisation));
    }
    lines = lines.line("samples", out.display());
    if let Some(path) = &arguments.trajectory {
        lines = lines.line("trajectory", path.display());
    }
    if let Some(moves) = samples.drawn.moves {
        json["moves"] = json!(moves);
        lines = lines
            .line("step size", format!("{:.4}", moves.step_size))
            .line("acceptance", format!("{:.3}, mean of {} proposals", moves.acceptance, moves.proposals))
            .line("divergent", format!("{} proposals", moves.divergent));
    }
    Answer::new(json, lines.text()).warning_on_stderr()
}

fn shown(average: &Average) -> String {
    measured(average.value, average.std_err)
}

fn write(plan: &Plan, samples: &Samples) -> Result<()> {
    let shape = plan.source.row_shape();
    match (plan.format, plan.source.picture_shape()) {
        (Format::Npy, _) => write_bytes_atomically(&plan.out, &table::npy(&samples.rows, &shape)?),
        (Format::Csv, _) => write_bytes_atomically(
            &plan.out,
            &table::csv(&samples.rows, &shape, plan.source.value_names().as_deref())?,
        ),
        (Format::Picture(format), Some(shape)) => {
            let sheet = sheet_of(samples.drawn.shown(), shape, plan.count)?;
            Picture::of_pixels("Samples", sheet)?.write(&plan.out, format)
        }
        (Format::Picture(format), None) => {
            let names = plan.source.value_names().filter(|names| names.len() == 2);
            let names = names.unwrap_or_else(|| vec!["x1".into(), "x2".into()]);
            let scatter = Scatter::new("Samples", [&names[0], &names[1]], &[], &samples.rows, 2)?;
            scatter.picture()?.write(&plan.out, format)
        }
    }
}

fn write_trajectory(path: &Path, plan: &Plan, samples: &Samples) -> Result<()> {
    let Some(shape) = plan.source.picture_shape() else { return Ok(()) };
    let drawn = &samples.drawn;
    let row_len: usize = shape.iter().product();
    let chains = drawn.trajectory.len() / row_len.max(1) / drawn.stages.max(1);
    if chains == 0 {
        return Err(Error::input("exact draws have no trajectory").at(path.display()));
    }
    let strip =
        sheet::trajectory(&drawn.trajectory, chains, shape, enlargement(shape, drawn.stages), sheet::GAP)?;
    png::write(path, &strip)
}
