//! Energies of images and confined energies: sizes, refusals, rows on their own, derivatives against central
//! differences, and the confinement against its closed form.

use crate::common::traced::{assert_close, float, normals, run};
use enscore::model::{
    Activation, Confinement, ConvEnergy, Differentiated, LogDensity, MlpEnergy, ResidualEnergy, Score,
    batch_shape, trace,
};
use enscore_program::{Kind, Parameter, Program};

const ALL: [Activation; 4] =
    [Activation::Silu, Activation::Softplus, Activation::Tanh, Activation::LeakyRelu];

fn conv(row_shape: [usize; 3], channels: usize, levels: usize, activation: Activation) -> ConvEnergy {
    ConvEnergy::new(row_shape, channels, levels, activation, None).unwrap()
}

fn residual(row_shape: [usize; 3], widths: &[usize], activation: Activation) -> ResidualEnergy {
    ResidualEnergy::new(row_shape, widths, 1, activation, None).unwrap()
}

/// (value `[batch]`, score `[batch, ..]`) of a density and its parameters.
fn program(density: &(impl LogDensity + Clone), batch: usize) -> (Program, Vec<Parameter>) {
    let score = Differentiated(density.clone());
    trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(batch, density.row_shape()));
        let value = density.log_density(parameters, x);
        let score = score.score(parameters, x, scope.constant(1.0).broadcast_to(&[batch]));
        vec![("value".to_string(), value), ("score".to_string(), score)]
    })
    .unwrap()
}

/// Weights that leave no parameter at its start.
fn weights(parameters: &[Parameter]) -> Vec<Vec<f64>> {
    let draw =
        |(i, p): (usize, &Parameter)| normals(70 + i as u64, p.size()).iter().map(|z| 0.4 * z).collect();
    parameters.iter().enumerate().map(draw).collect()
}

/// The value and score of each row, in the order in which the program's inputs stand.
fn evaluate(density: &(impl LogDensity + Clone), x: &[f64]) -> [Vec<f64>; 2] {
    let row: usize = density.row_shape().iter().product();
    let (program, parameters) = program(density, x.len() / row);
    let mut weights = weights(&parameters).into_iter();
    let inputs: Vec<_> = program
        .inputs()
        .iter()
        .map(|input| if input.name == "x" { float(x) } else { float(&weights.next().unwrap()) })
        .collect();
    run(&program, &inputs).try_into().unwrap()
}

/// Rows don't see each other, and the score of a row is the slope of its value along any direction.
fn check_rows_and_slope(what: &str, density: &(impl LogDensity + Clone)) {
    let row: usize = density.row_shape().iter().product();
    let (x, direction) = (normals(1, 2 * row), normals(2, 2 * row));
    let [value, score] = evaluate(density, &x);
    assert_eq!((value.len(), score.len()), (2, 2 * row), "{what}");
    assert_close(what, evaluate(density, &x[row..])[0][0], value[1], 1e-12);
    let h = 1e-6;
    let moved =
        |h: f64| evaluate(density, &x.iter().zip(&direction).map(|(x, d)| x + h * d).collect::<Vec<_>>());
    let (after, before) = (moved(h), moved(-h));
    for i in 0..2 {
        let slope: f64 = (i * row..(i + 1) * row).map(|j| score[j] * direction[j]).sum();
        let difference = (after[0][i] - before[0][i]) / (2.0 * h);
        assert!((slope - difference).abs() < 1e-6 * (1.0 + slope.abs()), "{what}: {slope} {difference}");
        assert!(slope.abs() > 1e-3, "{what}: flat");
    }
}

#[test]
fn scores_are_slopes_and_rows_stand_alone() {
    for activation in ALL {
        check_rows_and_slope(&format!("conv {activation:?}"), &conv([8, 4, 2], 3, 2, activation));
        check_rows_and_slope(&format!("residual {activation:?}"), &residual([4, 6, 1], &[3, 6], activation));
        let confinement = Confinement::new(&[0.3, 0.0, -1.0], 1.7).unwrap();
        let mlp = MlpEnergy::new(&[3], &[5, 5], activation).unwrap().confined(confinement).unwrap();
        check_rows_and_slope(&format!("confined {activation:?}"), &mlp);
    }
}

