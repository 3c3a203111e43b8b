//! Energy and magnetisation over the temperature, and states.

use std::fmt::Write;
use std::path::Path;

use enscore::ising::chains::Rule;
use enscore::ising::exact::torus_exact;
use enscore::ising::infinite;
use enscore::mcmc::{ChainMean, batch_means};
use enscore::report::{Chart, Mark, PictureFormat, Scale, Series, png, sheet};
use enscore_program::random::Key;
use rayon::prelude::*;

use crate::{Section, beside, cold};

const SIDE: usize = 256;
const DISCARDED: u64 = 4_000;
const SWEEPS: u64 = 40_000;

/// The temperatures of the curves; the critical one has a section of its own.
const TEMPERATURES: [f64; 13] = [1.5, 1.7, 1.9, 2.0, 2.1, 2.15, 2.2, 2.35, 2.4, 2.5, 2.7, 3.0, 3.5];

/// Curves with a table below the critical temperature.
pub fn section(images: &Path) -> Section {
    let measured = TEMPERATURES.par_iter().map(|t| measure(*t)).collect::<enscore::Result<Vec<_>>>()?;
    let fine: Vec<f64> = (0..=200).map(|i| 1.5 + 0.01 * f64::from(i)).collect();
    let energy = fine
        .iter()
        .map(|t| Ok((*t, torus_exact(SIDE, SIDE, 1.0 / t)?.energy_per_site)))
        .collect::<enscore::Result<Vec<_>>>()?;
    let yang: Vec<(f64, f64)> = fine.iter().map(|t| (*t, infinite::magnetisation(1.0 / t))).collect();
    let points = |which: usize| -> Vec<(f64, f64)> {
        TEMPERATURES.iter().zip(&measured).map(|(t, means)| (*t, means[which].mean)).collect()
    };
    let chart = |title: &str, y_label: &str, series| Chart {
        title: title.into(),
        x_label: "temperature (J)".into(),
        y_label: y_label.into(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        series,
    };
    let dots = |which| Series::new("Metropolis, 256²", &points(which), Mark::Dots);
    let energies = vec![Series::new("exact, 256²", &energy, Mark::Dashed), dots(0)];
    let magnetisations = vec![Series::new("Yang, infinite lattice", &yang, Mark::Dashed), dots(1)];
    let energies = chart("Energy", "energy per site (J)", energies);
    let magnetisations = chart("Magnetisation", "mean of |m|", magnetisations);
    energies.picture()?.write(&images.join("ising-energy.svg"), PictureFormat::Svg)?;
    magnetisations.picture()?.write(&images.join("ising-magnetisation.svg"), PictureFormat::Svg)?;
    states(&images.join("ising-states.png"))?;

    let mut text = format!(
        "\n## Temperature dependence\n\nCheckerboard Metropolis, {SIDE}², {SWEEPS} sweeps after {DISCARDED} of burn-in, from all \
         spins up. Below the critical temperature the magnetisation of the finite torus equals Yang's up to exponentially \
         small terms.\n\n| T | energy | exact torus | standard errors off | magnetisation | Yang | standard errors off |\n\
         |---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for (t, [energy, m]) in TEMPERATURES.iter().zip(&measured) {
        let exact = torus_exact(SIDE, SIDE, 1.0 / t)?.energy_per_site;
        let yang = infinite::magnetisation(1.0 / t);
        let m =
            if yang > 0.0 { beside(*m, yang) } else { format!("{:.5} ± {:.5} | 0 | ", m.mean, m.std_err) };
        writeln!(text, "| {t} | {} | {m} |", beside(*energy, exact))?;
    }
    text += "\nAbove the critical temperature |m| is a finite-size effect, with no limit to compare with.\n\n\
             ![Energy against temperature](images/ising-energy.svg)\n\n\
             ![Magnetisation against temperature](images/ising-magnetisation.svg)\n\n\
             ![States](images/ising-states.png)\n\n\
             States of 256² at T = 2.0, the critical temperature and 3.0.\n";
    Ok(text)
}

/// Energy per site and |m| at a temperature.
fn measure(temperature: f64) -> enscore::Result<[ChainMean; 2]> {
    let mut chain = cold(SIDE, 1.0 / temperature, Rule::Metropolis)?;
    let mut values = [Vec::new(), Vec::new()];
    for step in 0..DISCARDED + SWEEPS {
        chain.sweep(Key::new(1, step));
        if step >= DISCARDED && step % 4 == 0 {
            values[0].push(chain.energy() / (SIDE * SIDE) as f64);
            values[1].push(chain.magnetisation().abs());
        }
    }
    Ok(values.map(|values| batch_means(&values, 40)))
}

fn states(path: &Path) -> enscore::Result<()> {
    let mut pixels = Vec::new();
    for k in [0.5, infinite::CRITICAL_COUPLING, 1.0 / 3.0] {
        let mut chain = cold(SIDE, k, Rule::HeatBath)?;
        (0..100_000).for_each(|step| chain.sweep(Key::new(2, step)));
        pixels.extend(chain.spins().iter().map(|spin| if *spin > 0 { 0.95f32 } else { 0.15 }));
    }
    png::write(path, &sheet::sheet(&pixels, [SIDE, SIDE, 1], 3, 1, 6)?)
}
