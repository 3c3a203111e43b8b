//! Masked autoencoders: what an element depends on, sums over all states, draws against enumeration.

use crate::common::traced::{all_states, float, normals, run};
use enscore::executor::{Weights, default_executor};
use enscore::model::{
    Activation, Component, Conditional, Conditionals, DataFacts, Given, LogDensity, Made, MadeMasks,
    MadeSettings, ModelKind, Network, parameters_of, trace,
};
use enscore_program::{Kind, Parameter, Value};

const D: usize = 10;

fn settings(conditionals: Conditionals, orderings: usize) -> MadeSettings {
    MadeSettings { hidden: vec![14, 9], activation: Activation::Silu, conditionals, components: 3, orderings }
}

fn network(settings: &MadeSettings, elements: usize) -> Network {
    let mean: Vec<f64> = (0..elements).map(|i| 0.3 + 0.05 * i as f64).collect();
    let facts = DataFacts {
        row_shape: &[elements],
        variance: 1.0,
        mean: &mean,
        deviation: &vec![0.8; elements],
        levels: None,
        count: None,
        rows: &[],
    };
    settings.build(&facts).unwrap()
}

/// The parameters of a network with random values.
fn random(network: &Network) -> (Vec<Parameter>, Vec<Vec<f64>>) {
    let parameters = parameters_of(network).unwrap();
    let value = |(i, p): (usize, &Parameter)| normals(40 + i as u64, p.size());
    let values = parameters.iter().enumerate().map(value);
    let values = values.map(|values| values.into_iter().map(|z| 0.5 * z).collect()).collect();
    (parameters, values)
}

fn uploaded(parameters: &[Parameter], values: &[Vec<f64>]) -> Weights {
    let single: Vec<Vec<f32>> = values.iter().map(|v| v.iter().map(|v| *v as f32).collect()).collect();
    Weights::upload(&*default_executor(), parameters, &single).unwrap()
}

fn log_density(network: &Network, parameters: &[Parameter], values: &[Vec<f64>], rows: &[f64]) -> Vec<f64> {
    let elements = network.row_shape()[0];
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[rows.len() / elements, elements]);
        vec![("f".to_string(), network.log_density(parameters, x))]
    })
    .unwrap();
    let inputs: Vec<Value> = values.iter().map(|v| float(v)).chain([float(rows)]).collect();
    run(&program, &inputs).remove(0)
}

#[test]
fn probabilities_of_all_states_sum_to_one() {
    for orderings in [1, 3] {
        let network = network(&settings(Conditionals::Bernoulli, orderings), D);
        let (parameters, values) = random(&network);
        let f = log_density(&network, &parameters, &values, &all_states(D, 2));
        let total: f64 = f.iter().map(|f| f.exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{orderings}: {total}");
    }
}

/// A change of one element changes what is said of those behind it, and of itself, alone.
#[test]
fn an_element_depends_on_those_before_it_alone() {
    let (a, b) = (Conditional::Bernoulli, Conditional::Mixture { of: Component::Logistic, components: 2 });
    for conditional in [a, b] {
        let places = vec![4, 1, 6, 2, 5, 3];
        let degrees = vec![vec![1, 5, 2, 4, 3, 5, 1, 2], vec![3, 4, 1, 5, 2, 2, 5]];
        let masks = MadeMasks::new(places.clone(), degrees).unwrap();
        let made = Made::new(&[6], vec![masks], conditional, Activation::Tanh).unwrap();
        let (program, parameters) = trace(&[], |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[1, 6]);
            vec![("f".to_string(), made.log_conditionals(parameters, x, 0))]
        })
        .unwrap();
        let values: Vec<Value> =
            parameters.iter().enumerate().map(|(i, p)| float(&normals(7 + i as u64, p.size()))).collect();
        let of = |x: &[f64]| {
            let inputs: Vec<Value> = std::iter::once(float(x)).chain(values.iter().cloned()).collect();
            run(&program, &inputs).remove(0)
        };
        let x = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
        let before = of(&x);
        for changed in 0..6 {
            let mut other = x;
            other[changed] = 1.0 - other[changed];
            let after = of(&other);
            for element in 0..6 {
                let depends = places[element] >= places[changed];
                let differs = (before[element] - after[element]).abs() > 1e-9;
                assert_eq!(differs, depends, "{conditional:?}: {element} after a change of {changed}");
            }
        }
    }
}

