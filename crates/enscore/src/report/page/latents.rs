//! What a latent variable model makes of rows: their reconstructions, interpolations between them, and where
//! they lie in the latent space.

use enscore_program::random::{Key, normal_row};

use super::contents::{Figure, Report};
use super::pictures::image_shape;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::report::{Scatter, sheet};
use crate::sample::{LatentCoder, TrainedModel};
use crate::streams;

/// Rows that are shown with their reconstructions, and pairs of rows that are interpolated.
const SHOWN: usize = 64;
const PAIRS: usize = 8;
/// Points of an interpolation, ends included.
const PLACES: usize = 11;
const MAP_SIDE: usize = 14;
/// Rows on the map of points.
const POINTS: usize = 2000;
/// The map reaches from this quantile of the prior to the same from above.
const EDGE: f64 = 2.0;

/// Reconstructions and interpolations where rows are images; a map of the latent space.
pub(super) fn add_latents(report: &mut Report, model: &TrainedModel, rows: &Subset) -> Result<()> {
    let Some(coder) = LatentCoder::of(model) else { return Ok(()) };
    let rows = rows_of(rows, POINTS)?;
    let z = coder.encode(&rows)?;
    let latents = coder.latents();
    if let Some(shape) = image_shape(&model.data.row_shape) {
        let shown = SHOWN.min(rows.len() / model.row_len());
        let real = &rows[..shown * model.row_len()];
        let back = coder.decode(&z[..shown * latents])?;
        let scale = sheet::enlargement(shape);
        let pairs = sheet::pairs(real, &back, shape, sheet::COLUMNS, scale, sheet::GAP)?;
        let caption = "Each held-out row (left) with its reconstruction (right)";
        report.latents.push(Figure::picture(caption, &pairs)?);
        let pairs_shown = PAIRS.min(shown / 2);
        let between = coder.decode(&interpolated(&z, latents, pairs_shown))?;
        let strip = sheet::trajectory(&between, pairs_shown, shape, scale, sheet::GAP)?;
        let caption = "Interpolation in the latent space between pairs of held-out rows";
        report.latents.push(Figure::picture(caption, &strip)?);
        if latents == 2 {
            let decoded = coder.decode(&grid())?;
            let map = sheet::sheet(&decoded, shape, MAP_SIDE, scale, 0)?;
            let caption =
                "The latent space: the mean that the decoder gives at points from -2 to 2 along both axes";
            report.latents.push(Figure::picture(caption, &map)?);
        }
    }
    report.latents.extend(map_of_points(&z, latents)?);
    Ok(())
}

/// Points on the straight lines from row 2i to row 2i + 1: `[points, pairs, latents]`.
fn interpolated(z: &[f32], latents: usize, pairs: usize) -> Vec<f32> {
    let row = |row: usize| &z[row * latents..][..latents];
    let mut places = Vec::with_capacity(PLACES * pairs * latents);
    for place in 0..PLACES {
        let t = place as f32 / (PLACES - 1) as f32;
        for pair in 0..pairs {
            places.extend(row(2 * pair).iter().zip(row(2 * pair + 1)).map(|(a, b)| (1.0 - t) * a + t * b));
        }
    }
    places
}

/// Places of a map, from the upper left: `[side * side, 2]`.
fn grid() -> Vec<f32> {
    let at = |i: usize| (EDGE * (2.0 * i as f64 / (MAP_SIDE - 1) as f64 - 1.0)) as f32;
    (0..MAP_SIDE).flat_map(|row| (0..MAP_SIDE).flat_map(move |column| [at(column), -at(row)])).collect()
}

/// Means of q(z|x) over draws of the prior, along the two latent variables whose means vary most.
fn map_of_points(z: &[f32], latents: usize) -> Result<Option<Figure>> {
    let n = z.len() / latents.max(1);
    if latents < 2 || n < 2 {
        return Ok(None);
    }
    let values = |of: usize| z.iter().skip(of).step_by(latents).map(|v| f64::from(*v));
    let variance = |of: usize| {
        let mean = values(of).sum::<f64>() / n as f64;
        values(of).map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64
    };
    let mut order: Vec<(f64, usize)> = (0..latents).map(|of| (variance(of), of)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let chosen = [order[0].1, order[1].1];
    let used = order.iter().filter(|(variance, _)| *variance > ACTIVE).count();
    let points: Vec<f32> = z.chunks(latents).flat_map(|z| chosen.map(|of| z[of])).collect();
    let mut prior = vec![0.0; points.len()];
    normal_row(Key::new(0, 0), streams::PRIOR_POINTS, 0, &mut prior);
    let prior: Vec<f32> = prior.into_iter().map(|v| v as f32).collect();
    let names = chosen.map(|of| format!("z{}", of + 1));
    let title = "Latent space: rows over draws of the prior";
    let scatter = Scatter::new(title, [&names[0], &names[1]], &prior, &points, 2)?
        .with_names(["prior", "means of rows"]);
    let caption = format!(
        "Posterior means of held-out rows, along the two latent variables whose means vary most; {used} of \
         {latents} latent variables are active (a variance of the means above {ACTIVE})"
    );
    Ok(Some(Figure::scatter(caption, &scatter)?))
}

/// A latent variable is active where its means vary more than this (Burda et al. 2016, section 5.2).
const ACTIVE: f64 = 0.01;
