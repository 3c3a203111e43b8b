//! Denoising under general potentials of pixels and of neighbours, from a file.

use std::path::Path;
use std::time::Instant;

use enscore::Result;
use enscore::ising::denoise::{ImageTables, Labelling, TablesPosterior};
use enscore::ising::{BinaryImage, read_binary_image};
use enscore::report::measured;
use enscore::sample::read_image_tables;
use serde_json::json;

use super::files::{truth, write, write_marginals};
use super::options::{annealing_sweeps, gibbs_settings};
use super::shown::{differ, marginals, not_converged};
use crate::args::{Denoise, Denoiser};
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

pub(super) fn denoise(context: &Context, arguments: &Denoise) -> Result<Answer> {
    let noisy = read_binary_image(&arguments.input, arguments.threshold)?;
    let truth = truth(arguments, &noisy)?;
    let tables = read_image_tables(Path::new(&arguments.model), &noisy)?;
    let began = Instant::now();
    let (labelling, posterior) = find(context, arguments, &tables, &noisy)?;
    let seconds = began.elapsed().as_secs_f64();
    write(&arguments.out, arguments, &noisy, &labelling.spins)?;
    if let (Some(path), Some(posterior)) = (&arguments.marginals, &posterior) {
        write_marginals(path, &noisy, &posterior.means)?;
    }
    answer(arguments, &tables, &noisy, truth.as_ref(), (&labelling, posterior.as_ref(), seconds))
}

fn find(
    context: &Context,
    arguments: &Denoise,
    tables: &ImageTables,
    noisy: &BinaryImage,
) -> Result<(Labelling, Option<TablesPosterior>)> {
    let y = &noisy.spins;
    let mut bar = Progress::new(context);
    let mut progress = |done, all| bar.phase("sweeps", done, all);
    let found = match arguments.method {
        Denoiser::Maxflow => (tables.exact_map()?, None),
        Denoiser::Icm => (tables.icm(y)?, None),
        Denoiser::Annealing => {
            (tables.anneal(y, annealing_sweeps(arguments), arguments.seed, &mut progress)?, None)
        }
        Denoiser::Gibbs => {
            let found = tables.sample(y, &gibbs_settings(arguments), &mut progress)?;
            (found.labelling.clone(), Some(found))
        }
        Denoiser::Exact => {
            let found = tables.enumerate(y)?;
            (found.labelling.clone(), Some(found))
        }
    };
    bar.end();
    Ok(found)
}

fn answer(
    arguments: &Denoise,
    tables: &ImageTables,
    noisy: &BinaryImage,
    truth: Option<&BinaryImage>,
    (labelling, posterior, seconds): (&Labelling, Option<&TablesPosterior>, f64),
) -> Result<Answer> {
    let y = &noisy.spins;
    let method = arguments.method.name();
    let before = tables.energy(y)?;
    let flipped = differ(&labelling.spins, y);
    let warnings = not_converged(posterior.and_then(|posterior| posterior.r_hat));
    let mut json = json!({
        "model": arguments.model, "method": method, "height": noisy.height, "width": noisy.width,
        "energy": labelling.energy, "energy_before": before, "flipped": flipped, "seconds": seconds,
        "out": text_of(&arguments.out), "warnings": warnings,
    });
    let mut lines = Lines::default()
        .line("image", format!("{}, {} x {}", arguments.input.display(), noisy.width, noisy.height))
        .line("method", format!("{method}, potentials of {}", arguments.model))
        .line("energy", format!("{:.4} nats, {before:.4} before", labelling.energy))
        .line("flipped", format!("{flipped} of {} pixels in {seconds:.3} s", y.len()));
    if let Some(posterior) = posterior {
        let [energy, error] = posterior.mean_energy;
        json["mean_energy"] = json!(energy);
        json["mean_energy_standard_error"] = json!(error);
        json["standard_error"] = json!(posterior.std_err());
        json["r_hat"] = json!(posterior.r_hat);
        json["log_z"] = json!(posterior.log_z);
        json["marginals"] = json!(arguments.marginals.as_deref().map(text_of));
        lines = lines.line("mean energy", format!("{} nats", measured(energy, Some(error))));
        if let Some(std_err) = posterior.std_err() {
            lines = lines.line("marginals", marginals(std_err, posterior.r_hat));
        }
        if let Some(log_z) = posterior.log_z {
            lines = lines.line("log Z", format!("{log_z:.6} nats, all 2^{} images", y.len()));
        }
    }
    if let Some(truth) = truth {
        let [before, after] = [y, &labelling.spins].map(|spins| differ(spins, &truth.spins));
        json["bit_errors_before"] = json!(before);
        json["bit_errors_after"] = json!(after);
        lines = lines.line("bit errors", format!("{after}, {before} before"));
    }
    let lines = lines.warnings(&warnings).line("denoised", arguments.out.display());
    Ok(Answer::new(json, lines.text()))
}
