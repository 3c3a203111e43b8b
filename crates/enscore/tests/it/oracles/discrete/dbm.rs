//! Deep Boltzmann machines of two and three hidden layers against enumeration of all their states: log Z,
//! both sides' log densities, moments, conditionals, the mean-field bound and the gradients that learning
//! takes.

use crate::common::deep;
use crate::common::deep::{Deep, law, number, states};
use crate::common::oracles::{assert_close, case, numbers};
use enscore::evaluate::{LogZMethod, LogZSettings, Temperatures, log_z_estimate};
use enscore::model::{Bipartite, LogDensity, Network, Rbm, Units, enumerated_log_z, trace};
use enscore::objective::{Batch, GibbsDivergence, MaximumLikelihood, Objective};
use enscore::sample::WeightedBipartite;
use enscore_program::random::Key;
use enscore_program::{Kind, Program, Value, Var, interpret};
use nalgebra::DMatrix;

/// Enough for the fixed point in double precision.
const CONVERGED: usize = 100;

fn of_case(sweeps: usize) -> Deep {
    Deep::of_case(&case("dbm.4-3-3.logZ")["params"], sweeps)
}

/// Two machines of two hidden layers and two of three, with layers of different widths.
fn machines(sweeps: usize) -> [Deep; 4] {
    [
        of_case(sweeps),
        Deep::any(&[3, 4, 2], sweeps, 5),
        Deep::any(&[3, 2, 3, 4], sweeps, 6),
        Deep::any(&[4, 3, 2, 1], sweeps, 7),
    ]
}

fn near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() < tolerance, "{what}[{i}]: {f} {e}");
    }
}

/// f of every state of v.
fn bounds(deep: &Deep) -> Vec<f64> {
    let visible = deep.widths[0];
    let outputs = deep.evaluate(&[], |scope, parameters| {
        let x = scope.table(&states(visible), &[1 << visible, visible]);
        vec![deep.machine.log_density(parameters, x)]
    });
    outputs[0].clone()
}

#[test]
fn log_z_and_the_marginal_are_those_of_the_case() {
    let deep = of_case(1);
    assert_close("dbm.4-3-3.logZ", &[deep.log_z()], 1e-12);
    let log_p: Vec<f64> = deep.marginal().iter().map(|f| f - deep.log_z()).collect();
    assert_close("dbm.4-3-3.log_pv", &log_p, 1e-12);
}

/// Both sides' log densities are those of the joint density with the other side summed out.
#[test]
fn the_sides_are_those_of_the_layers() {
    for deep in machines(1) {
        let (machine, sides) = (&deep.machine, [deep.side(0), deep.side(1)]);
        assert_eq!([machine.first_width(), machine.second_width()], [sides[0].len(), sides[1].len()]);
        let outputs = deep.evaluate(&[], |scope, parameters| {
            let side = |units: usize| scope.table(&states(units), &[1 << units, units]);
            let first = machine.first_log_density(parameters, side(sides[0].len()));
            let second = machine.second_log_density(parameters, side(sides[1].len()));
            vec![first, second, enumerated_log_z(machine, parameters, first)]
        });
        for (found, side) in outputs.iter().zip(&sides) {
            let key = |state: &[f64]| number(&side.iter().map(|i| state[*i]).collect::<Vec<_>>());
            near(found, &deep.summed(key, 1 << side.len()), 1e-10, "side");
        }
        near(&outputs[2], &[deep.log_z()], 1e-10, "log Z");
    }
}

/// Moments are the gradient of log Z.
#[test]
fn moments_of_the_model_are_the_gradient_of_log_z() {
    let deep = of_case(1);
    let outputs = deep.evaluate(&[], |scope, parameters| {
        let log_z = enumerated_log_z(&deep.machine, parameters, scope.constant(0.0));
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        scope.gradient(log_z, &variables)
    });
    let moments = &case("dbm.4-3-3.model_moments")["value"];
    near(&outputs[1], &numbers(&moments["vh"]), 1e-12, "E v h1'");
    near(&outputs[3], &numbers(&moments["hh"]), 1e-12, "E h1 h2'");
}

