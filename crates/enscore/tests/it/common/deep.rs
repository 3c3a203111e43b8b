//! A small deep Boltzmann machine, and functions of it evaluated in double precision.

use enscore::model::{Dbm, trace};
use enscore_program::{Kind, Parameter, Parameters, Scope, Value, Var, interpret};
use serde_json::Value as Json;

/// A machine with its parameters: b0, W0, b1, W1, b2, ..
#[derive(Clone)]
pub struct Deep {
    pub machine: Dbm,
    pub widths: Vec<usize>,
    pub values: Vec<Vec<f64>>,
}

impl Deep {
    /// The machine of the cases, with so many sweeps of the mean field.
    pub fn of_case(params: &Json, sweeps: usize) -> Deep {
        let values: Vec<Vec<f64>> =
            ["b", "W1", "c1", "W2", "c2"].iter().map(|name| super::oracles::numbers(&params[name])).collect();
        Deep { machine: Dbm::new(&[4], &[3, 3], sweeps).unwrap(), widths: vec![4, 3, 3], values }
    }

    /// Units of these layers, with weights in [-1.5, 1.5] and biases in [-1, 1].
    pub fn any(widths: &[usize], sweeps: usize, seed: u64) -> Deep {
        let machine = Dbm::new(&widths[..1], &widths[1..], sweeps).unwrap();
        let mut lcg = super::oracles::Lcg(seed);
        let mut draw = |n: usize, scale: f64| (0..n).map(|_| scale * (2.0 * lcg.uniform() - 1.0)).collect();
        let mut values: Vec<Vec<f64>> = Vec::new();
        for (l, width) in widths.iter().enumerate() {
            values.push(draw(*width, 1.0));
            if let Some(next) = widths.get(l + 1) {
                values.push(draw(width * next, 1.5));
            }
        }
        Deep { machine, widths: widths.to_vec(), values }
    }

    pub fn bias(&self, layer: usize) -> &[f64] {
        &self.values[2 * layer]
    }

    pub fn weights(&self, layer: usize) -> &[f64] {
        &self.values[2 * layer + 1]
    }

    pub fn parameters(&self) -> Vec<Parameter> {
        let (_, parameters) = trace(&[], |scope, parameters| {
            self.machine.declare(parameters);
            vec![("none".to_string(), scope.input("none", Kind::Float, &[]))]
        })
        .unwrap();
        parameters
    }

    /// The outputs of a function of the parameters, in double precision; `inputs` are its own inputs.
    pub fn evaluate(
        &self,
        inputs: &[Value],
        build: impl for<'s> Fn(&'s Scope, &Parameters<'s>) -> Vec<Var<'s>>,
    ) -> Vec<Vec<f64>> {
        evaluate_at(&self.parameters(), &self.values, inputs, build)
    }

    /// -E of one state of all layers, from the definition.
    pub fn minus_energy(&self, state: &[f64]) -> f64 {
        let (mut sum, mut start) = (0.0, 0);
        for (l, width) in self.widths.iter().enumerate() {
            let units = &state[start..start + width];
            sum += units.iter().zip(self.bias(l)).map(|(x, b)| x * b).sum::<f64>();
            if let Some(next) = self.widths.get(l + 1) {
                let above = &state[start + width..start + width + next];
                for (i, x) in units.iter().enumerate() {
                    let row = &self.weights(l)[i * next..(i + 1) * next];
                    sum += x * row.iter().zip(above).map(|(w, h)| w * h).sum::<f64>();
                }
            }
            start += width;
        }
        sum
    }

    /// ln Σ exp(-E) over all states, by the values of the layers that `key` keeps of a state.
    pub fn summed(&self, key: impl Fn(&[f64]) -> usize, keys: usize) -> Vec<f64> {
        let units: usize = self.widths.iter().sum();
        let mut sums = vec![0.0; keys];
        for state in states(units).chunks(units) {
            sums[key(state)] += self.minus_energy(state).exp();
        }
        sums.iter().map(|sum| sum.ln()).collect()
    }

    /// ln Σ_h exp(-E(v, h)) of every v.
    pub fn marginal(&self) -> Vec<f64> {
        self.summed(|state| number(&state[..self.widths[0]]), 1 << self.widths[0])
    }

    /// log Z from the definition.
    pub fn log_z(&self) -> f64 {
        self.summed(|_| 0, 1)[0]
    }

    /// Where the layers of a side stand in a state, even ones or odd ones.
    pub fn side(&self, odd: usize) -> Vec<usize> {
        let start = |layer: usize| self.widths[..layer].iter().sum::<usize>();
        (odd..self.widths.len()).step_by(2).flat_map(|l| start(l)..start(l) + self.widths[l]).collect()
    }
}

/// The outputs of a function of named parameters with these values.
pub fn evaluate_at(
    parameters: &[Parameter],
    values: &[Vec<f64>],
    inputs: &[Value],
    build: impl for<'s> Fn(&'s Scope, &Parameters<'s>) -> Vec<Var<'s>>,
) -> Vec<Vec<f64>> {
    let (program, _) = trace(parameters, |scope, parameters| {
        build(scope, parameters).into_iter().map(|var| (String::new(), var)).collect()
    })
    .unwrap();
    let own = values.iter().map(|values| Value::Float(values.clone()));
    let all: Vec<Value> = own.chain(inputs.iter().cloned()).collect();
    interpret(&program, &all).unwrap().iter().map(|value| value.floats().to_vec()).collect()
}

/// All states of this many units, row-major; bit i of the row's number is unit i.
pub fn states(units: usize) -> Vec<f64> {
    (0..1usize << units).flat_map(|state| (0..units).map(move |i| (state >> i & 1) as f64)).collect()
}

/// The number of a state.
pub fn number(units: &[f64]) -> usize {
    units.iter().enumerate().map(|(i, x)| (*x as usize) << i).sum()
}

/// The probability of each state of independent units with these means.
pub fn law(means: &[f64]) -> Vec<f64> {
    let probability = |state: &[f64]| -> f64 {
        state.iter().zip(means).map(|(x, mean)| if *x > 0.0 { *mean } else { 1.0 - mean }).product()
    };
    states(means.len()).chunks(means.len()).map(probability).collect()
}
