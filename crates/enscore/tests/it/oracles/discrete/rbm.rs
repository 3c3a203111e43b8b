//! The restricted Boltzmann machine with 4 visible and 3 hidden units against enumeration of all its states:
//! free energy, likelihood and its exact gradient, the transition that the conditionals make, contrastive
//! divergence as the exact chain has it and as sampled chains estimate it, tempered chains, the centred
//! gradient.

use crate::common::machine::{Weights, states};
use crate::common::oracles::{assert_close, case, expected, numbers};
use enscore::evaluate::pseudo_likelihood_program;
use enscore::mcmc::{TemperedGibbsProgram, gibbs_program};
use enscore::model::{Bipartite, LogDensity, Network, Rbm, Units, enumerated_log_z};
use enscore::objective::{Batch, GibbsDivergence, MaximumLikelihood, Objective};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::Key;
use enscore_program::{Kind, Value, Var, interpret};
use nalgebra::DMatrix;

fn weights() -> Weights {
    Weights::of(&case("rbm.4x3.logZ")["params"])
}

fn rbm() -> Rbm {
    Rbm::new(&[4], 3, Units::Bernoulli).unwrap()
}

fn network() -> Network {
    Network::Bipartite(Box::new(rbm()))
}

fn data() -> Vec<f64> {
    numbers(&case("rbm.4x3.loglik")["params"]["data"])
}

/// The fraction of the data's rows at each state.
fn empirical() -> Vec<f64> {
    let mut p = vec![0.0; 16];
    for row in data().chunks(4) {
        p[row.iter().enumerate().map(|(i, x)| (*x as usize) << i).sum::<usize>()] += 0.2;
    }
    p
}

/// f of all 16 visible states, and log Z by the hidden ones.
fn log_densities() -> (Vec<f64>, f64) {
    let outputs = weights().evaluate(&[], |scope, parameters| {
        let f = rbm().log_density(parameters, scope.table(&states(4), &[16, 4]));
        vec![f, enumerated_log_z(&rbm(), parameters, f)]
    });
    (outputs[0].clone(), outputs[1][0])
}

fn probabilities() -> Vec<f64> {
    let (f, log_z) = log_densities();
    f.iter().map(|f| (f - log_z).exp()).collect()
}

#[test]
fn free_energies_and_the_likelihood_are_those_of_the_case() {
    let (f, log_z) = log_densities();
    assert_close("rbm.4x3.logZ", &[log_z], 1e-12);
    assert_close("rbm.4x3.free_energy", &f.iter().map(|f| -f).collect::<Vec<_>>(), 1e-12);
    assert_close("rbm.4x3.p_v", &probabilities(), 1e-12);
    let total: f64 = f.iter().map(|f| f.exp()).sum();
    assert!((total.ln() - log_z).abs() < 1e-12, "either side gives log Z");
}

/// Moments are the gradient of log Z; the gradient of the likelihood is that of the objective.
#[test]
fn moments_and_the_exact_gradient_are_those_of_the_case() {
    let outputs = weights().evaluate(&[], |scope, parameters| {
        let log_z = enumerated_log_z(&rbm(), parameters, scope.constant(0.0));
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        scope.gradient(log_z, &variables)
    });
    let moments = &case("rbm.4x3.model_moments")["value"];
    for (found, name) in outputs.iter().zip(["EvhT", "Ev", "Eh"]) {
        let expected = numbers(&moments[name]);
        assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-12), "{name}: {found:?}");
    }
    let outputs = gradient(&MaximumLikelihood, None, 0);
    assert_close("rbm.4x3.loglik", &[-outputs[0][0]], 1e-12);
    let expected = &case("rbm.4x3.exact_ml_gradient")["value"];
    for (found, name) in outputs[1..].iter().zip(["W", "b", "c"]) {
        // The objective is optimised per dimension, and falls where the likelihood rises.
        let expected = numbers(&expected[name]);
        assert!(found.iter().zip(&expected).all(|(f, e)| (-4.0 * f - e).abs() < 1e-12), "{name}: {found:?}");
    }
}