fn size(parameters: &[Parameter]) -> usize {
    parameters.iter().map(Parameter::size).sum()
}

#[test]
fn networks_have_the_layers_that_they_say() {
    let (_, parameters) = program(&conv([28, 28, 1], 8, 2, Activation::LeakyRelu), 1);
    let layer = |kernel: usize, a: usize, b: usize| kernel * kernel * a * b + b;
    let expected = layer(3, 1, 8) + layer(4, 8, 16) + layer(4, 16, 32) + layer(7, 32, 1);
    assert_eq!(size(&parameters), expected);
    let (_, parameters) = program(&residual([28, 28, 3], &[8, 16], Activation::Silu), 1);
    let blocks = 2 * layer(3, 8, 8) + layer(3, 8, 16) + layer(3, 16, 16) + layer(1, 8, 16);
    assert_eq!(size(&parameters), layer(3, 3, 8) + blocks + layer(1, 16, 1));
    assert!(parameters.iter().any(|p| p.name == "level.1.0.skip.weight"));
}

/// By hand: max(x, 0.2 x) between one convolution of a single pixel's window and the output.
#[test]
fn a_leaky_relu_leaks_a_fifth() {
    let mlp = MlpEnergy::new(&[1], &[1], Activation::LeakyRelu).unwrap();
    let (program, _) = program(&mlp, 2);
    let inputs = [float(&[-3.0, 2.0]), float(&[2.0]), float(&[0.5]), float(&[1.5]), float(&[0.25])];
    let out = run(&program, &inputs);
    assert_close("below 0", out[0][0], 1.5 * 0.2 * -5.5 + 0.25, 1e-14);
    assert_close("above 0", out[0][1], 1.5 * 4.5 + 0.25, 1e-14);
    assert_close("slope below 0", out[1][0], 1.5 * 0.2 * 2.0, 1e-14);
}

#[test]
fn confinement_adds_a_quadratic_around_its_centre() {
    let mlp = MlpEnergy::new(&[2], &[4], Activation::Silu).unwrap();
    let (x, centre) = (normals(5, 6), [0.5, -1.0]);
    let confined = mlp.clone().confined(Confinement::new(&centre, 2.0).unwrap()).unwrap();
    assert_eq!(confined.row_shape(), [2]);
    let ([free, free_score], [value, score]) = (evaluate(&mlp, &x), evaluate(&confined, &x));
    for i in 0..3 {
        let square: f64 = (0..2).map(|j| (x[2 * i + j] - centre[j]).powi(2)).sum();
        assert_close("value", value[i], free[i] - square / 8.0, 1e-12);
    }
    for (i, x) in x.iter().enumerate() {
        assert_close("score", score[i], free_score[i] - (x - centre[i % 2]) / 4.0, 1e-12);
    }
    for deviation in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert!(Confinement::new(&centre, deviation).is_err(), "{deviation}");
    }
    assert!(Confinement::new(&[f64::NAN], 1.0).is_err());
    let narrow = Confinement::new(&[0.0], 1.0).unwrap();
    assert!(mlp.confined(narrow).unwrap_err().to_string().contains("found 1, expected 2"));
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_what_would() {
    let conv = |row_shape, channels, levels| {
        ConvEnergy::new(row_shape, channels, levels, Activation::Silu, None).unwrap_err().to_string()
    };
    let message = conv([28, 28, 1], 4, 3);
    for part in ["28x28, 3 times", "at most 2"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(conv([28, 28, 0], 4, 1).contains("empty"));
    assert!(conv([28, 28, 1], 0, 1).contains("0 channels"));
    assert!(conv([28, 28, 1], usize::MAX / 2, 2).contains("too wide"));
    let residual = |row_shape, widths: &[usize], blocks| {
        ResidualEnergy::new(row_shape, widths, blocks, Activation::Silu, None).unwrap_err().to_string()
    };
    assert!(residual([6, 4, 1], &[4, 4, 4], 1).contains("at most 1"));
    assert!(residual([6, 4, 1], &[], 1).contains("empty"));
    assert!(residual([6, 4, 1], &[4, 0], 1).contains("empty"));
    assert!(residual([4, 4, 1], &[4], 0).contains("blocks"));
}
