//! `enscore sample`: samples of a trained run, as a picture or as numbers.

mod file;

use std::path::{Path, PathBuf};
use std::time::Instant;

use enscore::checkpoint::RunFolder;
use enscore::files::write_bytes_atomically;
use enscore::report::{Scatter, image_shape, png, sheet, table};
use enscore::sample::{Drawn, ModelFile, draw};
use enscore::trained::Trained;
use enscore::{Error, Result};
use serde_json::json;

use super::evaluate::{CHAINS, threads_of};
use crate::args::Sample;
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::pictures::{Format, enlargement, refuse_missing_folder, sheet_of};
use crate::progress::Progress;

/// Bytes of a gibibyte.
const GIB: f64 = (1u64 << 30) as f64;

/// What was asked for, checked before anything is drawn.
struct Plan {
    trained: Trained,
    count: usize,
    out: PathBuf,
    format: Format,
}

pub(crate) fn run(context: &Context, arguments: &Sample) -> Result<Answer> {
    if ModelFile::is_at(&arguments.run) {
        return context.on_threads(0, || file::run(context, arguments));
    }
    let of_files = [("--steps", arguments.steps.is_some()), ("--chain", arguments.chain.is_some())];
    if let Some((option, _)) = of_files.iter().find(|(_, given)| *given) {
        return Err(Error::input("this option is for model files only")
            .at(option)
            .remedy("override the run's sampler with --set, e.g. --set sampler.steps=200"));
    }
    context.on_threads(threads_of(&arguments.run), || sample(context, arguments))
}

fn sample(context: &Context, arguments: &Sample) -> Result<Answer> {
    let plan = plan(arguments)?;
    let began = Instant::now();
    let mut progress = Progress::new(context);
    let chains = if arguments.trajectory.is_some() { CHAINS.min(plan.count) } else { 0 };
    let model = &plan.trained.model;
    let drawn = draw(
        model,
        plan.trained.settings.sampler(),
        plan.count,
        arguments.seed,
        chains,
        &mut |done, total| progress.phase("sampling", done, total),
    )?;
    progress.end();
    let seconds = began.elapsed().as_secs_f64();
    write(&plan, &drawn)?;
    if let Some(path) = &arguments.trajectory {
        write_trajectory(path, &plan, &drawn)?;
    }
    let warnings = &plan.trained.warnings;
    let mut json = json!({
        "run": text_of(&arguments.run), "step": plan.trained.step, "samples": text_of(&plan.out), "num": plan.count,
        "seed": arguments.seed, "seconds": seconds, "trajectory": arguments.trajectory.as_deref().map(text_of), "warnings": warnings,
    });
    let mut lines = Lines::default()
        .line("run", format!("{}, step {}", arguments.run.display(), plan.trained.step))
        .line("drawn", format!("{} samples in {seconds:.1} s, seed {}", plan.count, arguments.seed))
        .warnings(warnings)
        .line("samples", plan.out.display());
    if let Some(path) = &arguments.trajectory {
        lines = lines.line("trajectory", path.display());
    }
    if let Some(moves) = drawn.moves {
        json["moves"] = json!(moves);
        lines = lines
            .line("step size", format!("{:.4}", moves.step_size))
            .line("acceptance", format!("{:.3}, mean of {} proposals", moves.acceptance, moves.proposals))
            .line("divergent", format!("{} proposals", moves.divergent));
    }
    Ok(Answer::new(json, lines.text()))
}

fn plan(arguments: &Sample) -> Result<Plan> {
    let asked = arguments.out.as_deref().map(Format::of).transpose()?;
    if let Some(path) = arguments.trajectory.as_deref().filter(|path| Format::of(path) != Ok(Format::Png)) {
        return Err(Error::input("unsupported trajectory format")
            .at(path.display())
            .expected("a file name ending in .png"));
    }
    for path in [&arguments.out, &arguments.trajectory].into_iter().flatten() {
        refuse_missing_folder(path)?;
    }
    let trained = Trained::open(&arguments.run, &arguments.set)?;
    let shape = &trained.model.data.row_shape;
    let format = asked.unwrap_or(match (image_shape(shape), shape.len()) {
        (Some(_), _) => Format::Png,
        (None, 1) => Format::Csv,
        _ => Format::Npy,
    });
    let is_image = image_shape(shape).is_some();
    if (format == Format::Png && !is_image && shape[..] != [2])
        || (arguments.trajectory.is_some() && !is_image)
    {
        return Err(Error::input("can't draw samples of this shape")
            .at(arguments.run.display())
            .found(format!("rows of shape {shape:?}"))
            .expected("grey or RGB images, or points in the plane (without a trajectory)")
            .remedy("write them as .npy or .csv"));
    }
    let count = arguments.num.map_or(trained.settings.sampler().count, |count| count as usize);
    refuse_beyond_memory(&trained, count)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => default_out(&arguments.run, arguments.seed, format)?,
    };
    Ok(Plan { trained, count, out, format })
}

fn default_out(run: &Path, seed: u64, format: Format) -> Result<PathBuf> {
    let ending = match format {
        Format::Png => "png",
        Format::Npy => "npy",
        Format::Csv => "csv",
    };
    let folder = RunFolder::open(run)?.samples_path();
    refuse_missing_folder(&folder.join("sample"))?;
    Ok(folder.join(format!("sample-seed{seed}.{ending}")))
}

/// Samples are held twice until they are written.
fn refuse_beyond_memory(trained: &Trained, count: usize) -> Result<()> {
    let needed = count as f64 * trained.model.row_len() as f64 * 8.0 / GIB;
    let limit = trained.settings.train().memory_limit_gib;
    if needed <= limit {
        return Ok(());
    }
    Err(Error::input("the samples exceed the memory limit")
        .at(format!("--num {count}"))
        .found(format!("{needed:.1} GiB needed"))
        .expected(format!("at most {limit} GiB (the run's train.memory_limit_gib)"))
        .remedy("draw them in parts, each with a different --seed"))
}

fn write(plan: &Plan, drawn: &Drawn) -> Result<()> {
    let shape = &plan.trained.model.data.row_shape;
    let raw = || plan.trained.model.raw_rows(&drawn.rows);
    match format_and_shape(plan) {
        (Format::Npy, _) => write_bytes_atomically(&plan.out, &table::npy(&raw()?, shape)?),
        (Format::Csv, _) => write_bytes_atomically(&plan.out, &table::csv(&raw()?, shape)?),
        (Format::Png, Some(shape)) => png::write(&plan.out, &sheet_of(drawn.shown(), shape, plan.count)?),
        (Format::Png, None) => {
            let scatter = Scatter::new("Samples", ["x1", "x2"], &[], &raw()?, 2)?;
            png::write(&plan.out, &scatter.image()?)
        }
    }
}

fn format_and_shape(plan: &Plan) -> (Format, Option<[usize; 3]>) {
    (plan.format, image_shape(&plan.trained.model.data.row_shape))
}

fn write_trajectory(path: &Path, plan: &Plan, drawn: &Drawn) -> Result<()> {
    let (_, Some(shape)) = format_and_shape(plan) else { return Ok(()) };
    let chains = drawn.trajectory.len() / plan.trained.model.row_len().max(1) / drawn.stages.max(1);
    if chains == 0 {
        return Err(Error::input("exact draws have no trajectory").at(path.display()));
    }
    let strip =
        sheet::trajectory(&drawn.trajectory, chains, shape, enlargement(shape, drawn.stages), sheet::GAP)?;
    png::write(path, &strip)
}
