//! Games of generators: the best critic of two known densities, spectral normalisation against singular
//! values, what each player moves.

use crate::common::traced::{float, normals, run};
use enscore::data::{Dataset, Subset, Values};
use enscore::executor::default_executor;
use enscore::model::{Activation, Critic, CriticLayers, Generator, Network, trace};
use enscore::objective::{Adversarial, CRITIC, Game, Player, Role, Task};
use enscore::train::{Training, TrainingOptions};
use enscore_program::{Kind, Parameters, Value, Var};
use nalgebra::DMatrix;

/// x = 1 + 1.5 z.
struct Known;

impl Generator for Known {
    fn row_shape(&self) -> &[usize] {
        &[1]
    }

    fn latents(&self) -> usize {
        1
    }

    fn generate<'s>(&self, _: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        z * 1.5 + 1.0
    }
}

fn critic(hidden: &[usize], spectral: bool) -> Critic {
    let layers = CriticLayers::Mlp(hidden.to_vec());
    Critic::new(&[1], (&[0.0], &[1.0]), layers, Activation::Tanh, spectral).unwrap()
}

/// A critic of draws from N(0, 1) and N(1, 1.5²) alone: D = p/(p + q).
#[test]
fn the_best_critic_of_two_gaussians_is_their_share() {
    let rows = normals(3, 20_000).into_iter().map(|z| z as f32).collect();
    let data = Dataset::new("normal", "made here", &[1], Values::F32(rows)).unwrap();
    let player = Player {
        objective: Box::new(Adversarial {
            critic: critic(&[32], false),
            game: Game::NonSaturating,
            role: Role::Critic,
        }),
        moves: Box::new(|name| name.starts_with(CRITIC)),
        rate: 1.0,
        learns_from_chains: false,
    };
    let task =
        Task { players: vec![player], chains: None, alternation: None, stages: Vec::new(), fits: false };
    let options = TrainingOptions { steps: 3000, batch: 512, ..TrainingOptions::default() };
    let network = Network::Generator(Box::new(Known));
    let mut training =
        Training::new(network, task, &Subset::all(&data), options, default_executor()).unwrap();
    while training.steps_done() < 3000 {
        training.step().unwrap();
    }
    let points: Vec<f64> = (-20..=30).map(|i| 0.1 * f64::from(i)).collect();
    let known = training.parameters().to_vec();
    let (program, _) = trace(&known, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[points.len(), 1]);
        vec![("d".to_string(), critic(&[32], false).value(&parameters.at(CRITIC), x).sigmoid())]
    })
    .unwrap();
    let averages = training.averages().unwrap();
    let wide = |values: &Vec<f32>| float(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    let inputs: Vec<Value> = averages.iter().map(wide).chain([float(&points)]).collect();
    let found = run(&program, &inputs).remove(0);
    for (x, d) in points.iter().zip(found) {
        let p = (-0.5 * x * x).exp();
        let q = (-0.5 * ((x - 1.0) / 1.5).powi(2)).exp() / 1.5;
        assert!((d - p / (p + q)).abs() < 0.04, "D({x}) = {d}, p/(p + q) = {}", p / (p + q));
    }
}

/// A linear critic with spectral normalisation is the product of W/σ(W): its slope has the length of the
/// last layer over its own, 1, and a hidden layer's largest singular value becomes 1.
#[test]
fn spectral_normalisation_divides_by_the_largest_singular_value() {
    let layers = CriticLayers::Mlp(vec![5, 4]);
    let critic = Critic::new(&[3], (&[0.0; 3], &[1.0; 3]), layers, Activation::LeakyRelu, true).unwrap();
    let (program, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[1, 3]);
        vec![("f".to_string(), critic.value(parameters, x))]
    })
    .unwrap();
    let values: Vec<Vec<f64>> =
        parameters.iter().enumerate().map(|(i, p)| normals(5 + i as u64, p.size())).collect();
    let x = [0.3, -0.4, 0.9];
    let inputs: Vec<Value> = [float(&x)].into_iter().chain(values.iter().map(|v| float(v))).collect();
    let found = run(&program, &inputs)[0][0];
    let mut hidden = DMatrix::from_row_slice(1, 3, &x);
    for layer in 0..3 {
        let shape = &parameters[2 * layer].shape;
        let weight = DMatrix::from_row_slice(shape[0], shape[1], &values[2 * layer]);
        let largest = weight.singular_values().max();
        hidden = hidden * (weight / largest) + DMatrix::from_row_slice(1, shape[1], &values[2 * layer + 1]);
        if layer < 2 {
            hidden.apply(|v| *v = v.max(0.2 * *v));
        }
    }
    // Power iteration from a fixed vector is near, not at, the largest singular value.
    assert!((found - hidden[(0, 0)]).abs() < 0.02 * hidden[(0, 0)].abs(), "{found}, {}", hidden[(0, 0)]);
}
