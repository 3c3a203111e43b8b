//! What `enscore sample` is asked for, checked before anything is drawn.

use std::path::{Path, PathBuf};

use enscore::checkpoint::RunFolder;
use enscore::ising::chains::SpinChain;
use enscore::memory::MemoryLimit;
use enscore::report::PictureFormat;
use enscore::sample::ModelFile;
use enscore::source::{ModelSource, SamplesAsked};
use enscore::{Error, Result};

use crate::args::{Chain, Sample};
use crate::command::evaluate::CHAINS;
use crate::pictures::{Format, refuse_missing_folder};

/// A checked call.
pub(super) struct Plan {
    pub(super) source: ModelSource,
    pub(super) asked: SamplesAsked,
    pub(super) count: usize,
    pub(super) out: PathBuf,
    pub(super) format: Format,
}

pub(super) fn plan(arguments: &Sample) -> Result<Plan> {
    refuse_options_of_others(arguments)?;
    let asked = asked_format(arguments)?;
    let png = Ok(Format::Picture(PictureFormat::Png));
    if let Some(path) = arguments.trajectory.as_deref().filter(|path| Format::of(path) != png) {
        return Err(Error::input("unsupported trajectory format")
            .at(path.display())
            .expected("a file name ending in .png"));
    }
    for path in [&arguments.out, &arguments.trajectory].into_iter().flatten() {
        refuse_missing_folder(path)?;
    }
    let source = ModelSource::open(&arguments.run, &arguments.set)?;
    let format = asked.unwrap_or_else(|| usual_format(&source));
    refuse_picture(&source, arguments, format)?;
    let count = source.count(arguments.num.map(|count| count as usize));
    refuse_beyond_memory(&source, count, format)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => default_out(&source, arguments, format)?,
    };
    let asked = SamplesAsked {
        count: Some(count),
        seed: arguments.seed,
        trajectories: if arguments.trajectory.is_some() { CHAINS } else { 0 },
        steps: arguments.steps.map(u64::from),
        chain: arguments.chain.map(spin_chain),
    };
    Ok(Plan { source, asked, count, out, format })
}

/// The format that --format or the ending of --out names; both together must name one.
fn asked_format(arguments: &Sample) -> Result<Option<Format>> {
    let of_file = arguments.out.as_deref().map(Format::of).transpose()?;
    let Some(format) = arguments.format.map(|format| Format::Picture(format.into())) else {
        return Ok(of_file);
    };
    if let Some(of_file) = of_file.filter(|of_file| *of_file != format) {
        return Err(Error::input("--format and --out name different formats")
            .found(format_args!("{} and .{}", format.ending(), of_file.ending()))
            .expected("one format")
            .remedy("leave out --format, or change the ending of --out"));
    }
    Ok(Some(format))
}

fn spin_chain(chain: Chain) -> SpinChain {
    match chain {
        Chain::Gibbs => SpinChain::Gibbs,
        Chain::Metropolis => SpinChain::Metropolis,
        Chain::SwendsenWang => SpinChain::SwendsenWang,
        Chain::Wolff => SpinChain::Wolff,
    }
}

/// Options that only a run has, or only a model file.
fn refuse_options_of_others(arguments: &Sample) -> Result<()> {
    if ModelFile::is_at(&arguments.run) {
        return match &arguments.trajectory {
            Some(_) => Err(Error::input("this option is for runs only").at("--trajectory")),
            None => Ok(()),
        };
    }
    let given = |options: [(&'static str, bool); 2]| options.into_iter().find(|(_, given)| *given);
    match given([("--steps", arguments.steps.is_some()), ("--chain", arguments.chain.is_some())]) {
        Some((option, _)) => Err(Error::input("this option is for model files only")
            .at(option)
            .remedy("override the run's sampler with --set, e.g. --set sampler.steps=200")),
        None => Ok(()),
    }
}

/// Pictures of images, text of vectors, numbers of anything else.
fn usual_format(source: &ModelSource) -> Format {
    match (source.picture_shape(), source.row_shape().len()) {
        (Some(_), _) => Format::Picture(PictureFormat::Png),
        (None, 1) => Format::Csv,
        (None, _) => Format::Npy,
    }
}

fn refuse_picture(source: &ModelSource, arguments: &Sample, format: Format) -> Result<()> {
    let shape = source.row_shape();
    let is_image = source.picture_shape().is_some();
    let is_plane = matches!(source, ModelSource::Run(_)) && shape[..] == [2];
    let shown = is_image || is_plane;
    let is_picture = matches!(format, Format::Picture(_));
    if (!is_picture || shown) && (arguments.trajectory.is_none() || is_image) {
        return Ok(());
    }
    let expected = match source {
        ModelSource::Run(_) => "grey or RGB images, or points in the plane (without a trajectory)",
        ModelSource::File(_) => "a lattice, or a square number of units",
    };
    Err(Error::input("can't draw samples of this shape")
        .at(arguments.run.display())
        .found(format!("rows of shape {shape:?}"))
        .expected(expected)
        .remedy("write them as .npy or .csv"))
}

/// Samples are held three times until they are written, and as text or pixels.
fn refuse_beyond_memory(source: &ModelSource, count: usize, format: Format) -> Result<()> {
    let gib = match source {
        ModelSource::Run(trained) => trained.settings.train().memory_limit_gib,
        ModelSource::File(_) => 0.0,
    };
    let written = match format {
        Format::Picture(_) => 1.0,
        Format::Npy => 4.0,
        Format::Csv => 12.0,
    };
    let row_len: usize = source.row_shape().iter().product();
    let needed = count as f64 * row_len as f64 * (12.0 + written);
    let limit = MemoryLimit::of_run(gib);
    limit
        .refuse_beyond("the samples need", &format!("--num {count}"), needed)
        .map_err(|error| error.remedy("draw them in parts, each with a different --seed"))
}

/// A run has a folder for samples; beside a model file nothing is written unasked.
fn default_out(source: &ModelSource, arguments: &Sample, format: Format) -> Result<PathBuf> {
    let run: &Path = &arguments.run;
    if let ModelSource::File(_) = source {
        return Err(Error::input("no output file given")
            .at(run.display())
            .remedy("add --out FILE.png, FILE.svg, FILE.pdf, FILE.npy or FILE.csv"));
    }
    let folder = RunFolder::open(run)?.samples_path();
    refuse_missing_folder(&folder.join("sample"))?;
    Ok(folder.join(format!("sample-seed{}.{}", arguments.seed, format.ending())))
}