/// An objective's loss on the data's rows and the gradient of what it optimises.
fn gradient(objective: &dyn Objective<Network>, chains: Option<&[f64]>, seed: u64) -> Vec<Vec<f64>> {
    let mut inputs = vec![Value::Float(data()), Value::Float(vec![1.0; 5]), Value::Key(Key::new(seed, 0))];
    inputs.extend(chains.map(|chains| Value::Float(chains.to_vec())));
    weights().evaluate(&inputs, |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &[5, 4]),
            weights: scope.input("row_weights", Kind::Float, &[5]),
            key: scope.input("key", Kind::Key, &[]),
            chains: chains.map(|chains| scope.input("chains", Kind::Float, &[chains.len() / 4, 4])),
        };
        let estimate = objective.estimate(&network(), parameters, &batch);
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        let gradient = scope.gradient(estimate.optimised, &variables);
        [estimate.loss].into_iter().chain(gradient).collect()
    })
}

/// T(v'|v) = Σ_h p(h|v) p(v'|h) from the conditionals that the programs draw at: rows v, columns v'.
fn transition() -> DMatrix<f64> {
    let outputs = weights().evaluate(&[], |scope, parameters| {
        let (visible, hidden) = (scope.table(&states(4), &[16, 4]), scope.table(&states(3), &[8, 3]));
        let (rbm, h) = (rbm(), hidden);
        vec![rbm.second_inputs(parameters, visible).sigmoid(), rbm.first_inputs(parameters, h).sigmoid()]
    });
    let law = |means: &[f64], units: usize| {
        let states = states(units);
        DMatrix::from_fn(means.len() / units, 1 << units, |row, state| {
            let unit = |i: usize| {
                if states[state * units + i] > 0.0 {
                    means[row * units + i]
                } else {
                    1.0 - means[row * units + i]
                }
            };
            (0..units).map(unit).product::<f64>()
        })
    };
    law(&outputs[0], 3) * law(&outputs[1], 4)
}

#[test]
fn the_sweep_leaves_the_density_invariant() {
    let (t, p) = (transition(), probabilities());
    let moved = DMatrix::from_row_slice(1, 16, &p) * &t;
    let defect = moved.iter().zip(&p).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let balance = DMatrix::from_fn(16, 16, |i, j| (p[i] * t[(i, j)] - p[j] * t[(j, i)]).abs()).max();
    let symmetric = DMatrix::from_fn(16, 16, |i, j| (p[i] / p[j]).sqrt() * t[(i, j)]);
    let mut eigenvalues: Vec<f64> = symmetric.symmetric_eigen().eigenvalues.iter().copied().collect();
    eigenvalues.sort_by(f64::total_cmp);
    assert!(defect < 1e-12 && balance < 1e-12, "{defect} {balance}");
    assert_close("rbm.4x3.gibbs_invariance", &[eigenvalues[14], 0.0, 0.0], 1e-10);
}

/// Draws of the sweep from every state come at the rates of the transition, and their means are those of the
/// conditionals.
#[test]
fn the_sweep_draws_from_its_conditionals() {
    let (weights, per_state, t) = (weights(), 20_000, transition());
    let program = gibbs_program(&rbm(), &weights.parameters(), 16 * per_state).unwrap();
    let mut executable = Executable::<f64>::compile(&program, Options::default()).unwrap();
    let start: Vec<f64> = states(4).chunks(4).flat_map(|state| state.repeat(per_state)).collect();
    let (mut moved, mut mean) = (start.clone(), start.clone());
    let mut inputs: Vec<Argument<f64>> =
        weights.values.iter().map(|values| Argument::Float(values)).collect();
    inputs.extend([Argument::Float(&start), Argument::Key(Key::new(3, 1))]);
    executable.run(&inputs, &mut [&mut moved, &mut mean]).unwrap();
    for (from, rows) in moved.chunks(4 * per_state).enumerate() {
        let found = frequencies(rows);
        for (to, found) in found.iter().enumerate() {
            let expected = t[(from, to)];
            let error = (expected * (1.0 - expected) / per_state as f64).sqrt();
            assert!((found - expected).abs() < 5.0 * error, "{from} to {to}: {found} {expected}");
        }
    }
    assert!(mean.iter().all(|mean| (0.0..1.0).contains(mean)));
}

