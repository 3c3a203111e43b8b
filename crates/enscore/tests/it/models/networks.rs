//! Networks: shapes, sizes, names, refusals, and derivatives against central differences.

use crate::common::traced::{float, normals, run};
use enscore::model::{
    Activation, Differentiated, LogDensity, Mlp, MlpEnergy, Score, UNet, UNetSettings, batch_shape,
    initialise, parameters_of, trace,
};
use enscore_program::{Kind, Parameter, Parameters, Program, Value, Var};

fn settings(channels: usize, multipliers: &[usize], groups: usize, embedding: usize) -> UNetSettings {
    let multipliers = multipliers.to_vec();
    UNetSettings { channels, multipliers, blocks: 1, groups, embedding, ..UNetSettings::default() }
}

fn score_program(model: &dyn Score, batch: usize) -> (Program, Vec<Parameter>) {
    let shape = batch_shape(batch, model.row_shape());
    trace(&parameters_of(model).expect("a right model"), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let sigma = scope.input("sigma", Kind::Float, &[batch]);
        vec![("score".to_string(), model.score(parameters, x, sigma))]
    })
    .expect("a right model")
}

/// Values for all parameters that leave none of them at 0 or 1.
fn values(parameters: &[Parameter], seed: u64) -> Vec<Vec<f64>> {
    let value = |(i, parameter): (usize, &Parameter)| {
        normals(seed + i as u64, parameter.size()).into_iter().map(|z| 0.5 * z).collect()
    };
    parameters.iter().enumerate().map(value).collect()
}

fn score_of(model: &dyn Score, weights: &[Vec<f64>], x: &[f64], sigma: &[f64]) -> Vec<f64> {
    let (program, _) = score_program(model, sigma.len());
    let inputs: Vec<Value> = weights.iter().map(|w| float(w)).chain([float(x), float(sigma)]).collect();
    run(&program, &inputs).remove(0)
}

fn count(model: &dyn Score) -> usize {
    parameters_of(model).expect("a right model").iter().map(Parameter::size).sum()
}