/// An element's density is one: its sum over a fine grid, and its draws.
#[test]
fn mixtures_are_normalised_and_drawn_from() {
    for (number, conditionals) in [Conditionals::Gaussians, Conditionals::Logistics].into_iter().enumerate() {
        let network = network(&settings(conditionals, 2), 1);
        let (parameters, values) = random(&network);
        let h = 0.002;
        let grid: Vec<f64> = (-20_000..=20_000).map(|i| f64::from(i) * h).collect();
        let f = log_density(&network, &parameters, &values, &grid);
        let p: Vec<f64> = f.into_iter().map(|f| h * f.exp()).collect();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{conditionals:?}");
        let moment = |k: i32| grid.iter().zip(&p).map(|(x, p)| x.powi(k) * p).sum::<f64>();
        let made = network.normalised().unwrap();
        let mut draws = made.draws(&uploaded(&parameters, &values), number as u64).unwrap();
        let n = 40_000;
        draws.start(0..n).unwrap();
        draws.advance(0..1).unwrap();
        let rows: Vec<f64> = draws.rows().into_iter().map(f64::from).collect();
        for k in 1..=2 {
            let found = rows.iter().map(|x| x.powi(k)).sum::<f64>() / n as f64;
            let error = ((moment(2 * k) - moment(k).powi(2)) / n as f64).sqrt();
            assert!((found - moment(k)).abs() < 5.0 * error, "{conditionals:?}: moment {k}: {found}");
        }
    }
}

/// Frequencies of draws beside the probabilities of all states; of given elements beside the conditional
/// probabilities.
#[test]
fn draws_have_the_probabilities_of_the_model() {
    let d = 4;
    let states = all_states(d, 2);
    for (orderings, given) in [(1, 0), (3, 0), (1, 2)] {
        let network = network(&settings(Conditionals::Bernoulli, orderings), d);
        let (parameters, values) = random(&network);
        let f = log_density(&network, &parameters, &values, &states);
        let known = |x: &[f64]| x[..given].iter().all(|x| *x == 1.0);
        let total: f64 = f.iter().zip(states.chunks(d)).filter(|(_, x)| known(x)).map(|(f, _)| f.exp()).sum();
        let made = network.normalised().unwrap();
        let mut draws = made.draws(&uploaded(&parameters, &values), 5).unwrap();
        if given > 0 {
            let known = (0..d).map(|i| i < given).collect();
            draws.give(Given { row: vec![1.0; d], known }).unwrap();
        }
        let n = 30_000;
        draws.start(0..n).unwrap();
        draws.advance(0..d).unwrap();
        let rows: Vec<f64> = draws.rows().into_iter().map(f64::from).collect();
        for (f, state) in f.iter().zip(states.chunks(d)) {
            let p = if known(state) { f.exp() / total } else { 0.0 };
            let count = rows.chunks(d).filter(|row| *row == state).count();
            let error = (p * (1.0 - p) / n as f64).sqrt();
            let share = count as f64 / n as f64;
            assert!((share - p).abs() <= 5.0 * error, "{orderings}, {given}: {state:?}: {share}, {p}");
        }
    }
}

/// Rows do not depend on those beside them, nor on how many places are drawn at once.
#[test]
fn a_draw_is_its_own() {
    let network = network(&settings(Conditionals::Gaussians, 3), D);
    let (parameters, values) = random(&network);
    let weights = uploaded(&parameters, &values);
    let made = network.normalised().unwrap();
    let drawn = |rows: std::ops::Range<usize>, at_once: usize| {
        let mut draws = made.draws(&weights, 9).unwrap();
        draws.start(rows).unwrap();
        (0..D).step_by(at_once).for_each(|from| draws.advance(from..(from + at_once).min(D)).unwrap());
        draws.rows()
    };
    let all = drawn(0..8, 1);
    assert_eq!(drawn(3..5, 4), all[3 * D..5 * D]);
}

#[test]
fn what_cannot_be_completed_is_refused() {
    let refused = |orderings: usize, known: [bool; 3]| {
        let network = network(&settings(Conditionals::Bernoulli, orderings), 3);
        let (parameters, values) = random(&network);
        let mut draws = network.normalised().unwrap().draws(&uploaded(&parameters, &values), 0).unwrap();
        draws.give(Given { row: vec![1.0; 3], known: known.to_vec() }).unwrap_err().to_string()
    };
    let late = refused(1, [true, false, true]);
    assert!(late.contains("come first") && late.contains("value 2"), "{late}");
    assert!(refused(2, [true, false, false]).contains("orderings"));
    assert!(MadeMasks::new(vec![1, 3], vec![vec![1]]).is_err());
    assert!(MadeMasks::new(vec![1, 2], vec![vec![0]]).is_err());
    let masks = MadeMasks::new(vec![1, 2], vec![vec![1]]).unwrap();
    assert!(Made::new(&[3], vec![masks], Conditional::Bernoulli, Activation::Tanh).is_err());
}