/// How often each state comes among rows.
fn frequencies(rows: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; 16];
    for row in rows.chunks(4) {
        counts[row.iter().enumerate().map(|(i, x)| (*x as usize) << i).sum::<usize>()] +=
            4.0 / rows.len() as f64;
    }
    counts
}

/// E over p0 Tᵏ by the exact chain, and as the objective's own chains estimate it.
#[test]
fn gradients_of_contrastive_divergence_have_their_expectations() {
    let cases = [
        (1, "rbm.4x3.cd1.expected_gradient"),
        (3, "rbm.4x3.cd3.expected_gradient"),
        (10, "rbm.4x3.cd10.expected_gradient"),
    ];
    for (k, id) in cases {
        let value = &case(id)["value"];
        let expected = [numbers(&value["W"]), numbers(&value["b"]), numbers(&value["c"])];
        let law = (0..k).fold(DMatrix::from_row_slice(1, 16, &empirical()), |law, _| law * transition());
        let difference: Vec<f64> = empirical().iter().zip(law.iter()).map(|(p, q)| p - q).collect();
        let exact = weights().evaluate(&[], |scope, parameters| {
            let f = rbm().log_density(parameters, scope.table(&states(4), &[16, 4]));
            let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
            scope.gradient((f * scope.table(&difference, &[16])).sum_all(), &variables)
        });
        for (found, expected) in exact.iter().zip(&expected) {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12), "{id}: {found:?}");
        }
        sampled_gradients_agree(id, k, &expected.concat());
    }
}

/// The mean of the objective's gradient over many chains against its expectation, within 5 standard errors.
fn sampled_gradients_agree(id: &str, k: u64, expected: &[f64]) {
    let (weights, copies, repeats) = (weights(), 2000, 24);
    let rows = 5 * copies;
    let objective = GibbsDivergence { sweeps_from_data: Some(k), centring: false };
    let (program, _) = enscore::model::trace(&weights.parameters(), |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &[rows, 4]),
            weights: scope.input("row_weights", Kind::Float, &[rows]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        };
        let estimate = objective.estimate(&network(), parameters, &batch);
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        scope.gradient(estimate.optimised, &variables).into_iter().map(|var| (String::new(), var)).collect()
    })
    .unwrap();
    let mut executable = Executable::<f64>::compile(&program, Options::default()).unwrap();
    let (x, ones) = (data().repeat(copies), vec![1.0; rows]);
    let (mut sum, mut square) = (vec![0.0; 19], vec![0.0; 19]);
    for repeat in 0..repeats {
        let mut outputs = [vec![0.0; 12], vec![0.0; 4], vec![0.0; 3]];
        let mut inputs: Vec<Argument<f64>> =
            weights.values.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(&x), Argument::Float(&ones), Argument::Key(Key::new(k, repeat))]);
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(|values| &mut values[..]).collect();
        executable.run(&inputs, &mut slices).unwrap();
        for (i, value) in outputs.concat().into_iter().enumerate() {
            sum[i] += value / repeats as f64;
            square[i] += value * value / repeats as f64;
        }
    }
    for (i, expected) in expected.iter().enumerate() {
        // The loss falls where the likelihood rises.
        let error = ((square[i] - sum[i] * sum[i]).max(0.0) / (repeats - 1) as f64).sqrt();
        assert!((-sum[i] - expected).abs() < 5.0 * error, "{id}[{i}]: {} {expected} ± {error}", -sum[i]);
    }
}

