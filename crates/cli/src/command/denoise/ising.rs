//! Denoising under the Ising prior, with noise that flips pixels.

use std::time::Instant;

use enscore::ising::denoise::{
    AnnealingSettings, ExactPosterior, IsingDenoising, Labelling, Posterior, anneal, posterior,
};
use enscore::ising::{BinaryImage, read_binary_image};
use enscore::{Error, Result};
use serde_json::json;

use super::files::{truth, write, write_marginals};
use super::options::{annealing_sweeps, gibbs_settings};
use super::shown::{differ, marginals, not_converged};
use crate::args::{Denoise, Denoiser};
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

/// The weight of agreement between neighbours, and the share of pixels that noise flips, where none is given.
const USUAL_BETA: f64 = 0.6;
const USUAL_FLIPS: f64 = 0.1;

/// What was found, by whatever method.
struct Found {
    labelling: Labelling,
    posterior: Option<Posterior>,
    exact: Option<ExactPosterior>,
}

impl Found {
    fn labelling(labelling: Labelling) -> Found {
        Found { labelling, posterior: None, exact: None }
    }

    /// E[x_i | y], where it is known.
    fn means(&self) -> Option<&[f64]> {
        let exact = self.exact.as_ref().map(|exact| &exact.means[..]);
        exact.or(self.posterior.as_ref().map(|posterior| &posterior.means[..]))
    }
}

pub(super) fn denoise(context: &Context, arguments: &Denoise) -> Result<Answer> {
    let model = IsingDenoising::new(eta(arguments)?, arguments.beta.unwrap_or(USUAL_BETA))?;
    let noisy = read_binary_image(&arguments.input, arguments.threshold)?;
    let truth = truth(arguments, &noisy)?;
    let began = Instant::now();
    let found = find(context, arguments, &model, &noisy)?;
    let seconds = began.elapsed().as_secs_f64();
    write(&arguments.out, arguments, &noisy, &found.labelling.spins)?;
    if let (Some(path), Some(means)) = (&arguments.marginals, found.means()) {
        write_marginals(path, &noisy, means)?;
    }
    answer(arguments, &model, &noisy, truth.as_ref(), &found, seconds)
}

/// --eta, or what flips of the probability given make it: ln((1 - q) / q) / 2.
fn eta(arguments: &Denoise) -> Result<f64> {
    let q = arguments.flip_probability.unwrap_or(USUAL_FLIPS);
    if !(q > 0.0 && q <= 0.5) {
        let error = Error::input("invalid flip probability").at("--flip-probability").found(q);
        let error = error.expected("a number above 0, at most 0.5");
        let beyond = q > 0.5 && q < 1.0;
        return Err(if beyond { error.remedy("invert the image, or give a negative --eta") } else { error });
    }
    Ok(arguments.eta.unwrap_or(0.5 * ((1.0 - q) / q).ln()))
}

fn find(
    context: &Context,
    arguments: &Denoise,
    model: &IsingDenoising,
    noisy: &BinaryImage,
) -> Result<Found> {
    let y = &noisy.spins;
    let height = noisy.height;
    let width = noisy.width;
    let mut bar = Progress::new(context);
    let mut progress = |done, all| bar.phase("sweeps", done, all);
    let found = match arguments.method {
        Denoiser::Maxflow => Found::labelling(model.exact_map(y, height, width)?),
        Denoiser::Icm => Found::labelling(model.icm(y, height, width)?),
        Denoiser::Annealing => {
            let settings = AnnealingSettings::geometric(model, annealing_sweeps(arguments), arguments.seed);
            let labelling = anneal(model, y, [height, width], &settings, &mut progress)?;
            Found::labelling(labelling)
        }
        Denoiser::Gibbs => {
            let settings = gibbs_settings(arguments);
            let posterior = posterior(model, y, [height, width], &settings, &mut progress)?;
            Found { posterior: Some(posterior.clone()), ..Found::labelling(posterior.labelling) }
        }
        Denoiser::Exact => {
            let exact = model.enumerate(y, height, width)?;
            let sign = |(mean, y): (&f64, &i8)| if *mean == 0.0 { *y } else { mean.signum() as i8 };
            let spins: Vec<i8> = exact.means.iter().zip(y).map(sign).collect();
            let energy = model.energy(&spins, y, height, width)?;
            Found { exact: Some(exact), ..Found::labelling(Labelling { spins, energy }) }
        }
    };
    bar.end();
    Ok(found)
}

fn answer(
    arguments: &Denoise,
    model: &IsingDenoising,
    noisy: &BinaryImage,
    truth: Option<&BinaryImage>,
    found: &Found,
    seconds: f64,
) -> Result<Answer> {
    let x = &found.labelling.spins;
    let y = &noisy.spins;
    let flipped = differ(x, y);
    let method = arguments.method.name();
    let before = model.energy(y, y, noisy.height, noisy.width)?;
    let errors = truth.map(|truth| [y, x].map(|spins| differ(spins, &truth.spins)));
    let posterior = found.posterior.as_ref();
    let warnings = not_converged(posterior.and_then(|posterior| posterior.r_hat));
    let mut json = json!({
        "model": "ising", "method": method, "eta": model.eta(), "beta": model.beta(),
        "height": noisy.height, "width": noisy.width, "energy": found.labelling.energy, "energy_before": before,
        "flipped": flipped, "seconds": seconds, "out": text_of(&arguments.out), "warnings": warnings,
    });
    let mut lines = Lines::default()
        .line("image", format!("{}, {} x {}", arguments.input.display(), noisy.width, noisy.height))
        .line("method", format!("{method}, eta {:.4}, beta {:.4}", model.eta(), model.beta()))
        .line("energy", format!("{:.4} nats, {before:.4} before", found.labelling.energy))
        .line("flipped", format!("{flipped} of {} pixels in {seconds:.3} s", y.len()));
    if let Some(posterior) = posterior {
        let std_err = posterior.std_err();
        json["mean_energy"] = json!(posterior.mean_energy);
        json["mean_energy_standard_error"] = json!(posterior.mean_energy_std_err);
        json["standard_error"] = json!(std_err);
        json["r_hat"] = json!(posterior.r_hat);
        json["marginals"] = json!(arguments.marginals.as_deref().map(text_of));
        let energy = format!("{:.4} ± {:.4} nats", posterior.mean_energy, posterior.mean_energy_std_err);
        lines = lines.line("mean energy", energy);
        lines = lines.line("marginals", marginals(std_err, posterior.r_hat));
    }
    if let Some(exact) = &found.exact {
        json["log_z"] = json!(exact.log_z);
        json["least_energy"] = json!(exact.least_energy);
        json["marginals"] = json!(arguments.marginals.as_deref().map(text_of));
        lines = lines
            .line("log Z", format!("{:.6} nats, all 2^{} images", exact.log_z, y.len()))
            .line("least energy", format!("{:.4} nats", exact.least_energy));
    }
    if let Some([before, after]) = errors {
        json["bit_errors_before"] = json!(before);
        json["bit_errors_after"] = json!(after);
        lines = lines.line("bit errors", format!("{after}, {before} before"));
    }
    let lines = lines.warnings(&warnings).line("denoised", arguments.out.display());
    Ok(Answer::new(json, lines.text()))
}
