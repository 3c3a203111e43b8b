//! Kernel density estimates and mixtures of Gaussians against the cases.

use crate::common::oracles::{case, number, numbers};
use crate::common::traced::{float, run};
use enscore::model::{
    Bandwidth, Covariance, Fitted, GaussianComponent, GaussianMixtureModel, KernelDensity, KernelShape,
    LogDensity, information_criteria, leave_one_out, trace,
};
use enscore_program::{Kind, Value};

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * e.abs() + 1e-11, "{what}: found {f}, expected {e}");
    }
}

/// ln p of rows by the program of the model, with these values of its parameters.
fn log_density(model: &dyn LogDensity, values: &[Vec<f64>], rows: &[f64]) -> Vec<f64> {
    let d: usize = model.row_shape().iter().product();
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[rows.len() / d, d]);
        vec![("f".to_string(), model.log_density(parameters, x))]
    })
    .unwrap();
    let inputs: Vec<Value> = std::iter::once(float(rows)).chain(values.iter().map(|v| float(v))).collect();
    run(&program, &inputs).remove(0)
}

#[test]
fn kernel_densities_by_scotts_rule_are_those_of_the_case() {
    let case = case("kde.scott");
    let rows = numbers(&case["params"]["data"]);
    let x = numbers(&case["params"]["x"]);
    for (kernel, name) in [(KernelShape::Covariance, "scipy"), (KernelShape::Isotropic, "sklearn")] {
        let model = KernelDensity::new(&[3], 7, Bandwidth::Scott, kernel).unwrap();
        let (whitening, _) = model.fit(&rows).unwrap();
        if kernel == KernelShape::Isotropic {
            close(&[1.0 / whitening[0]], &[number(&case["value"]["factor"])], 1e-12, "factor");
        }
        let found = log_density(&model, &[rows.clone(), whitening], &x);
        close(&found, &numbers(&case["value"][name]), 1e-9, name);
    }
}

#[test]
fn rows_left_out_have_the_densities_of_the_cases() {
    let fixed = case("kde.leave_one_out");
    let rows = numbers(&fixed["params"]["data"]);
    let h = number(&fixed["params"]["bandwidth"]);
    let found = leave_one_out(&rows, &[1.0 / h, 0.0, 0.0, 1.0 / h], 2, 100);
    close(&found, &numbers(&fixed["value"]["rows"]), 1e-9, "isotropic");
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    close(&[mean], &[number(&fixed["value"]["mean"])], 1e-9, "mean");

    let scott = case("kde.leave_one_out_scott");
    let rows = numbers(&scott["params"]["data"]);
    let fit = |rows: &[f64]| {
        let model =
            KernelDensity::new(&[2], rows.len() / 2, Bandwidth::Scott, KernelShape::Covariance).unwrap();
        model.fit(rows).unwrap()
    };
    let (whitening, mean) = fit(&rows);
    let found = leave_one_out(&rows, &whitening, 2, 100);
    close(&found, &numbers(&scott["value"]["fixed"]), 1e-8, "by the width of all rows");
    close(&[mean], &[found.iter().sum::<f64>() / 7.0], 1e-12, "mean");
    // Fitted anew to the other rows, whose density of the row left out is that of the program.
    for (i, expected) in numbers(&scott["value"]["refit"]).iter().enumerate() {
        let others: Vec<f64> =
            rows.chunks(2).enumerate().filter(|(j, _)| *j != i).flat_map(|(_, row)| row.to_vec()).collect();
        let model = KernelDensity::new(&[2], 6, Bandwidth::Scott, KernelShape::Covariance).unwrap();
        let found = log_density(&model, &[others.clone(), fit(&others).0], &rows[2 * i..2 * i + 2]);
        close(&found, &[*expected], 1e-8, "fitted anew");
    }
}