#[test]
fn the_objective_of_contrastive_divergence() {
    let (p0, p) = (empirical(), probabilities());
    let divergence = |q: &[f64]| -> f64 {
        q.iter().zip(&p).filter(|(q, _)| **q > 0.0).map(|(q, p)| q * (q / p).ln()).sum()
    };
    let moved = DMatrix::from_row_slice(1, 16, &p0) * transition();
    assert_close("rbm.4x3.cd1_objective", &[divergence(&p0) - divergence(moved.as_slice())], 1e-12);
}

/// In chunks of flips that don't divide the units.
#[test]
fn the_pseudo_likelihood_in_uneven_chunks_is_that_of_the_case() {
    let weights = weights();
    let program = pseudo_likelihood_program(&rbm(), &weights.parameters(), 5, 3).unwrap();
    let one = |unit: usize| (0..4).map(|i| if i == unit { 1.0 } else { 0.0 }).collect::<Vec<_>>();
    let chunks = [[one(0), one(1), one(2)].concat(), [one(3), vec![0.0; 8]].concat()];
    let sums = chunks.iter().map(|units| {
        let own = weights.values.iter().map(|values| Value::Float(values.clone()));
        let inputs: Vec<Value> = own.chain([data(), units.clone()].map(Value::Float)).collect();
        interpret(&program, &inputs).unwrap()[0].floats().iter().sum::<f64>() / 5.0
    });
    assert_close("rbm.4x3.pseudo_loglik", &[sums.sum::<f64>()], 1e-12);
}

/// In spins ±1 the same density has couplings W/4 and fields b/2 + W1/4, c/2 + W'1/4.
#[test]
fn spins_give_the_same_normaliser() {
    let Weights { values: [w, b, c], .. } = weights();
    let spin = |bit: f64| 2.0 * bit - 1.0;
    let (fv, fh): (Vec<f64>, Vec<f64>) = (
        (0..4).map(|i| b[i] / 2.0 + (0..3).map(|j| w[i * 3 + j]).sum::<f64>() / 4.0).collect(),
        (0..3).map(|j| c[j] / 2.0 + (0..4).map(|i| w[i * 3 + j]).sum::<f64>() / 4.0).collect(),
    );
    let constant = (b.iter().sum::<f64>() + c.iter().sum::<f64>()) / 2.0 + w.iter().sum::<f64>() / 4.0;
    let mut z = 0.0;
    for state in states(7).chunks(7) {
        let field: f64 = fv.iter().chain(&fh).zip(state).map(|(field, bit)| field * spin(*bit)).sum();
        let pairs = (0..4).flat_map(|i| (0..3).map(move |j| (i, j)));
        let coupling: f64 =
            pairs.map(|(i, j)| w[i * 3 + j] / 4.0 * spin(state[i]) * spin(state[4 + j])).sum();
        z += (constant + field + coupling).exp();
    }
    assert!((z.ln() - log_densities().1).abs() < 1e-12);
    assert_close("rbm.4x3.spin_equivalence", &[z.ln()], 1e-12);
}

