//! Integrals with closed forms, and boxes and steps that must be refused.

use super::*;
use crate::error::Result;
use crate::model::{ClosedForm, HostDensity};
use std::f64::consts::TAU;

/// The unnormalised Gaussian exp(-½ (x-m)' P (x-m) + shift) in two dimensions, P symmetric `[a, b, c]`.
fn gaussian(m: [f64; 2], [a, b, c]: [f64; 3], shift: f64) -> impl HostDensity {
    let value = move |x: &[f64]| {
        let u = x[0] - m[0];
        let v = x[1] - m[1];
        shift - 0.5 * (a * u * u + 2.0 * b * u * v + c * v * v)
    };
    let score = move |x: &[f64], s: &mut [f64]| {
        let u = x[0] - m[0];
        let v = x[1] - m[1];
        s.copy_from_slice(&[-a * u - b * v, -b * u - c * v]);
    };
    ClosedForm::new(2, value, score).unwrap()
}

fn over(density: &mut dyn HostDensity, half: f64, intervals: usize) -> Result<Quadrature> {
    let window = Window::centred(density.row_len(), half)?;
    Quadrature::new(density, &window, QuadratureSettings { intervals, ..QuadratureSettings::default() })
}

#[test]
fn log_z_and_moments_of_gaussians_are_the_closed_forms() {
    let m = [0.3, -0.5];
    let p = [1.3, 0.4, 0.9];
    let mut density = gaussian(m, p, 5.0);
    let found = over(&mut density, 10.0, 120).unwrap();
    let determinant: f64 = p[0] * p[2] - p[1] * p[1];
    let truth = 5.0 + TAU.ln() - 0.5 * determinant.ln();
    assert!((found.log_z().within(1e-9).unwrap() - truth).abs() < 1e-13);
    let [x, y, xx, xy, yy] = found.expectation(|x| [x[0], x[1], x[0] * x[0], x[0] * x[1], x[1] * x[1]]);
    for (found, truth) in [
        (x, m[0]),
        (y, m[1]),
        (xx - x * x, p[2] / determinant),
        (xy - x * y, -p[1] / determinant),
        (yy - y * y, p[0] / determinant),
    ] {
        assert!((found - truth).abs() < 1e-12, "{found} {truth}");
    }
    assert!((found.probabilities().iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn log_z_of_gaussians_in_one_and_three_dimensions_is_exact() {
    for dims in [1, 3] {
        let mut density = ClosedForm::new(
            dims,
            |x: &[f64]| -0.5 * x.iter().map(|x| x * x).sum::<f64>(),
            |x: &[f64], s: &mut [f64]| s.iter_mut().zip(x).for_each(|(s, x)| *s = -x),
        )
        .unwrap();
        let found = over(&mut density, 8.0, 40).unwrap().log_z();
        assert!((found.within(1e-6).unwrap() - dims as f64 * 0.5 * TAU.ln()).abs() < 1e-12, "{found:?}");
    }
}

/// KL and Fisher divergence of two Gaussians: ½[tr(Q S) + d'Q d - 2 + ln(det P / det Q)] with S = P⁻¹, and
/// ½ [‖(Q - P) x‖² averaged] = ½ [tr((Q - P)' (Q - P) S) + ‖Q d‖²], d = m_p - m_q.
#[test]
fn divergences_between_gaussians_are_the_closed_forms() {
    let p = [1.0, 0.0, 2.0];
    let q = [0.5, 0.0, 4.0];
    let mut a = gaussian([0.5, 0.2], p, 3.0);
    let mut b = gaussian([-0.5, 0.2], q, -1.0);
    let on_a = over(&mut a, 12.0, 160).unwrap();
    let on_b = over(&mut b, 12.0, 160).unwrap();
    let kl = 0.5 * (0.5 + 2.0 + 0.5 - 2.0 + (2.0f64 / 2.0).ln());
    assert!((on_a.kl(&on_b).unwrap() - kl).abs() < 1e-12);
    assert!(on_a.kl(&on_a).unwrap().abs() < 1e-14);
    let fisher = on_a.fisher_divergence(&mut a, &mut b).unwrap();
    let truth = 0.5 * (0.25 + 4.0 / 2.0 + 0.25);
    assert!((fisher.value - truth).abs() < 1e-12, "{fisher:?}");
    assert!((fisher.of_zero - 0.5 * (1.0 + 2.0)).abs() < 1e-12);
    assert_eq!(on_a.fisher_divergence(&mut gaussian([0.5, 0.2], p, 0.0), &mut a).unwrap().value, 0.0);
    assert!(on_a.kl(&over(&mut b, 12.0, 80).unwrap()).is_err());
}

/// The error that a wrong step or box makes is said, and is at least the true error.
#[test]
fn coarse_steps_and_small_boxes_are_refused() {
    let mut density = gaussian([0.0; 2], [1.0, 0.0, 1.0], 0.0);
    let truth = TAU.ln();
    for (half, intervals, remedy) in
        [(3.0, 80, "larger box"), (10.0, 8, "intervals"), (1.0, 200, "larger box")]
    {
        let found = over(&mut density, half, intervals).unwrap().log_z();
        assert!(found.error() >= (found.value - truth).abs(), "{found:?}");
        assert!(found.within(1e-4).unwrap_err().remedy.contains(remedy), "{found:?}");
    }
    // A Cauchy density: 2 / (pi L) of the mass lies outside [-L, L]. A flat density has no Z at all.
    let mut cauchy =
        ClosedForm::new(1, |x: &[f64]| -(x[0] * x[0]).ln_1p(), |_: &[f64], _: &mut [f64]| {}).unwrap();
    let found = over(&mut cauchy, 100.0, 4000).unwrap().log_z();
    assert!(found.error() > (std::f64::consts::PI.ln() - found.value) && found.within(1e-3).is_err());
    let mut flat = ClosedForm::new(1, |_: &[f64]| 0.0, |_: &[f64], _: &mut [f64]| {}).unwrap();
    let found = over(&mut flat, 1.0, 8).unwrap().log_z();
    // The ends count half: else the volume would be 9/4.
    assert!((found.value - 2f64.ln()).abs() < 1e-14, "{found:?}");
    assert!((found.border - 1.0).abs() < 1e-12 && found.within(0.3).is_err());
}

#[test]
fn refuses_what_is_no_grid_or_no_density() {
    let mut density = gaussian([0.0; 2], [1.0, 0.0, 1.0], 0.0);
    for intervals in [0, 6, 1 << 20, usize::MAX - 3] {
        assert!(over(&mut density, 1.0, intervals).is_err(), "{intervals}");
    }
    let windows: [(&[f64], &[f64]); 5] = [
        (&[], &[]),
        (&[0.0], &[0.0]),
        (&[0.0; 4], &[1.0; 4]),
        (&[0.0], &[f64::NAN]),
        (&[-f64::MAX], &[f64::MAX]),
    ];
    for (low, high) in windows {
        assert!(Window::new(low, high).is_err(), "{low:?}");
    }
    let line = Window::centred(1, 1.0).unwrap();
    assert!(Quadrature::new(&mut density, &line, QuadratureSettings::default()).is_err());
    let mut none = ClosedForm::new(1, |_: &[f64]| f64::NEG_INFINITY, |_: &[f64], _: &mut [f64]| {}).unwrap();
    assert!(over(&mut none, 1.0, 8).unwrap_err().to_string().contains("whole box"));
    let mut wrong = ClosedForm::new(1, |x: &[f64]| x[0].sqrt(), |_: &[f64], _: &mut [f64]| {}).unwrap();
    assert!(over(&mut wrong, 1.0, 8).is_err());
}