/// T(x'|x) of a sweep, from the conditionals that programs draw at, leaves the law of the first side as it
/// is.
#[test]
fn the_sweep_leaves_the_density_invariant() {
    for deep in machines(1) {
        let (machine, side) = (&deep.machine, deep.side(0));
        let [first, second] = [machine.first_width(), machine.second_width()];
        let outputs = deep.evaluate(&[], |scope, parameters| {
            let x = scope.table(&states(first), &[1 << first, first]);
            let h = scope.table(&states(second), &[1 << second, second]);
            let up = machine.second_inputs(parameters, x).sigmoid();
            vec![up, machine.first_inputs(parameters, h).sigmoid()]
        });
        let laws = |means: &[f64], units: usize| {
            let rows: Vec<f64> = means.chunks(units).flat_map(law).collect();
            DMatrix::from_row_slice(means.len() / units, 1 << units, &rows)
        };
        let t = laws(&outputs[0], second) * laws(&outputs[1], first);
        let key = |state: &[f64]| number(&side.iter().map(|i| state[*i]).collect::<Vec<_>>());
        let log_z = deep.log_z();
        let p: Vec<f64> = deep.summed(key, 1 << first).iter().map(|f| (f - log_z).exp()).collect();
        let moved = DMatrix::from_row_slice(1, p.len(), &p) * &t;
        near(moved.as_slice(), &p, 1e-12, "p T");
        let balanced = |i: usize, j: usize| (p[i] * t[(i, j)] - p[j] * t[(j, i)]).abs() < 1e-13;
        assert!((0..p.len()).all(|i| (0..p.len()).all(|j| balanced(i, j))), "detailed balance");
    }
}

#[test]
fn the_mean_field_of_one_row_is_that_of_the_case() {
    let (deep, id) = (of_case(CONVERGED), "dbm.4-3-3.meanfield.v1001");
    let (v, expected) = (numbers(&case(id)["params"]["v"]), &case(id)["value"]);
    let outputs = deep.evaluate(&[], |scope, parameters| {
        let x = scope.table(&v, &[1, 4]);
        let (first, _) = deep.machine.first_given_data(parameters, x);
        let below = deep.machine.second_inputs(parameters, first).sigmoid();
        vec![first, below, deep.machine.log_density(parameters, x)]
    });
    assert_eq!(outputs[0][..4], v);
    near(&outputs[0][4..], &numbers(&expected["mu2"]), 1e-10, "mu2");
    near(&outputs[1], &numbers(&expected["mu1"]), 1e-10, "mu1");
    near(&[outputs[2][0] - deep.log_z()], &numbers(&expected["elbo"]), 1e-10, "bound");
}

/// f is E_q[-E] + H(q) of the means that it is taken at, and below the marginal; more sweeps raise it.
#[test]
fn the_bound_is_a_bound_and_sweeps_raise_it() {
    for sweeps in [1, 3, 10] {
        for (deep, more) in machines(sweeps).iter().zip(machines(sweeps + 1)) {
            let (found, raised, exact) = (bounds(deep), bounds(&more), deep.marginal());
            for i in 0..exact.len() {
                assert!(found[i] <= exact[i] + 1e-12, "{sweeps}: {} {}", found[i], exact[i]);
                assert!(raised[i] >= found[i] - 1e-12, "{sweeps}: {} {}", raised[i], found[i]);
                assert!(exact[i] - found[i] < 1.0, "far from the marginal: {} {}", exact[i], found[i]);
            }
            near(&found, &expected_under_q(deep), 1e-10, "E_q[-E] + H(q)");
        }
    }
}

/// E_q[-E] + H(q) by enumerating the hidden states, q at the means of the machine's mean field.
fn expected_under_q(deep: &Deep) -> Vec<f64> {
    let (machine, visible) = (&deep.machine, deep.widths[0]);
    let outputs = deep.evaluate(&[], |scope, parameters| {
        let x = scope.table(&states(visible), &[1 << visible, visible]);
        let (first, _) = machine.first_given_data(parameters, x);
        vec![first, machine.second_inputs(parameters, first).sigmoid()]
    });
    let (sides, units) = ([deep.side(0), deep.side(1)], deep.widths.iter().sum::<usize>());
    let rows = outputs[0].chunks(sides[0].len()).zip(outputs[1].chunks(sides[1].len()));
    let bound = |(first, second): (&[f64], &[f64])| -> f64 {
        let mut means = vec![0.0; units];
        sides[0].iter().zip(first).chain(sides[1].iter().zip(second)).for_each(|(i, mean)| means[*i] = *mean);
        let states = states(units);
        let terms = law(&means).into_iter().zip(states.chunks(units)).filter(|(q, _)| *q > 0.0);
        terms.map(|(q, state)| q * (deep.minus_energy(state) - q.ln())).sum()
    };
    rows.map(bound).collect()
}

