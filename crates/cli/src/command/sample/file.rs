//! `enscore sample` of a model file: spins of an Ising model, units of a machine.

use std::path::PathBuf;
use std::time::Instant;

use enscore::files::write_bytes_atomically;
use enscore::ising::chains::SpinChain;
use enscore::report::{png, table};
use enscore::sample::{FileDrawing, FileDraws, ModelFile, draw_from_file};
use enscore::{Error, Result};
use serde_json::json;

use crate::args::{Chain, Sample};
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::pictures::{Format, refuse_missing_folder, sheet_of};
use crate::progress::Progress;

/// Samples that are drawn where the command names no number.
const COUNT: u32 = 64;
/// Steps of each chain where the command names no number.
const STEPS: u32 = 1000;

pub(super) fn run(context: &Context, arguments: &Sample) -> Result<Answer> {
    let (out, format) = out_of(arguments)?;
    let file = ModelFile::read(&arguments.run)?;
    let count = arguments.num.unwrap_or(COUNT);
    let steps = arguments.steps.unwrap_or(STEPS);
    let chain = arguments.chain.map(|chain| match chain {
        Chain::Gibbs => SpinChain::Gibbs,
        Chain::Metropolis => SpinChain::Metropolis,
        Chain::SwendsenWang => SpinChain::SwendsenWang,
        Chain::Wolff => SpinChain::Wolff,
    });
    let began = Instant::now();
    let mut progress = Progress::new(context);
    let mut tell = |done, total| progress.phase("sampling", done, total);
    let asked = FileDrawing { count: count as usize, steps: u64::from(steps), seed: arguments.seed, chain };
    let drawn = draw_from_file(&file, asked, &mut tell)?;
    progress.end();
    let seconds = began.elapsed().as_secs_f64();
    match format {
        Format::Npy => write_bytes_atomically(&out, &table::npy(&drawn.rows, &drawn.row_shape)?)?,
        Format::Csv => write_bytes_atomically(&out, &table::csv(&drawn.rows, &drawn.row_shape)?)?,
        Format::Png => png::write(&out, &picture(&file, &drawn, count as usize)?)?,
    }
    let json = json!({
        "model": text_of(&arguments.run), "samples": text_of(&out), "num": count, "steps": steps,
        "seed": arguments.seed, "seconds": seconds,
    });
    let lines = Lines::default()
        .line("model", arguments.run.display())
        .line(
            "drawn",
            format!("{count} samples in {seconds:.1} s, {steps} steps each, seed {}", arguments.seed),
        )
        .line("samples", out.display());
    Ok(Answer::new(json, lines.text()))
}

/// Where samples go; refuses options that only runs have.
fn out_of(arguments: &Sample) -> Result<(PathBuf, Format)> {
    let of_runs = [("--set", !arguments.set.is_empty()), ("--trajectory", arguments.trajectory.is_some())];
    if let Some((option, _)) = of_runs.iter().find(|(_, given)| *given) {
        return Err(Error::input("this option is for runs only").at(option));
    }
    let Some(out) = &arguments.out else {
        return Err(Error::input("no output file given")
            .at(arguments.run.display())
            .remedy("add --out FILE.png, FILE.npy or FILE.csv"));
    };
    refuse_missing_folder(out)?;
    Ok((out.clone(), Format::of(out)?))
}

/// A sheet of lattices, or of units that fill a square.
fn picture(file: &ModelFile, drawn: &FileDraws, count: usize) -> Result<enscore::report::Image> {
    let shape = match drawn.row_shape[..] {
        [height, width, _] => [height, width, 1],
        [width] if width.isqrt().pow(2) == width => [width.isqrt(), width.isqrt(), 1],
        _ => {
            return Err(Error::input("can't draw samples of this shape")
                .at("--out")
                .found(format!("rows of {:?} values", drawn.row_shape))
                .expected("a lattice, or a square number of units")
                .remedy("write them as .npy or .csv"));
        }
    };
    let spins = matches!(file, ModelFile::Ising(_));
    let shown: Vec<f32> = drawn.rows.iter().map(|x| if spins { 0.5 * (x + 1.0) } else { *x }).collect();
    sheet_of(&shown, shape, count)
}