/// Long runs of chains at five inverse temperatures have the law of each.
#[test]
fn tempered_chains_have_the_law_of_their_temperatures() {
    let (weights, temperatures, chains, sweeps) = (weights(), 5, 4000, 40);
    let program = TemperedGibbsProgram::trace(&rbm(), &weights.parameters(), chains, temperatures).unwrap();
    let mut executable = Executable::<f64>::compile(&program.program, Options::default()).unwrap();
    let mut x = vec![1.0; temperatures * chains * 4];
    let (mut moved, mut swaps) = (x.clone(), 0.0);
    for sweep in 0..sweeps {
        let (pairs, mut swapped) = (program.pairs(sweep).unwrap(), [0.0]);
        let pairs: Vec<f64> = pairs.iter().map(|pair| f64::from(*pair)).collect();
        assert_eq!(pairs.iter().sum::<f64>(), 2.0);
        let mut inputs: Vec<Argument<f64>> =
            weights.values.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(&x), Argument::Float(&pairs), Argument::Key(Key::new(8, sweep))]);
        executable.run(&inputs, &mut [&mut moved, &mut swapped]).unwrap();
        std::mem::swap(&mut x, &mut moved);
        swaps += swapped[0] / sweeps as f64;
    }
    assert!((0.5..1.0).contains(&swaps), "{swaps}");
    for (m, rows) in x.chunks(chains * 4).enumerate() {
        let beta = m as f64 / (temperatures - 1) as f64;
        let f = weights.evaluate(&[], |scope, parameters| {
            let (rbm, x) = (rbm(), scope.table(&states(4), &[16, 4]));
            let hidden = (rbm.second_inputs(parameters, x) * beta).softplus().sum(&[1]);
            vec![rbm.first_alone(parameters, x) + hidden]
        });
        let z: f64 = f[0].iter().map(|f| f.exp()).sum();
        for (state, found) in frequencies(rows).into_iter().enumerate() {
            let p = f[0][state].exp() / z;
            let error = (p * (1.0 - p) / chains as f64).sqrt();
            assert!((found - p).abs() < 5.0 * error, "at {beta}, state {state}: {found} {p}");
        }
    }
}

/// One step along the centred gradient is the step of the model with offsets, brought back to the parameters
/// without.
#[test]
fn the_centred_gradient_is_that_of_the_model_with_offsets() {
    let chains = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let objective = GibbsDivergence { sweeps_from_data: None, centring: true };
    let found = gradient(&objective, Some(&chains), 0);
    let weights = weights();
    let outputs = weights.evaluate(&[], |scope, parameters| {
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        let data = scope.table(&data(), &[5, 4]);
        let mu = data.mean(&[0]).reshape(&[4, 1]);
        let lambda = rbm().second_inputs(parameters, data).sigmoid().mean(&[0]).reshape(&[1, 3]);
        let (mu, lambda) = (mu.stop_gradient(), lambda.stop_gradient());
        // The energy (v-μ)'W(h-λ) + b'(v-μ) + c'(h-λ) with h summed out, at b + Wλ and c + W'μ: the same
        // density.
        let [w, b, c] = [variables[0], variables[1], variables[2]];
        let b = (b + (w * lambda).sum(&[1])).stop_gradient();
        let c = (c + (w * mu).sum(&[0])).stop_gradient();
        let chains = centred_log_density(scope.table(&chains, &[3, 4]), [w, b, c], mu, lambda);
        let loss = chains.mean_all() - centred_log_density(data, [w, b, c], mu, lambda).mean_all();
        let slopes = scope.gradient(loss, &[w, b, c]);
        let [dw, db, dc] = [slopes[0], slopes[1], slopes[2]];
        vec![loss, dw, db - (dw * lambda).sum(&[1]), dc - (dw * mu).sum(&[0])]
    });
    for (found, expected) in found.iter().zip(&outputs) {
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12), "{found:?} {expected:?}");
    }
    let plain = gradient(&GibbsDivergence { centring: false, ..objective }, Some(&chains), 0);
    assert!(plain[1].iter().zip(&found[1]).any(|(a, b)| (a - b).abs() > 1e-3), "centring changes the step");
    assert_eq!(plain[0], found[0]);
}

/// Without centring the gradient from the two phases is the derivative of the loss, of Gaussian units with
/// their 1/σ² too.
#[test]
fn the_plain_gradient_is_the_derivative_of_the_loss() {
    let chains = [1.0, 0.3, -1.0, 1.0, 0.0, 0.0, 1.0, 0.7];
    for units in [Units::Bernoulli, Units::Gaussian { deviation: 0.6 }] {
        let model = Network::Bipartite(Box::new(Rbm::new(&[4], 3, units).unwrap()));
        let objective = GibbsDivergence { sweeps_from_data: None, centring: false };
        let outputs = weights().evaluate(&[Value::Key(Key::new(0, 0))], |scope, parameters| {
            let batch = Batch {
                x: scope.table(&data(), &[5, 4]),
                weights: scope.constant(1.0).broadcast_to(&[5]),
                key: scope.input("key", Kind::Key, &[]),
                chains: Some(scope.table(&chains, &[2, 4])),
            };
            let estimate = objective.estimate(&model, parameters, &batch);
            let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
            let of = |y| scope.gradient(y, &variables);
            [of(estimate.optimised), of(estimate.loss)].concat()
        });
        let (found, expected) = outputs.split_at(3);
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-12, "{units:?}: {found} {expected}");
        }
    }
}