/// Without weights above the first hidden layer the machine is a restricted one beside free units, and the
/// bound its value.
#[test]
fn the_bound_is_tight_without_upper_weights() {
    let mut deep = of_case(1);
    deep.values[3].fill(0.0);
    let rbm = Rbm::new(&[4], 3, Units::Bernoulli).unwrap();
    let [b, w, c] = [deep.bias(0), deep.weights(0), deep.bias(1)].map(<[f64]>::to_vec);
    let (_, parameters) = trace(&[], |scope, parameters| {
        vec![("f".to_string(), rbm.log_density(parameters, scope.input("x", Kind::Float, &[1, 4])))]
    })
    .unwrap();
    let by_name = |name: &str| match name {
        "weights" => w.clone(),
        "visible_bias" => b.clone(),
        _ => c.clone(),
    };
    let values: Vec<Vec<f64>> = parameters.iter().map(|parameter| by_name(&parameter.name)).collect();
    let f = deep::evaluate_at(&parameters, &values, &[], |scope, parameters| {
        vec![rbm.log_density(parameters, scope.table(&states(4), &[16, 4]))]
    });
    let free: f64 = deep.bias(2).iter().map(|c| c.exp().ln_1p()).sum();
    let expected: Vec<f64> = f[0].iter().map(|f| f + free).collect();
    near(&bounds(&deep), &expected, 1e-12, "the restricted machine");
    near(&bounds(&deep), &deep.marginal(), 1e-12, "the marginal");
    for widths in [&[3, 2, 3][..], &[3, 2, 2, 3][..]] {
        let mut deep = Deep::any(widths, 1, 9);
        deep.values[3].fill(0.0);
        let exact = deep.marginal();
        // The layers above are a machine of their own, whose bound need not be tight: with one pair of layers
        // it is.
        assert!(bounds(&deep).iter().zip(&exact).all(|(f, e)| f <= &(e + 1e-12)));
        let gap: Vec<f64> = bounds(&deep).iter().zip(&exact).map(|(f, e)| e - f).collect();
        near(&gap, &vec![gap[0]; gap.len()], 1e-10, "the same for all rows");
    }
}

/// log Z by enumeration of a side and by annealing the first side; of a machine too large for that, without
/// weights, from rows of data that are completed at their mean field.
#[test]
fn annealing_gives_log_z() {
    let settings = |method| LogZSettings {
        method,
        chains: 400,
        temperatures: Some(Temperatures::linear(200).unwrap()),
        sweeps: 5,
        width: 1.0,
        seed: 3,
    };
    for deep in machines(10) {
        let target = weighted(&deep);
        let (data, _) = rows(&deep);
        let data: Vec<f32> = data.iter().map(|x| *x as f32).collect();
        let exact = log_z_estimate(&target, None, &settings(LogZMethod::Exact), &mut quiet).unwrap();
        near(&[exact.log_z], &[deep.log_z()], 1e-10, "enumerated");
        for method in [LogZMethod::Ais, LogZMethod::ReverseAis] {
            let found = log_z_estimate(&target, Some(&data), &settings(method), &mut quiet).unwrap();
            let error = (found.log_z - deep.log_z()).abs();
            assert!(
                error < 5.0 * found.std_err && found.std_err < 0.05,
                "{method:?}: {error} {}",
                found.std_err
            );
        }
    }
    let mut deep = Deep::any(&[30, 30, 30], 2, 4);
    deep.values[1].fill(0.0);
    deep.values[3].fill(0.0);
    let row: Vec<f32> = (0..60).map(|i| f32::from(u8::from(i % 4 == 1))).collect();
    let found =
        log_z_estimate(&weighted(&deep), Some(&row), &settings(LogZMethod::ReverseAis), &mut quiet).unwrap();
    let free: f64 = [0, 1, 2].iter().flat_map(|layer| deep.bias(*layer)).map(|b| b.exp().ln_1p()).sum();
    assert!((found.log_z - free).abs() < 1e-3 + 5.0 * found.std_err, "{} {free}", found.log_z);
}

fn quiet(_: &str, _: u64, _: u64) -> enscore::Result<()> {
    Ok(())
}

fn weighted(deep: &Deep) -> WeightedBipartite<'_> {
    let parameters = deep.parameters();
    let place = |name: &str| parameters.iter().position(|parameter| parameter.name == name).unwrap();
    WeightedBipartite::new(&deep.machine, |parameter| Ok(deep.values[place(&parameter.name)].clone()))
        .unwrap()
}

/// Rows of data, and chains of the first side.
fn rows(deep: &Deep) -> (Vec<f64>, Vec<f64>) {
    let [visible, first] = [deep.widths[0], deep.machine.first_width()];
    let pick = |units: usize, i: usize| states(units)[i * units..(i + 1) * units].to_vec();
    let data = [1, 6, 3, 5, 5].map(|i| pick(visible, i)).concat();
    let chains = [2, 9, 21, 30].map(|i| pick(first, i % (1 << first))).concat();
    (data, chains)
}

/// An objective's loss on the data's rows and the gradient of what it optimises.
fn gradient(deep: &Deep, objective: &dyn Objective<Network>) -> Vec<Vec<f64>> {
    outputs(&program(deep, objective), deep)
}

