//! log Z by quadrature over a box that is fitted to the density. A box that follows from data may cut tails
//! off (standardised rows end near 2, a Gaussian does not), or hold a density much narrower than its step.
//! Coarse grids find where the density is: a side where it has not fallen off is moved outwards, one beyond
//! which it has is drawn in; the box found is then taken with small steps.

use super::grid::Window;
use super::quadrature::{LogZ, Quadrature, QuadratureSettings};
use crate::error::Result;
use crate::model::HostDensity;

/// An error of log Z, nats, with which the box stays as it is.
const GOOD: f64 = 1e-3;
/// Coarse grids, at most, and steps of theirs along an axis.
const MOST_FITS: usize = 12;
const COARSE: usize = 60;
/// The steps of the fine grid where they are at fault, as a multiple of those asked for.
const FINER: usize = 2;

/// log Z over `window`, or over the box that fits better.
///
/// # Errors
/// As [`Quadrature::new`]; a density that vanishes on the whole of `window`.
pub fn fitted_log_z(
    density: &mut dyn HostDensity,
    window: &Window,
    settings: QuadratureSettings,
) -> Result<LogZ> {
    let first = Quadrature::new(density, window, settings)?.log_z();
    if first.error() <= GOOD {
        return Ok(first);
    }
    let coarse = QuadratureSettings { intervals: COARSE, ..settings };
    let mut fitted = window.clone();
    for _ in 0..MOST_FITS {
        let next = Quadrature::new(density, &fitted, coarse)?.fitted_window()?;
        let settled = next.is_near(&fitted);
        fitted = next;
        if settled {
            break;
        }
    }
    let mut found = Quadrature::new(density, &fitted, settings)?.log_z();
    if found.error() > GOOD && found.step_error > 0.5 * found.error() {
        let finer = QuadratureSettings { intervals: FINER * settings.intervals, ..settings };
        found = Quadrature::new(density, &fitted, finer)?.log_z();
    }
    Ok(if found.error() < first.error() { found } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClosedForm;
    use std::f64::consts::TAU;

    fn gaussian(mean: f64, deviation: f64) -> impl HostDensity {
        let value = move |x: &[f64]| -0.5 * x.iter().map(|x| ((x - mean) / deviation).powi(2)).sum::<f64>();
        ClosedForm::new(2, value, |_: &[f64], _: &mut [f64]| {}).unwrap()
    }

    /// A standardised density in a box that ends at 2; one beside its box; one narrower than a step; one that
    /// fits.
    #[test]
    fn the_box_follows_the_density() {
        let window = Window::centred(2, 2.0).unwrap();
        let settings = QuadratureSettings { intervals: 100, ..Default::default() };
        for (mean, deviation) in [(0.0, 1.0), (9.0, 1.0), (0.3, 0.004), (0.0, 40.0), (0.0, 0.2)] {
            let mut density = gaussian(mean, deviation);
            let found = fitted_log_z(&mut density, &window, settings).unwrap();
            let truth = (TAU * deviation * deviation).ln();
            assert!(
                (found.value - truth).abs() <= found.error().max(1e-9),
                "{mean} {deviation}: {found:?} {truth}"
            );
            assert!(found.error() < 1e-3, "{mean} {deviation}: {found:?}");
        }
    }

    #[test]
    fn what_does_not_fall_off_keeps_a_large_error() {
        let mut flat = ClosedForm::new(1, |x: &[f64]| 0.01 * x[0], |_: &[f64], _: &mut [f64]| {}).unwrap();
        let window = Window::centred(1, 1.0).unwrap();
        let found = fitted_log_z(&mut flat, &window, QuadratureSettings::default()).unwrap();
        assert!(found.error() > 0.3, "{found:?}");
    }

    /// In single precision a large constant leaves few digits of a density.
    #[test]
    fn rounding_counts_as_an_error() {
        let mut single = ClosedForm::new(
            1,
            |x: &[f64]| f64::from(-3e6f32 - (x[0] * x[0]) as f32),
            |_: &[f64], _: &mut [f64]| {},
        )
        .unwrap();
        let window = Window::centred(1, 8.0).unwrap();
        let settings = QuadratureSettings { epsilon: f64::from(f32::EPSILON), ..Default::default() };
        let found = fitted_log_z(&mut single, &window, settings).unwrap();
        assert!(found.rounding > 0.3 && found.error() > 0.3, "{found:?}");
    }
}
