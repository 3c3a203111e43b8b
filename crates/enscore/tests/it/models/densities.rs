//! Analytic densities: closed forms, integrals, moments of draws, fits, refusals.

use crate::common::traced::{assert_within_errors, float, key, mean, normals, run, variance};
use enscore::model::{
    Covariance, Gaussian, GaussianMixture, NoiseDensity, StudentT, Uniform, batch_shape, trace,
};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::{Kind, Value};

/// log p of rows, by a program.
fn log_density(density: &dyn NoiseDensity, x: &[f64]) -> Vec<f64> {
    let row_len: usize = density.row_shape().iter().product();
    let (program, _) = trace(&[], |scope, _| {
        let x = scope.input("x", Kind::Float, &batch_shape(x.len() / row_len, density.row_shape()));
        vec![("p".to_string(), density.log_density(x))]
    })
    .unwrap();
    run(&program, &[float(x)]).remove(0)
}

/// `rows` draws, by a program.
fn draw(density: &dyn NoiseDensity, rows: usize) -> Vec<f64> {
    let (program, _) = trace(&[], |scope, _| {
        let key = scope.input("key", Kind::Key, &[]);
        vec![("x".to_string(), density.draw(key, rows))]
    })
    .unwrap();
    run(&program, &[key(5, 0)]).remove(0)
}

fn gaussian() -> Gaussian {
    Gaussian::new(&[2], &[0.5, -1.0], &[1.0, 0.6, 0.6, 0.8]).unwrap()
}

fn mixture() -> GaussianMixture {
    let other = Gaussian::diagonal(&[2], &[-2.0, 2.0], &[0.3, 0.5]).unwrap();
    GaussianMixture::new(&[3.0, 1.0], vec![gaussian(), other]).unwrap()
}

fn student(degrees: f64) -> StudentT {
    StudentT::new(&[2], &[0.5, -1.0], &[1.0, 0.6, 0.6, 0.8], degrees).unwrap()
}

fn uniform() -> Uniform {
    Uniform::new(&[2], &[-1.0, 0.0], &[1.0, 0.5]).unwrap()
}

/// ln N(x; m, Σ) in two dimensions by the textbook's formula.
fn textbook([x, y]: [f64; 2], [m, n]: [f64; 2], [a, b, c]: [f64; 3]) -> f64 {
    let (determinant, u, v) = (a * c - b * b, x - m, y - n);
    let square = (c * u * u - 2.0 * b * u * v + a * v * v) / determinant;
    -0.5 * square - 0.5 * determinant.ln() - std::f64::consts::TAU.ln()
}

