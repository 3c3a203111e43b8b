//! Bits per dimension of levels: bpd = (D ln b - log p(x)) / (D ln 2).
//!
//! log p is the log density in nats of D values that were scaled from b levels 0..b-1 to [0, 1] by adding
//! uniform noise to each level and dividing by b (Theis, van den Oord and Bethge 2016, "A note on the
//! evaluation of generative models", section 3.1): the term D ln b turns the density of the scaled values
//! into that of the levels. For a density of the unscaled levels, b = 1.

use enscore_program::random::Key;

use super::figure::HeldOutFigure;
use super::figures::MAX_ROWS;
use crate::data::{Preprocess, Subset, rows_of, uniform_row};
use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::model::{HostDensity, Support};
use crate::sample::TrainedDensity;
use crate::streams;
use crate::trained::Trained;

/// The id of the figure.
const BITS_PER_DIM: &str = "bits_per_dim";

/// Bits per dimension from a log density in nats of `dims` values scaled to [0, 1] from `levels` levels.
///
/// # Errors
/// An input error if `dims` or `levels` is 0 or the log density is not finite.
pub fn bits_per_dim(log_density: f64, dims: usize, levels: u32) -> Result<f64> {
    if dims == 0 || levels == 0 || !log_density.is_finite() {
        return Err(Error::input("bits per dimension are undefined")
            .found(format_args!("log density {log_density}, {dims} dimensions, {levels} levels"))
            .expected("a finite log density, at least one dimension and one level"));
    }
    let dims = dims as f64;
    Ok((dims * f64::from(levels).ln() - log_density) / (dims * std::f64::consts::LN_2))
}

/// Bits per dimension of at most `max_rows` held-out rows under a flow that was trained on dequantised
/// levels, from one draw of the noise of each under `seed`; none of another model, or of rows without levels.
///
/// # Errors
/// Rows whose log density is not finite.
pub fn flow_bits_per_dim(
    trained: &Trained,
    held_out: &Subset,
    max_rows: usize,
    seed: u64,
) -> Result<Option<HeldOutFigure>> {
    if let Support::Levels(_) = trained.model.model.support()
        && trained.model.model.has_density()
    {
        return level_bits_per_dim(trained, held_out, max_rows).map(Some);
    }
    let asked = trained.settings.data();
    let dequantised = asked.dequantise && asked.preprocess == Preprocess::None;
    let data = held_out.dataset();
    let Some(levels) = data.scale().levels.filter(|_| dequantised) else { return Ok(None) };
    if !trained.model.model.is_normalised() || !trained.model.model.has_density() {
        return Ok(None);
    }
    let rows = &held_out.rows()[..held_out.rows().len().min(max_rows.min(MAX_ROWS))];
    let dims = data.row_len();
    let mut noise = vec![0.0; dims];
    let mut x = vec![0.0; rows.len() * dims];
    for (number, (row, x)) in rows.iter().zip(x.chunks_exact_mut(dims)).enumerate() {
        uniform_row(Key::new(seed, 0), streams::HELD_OUT_NOISE, number as u64, &mut noise);
        data.copy_row_dequantised(*row as usize, &noise, x)?;
    }
    let x: Vec<f64> = x.into_iter().map(f64::from).collect();
    let log_densities = TrainedDensity::new(&trained.model)?.log_density(&x)?;
    let bits = log_densities.iter().map(|f| bits_per_dim(*f, dims, levels)).collect::<Result<Vec<_>>>()?;
    let label = "bits per dimension of held-out rows with uniform noise";
    Ok(Some(HeldOutFigure::of_mean(BITS_PER_DIM, label, "bits per dimension", Mean::of(&bits)?)))
}

/// Bits per dimension of rows that have probabilities: -log p(x) / (D ln 2).
fn level_bits_per_dim(trained: &Trained, held_out: &Subset, max_rows: usize) -> Result<HeldOutFigure> {
    let rows = rows_of(held_out, max_rows.min(MAX_ROWS))?;
    let x: Vec<f64> = rows.into_iter().map(f64::from).collect();
    let dims = held_out.dataset().row_len();
    let log_densities = TrainedDensity::new(&trained.model)?.log_density(&x)?;
    let bits = log_densities.iter().map(|f| bits_per_dim(*f, dims, 1)).collect::<Result<Vec<_>>>()?;
    let label = "bits per dimension of held-out rows";
    Ok(HeldOutFigure::of_mean(BITS_PER_DIM, label, "bits per dimension", Mean::of(&bits)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The uniform density on [0, 1] costs log2(levels) bits in every dimension.
    #[test]
    fn uniform_density_costs_all_bits() {
        assert!((bits_per_dim(0.0, 784, 256).unwrap() - 8.0).abs() < 1e-14);
        assert!((bits_per_dim(-10.0 * std::f64::consts::LN_2, 5, 1).unwrap() - 2.0).abs() < 1e-14);
        assert!(bits_per_dim(f64::NAN, 5, 1).is_err());
        assert!(bits_per_dim(0.0, 0, 1).is_err());
    }
}
