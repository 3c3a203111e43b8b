//! The comparison as one picture, of the first seed of every training. In the plane: the density and the
//! score field beside those of the truth, on one scale; of images sheets of samples; of tables
//! distributions of columns.

mod image_sheets;
mod marginals;

use std::path::Path;

use super::{Compared, Outcome, Truth};
use crate::error::Result;
use crate::evaluate::{LatentBound, MOST_LOG_Z_ERROR, log_z_by_quadrature};
use crate::report::{Panel, Picture, PictureFormat, density_sheet};
use crate::sample::{TrainedDensity, draw};
use crate::trained::Trained;
use image_sheets::sheets;
use marginals::marginals;

/// Places along each side of a heat map, and arrows.
const PLACES: usize = 112;
const ARROWS: usize = 14;
/// Samples that are shown of a model without a density.
const POINTS: usize = 1000;
/// Importance-weighted draws for each place of a density.
const BOUND_DRAWS: usize = 64;
/// Panels in a row.
const COLUMNS: usize = 4;

/// Writes `comparison.png`, or the same picture in another format.
pub(super) fn write(
    outcome: &mut Outcome,
    truth: Option<&Truth>,
    out: &Path,
    format: PictureFormat,
) -> Result<()> {
    let first = Trained::open(&outcome.compared[0].run, &[])?;
    let picture = if first.model.row_len() == 2 {
        Some(plane(outcome, &first, truth)?)
    } else {
        match sheets(outcome, COLUMNS)? {
            Some(sheets) => Some(sheets),
            None => marginals(outcome)?,
        }
    };
    let Some(picture) = picture else { return Ok(()) };
    let path = out.join(format!("comparison.{}", format.ending()));
    picture.write(&path, format)?;
    outcome.files.push(path);
    Ok(())
}

/// The panels of densities and scores.
fn plane(outcome: &Outcome, first: &Trained, truth: Option<&Truth>) -> Result<Picture> {
    let window = match truth {
        Some(truth) => truth.window(),
        None => [first.model.data.range; 2],
    };
    let mut panels = Vec::new();
    if let Some(truth) = truth {
        let panel = Panel::new("Truth", &first.model.data.name, window)?;
        let panel = panel.density_of(&mut truth.density()?, 0.0, PLACES)?;
        panels.push(panel.score_of(&mut truth.density()?, ARROWS)?);
    }
    let brightest = panels.first().and_then(Panel::greatest_density);
    for compared in outcome.by_training().iter().filter_map(|runs| runs.first()) {
        let panel = panel(compared, window)?;
        panels.push(match brightest {
            Some(density) => panel.with_brightest(density)?,
            None => panel,
        });
    }
    let panels: Vec<Panel> = panels.into_iter().map(|panel| panel.with_labels(["x1", "x2"])).collect();
    density_sheet(&panels, COLUMNS.min(panels.len()))
}

fn panel(compared: &Compared, window: [[f64; 2]; 2]) -> Result<Panel> {
    let trained = Trained::open(&compared.run, &compared.sets)?;
    let subtitle = match (compared.measured.fisher_divergence, compared.measured.log_likelihood) {
        (Some(divergence), Some(mean)) => format!("F {:.3}, LL {:.3}", divergence.relative, mean.value),
        (Some(divergence), None) => format!("F {:.3}, score alone", divergence.relative),
        (None, Some(mean)) => format!("LL {:.3}", mean.value),
        (None, None) => match compared.measured.log_likelihood_bound {
            Some(bound) => format!("LL at least {:.3}", bound.value),
            None if trained.model.model.generator().is_some() => "samples".to_string(),
            None => String::new(),
        },
    };
    let panel = Panel::new(&compared.name, &subtitle, window)?;
    if trained.model.model.generator().is_some() {
        let drawn = draw(&trained.model, trained.settings.sampler(), POINTS, 0, 0, &mut |_, _| Ok(()))?;
        let points = drawn.rows.chunks_exact(2).map(|row| [f64::from(row[0]), f64::from(row[1])]);
        return Ok(panel.with_points(points));
    }
    if trained.model.model.latent_variable().is_some() {
        return panel.density_of(&mut LatentBound::new(&trained.model, BOUND_DRAWS)?, 0.0, PLACES);
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    if trained.model.model.normalised().is_some() {
        return panel.density_of(&mut density, 0.0, PLACES)?.score_of(&mut density, ARROWS);
    }
    let panel = match log_z_by_quadrature(&trained)? {
        Some(log_z) if log_z.error() <= MOST_LOG_Z_ERROR => {
            panel.density_of(&mut density, log_z.value, PLACES)?
        }
        _ => panel,
    };
    panel.score_of(&mut density, ARROWS)
}