#[test]
fn log_densities_are_the_closed_forms_on_both_sides() {
    let points = [[0.3, 0.2], [-3.0, 1.5], [0.5, -1.0]];
    let x = points.concat();
    let first = points.map(|x| textbook(x, [0.5, -1.0], [1.0, 0.6, 0.8]));
    let second = points.map(|x| textbook(x, [-2.0, 2.0], [0.3, 0.0, 0.5]));
    let mixed: Vec<f64> =
        first.iter().zip(&second).map(|(a, b)| (0.75 * a.exp() + 0.25 * b.exp()).ln()).collect();
    // ν = 3, d = 2: Γ(5/2) / Γ(3/2) = 3/2.
    let heavy = points.map(|x| {
        let square = -2.0 * (textbook(x, [0.5, -1.0], [1.0, 0.6, 0.8]) - first[2]);
        (1.5 / (3.0 * std::f64::consts::PI)).ln() - 0.5 * 0.44f64.ln() - 2.5 * (square / 3.0).ln_1p()
    });
    let box_level = [0.0, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let (gaussian, mixture, student, uniform) = (gaussian(), mixture(), student(3.0), uniform());
    let host = |density: &dyn Fn(&[f64]) -> f64| points.iter().map(|x| density(x)).collect::<Vec<_>>();
    let cases: [(&dyn NoiseDensity, Vec<f64>, Vec<f64>); 4] = [
        (&gaussian, host(&|x| gaussian.log_density_of(x)), first.to_vec()),
        (&mixture, host(&|x| mixture.log_density_of(x)), mixed),
        (&student, host(&|x| student.log_density_of(x)), heavy.to_vec()),
        (&uniform, host(&|x| uniform.log_density_of(x)), box_level.to_vec()),
    ];
    for (density, host, expected) in cases {
        for ((traced, host), expected) in log_density(density, &x).into_iter().zip(host).zip(expected) {
            let near = |found: f64| found == expected || (found - expected).abs() < 1e-12;
            assert!(near(traced) && near(host), "program {traced}, host {host}, expected {expected}");
        }
    }
    assert!(gaussian.log_density_of(&[1.0]).is_nan() && uniform.log_density_of(&[]).is_nan());
}

/// The Cauchy density is the t with one degree of freedom; an even number of degrees uses the other gamma
/// values.
#[test]
fn student_t_in_one_dimension_is_the_closed_form() {
    let cauchy = StudentT::new(&[1], &[1.0], &[4.0], 1.0).unwrap();
    let expected = -(2.0 * std::f64::consts::PI * (1.0f64 + 2.25)).ln();
    assert!((log_density(&cauchy, &[4.0])[0] - expected).abs() < 1e-12);
    let four = StudentT::new(&[1], &[0.0], &[1.0], 4.0).unwrap();
    let expected = (0.375 * (1.0f64 + 0.25).powf(-2.5)).ln();
    assert!((four.log_density_of(&[1.0]) - expected).abs() < 1e-12);
}

#[test]
fn densities_integrate_to_one() {
    let (side, bound) = (400, 10.0);
    let step = 2.0 * bound / side as f64;
    let at = |i: usize| -bound + step * (i as f64 + 0.5);
    let grid: Vec<f64> = (0..side * side).flat_map(|i| [at(i / side), at(i % side)]).collect();
    // The tail of a t with 9 degrees beyond the grid is about (10/3)^-9.
    let cases: [(&dyn NoiseDensity, f64); 4] =
        [(&gaussian(), 1e-6), (&mixture(), 1e-6), (&student(9.0), 1e-4), (&uniform(), 1e-9)];
    for (density, tolerance) in cases {
        let integral = log_density(density, &grid).iter().map(|p| p.exp()).sum::<f64>() * step * step;
        assert!((integral - 1.0).abs() < tolerance, "{integral}");
    }
}

/// Means and second moments of draws, within five standard errors.
#[test]
fn draws_have_the_moments_of_the_density() {
    let n = 40_000;
    let t = 9.0 / 7.0;
    let mixed_mean = [0.75 * 0.5 + 0.25 * -2.0, -0.75 + 0.25 * 2.0];
    let between = |a: f64, b: f64| 0.75 * 0.25 * (a * b);
    let mixed = [
        0.75 + 0.25 * 0.3 + between(2.5, 2.5),
        0.75 * 0.6 + between(2.5, -3.0),
        0.75 * 0.8 + 0.25 * 0.5 + between(3.0, 3.0),
    ];
    let cases: [(&dyn NoiseDensity, [f64; 2], [f64; 3]); 4] = [
        (&gaussian(), [0.5, -1.0], [1.0, 0.6, 0.8]),
        (&mixture(), mixed_mean, mixed),
        (&student(9.0), [0.5, -1.0], [t, 0.6 * t, 0.8 * t]),
        (&uniform(), [0.0, 0.25], [1.0 / 3.0, 0.0, 1.0 / 48.0]),
    ];
    for (case, (density, means, covariance)) in cases.into_iter().enumerate() {
        let x = draw(density, n);
        let column = |i: usize| x.iter().skip(i).step_by(2).copied().collect::<Vec<f64>>();
        let columns = [column(0), column(1)];
        for i in 0..2 {
            let error = (variance(&columns[i]) / n as f64).sqrt();
            assert_within_errors(&format!("case {case}, mean {i}"), mean(&columns[i]), means[i], error);
        }
        for (i, j, expected) in [(0, 0, covariance[0]), (0, 1, covariance[1]), (1, 1, covariance[2])] {
            let products: Vec<f64> =
                (columns[i].iter().zip(&columns[j])).map(|(a, b)| (a - means[i]) * (b - means[j])).collect();
            let error = (variance(&products) / n as f64).sqrt();
            assert_within_errors(&format!("case {case}, moment {i}{j}"), mean(&products), expected, error);
        }
    }
}

/// The executor in single precision draws and evaluates what the interpreter does, images included.
#[test]
fn densities_on_the_executor_equal_the_reference() {
    let mean = [0.1, 0.2, 0.3, 0.4];
    let image = Gaussian::diagonal(&[2, 2, 1], &mean, &[0.5, 1.0, 2.0, 0.1]).unwrap();
    let (gaussian, mixture, student, uniform) = (gaussian(), mixture(), student(3.0), uniform());
    for density in [&image as &dyn NoiseDensity, &gaussian, &mixture, &student, &uniform] {
        let (program, _) = trace(&[], |scope, _| {
            let x = density.draw(scope.input("key", Kind::Key, &[]), 16);
            // Moved out of the box, where log p of the uniform is -inf.
            let away = density.log_density(x * 3.0);
            vec![("x".to_string(), x), ("p".to_string(), density.log_density(x)), ("away".to_string(), away)]
        })
        .unwrap();
        let Value::Key(key) = key(1, 2) else { panic!("a key") };
        let expected = run(&program, &[Value::Key(key)]);
        let mut found: Vec<Vec<f32>> = expected.iter().map(|values| vec![0.0; values.len()]).collect();
        let mut outputs: Vec<&mut [f32]> = found.iter_mut().map(|values| &mut values[..]).collect();
        let mut executable = Executable::<f32>::compile(&program, Options::default()).unwrap();
        executable.run(&[Argument::Key(key)], &mut outputs).unwrap();
        for (found, expected) in found.concat().into_iter().zip(expected.concat()) {
            let found = f64::from(found);
            assert!(
                found == expected || (found - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                "{found} {expected}"
            );
        }
    }
}

#[test]
fn fits_have_the_moments_of_the_data() {
    let rows: Vec<f64> = normals(3, 6000).chunks(2).flat_map(|e| [1.0 + 2.0 * e[0], e[0] - e[1]]).collect();
    let n = 3000.0;
    let means = [0, 1].map(|i| rows.iter().skip(i).step_by(2).sum::<f64>() / n);
    let moment = |i: usize, j: usize| {
        rows.chunks(2).map(|row| (row[i] - means[i]) * (row[j] - means[j])).sum::<f64>() / n
    };
    let [a, b, c] = [moment(0, 0), moment(0, 1), moment(1, 1)];
    let ridge = 0.1 * (a + c) / 2.0;
    let fitted = Gaussian::fitted(&rows, &[2], 1.5, 0.1).unwrap();
    let expected = textbook([0.3, 0.7], means, [2.25 * (a + ridge), 2.25 * b, 2.25 * (c + ridge)]);
    assert!((fitted.log_density_of(&[0.3, 0.7]) - expected).abs() < 1e-10);
    let tight = Uniform::fitted(&rows, &[2], 1.0).unwrap();
    assert!(rows.chunks(2).all(|row| tight.log_density_of(row).is_finite()));
    let wide = Uniform::fitted(&rows, &[2], 2.0).unwrap();
    assert!((tight.log_density_of(&means) - wide.log_density_of(&means) - 4f64.ln()).abs() < 1e-12);
}

/// Rows of a mixture of three components, 5000 of them, and its likelihood.
fn separated() -> (GaussianMixture, Vec<f64>) {
    let component = |mean: &[f64], covariance: &[f64]| Gaussian::new(&[2], mean, covariance).unwrap();
    let components = vec![
        component(&[0.0, 0.0], &[0.25, 0.1, 0.1, 0.25]),
        component(&[6.0, 0.0], &[0.5, 0.0, 0.0, 0.1]),
        component(&[0.0, 7.0], &[0.3, -0.2, -0.2, 0.4]),
    ];
    let truth = GaussianMixture::new(&[0.5, 0.3, 0.2], components).unwrap();
    let rows = draw(&truth, 5000);
    (truth, rows)
}

#[test]
fn expectation_maximisation_recovers_separated_components() {
    let (truth, rows) = separated();
    let likelihood =
        |mixture: &GaussianMixture| rows.chunks(2).map(|row| mixture.log_density_of(row)).sum::<f64>();
    for seed in 0..4 {
        let fitted = GaussianMixture::fitted(&rows, &[2], 3, Covariance::Full, seed, 1.0).unwrap();
        let mut weights = fitted.weights().to_vec();
        weights.sort_by(f64::total_cmp);
        for (found, expected) in weights.iter().zip([0.2, 0.3, 0.5]) {
            let error = (expected * (1.0 - expected) / 5000.0f64).sqrt();
            assert_within_errors("weight", *found, expected, error);
        }
        // Twice the gain in likelihood is about chi-squared with 17 degrees of freedom.
        let gain = 2.0 * (likelihood(&fitted) - likelihood(&truth));
        assert!(gain > 0.0 && gain < 17.0 + 5.0 * 34f64.sqrt(), "seed {seed}: {gain}");
    }
    let one = GaussianMixture::fitted(&rows, &[2], 1, Covariance::Full, 0, 1.0).unwrap();
    let gaussian = Gaussian::fitted(&rows, &[2], 1.0, 0.0).unwrap();
    let gap = one.log_density_of(&[1.0, 1.0]) - gaussian.log_density_of(&[1.0, 1.0]);
    assert!(gap.abs() < 1e-5, "one component is the Gaussian: {gap}");
}

#[test]
fn a_fit_is_a_function_of_data_and_seed() {
    let (_, rows) = separated();
    for covariance in [Covariance::Full, Covariance::Diagonal, Covariance::Isotropic] {
        let fit = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| GaussianMixture::fitted(&rows, &[2], 4, covariance, 9, 1.2).unwrap())
        };
        let (one, three) = (fit(1), fit(3));
        assert_eq!(one.weights(), three.weights());
        assert_eq!(one.log_density_of(&[1.0, 2.0]).to_bits(), three.log_density_of(&[1.0, 2.0]).to_bits());
    }
}

