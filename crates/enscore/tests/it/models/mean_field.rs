//! The mean field of deep Boltzmann machines with two and three hidden layers, one row at a time: the pass
//! upwards with doubled weights, every sweep, the entropy and the bound.

use enscore::model::{Bipartite, Dbm, LogDensity, trace};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Parameter, Value, interpret};

const VISIBLE: usize = 3;
const ROWS: [[f64; VISIBLE]; 4] = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]];

/// Layers of a machine as plain numbers.
struct Layers {
    widths: Vec<usize>,
    /// W_l[i][j] between unit i of layer l and unit j of layer l + 1.
    weights: Vec<Vec<Vec<f64>>>,
    biases: Vec<Vec<f64>>,
}

fn sigmoid(a: f64) -> f64 {
    1.0 / (1.0 + (-a).exp())
}

impl Layers {
    fn new(hidden: &[usize]) -> Layers {
        let widths: Vec<usize> = [&[VISIBLE], hidden].concat();
        let numbers = |stream: u32, len: usize| {
            let mut out = vec![0.0; len];
            normal_row(Key::new(4, 0), stream, 0, &mut out);
            out
        };
        let weights = (0..hidden.len()).map(|l| {
            let all = numbers(l as u32, widths[l] * widths[l + 1]);
            all.chunks(widths[l + 1]).map(<[f64]>::to_vec).collect()
        });
        let weights = weights.collect();
        let biases = (0..widths.len()).map(|l| numbers(10 + l as u32, widths[l])).collect();
        Layers { widths, weights, biases }
    }

    fn value(&self, parameter: &Parameter) -> Vec<f64> {
        match parameter.name.as_str() {
            "visible_bias" => self.biases[0].clone(),
            name => {
                let layer: usize = name.split('.').nth(1).unwrap().parse().unwrap();
                if name.ends_with("bias") {
                    self.biases[layer + 1].clone()
                } else {
                    self.weights[layer].concat()
                }
            }
        }
    }

    /// The log odds of a layer given those below and above, each times a factor.
    fn log_odds(&self, layer: usize, below: Option<(&[f64], f64)>, above: Option<&[f64]>) -> Vec<f64> {
        let unit = |j: usize| {
            let from_below = below.map_or(0.0, |(x, factor)| {
                factor * x.iter().enumerate().map(|(i, x)| x * self.weights[layer - 1][i][j]).sum::<f64>()
            });
            let from_above = above.map_or(0.0, |y| {
                y.iter().enumerate().map(|(k, y)| y * self.weights[layer][j][k]).sum::<f64>()
            });
            self.biases[layer][j] + from_below + from_above
        };
        (0..self.widths[layer]).map(unit).collect()
    }

    /// The log odds of the second hidden layer after so many sweeps.
    fn mean_field(&self, v: &[f64], sweeps: usize) -> Vec<f64> {
        let deep = self.widths.len() == 4;
        let means = |odds: Vec<f64>| -> Vec<f64> { odds.into_iter().map(sigmoid).collect() };
        // Layers that will hear from above as well hear twice from below.
        let first = means(self.log_odds(1, Some((v, 2.0)), None));
        let mut odds = self.log_odds(2, Some((&first, if deep { 2.0 } else { 1.0 })), None);
        for _ in 0..sweeps {
            let second = means(odds);
            let first = means(self.log_odds(1, Some((v, 1.0)), Some(&second)));
            let third = deep.then(|| means(self.log_odds(3, Some((&second, 1.0)), None)));
            odds = self.log_odds(2, Some((&first, 1.0)), third.as_deref());
        }
        odds
    }

    /// f of the first side, v with h2: the odd layers summed out.
    fn summed_out(&self, v: &[f64], h2: &[f64]) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let softplus = |odds: Vec<f64>| odds.into_iter().map(|a| a.exp().ln_1p()).sum::<f64>();
        let first = softplus(self.log_odds(1, Some((v, 1.0)), Some(h2)));
        let third =
            if self.widths.len() == 4 { softplus(self.log_odds(3, Some((h2, 1.0)), None)) } else { 0.0 };
        dot(v, &self.biases[0]) + dot(h2, &self.biases[2]) + first + third
    }
}

/// The first side `[v, μ]`, its entropy and the bound of each row, as the model has them.
fn found(layers: &Layers, hidden: &[usize], sweeps: usize) -> [Vec<f64>; 3] {
    let machine = Dbm::new(&[VISIBLE], hidden, sweeps).unwrap();
    let (program, parameters) = trace(&[], |scope, parameters| {
        machine.declare(parameters);
        let x = scope.input("x", Kind::Float, &[ROWS.len(), VISIBLE]);
        let (first, entropy) = machine.first_given_data(parameters, x);
        let bound = machine.log_density(parameters, x);
        vec![("first".to_string(), first), ("entropy".into(), entropy), ("bound".into(), bound)]
    })
    .unwrap();
    let mut inputs: Vec<Value> = parameters.iter().map(|p| Value::Float(layers.value(p))).collect();
    inputs.push(Value::Float(ROWS.concat()));
    let outputs = interpret(&program, &inputs).unwrap();
    [0, 1, 2].map(|i| outputs[i].floats().to_vec())
}

#[test]
fn the_first_pass_doubles_weights_upwards_and_sweeps_follow_the_layers() {
    for (hidden, sweeps) in [(&[4, 2][..], 1), (&[4, 2], 3), (&[2, 4, 3], 1), (&[2, 4, 3], 2)] {
        let layers = Layers::new(hidden);
        let [sides, entropies, bounds] = found(&layers, hidden, sweeps);
        let width = VISIBLE + hidden[1];
        for (row, v) in ROWS.iter().enumerate() {
            let odds = layers.mean_field(v, sweeps);
            let means: Vec<f64> = odds.iter().map(|a| sigmoid(*a)).collect();
            let entropy: f64 = means.iter().map(|m| -m * m.ln() - (1.0 - m) * (1.0 - m).ln()).sum();
            let bound = layers.summed_out(v, &means) + entropy;
            let expected = [&v[..], &means, &[entropy, bound]].concat();
            let found = [&sides[row * width..][..width], &[entropies[row], bounds[row]]].concat();
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let what = format!("layers {hidden:?}, {sweeps} sweeps, row {row}, number {i}");
                assert!((found - expected).abs() < 1e-10, "{what}: found {found}, expected {expected}");
            }
        }
    }
}
