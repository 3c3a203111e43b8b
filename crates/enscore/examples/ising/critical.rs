//! The critical point: energies against the exact torus, ⟨m²⟩ against cluster updates, and autocorrelations.

use std::fmt::Write;
use std::path::Path;

use enscore::ising::chains::{Checkerboard, Rule, SpinTransition, SwendsenWang, Wolff};
use enscore::ising::exact::torus_exact;
use enscore::ising::infinite::CRITICAL_COUPLING;
use enscore::ising::magnetisation;
use enscore::mcmc::{ChainMean, autocorrelation, batch_means, integrated_time};
use enscore::report::{Chart, Mark, PictureFormat, Scale, Series};
use enscore_program::random::Key;
use rayon::prelude::*;

use crate::{Section, beside, torus};

/// Independent chains of sweeps; each starts from its own state of a long cluster chain, so that none has to
/// relax.
const CHAINS: u64 = 32;
/// Clusters before a chain counts, from all spins up: from random spins clusters would be small and relax
/// slowly.
const DISCARDED: u64 = 1_000;
/// Clusters between the states that chains of sweeps start from.
const APART: u64 = 60;

/// Tables and the picture of autocorrelations.
pub fn section(images: &Path) -> Section {
    let mut text = format!(
        "\n## At the critical temperature\n\nβ = ln(1 + √2) / 2. Wolff: one long chain. Checkerboard Metropolis: \
         {CHAINS} chains that start from states of another Wolff chain.\n\n\
         | lattice | chain | length | energy | exact torus | standard errors off | ⟨m²⟩ |\n|---|---|---:|---:|---:|---:|---:|\n"
    );
    for (side, clusters, sweeps) in [(64, 100_000, 60_000), (256, 20_000, 60_000)] {
        let exact = torus_exact(side, side, CRITICAL_COUPLING)?.energy_per_site;
        let lines = [
            (format!("Wolff | {clusters} clusters"), wolff(side, clusters)?),
            (format!("Metropolis | {CHAINS} x {sweeps} sweeps"), sweeps_from_clusters(side, sweeps)?),
        ];
        for (name, [energy, square]) in lines {
            let square = format!("{:.5} ± {:.5}", square.mean, square.std_err);
            writeln!(text, "| {side}² | {name} | {} | {square} |", beside(energy, exact))?;
        }
    }
    text += &autocorrelations(images)?;
    Ok(text)
}

/// Energy per site and m² of a chain of clusters.
fn wolff(side: usize, clusters: u64) -> enscore::Result<[ChainMean; 2]> {
    let model = torus(side, CRITICAL_COUPLING)?;
    let (mut chain, mut spins) = (Wolff::new(&model), vec![1; side * side]);
    let mut values = [Vec::new(), Vec::new()];
    for step in 0..clusters + DISCARDED {
        chain.step(&mut spins, Key::new(10, step))?;
        if step >= DISCARDED && step % 4 == 0 {
            values[0].push(model.energy(&spins)? / (side * side) as f64);
            values[1].push(magnetisation(&spins).powi(2));
        }
    }
    Ok(values.map(|values| batch_means(&values, 60)))
}

fn sweeps_from_clusters(side: usize, sweeps: u64) -> enscore::Result<[ChainMean; 2]> {
    let model = torus(side, CRITICAL_COUPLING)?;
    let (mut clusters, mut spins) = (Wolff::new(&model), vec![1; side * side]);
    let mut starts = Vec::new();
    for step in 0..DISCARDED + APART * CHAINS {
        clusters.step(&mut spins, Key::new(12, step))?;
        if step >= DISCARDED && (step - DISCARDED).is_multiple_of(APART) {
            starts.push(Checkerboard::new(&model, Rule::Metropolis, &spins)?);
        }
    }
    // The mean of each chain.
    let means: Vec<[f64; 2]> = starts
        .into_par_iter()
        .enumerate()
        .map(|(row, mut chain)| {
            let (mut sums, mut count) = ([0.0; 2], 0.0);
            for step in 0..sweeps {
                chain.sweep(Key { seed: 13, step, row: row as u64 });
                if step % 10 == 0 {
                    sums[0] += chain.energy() / (side * side) as f64;
                    sums[1] += chain.magnetisation().powi(2);
                    count += 1.0;
                }
            }
            sums.map(|sum| sum / count)
        })
        .collect();
    Ok([0, 1]
        .map(|which| batch_means(&means.iter().map(|mean| mean[which]).collect::<Vec<_>>(), means.len())))
}