/// PyTorch's count for the same network in the benchmark's script.
#[test]
fn the_benchmark_unet_has_its_size_and_names() {
    let model = UNet::new([28, 28, 1], settings(32, &[1, 2, 2], 8, 64), 0.1).unwrap();
    assert_eq!(count(&model), TORCH_COUNT);
    let names: Vec<String> = parameters_of(&model).unwrap().into_iter().map(|p| p.name).collect();
    for name in [
        "embedding.dense1.weight",
        "input.conv.weight",
        "encoder.0.0.conv1.weight",
        "encoder.1.0.embedding.bias",
        "middle.norm1.scale",
        "decoder.2.0.skip.weight",
        "decoder.0.0.skip.weight",
        "output.norm.shift",
        "output.conv.weight",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    assert!(!names.iter().any(|name| name == "encoder.0.0.skip.weight"));
}

/// 16 features into 64, 64 into 64; input 1 → 32; blocks 32→32, 32→64, 64→64, 64→64, 128→64, 128→64, 96→32;
/// output.
const TORCH_COUNT: usize = {
    const fn conv(kernel: usize, a: usize, b: usize) -> usize {
        kernel * kernel * a * b + b
    }
    const fn block(a: usize, b: usize) -> usize {
        let skip = if a == b { 0 } else { conv(1, a, b) };
        2 * a + conv(3, a, b) + conv(1, 64, b) + 2 * b + conv(3, b, b) + skip
    }
    let embedding = conv(1, 16, 64) + conv(1, 64, 64);
    let down = block(32, 32) + block(32, 64) + block(64, 64) + block(64, 64);
    let up = block(128, 64) + block(128, 64) + block(96, 32);
    embedding + conv(3, 1, 32) + down + up + 2 * 32 + conv(3, 32, 1)
};

#[test]
fn unets_fit_grey_colour_and_unconditional_images() {
    for (row_shape, embedding, blocks) in [([8, 4, 1], 4, 1), ([4, 4, 3], 0, 2), ([2, 6, 3], 6, 1)] {
        let levels = if row_shape == [8, 4, 1] { vec![1, 2, 3] } else { vec![2, 1] };
        let model = UNet::new(row_shape, UNetSettings { blocks, ..settings(4, &levels, 2, embedding) }, 0.1);
        let model = model.unwrap();
        let (program, parameters) = score_program(&model, 2);
        let size: usize = row_shape.iter().product();
        let sees_sigma = parameters.iter().any(|p| p.name.contains("embedding"));
        assert_eq!(sees_sigma, embedding > 0);
        let weights = values(&parameters, 1);
        let inputs: Vec<Value> = weights
            .iter()
            .map(|w| float(w))
            .chain([float(&normals(2, 2 * size)), float(&[0.5, 0.1])])
            .collect();
        let score = &run(&program, &inputs)[0];
        assert_eq!(score.len(), 2 * size);
        assert!(score.iter().all(|s| s.is_finite() && *s != 0.0));
    }
}

#[test]
fn a_fresh_network_scores_zero() {
    let unet = UNet::new([4, 4, 1], settings(4, &[1, 2], 2, 4), 0.1).unwrap();
    let mlp = Mlp::new(&[3], &[5, 5], Activation::Silu, 4, 1.0).unwrap();
    for model in [&unet as &dyn Score, &mlp] {
        let start = initialise(&parameters_of(model).unwrap(), 1);
        let start: Vec<Vec<f64>> = start.iter().map(|w| w.iter().map(|v| f64::from(*v)).collect()).collect();
        let size: usize = model.row_shape().iter().product();
        let score = score_of(model, &start, &normals(3, size), &[0.3]);
        assert!(score.iter().all(|s| *s == 0.0));
    }
}

/// σ s(x √(σ² + v), σ) at σ = 0.2 and 0.9 for v = 0.1: equal where σ enters through the scaling of input and
/// output alone.
fn unscaled_scores(model: &dyn Score) -> [Vec<f64>; 2] {
    let weights = values(&parameters_of(model).expect("a right model"), 4);
    let x = normals(5, model.row_shape().iter().product());
    [0.2f64, 0.9].map(|sigma| {
        let scaled: Vec<f64> = x.iter().map(|x| x * (sigma * sigma + 0.1).sqrt()).collect();
        score_of(model, &weights, &scaled, &[sigma]).into_iter().map(|s| s * sigma).collect()
    })
}

fn largest_difference([a, b]: &[Vec<f64>; 2]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn sigma_scales_every_network_and_enters_conditional_ones() {
    for embedding in [0, 4] {
        let unet = UNet::new([4, 4, 1], settings(4, &[1, 2], 2, embedding), 0.1).unwrap();
        let mlp = Mlp::new(&[3], &[5], Activation::Tanh, embedding, 0.1).unwrap();
        for model in [&unet as &dyn Score, &mlp] {
            let scores = unscaled_scores(model);
            let difference = largest_difference(&scores);
            let fits = if embedding == 0 { difference < 1e-10 } else { difference > 1e-2 };
            assert!(fits, "embedding {embedding}: {scores:?}");
        }
    }
}

#[test]
fn each_row_is_scored_at_its_own_sigma() {
    let unet = UNet::new([4, 4, 1], settings(4, &[1], 2, 4), 0.1).unwrap();
    let mlp = Mlp::new(&[3], &[5], Activation::Softplus, 4, 0.1).unwrap();
    for model in [&unet as &dyn Score, &mlp] {
        let weights = values(&parameters_of(model).unwrap(), 6);
        let size: usize = model.row_shape().iter().product();
        let x = normals(7, 2 * size);
        let both = score_of(model, &weights, &x, &[0.2, 0.7]);
        let each =
            [score_of(model, &weights, &x[..size], &[0.2]), score_of(model, &weights, &x[size..], &[0.7])];
        for (joint, alone) in both.iter().zip(each.concat()) {
            assert!((joint - alone).abs() < 1e-11 * (1.0 + alone.abs()), "{joint} {alone}");
        }
        let same = score_of(model, &weights, &x, &[0.7, 0.7]);
        assert_ne!(both[..size], same[..size]);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_what_would() {
    let refuse = |row_shape, settings| UNet::new(row_shape, settings, 0.1).unwrap_err().to_string();
    let message = refuse([30, 28, 1], settings(8, &[1, 2, 2], 4, 0));
    for part in ["30x28", "divisible by 4", "at most 2 multipliers"] {
        assert!(message.contains(part), "{message}");
    }
    let message = refuse([8, 8, 1], settings(6, &[1, 2], 4, 0));
    assert!(message.contains("6 channels in 4 groups") && message.contains("resolution 1"), "{message}");
    let message = refuse([4, 4, 1], settings(4, &[1, 1, 1], 4, 0));
    assert!(message.contains("single value") && message.contains("resolution 3"), "{message}");
    assert!(refuse([4, 4, 0], settings(4, &[1], 2, 0)).contains("image channels"));
    assert!(refuse([4, 4, 1], settings(4, &[], 2, 0)).contains("multipliers"));
    assert!(refuse([4, 4, 1], settings(4, &[1], 0, 0)).contains("groups"));
    assert!(refuse([4, 4, 1], settings(usize::MAX, &[2], 1, 0)).contains("too wide"));
    let nan = UNet::new([4, 4, 1], settings(4, &[1], 2, 0), f64::NAN).unwrap_err().to_string();
    assert!(nan.contains("data_variance"));
    assert!(Mlp::new(&[2], &[4, 0], Activation::Silu, 0, 1.0).unwrap_err().to_string().contains("hidden"));
    assert!(Mlp::new(&[2], &[4], Activation::Silu, 0, -1.0).is_err());
    assert!(MlpEnergy::new(&[0], &[4], Activation::Silu).is_err());
}

/// A model traced on rows of another shape is an error, not a panic.
#[test]
fn rows_of_another_shape_are_refused() {
    let model = UNet::new([4, 4, 1], settings(4, &[1], 2, 0), 0.1).unwrap();
    let wrong = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[2, 16]);
        let sigma = scope.input("sigma", Kind::Float, &[2]);
        vec![("score".to_string(), model.score(parameters, x, sigma))]
    });
    assert!(wrong.unwrap_err().to_string().contains("does not match"));
}

/// f(x) = 3 x, taken at x = 2 y: algebra must not turn it into 6 y before it is differentiated in x.
struct Merging;

impl LogDensity for Merging {
    fn log_density<'s>(&self, _: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        (x * 3.0).sum(&[1])
    }

    fn row_shape(&self) -> &[usize] {
        &[2]
    }
}