fn centred_log_density<'s>(v: Var<'s>, [w, b, c]: [Var<'s>; 3], mu: Var<'s>, lambda: Var<'s>) -> Var<'s> {
    let v = v - mu.reshape(&[1, 4]);
    let inputs = v.matmul(w) + c;
    (v * b).sum(&[1]) + (inputs.softplus() - inputs * lambda).sum(&[1])
}

#[test]
fn bars_and_stripes_have_their_bounds() {
    for (n, id) in [(2, "rbm.bars_and_stripes2x2.bound"), (3, "rbm.bars_and_stripes3x3.bound")] {
        let patterns = patterns(n);
        let count = patterns.len() / (n * n);
        let bound = -(count as f64).ln();
        assert_close(id, &[count as f64, bound], 1e-12);
        let found = best_likelihood(n, &patterns);
        assert!(found < bound + 1e-9 && found > bound - 0.1, "{id}: {found} of {bound}");
    }
    assert_eq!(expected("rbm.bars_and_stripes2x2.bound")[0], 6.0);
}

/// The distinct images of n x n pixels whose rows or whose columns are constant.
fn patterns(n: usize) -> Vec<f64> {
    let mut images: Vec<Vec<u8>> = Vec::new();
    for lines in 0..1usize << n {
        let bit = |line: usize| (lines >> line & 1) as u8;
        images.push((0..n * n).map(|i| bit(i / n)).collect());
        images.push((0..n * n).map(|i| bit(i % n)).collect());
    }
    images.sort();
    images.dedup();
    images.concat().into_iter().map(f64::from).collect()
}

/// The mean log-likelihood after training by the exact gradient.
fn best_likelihood(n: usize, patterns: &[f64]) -> f64 {
    use enscore::train::adam::{Adam, Rule};
    use enscore::train::update::{Optimiser, UpdateProgram};
    let (visible, rows) = (n * n, patterns.len() / (n * n));
    let model = Network::Bipartite(Box::new(Rbm::new(&[visible], 8, Units::Bernoulli).unwrap()));
    let optimiser = Optimiser { rule: Rule::Adam(Adam::default()), ..Optimiser::default() };
    let update = UpdateProgram::trace(&model, &MaximumLikelihood, &optimiser, rows, &[visible]).unwrap();
    let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    let (mut state, x) = (update.initial_state(1), patterns.iter().map(|x| *x as f32).collect::<Vec<_>>());
    let (mut moved, ones, mut loss) = (state.clone(), vec![1.0; rows], 0.0);
    for step in 1..=3000 {
        let [c1, c2] = Adam::default().corrections(step);
        let scalars = [0.03, c1, c2, 0.9].map(|scalar| [scalar as f32]);
        let mut inputs: Vec<Argument<f32>> = state.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(&x), Argument::Float(&ones), Argument::Key(Key::new(1, step))]);
        inputs.extend(scalars.iter().map(|scalar| Argument::Float(scalar)));
        let mut reported = vec![[0.0f32]; 3 + update.diagnostics.len()];
        let mut outputs: Vec<&mut [f32]> = moved.iter_mut().map(|values| &mut values[..]).collect();
        outputs.extend(reported.iter_mut().map(|scalar| &mut scalar[..]));
        executable.run(&inputs, &mut outputs).unwrap();
        std::mem::swap(&mut state, &mut moved);
        loss = f64::from(reported[0][0]);
    }
    -loss
}