/// m² over a chain, and the sweeps between two values.
struct Track {
    name: &'static str,
    values: Vec<f64>,
    sweeps: f64,
}

fn tracks(side: usize, stride: u64) -> enscore::Result<[Track; 3]> {
    let model = torus(side, CRITICAL_COUPLING)?;
    let [mut gibbs, mut wolff, mut swendsen_wang] = [const { Vec::new() }; 3];
    let (mut spins, mut sites) = (vec![1; side * side], 0);
    let mut clusters = Wolff::new(&model);
    for step in 0..30_000 + DISCARDED {
        clusters.step(&mut spins, Key::new(20, step))?;
        if step >= DISCARDED {
            wolff.push(magnetisation(&spins).powi(2));
            sites += clusters.cluster_size();
        }
    }
    let mut chain = Checkerboard::new(&model, Rule::HeatBath, &spins)?;
    for step in 0..40_000 * stride {
        chain.sweep(Key::new(21, step));
        if step % stride == 0 {
            gibbs.push(chain.magnetisation().powi(2));
        }
    }
    let mut all = SwendsenWang::new(&model);
    for step in 0..10_000 {
        all.step(&mut spins, Key::new(22, step))?;
        swendsen_wang.push(magnetisation(&spins).powi(2));
    }
    let sweeps = sites as f64 / wolff.len() as f64 / (side * side) as f64;
    Ok([
        Track { name: "Gibbs", values: gibbs, sweeps: stride as f64 },
        Track { name: "Wolff", values: wolff, sweeps },
        Track { name: "Swendsen-Wang", values: swendsen_wang, sweeps: 1.0 },
    ])
}

fn autocorrelations(images: &Path) -> Section {
    let sides = [(32, 4), (64, 16), (128, 64)];
    let all =
        sides.par_iter().map(|(side, stride)| tracks(*side, *stride)).collect::<enscore::Result<Vec<_>>>()?;
    let series = all[1]
        .iter()
        .map(|track| {
            let rho = autocorrelation(&track.values, 400);
            // Up to where noise takes over.
            let shown = rho.iter().take_while(|rho| **rho > 0.02);
            let points: Vec<(f64, f64)> =
                shown.enumerate().skip(1).map(|(lag, rho)| (lag as f64 * track.sweeps, *rho)).collect();
            Series::new(track.name, &points, Mark::Line)
        })
        .collect();
    let chart = Chart {
        title: "Autocorrelation of m², 64² at the critical temperature".into(),
        x_label: "sweeps (flipped sites / sites)".into(),
        y_label: "autocorrelation".into(),
        x_scale: Scale::Log,
        y_scale: Scale::Linear,
        series,
    };
    chart.picture()?.write(&images.join("ising-autocorrelation.svg"), PictureFormat::Svg)?;
    let mut text = "\n### Autocorrelation\n\n![Autocorrelation of m²](images/ising-autocorrelation.svg)\n\nTime is counted in \
         sweeps; a Wolff cluster counts as the fraction of sites that it flips. The integrated autocorrelation time τ of m²:\n\n\
         | lattice | Gibbs, checkerboard | Wolff | Swendsen-Wang | Gibbs / Wolff |\n|---|---:|---:|---:|---:|\n"
        .to_string();
    for ((side, _), tracks) in sides.iter().zip(&all) {
        let times: Vec<f64> = tracks
            .iter()
            .map(|track| integrated_time(&track.values).unwrap_or(f64::NAN) * track.sweeps)
            .collect();
        let ratio = times[0] / times[1];
        writeln!(text, "| {side}² | {:.0} | {:.2} | {:.2} | {ratio:.0} |", times[0], times[1], times[2])?;
    }
    text += "\nSingle-site sweeps slow down roughly with the square of the side, clusters hardly at all. But a packed sweep \
             is some three hundred times cheaper than clusters over the same sites (below), so single-site sweeps reach a \
             given error faster up to about 64², clusters beyond.\n";
    Ok(text)
}