#[test]
fn the_score_of_an_energy_at_a_computed_point_is_its_gradient() {
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[1, 2]);
        let sigma = scope.constant(1.0).broadcast_to(&[1]);
        vec![("score".to_string(), Differentiated(Merging).score(parameters, x * 2.0, sigma))]
    })
    .unwrap();
    assert_eq!(run(&program, &[float(&[1.0, -1.0])])[0], [3.0, 3.0]);
}

/// The energy's score against central differences of the energy; and the score's own derivative (second
/// order) against differences of the score.
#[test]
fn the_energy_differentiates_twice() {
    for activation in [Activation::Silu, Activation::Softplus, Activation::Tanh] {
        let energy = MlpEnergy::new(&[3], &[4, 4], activation).unwrap();
        let model = Differentiated(energy.clone());
        let parameters = parameters_of(&model).unwrap();
        let (program, _) = trace(&parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[2, 3]);
            let score = model.score(parameters, x, scope.constant(1.0).broadcast_to(&[2]));
            let along = scope.jvp(&[score], &[x], &[scope.input("t", Kind::Float, &[2, 3])])[0];
            let value = energy.log_density(parameters, x).sum_all();
            vec![("value".to_string(), value), ("score".into(), score), ("along".into(), along)]
        })
        .unwrap();
        let (weights, x, t) = (values(&parameters, 8), normals(9, 6), normals(10, 6));
        let at = |h: f64| {
            let moved: Vec<f64> = x.iter().zip(&t).map(|(x, t)| x + h * t).collect();
            let inputs: Vec<Value> =
                weights.iter().map(|w| float(w)).chain([float(&moved), float(&t)]).collect();
            run(&program, &inputs)
        };
        let (h, here) = (1e-5, at(0.0));
        let (after, before) = (at(h), at(-h));
        let slope: f64 = here[1].iter().zip(&t).map(|(s, t)| s * t).sum();
        let difference = (after[0][0] - before[0][0]) / (2.0 * h);
        assert!((slope - difference).abs() < 1e-8, "{activation:?}: {slope} {difference}");
        for i in 0..6 {
            let difference = (after[1][i] - before[1][i]) / (2.0 * h);
            assert!((here[2][i] - difference).abs() < 1e-8, "{activation:?}: {} {difference}", here[2][i]);
        }
    }
}