#[test]
fn what_is_no_density_is_refused() {
    let message = |result: enscore::Result<()>| result.unwrap_err().to_string();
    let gaussian =
        |mean: &[f64], covariance: &[f64]| message(Gaussian::new(&[2], mean, covariance).map(|_| ()));
    assert!(gaussian(&[0.0; 2], &[1.0, 1.0, 1.0, 1.0]).contains("not positive definite"));
    assert!(gaussian(&[0.0; 2], &[1.0, 1.0, 1.0, 1.0]).contains("ridge"));
    assert!(gaussian(&[0.0; 2], &[1.0, 0.5, 0.0, 1.0]).contains("not symmetric"));
    assert!(gaussian(&[0.0; 2], &[1.0]).contains("2 x 2"));
    assert!(gaussian(&[0.0; 2], &[f64::NAN, 0.0, 0.0, 1.0]).contains("not positive definite"));
    assert!(gaussian(&[0.0], &[1.0]).contains("does not match"));
    assert!(gaussian(&[0.0, f64::INFINITY], &[1.0, 0.0, 0.0, 1.0]).contains("finite"));
    assert!(Gaussian::new(&[2], &[0.0; 2], &[1.0, 0.0, 0.0, 1e-20]).is_ok(), "units may differ");
    assert!(Gaussian::diagonal(&[1], &[0.0], &[0.0]).is_err());
    // Two rows in three dimensions.
    let few = [0.0, 1.0, 2.0, 3.0, 5.0, 4.0];
    assert!(message(Gaussian::fitted(&few, &[3], 1.0, 0.0).map(|_| ())).contains("not positive definite"));
    assert!(Gaussian::fitted(&few, &[3], 1.0, 0.1).is_ok());
    assert!(
        Gaussian::fitted(&few, &[3], 0.0, 0.1).is_err() && Gaussian::fitted(&few, &[3], 1.0, -0.1).is_err()
    );
    assert!(
        Gaussian::fitted(&few, &[4], 1.0, 0.1).is_err() && Gaussian::fitted(&[], &[4], 1.0, 0.1).is_err()
    );
    assert!(message(Gaussian::fitted(&[f64::NAN], &[1], 1.0, 0.0).map(|_| ())).contains("row 0"));
    assert!(message(Uniform::fitted(&[1.0, 2.0, 1.0, 3.0], &[2], 1.0).map(|_| ())).contains("element 0"));
    for degrees in [0.0, 2.5, 1e6, f64::NAN] {
        assert!(
            StudentT::new(&[1], &[0.0], &[1.0], degrees).unwrap_err().to_string().contains("whole number")
        );
    }
    let mixture = |rows: &[f64], k| {
        message(GaussianMixture::fitted(rows, &[1], k, Covariance::Full, 0, 1.0).map(|_| ()))
    };
    assert!(mixture(&[1.0, 2.0, 1.0, 2.0], 3).contains("fewer distinct rows"));
    assert!(mixture(&[1.0, 1.0], 1).contains("constant"));
    assert!(mixture(&[1.0, 2.0], 0).contains("without components"));
    assert!(GaussianMixture::new(&[1.0], vec![]).is_err());
    assert!(GaussianMixture::isotropic(&[1], &[1.0, -1.0], &[0.0, 1.0], 1.0).is_err());
}
