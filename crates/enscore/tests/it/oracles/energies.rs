//! Small energies whose normalising constant, moments and divergences are known: by quadrature and by
//! enumeration.

use crate::common::oracles::{assert_close, case, expected, number, numbers};
use enscore::evaluate::{Quadrature, QuadratureSettings, Window, log_sum_exp};
use enscore::model::{ClosedForm, HostDensity};

/// f = t1 x + t2 x² + t4 x⁴.
fn polynomial([t1, t2, t4]: [f64; 3]) -> impl HostDensity {
    let score = move |x: &[f64], s: &mut [f64]| s[0] = t1 + 2.0 * t2 * x[0] + 4.0 * t4 * x[0].powi(3);
    ClosedForm::new(1, move |x: &[f64]| t1 * x[0] + t2 * x[0].powi(2) + t4 * x[0].powi(4), score).unwrap()
}

fn on_the_line(theta: [f64; 3]) -> Quadrature {
    let settings = QuadratureSettings { intervals: 2000, ..QuadratureSettings::default() };
    Quadrature::new(&mut polynomial(theta), &Window::centred(1, 9.0).unwrap(), settings).unwrap()
}

const DOUBLE_WELL: [f64; 3] = [0.0, 0.5, -0.25];

#[test]
fn log_z_and_moments_of_the_double_well_are_those_of_the_case() {
    let params = case("ebm.double_well.logZ")["params"].clone();
    assert_eq!((number(&params["a"]), number(&params["b"])), (-DOUBLE_WELL[2], DOUBLE_WELL[1]));
    let found = on_the_line(DOUBLE_WELL);
    assert_close("ebm.double_well.logZ", &[found.log_z().within(1e-10).unwrap()], 1e-10);
    let moments = found.expectation(|x| [2, 4, 6].map(|power| x[0].powi(power)));
    assert_close("ebm.double_well.moments", &moments, 1e-10);
    let [second, fourth, sixth] = moments;
    assert_close("ebm.double_well.stein", &[fourth - second, sixth - fourth - 3.0 * second], 1e-10);
}

/// E[x^k], the derivatives of log Z, also by central differences of log Z; then the gradient of a likelihood.
#[test]
fn moments_of_an_exponential_family_are_slopes_of_log_z() {
    let id = "ebm.expfam.grad_logZ";
    let theta: [f64; 3] = numbers(&case(id)["params"]["theta"]).try_into().unwrap();
    let moments = on_the_line(theta).expectation(|x| [1, 2, 4].map(|power| x[0].powi(power)));
    assert_close(id, &moments, 1e-10);
    let h = 1e-4;
    let differences = [0, 1, 2].map(|k| {
        let at = |by: f64| {
            let mut theta = theta;
            theta[k] += by;
            on_the_line(theta).log_z().value
        };
        (at(h) - at(-h)) / (2.0 * h)
    });
    assert_close(id, &differences, 1e-6);

    let id = "ebm.expfam.loglik_grad";
    let params = case(id)["params"].clone();
    assert_eq!(numbers(&params["theta"]), theta);
    let data = numbers(&params["data"]);
    let mean = |power: i32| data.iter().map(|x| x.powi(power)).sum::<f64>() / data.len() as f64;
    assert_close(id, &[mean(1) - moments[0], mean(2) - moments[1], mean(4) - moments[2]], 1e-10);
}

/// Score matching in an exponential family is a linear system: E[T'T''] theta = -E[T''], T = (x, x², x⁴).
#[test]
fn score_matching_of_the_population_finds_the_parameters() {
    let found = on_the_line(DOUBLE_WELL);
    let slopes = |x: f64| [1.0, 2.0 * x, 4.0 * x.powi(3)];
    let products = found.expectation::<9>(|x| {
        let t = slopes(x[0]);
        std::array::from_fn(|i| t[i / 3] * t[i % 3])
    });
    let curvatures = found.expectation(|x| [0.0, 2.0, 12.0 * x[0].powi(2)]);
    let system = nalgebra::Matrix3::from_row_slice(&products);
    let theta = system.lu().solve(&-nalgebra::Vector3::from(curvatures)).unwrap();
    assert_close("sm.expfam.population", theta.as_slice(), 1e-10);
    assert_eq!(expected("sm.expfam.population").len(), 3);
}

/// A Gaussian by mean and precision, `[x, y]` and `[xx, xy, yx, yy]`.
fn gaussian(mean: &[f64], precision: &[f64]) -> impl HostDensity + use<> {
    let (m, p) = ([mean[0], mean[1]], [precision[0], precision[1], precision[3]]);
    let slope = move |x: &[f64]| {
        let (u, v) = (x[0] - m[0], x[1] - m[1]);
        [-p[0] * u - p[1] * v, -p[1] * u - p[2] * v]
    };
    let value = move |x: &[f64]| {
        let [a, b] = slope(x);
        0.5 * (a * (x[0] - m[0]) + b * (x[1] - m[1]))
    };
    ClosedForm::new(2, value, move |x: &[f64], s: &mut [f64]| s.copy_from_slice(&slope(x))).unwrap()
}

#[test]
fn the_fisher_divergence_of_gaussians_is_that_of_the_case() {
    let id = "sm.fisher_divergence.gauss";
    let params = case(id)["params"].clone();
    let covariance = nalgebra::Matrix2::from_row_slice(&numbers(&params["S1"]));
    let precision = covariance.try_inverse().unwrap();
    let mut p = gaussian(&numbers(&params["m1"]), precision.as_slice());
    let mut q = gaussian(&numbers(&params["m"]), &numbers(&params["P"]));
    let window = Window::centred(2, 9.0).unwrap();
    let grid = Quadrature::new(
        &mut p,
        &window,
        QuadratureSettings { intervals: 240, ..QuadratureSettings::default() },
    )
    .unwrap();
    let found = grid.fisher_divergence(&mut p, &mut q).unwrap();
    // The objective of score matching is the divergence up to what doesn't depend on q.
    assert_close(id, &[found.value, found.value - found.of_zero, found.of_zero], 1e-10);
}

#[test]
fn log_z_of_a_boltzmann_machine_is_that_of_the_case() {
    let id = "ebm.boltzmann3.logZ";
    let couplings = numbers(&case(id)["params"]["J"]);
    let log_density = |state: u8| {
        let spin = |unit: u8| if state >> unit & 1 == 1 { 1.0 } else { -1.0 };
        [(0, 1), (1, 2), (2, 0)].iter().zip(&couplings).map(|((i, j), c)| c * spin(*i) * spin(*j)).sum()
    };
    let values: Vec<f64> = (0..8).map(log_density).collect();
    assert_close(id, &[log_sum_exp(&values)], 1e-10);
}
