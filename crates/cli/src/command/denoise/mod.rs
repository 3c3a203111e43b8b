//! `enscore denoise`: a two-valued image from a noisy one, by the Ising model or by potentials from a file.

mod files;
mod ising;
mod options;
mod shown;
mod tables;

use std::path::Path;

use enscore::sample::ModelFile;
use enscore::{Error, Result};

use self::files::is;
use crate::args::{Denoise, Denoiser};
use crate::context::Context;
use crate::output::Answer;
use crate::pictures::refuse_missing_folder;

pub(crate) fn run(context: &Context, arguments: &Denoise) -> Result<Answer> {
    context.on_threads(0, || {
        check(arguments)?;
        if arguments.model == "ising" {
            ising::denoise(context, arguments)
        } else {
            tables::denoise(context, arguments)
        }
    })
}

/// What can be refused before anything is read.
fn check(arguments: &Denoise) -> Result<()> {
    let of_file = ModelFile::is_at(Path::new(&arguments.model));
    if arguments.model != "ising" && !of_file {
        return Err(Error::input("unknown image prior")
            .at("--model")
            .found(&arguments.model)
            .expected("ising, or a .toml file of potentials")
            .remedy("leave --model out; trained runs can't denoise yet"));
    }
    let weights = [
        ("--eta", arguments.eta.is_some()),
        ("--flip-probability", arguments.flip_probability.is_some()),
        ("--beta", arguments.beta.is_some()),
    ];
    if let Some((name, _)) = weights.into_iter().find(|(_, given)| *given && of_file) {
        return Err(Error::input("a file of potentials has its own weights").at(name).remedy("leave it out"));
    }
    if let Some(threshold) = arguments.threshold.filter(|threshold| !threshold.is_finite()) {
        let error = Error::input("invalid threshold").at("--threshold").found(threshold);
        return Err(error.expected("a finite number"));
    }
    let method = arguments.method;
    let gibbs = method == Denoiser::Gibbs;
    let random = gibbs || method == Denoiser::Annealing;
    for (name, given, applies) in [
        ("--sweeps", arguments.sweeps.is_some(), random),
        ("--burn-in", arguments.burn_in.is_some(), gibbs),
        ("--chains", arguments.chains.is_some(), gibbs),
        ("--marginals", arguments.marginals.is_some(), gibbs || method == Denoiser::Exact),
    ] {
        if given && !applies {
            return Err(Error::input(format!("--method {} does not use this option", method.name()))
                .at(name)
                .remedy("leave it out, or use --method gibbs"));
        }
    }
    for path in [Some(&arguments.out), arguments.marginals.as_ref()].into_iter().flatten() {
        if !is(path, "png") && !is(path, "npy") {
            let error = Error::input("unsupported image format").at(path.display());
            return Err(error.expected("a file name ending in .png or .npy"));
        }
        refuse_missing_folder(path)?;
    }
    if arguments.marginals.as_ref() == Some(&arguments.out) {
        return Err(Error::input("--out and --marginals name the same file").at(arguments.out.display()));
    }
    Ok(())
}