/// The best width is the one that no other beats.
#[test]
fn the_best_width_has_the_largest_likelihood_of_rows_left_out() {
    let rows: Vec<f64> = crate::common::traced::normals(3, 400);
    let model = KernelDensity::new(&[2], 200, Bandwidth::LeaveOneOut, KernelShape::Isotropic).unwrap();
    let (whitening, best) = model.fit(&rows).unwrap();
    for factor in [0.5, 0.9, 0.99, 1.01, 1.1, 2.0] {
        let other: Vec<f64> = whitening.iter().map(|value| value * factor).collect();
        let found = leave_one_out(&rows, &other, 2, 200);
        assert!(found.iter().sum::<f64>() / 200.0 <= best + 1e-12, "{factor}");
    }
}

fn components(params: &serde_json::Value, full: bool) -> Vec<GaussianComponent> {
    let list = |name: &str| params[name].as_array().unwrap().clone();
    let covariance = |value: &serde_json::Value| {
        let all = numbers(value);
        if full { all } else { vec![all[0], all[3]] }
    };
    (list("weights").iter().zip(list("means")).zip(list("covariances")))
        .map(|((weight, mean), own)| GaussianComponent {
            weight: number(weight),
            mean: numbers(&mean),
            covariance: covariance(&own),
        })
        .collect()
}

#[test]
fn information_criteria_are_those_of_the_case() {
    let case = case("gmm.bic");
    let params = &case["params"];
    let model = GaussianMixtureModel::new(&[2], 2, Covariance::Full).unwrap();
    // In double precision: the factors as they are, not as weights have them.
    let values: Vec<Vec<f64>> = vec![
        numbers(&params["weights"]).into_iter().map(f64::ln).collect(),
        numbers(&params["means"]),
        components(params, true).iter().flat_map(|c| inverse_factor(&c.covariance)).collect(),
    ];
    let found = log_density(&model, &values, &numbers(&params["data"]));
    assert_eq!(model.free_parameters(), 11);
    let criteria = information_criteria(found.iter().sum(), model.free_parameters(), 8);
    close(&criteria, &numbers(&case["value"]), 1e-9, "criteria");
}

/// L⁻¹ of a 2x2 covariance L L'.
fn inverse_factor(covariance: &[f64]) -> Vec<f64> {
    let a = covariance[0].sqrt();
    let b = covariance[2] / a;
    let c = (covariance[3] - b * b).sqrt();
    vec![1.0 / a, 0.0, -b / (a * c), 1.0 / c]
}

/// One step in the parameters' single precision, from and to the values of the case.
#[test]
fn a_step_of_expectation_maximisation_is_that_of_the_case() {
    let case = case("gmm.em_step.diag");
    let (params, value) = (&case["params"], &case["value"]);
    let rows = numbers(&params["data"]);
    let model = GaussianMixtureModel::new(&[2], 2, Covariance::Diagonal).unwrap();
    let start = model.values_of(&components(params, false)).unwrap();
    let pass = model.pass(&rows, Some(&start), 0).unwrap();
    close(&[pass.log_likelihood], &[number(&value["before"])], 1e-6, "log-likelihood before");
    let found = model.components_of(&pass.values).unwrap();
    let weights: Vec<f64> = found.iter().map(|component| component.weight).collect();
    close(&weights, &numbers(&value["weights"]), 1e-5, "weights");
    let means: Vec<f64> = found.iter().flat_map(|component| component.mean.clone()).collect();
    close(&means, &numbers(&value["means"]), 1e-5, "means");
    let expected = value["covariances"].as_array().unwrap();
    let variances: Vec<f64> = expected.iter().flat_map(|own| [numbers(own)[0], numbers(own)[3]]).collect();
    let own: Vec<f64> = found.iter().flat_map(|component| component.covariance.clone()).collect();
    // The floor adds a millionth of the data's variance.
    close(&own, &variances, 1e-5, "covariances");
    let again = model.pass(&rows, Some(&pass.values), 0).unwrap();
    close(&[again.log_likelihood], &[number(&value["after"])], 1e-5, "log-likelihood after");
}