/// The program's outputs at the machine's parameters.
fn outputs(program: &Program, deep: &Deep) -> Vec<Vec<f64>> {
    let (data, chains) = rows(deep);
    let own = deep.values.iter().map(|values| Value::Float(values.clone()));
    let inputs =
        [Value::Float(data), Value::Float(vec![1.0; 5]), Value::Key(Key::new(1, 0)), Value::Float(chains)];
    let inputs: Vec<Value> = own.chain(inputs).collect();
    interpret(program, &inputs).unwrap().iter().map(|value| value.floats().to_vec()).collect()
}

fn program(deep: &Deep, objective: &dyn Objective<Network>) -> Program {
    let [visible, first] = [deep.widths[0], deep.machine.first_width()];
    let network = Network::Bipartite(Box::new(deep.machine.clone()));
    let traced = trace(&deep.parameters(), |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &[5, visible]),
            weights: scope.input("row_weights", Kind::Float, &[5]),
            key: scope.input("key", Kind::Key, &[]),
            chains: Some(scope.input("chains", Kind::Float, &[4, first])),
        };
        let estimate = objective.estimate(&network, parameters, &batch);
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        let gradient = scope.gradient(estimate.optimised, &variables);
        [estimate.loss].into_iter().chain(gradient).map(|var| (String::new(), var)).collect()
    });
    traced.unwrap().0
}

/// With the mean field at its fixed point the gradient at fixed means is the bound's: against central
/// differences of the bound minus log Z, and of the bound minus that of chains.
#[test]
fn the_gradient_is_that_of_the_bound() {
    let persistent = GibbsDivergence { sweeps_from_data: None, centring: false };
    let objectives: [(&dyn Objective<Network>, f64); 2] = [(&MaximumLikelihood, 0.0), (&persistent, 1.0)];
    for deep in [of_case(CONVERGED), Deep::any(&[3, 2, 3, 4], CONVERGED, 6)] {
        for (objective, scale) in objectives {
            // Maximum likelihood is optimised per dimension.
            let scale = if scale > 0.0 { scale } else { deep.widths[0] as f64 };
            let program = program(&deep, objective);
            let found = outputs(&program, &deep);
            for (place, values) in deep.values.iter().enumerate() {
                for i in 0..values.len() {
                    let moved = |by: f64| {
                        let mut moved = deep.clone();
                        moved.values[place][i] += by;
                        outputs(&program, &moved)[0][0]
                    };
                    let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    let found = scale * found[1 + place][i];
                    assert!((found - expected).abs() < 1e-7, "{place}[{i}]: {found} {expected}");
                }
            }
        }
    }
}

/// W_l* = dW - (means below) db' - db (means above)', and from each bias what its weights' offsets take.
#[test]
fn the_centred_gradient_of_layers_is_the_plain_one_less_its_offsets() {
    for deep in [of_case(10), Deep::any(&[3, 2, 3, 4], 10, 6)] {
        let [plain, found] = [false, true].map(|centring| {
            gradient(&deep, &GibbsDivergence { sweeps_from_data: None, centring })[1..].to_vec()
        });
        let means = layer_means(&deep);
        let mut expected = plain.clone();
        for l in 0..deep.widths.len() - 1 {
            let (n, m) = (deep.widths[l], deep.widths[l + 1]);
            for (i, j) in (0..n).flat_map(|i| (0..m).map(move |j| (i, j))) {
                let (below, above) = (means[l][i], means[l + 1][j]);
                let step =
                    plain[2 * l + 1][i * m + j] - below * plain[2 * l + 2][j] - plain[2 * l][i] * above;
                expected[2 * l + 1][i * m + j] = step;
                expected[2 * l][i] -= step * above;
                expected[2 * l + 2][j] -= step * below;
            }
        }
        for (found, expected) in found.iter().zip(&expected) {
            near(found, expected, 1e-12, "centred");
        }
    }
}

/// The means of the layers over the data, hidden ones at their mean field.
fn layer_means(deep: &Deep) -> Vec<Vec<f64>> {
    let ((data, _), visible) = (rows(deep), deep.widths[0]);
    let outputs = deep.evaluate(&[], |scope, parameters| {
        let (first, _) = deep.machine.first_given_data(parameters, scope.table(&data, &[5, visible]));
        vec![first.mean(&[0]), deep.machine.second_inputs(parameters, first).sigmoid().mean(&[0])]
    });
    let mut means: Vec<Vec<f64>> = deep.widths.iter().map(|width| vec![0.0; *width]).collect();
    for (odd, side) in outputs.iter().enumerate() {
        let layers = (odd..deep.widths.len()).step_by(2);
        let mut rest = side.iter();
        layers.for_each(|l| means[l].iter_mut().zip(&mut rest).for_each(|(mean, value)| *mean = *value));
    }
    means
}
