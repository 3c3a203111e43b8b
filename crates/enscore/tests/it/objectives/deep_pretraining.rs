//! Greedy pretraining of deep Boltzmann machines: stages against enumeration of their tied copies, how they
//! fit together to the machine, the gradient of a stage as the exact chain has it; and stages of a training
//! across a checkpoint.

use std::path::{Path, PathBuf};

use crate::common::deep::{Deep, evaluate_at, law, number, states};
use crate::common::oracles::Lcg;
use enscore::checkpoint::{RunFolder, Tensors};
use enscore::model::{Bipartite, Dbm, Network, parameters_of, trace};
use enscore::objective::{Batch, GreedyPretraining, Objective};
use enscore::settings::Settings;
use enscore::train::{Request, Silent, train};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::Key;
use enscore_program::{Kind, Parameter, Parameters, Var};

/// The stage's parameters with values: the machine's, then the biases upwards.
struct Stage {
    stage: GreedyPretraining,
    deep: Deep,
    parameters: Vec<Parameter>,
    values: Vec<Vec<f64>>,
}

impl Stage {
    fn new(widths: &[usize], layer: usize, sweeps: u64) -> Stage {
        let deep = Deep::any(widths, 1, 3);
        let stage = GreedyPretraining { machine: deep.machine.clone(), layer, sweeps };
        let network = network(&deep.machine);
        let (_, parameters) = trace(&[], |scope, parameters| {
            let batch = inputs(scope, parameters, 1, widths[0]);
            vec![("loss".to_string(), stage.estimate(&network, parameters, &batch).loss)]
        })
        .unwrap();
        let mut lcg = Lcg(11);
        let mut values = deep.values.clone();
        for parameter in &parameters[values.len()..] {
            values.push((0..parameter.size()).map(|_| 2.0 * lcg.uniform() - 1.0).collect());
        }
        Stage { stage, deep, parameters, values }
    }

    fn recognition(&self, l: usize) -> &[f64] {
        &self.values[self.deep.values.len() + l]
    }

    fn evaluate(
        &self,
        build: impl for<'s> Fn(&'s enscore_program::Scope, &Parameters<'s>) -> Vec<Var<'s>>,
    ) -> Vec<Vec<f64>> {
        evaluate_at(&self.parameters, &self.values, &[], build)
    }
}

fn network(machine: &Dbm) -> Network {
    Network::Bipartite(Box::new(machine.clone()))
}

fn inputs<'s>(scope: &'s enscore_program::Scope, _: &Parameters<'s>, rows: usize, width: usize) -> Batch<'s> {
    Batch {
        x: scope.input("x", Kind::Float, &[rows, width]),
        weights: scope.input("row_weights", Kind::Float, &[rows]),
        key: scope.input("key", Kind::Key, &[]),
        chains: None,
    }
}

/// A layer's input is the mean of what the stage below, at two copies of the layer below, and the stage
/// above, at two copies of the layer above, give it; the visible and the last layer have the machine's own.
#[test]
fn the_stages_fit_together_to_the_machine() {
    for widths in [&[3, 4, 2][..], &[3, 2, 4, 2][..]] {
        let last = widths.len() - 1;
        let units: Vec<Vec<f64>> = widths
            .iter()
            .map(|width| (0..*width).map(|i| f64::from(u8::from(i % 3 != 1))).collect())
            .collect();
        let stage = |l: usize| Stage::new(widths, l, 1);
        // The recognition biases are the same in all stages.
        let from_below = |l: usize| {
            stage(l - 1).evaluate(|scope, parameters| {
                let below = scope.table(&units[l - 1], &[1, widths[l - 1]]);
                let stage = stage(l - 1).stage;
                vec![stage.upper_inputs(parameters, stage.copies()[0] as f64 * below)]
            })[0]
                .clone()
        };
        let from_above = |l: usize| {
            stage(l).evaluate(|scope, parameters| {
                let above = scope.table(&units[l + 1], &[1, widths[l + 1]]);
                let stage = stage(l).stage;
                vec![stage.lower_inputs(parameters, stage.copies()[1] as f64 * above)]
            })[0]
                .clone()
        };
        let side =
            |odd: usize| (odd..widths.len()).step_by(2).flat_map(|l| units[l].clone()).collect::<Vec<_>>();
        let [even, odd] = [side(0), side(1)];
        let machine = stage(0).deep.machine.clone();
        let sides = stage(0).evaluate(|scope, parameters| {
            let (x, h) = (scope.table(&even, &[1, even.len()]), scope.table(&odd, &[1, odd.len()]));
            vec![machine.first_inputs(parameters, h), machine.second_inputs(parameters, x)]
        });
        for l in 0..widths.len() {
            let start: usize = if l < 2 { 0 } else { widths[l - 2] };
            let of_machine = &sides[l % 2][start..start + widths[l]];
            let found: Vec<f64> = match l {
                0 => from_above(0),
                l if l == last => from_below(l),
                l => from_below(l).iter().zip(from_above(l)).map(|(a, b)| 0.5 * (a + b)).collect(),
            };
            for (found, expected) in found.iter().zip(of_machine) {
                assert!((found - expected).abs() < 1e-12, "layer {l}: {found} {expected}");
            }
        }
    }
}

/// ln Σ exp(x'Wh + b'x + c'h) over all copies h, by the copies of x, and the conditional means of both.
#[test]
fn a_stage_is_a_machine_of_tied_copies() {
    let widths = [2, 3, 2, 2];
    for l in 0..3 {
        let it = Stage::new(&widths, l, 1);
        let ([m, n], lower, upper) = (it.stage.copies(), widths[l], widths[l + 1]);
        assert_eq!([m, n], [[2, 1], [2, 2], [1, 2]][l]);
        let b: Vec<f64> = match l {
            0 => it.deep.bias(0).to_vec(),
            l => it.deep.bias(l).iter().zip(it.recognition(l - 1)).map(|(a, r)| 2.0 * a - r).collect(),
        };
        let c = if l == 2 { it.deep.bias(3).to_vec() } else { it.recognition(l).to_vec() };
        let w = it.deep.weights(l).to_vec();
        let joint = |x: &[f64], h: &[f64]| -> f64 {
            let sum = |copies: &[f64], units: usize| -> Vec<f64> {
                (0..units).map(|i| copies.chunks(units).map(|copy| copy[i]).sum()).collect()
            };
            let (s, t) = (sum(x, lower), sum(h, upper));
            let pairs = (0..lower).flat_map(|i| (0..upper).map(move |j| (i, j)));
            let coupling: f64 = pairs.map(|(i, j)| s[i] * w[i * upper + j] * t[j]).sum();
            coupling
                + s.iter().zip(&b).map(|(s, b)| s * b).sum::<f64>()
                + t.iter().zip(&c).map(|(t, c)| t * c).sum::<f64>()
        };
        for x in states(m * lower).chunks(m * lower) {
            let weights: Vec<f64> = states(n * upper).chunks(n * upper).map(|h| joint(x, h).exp()).collect();
            let z: f64 = weights.iter().sum();
            let s: Vec<f64> = (0..lower).map(|i| x.chunks(lower).map(|copy| copy[i]).sum()).collect();
            let outputs = it.evaluate(|scope, parameters| {
                let s = scope.table(&s, &[1, lower]);
                let means = it.stage.upper_inputs(parameters, s).sigmoid();
                vec![it.stage.log_density(parameters, s), means]
            });
            assert!((outputs[0][0] - z.ln()).abs() < 1e-10, "F in stage {l}");
            for j in 0..upper {
                let mean: f64 = states(n * upper)
                    .chunks(n * upper)
                    .zip(&weights)
                    .map(|(h, weight)| h[j] * weight / z)
                    .sum();
                assert!((outputs[1][j] - mean).abs() < 1e-10, "h in stage {l}");
            }
        }
        for h in states(n * upper).chunks(n * upper) {
            let weights: Vec<f64> = states(m * lower).chunks(m * lower).map(|x| joint(x, h).exp()).collect();
            let z: f64 = weights.iter().sum();
            let t: Vec<f64> = (0..upper).map(|j| h.chunks(upper).map(|copy| copy[j]).sum()).collect();
            let outputs = it.evaluate(|scope, parameters| {
                vec![it.stage.lower_inputs(parameters, scope.table(&t, &[1, upper])).sigmoid()]
            });
            for i in 0..lower {
                let mean: f64 = states(m * lower)
                    .chunks(m * lower)
                    .zip(&weights)
                    .map(|(x, weight)| x[i] * weight / z)
                    .sum();
                assert!((outputs[0][i] - mean).abs() < 1e-10, "x in stage {l}");
            }
        }
    }
}

/// The law of the sum of copies of units with these means, by the value of each unit in base 3.
fn law_of_copies(copies: usize, means: &[f64]) -> Vec<f64> {
    let one = law(means);
    let states = states(means.len());
    let rows: Vec<&[f64]> = states.chunks(means.len()).collect();
    let mut sums = vec![0.0; 3usize.pow(means.len() as u32)];
    for (a, p) in rows.iter().zip(&one) {
        match copies {
            1 => sums[ternary(a)] += p,
            _ => rows.iter().zip(&one).for_each(|(b, q)| {
                let sum: Vec<f64> = a.iter().zip(*b).map(|(a, b)| a + b).collect();
                sums[ternary(&sum)] += p * q;
            }),
        }
    }
    sums
}

fn ternary(units: &[f64]) -> usize {
    units.iter().rev().fold(0, |number, unit| 3 * number + *unit as usize)
}

fn digits(number: usize, units: usize) -> Vec<f64> {
    (0..units as u32).map(|i| (number / 3usize.pow(i) % 3) as f64).collect()
}

/// The mean of a stage's gradient over many chains against its expectation over data and chains, within 5
/// standard errors.
#[test]
fn gradients_of_the_stages_have_their_expectations() {
    let widths = [2, 2, 2, 2];
    for l in 0..3 {
        let it = Stage::new(&widths, l, 1);
        let v = [1.0, 0.0];
        let expected = exact_gradient(&it, &v);
        let (rows, repeats) = (20_000, 16);
        let network = network(&it.deep.machine);
        let (program, _) = trace(&it.parameters, |scope, parameters| {
            let batch = inputs(scope, parameters, rows, 2);
            let estimate = it.stage.estimate(&network, parameters, &batch);
            let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
            let gradient = scope.gradient(estimate.optimised, &variables);
            gradient.into_iter().map(|var| (String::new(), var)).collect()
        })
        .unwrap();
        let mut executable = Executable::<f64>::compile(&program, Options::default()).unwrap();
        let (x, ones) = (v.repeat(rows), vec![1.0; rows]);
        let count: usize = it.values.iter().map(Vec::len).sum();
        let (mut sum, mut square) = (vec![0.0; count], vec![0.0; count]);
        for repeat in 0..repeats {
            let mut outputs = it.values.clone();
            let mut arguments: Vec<Argument<f64>> =
                it.values.iter().map(|values| Argument::Float(values)).collect();
            arguments.extend([
                Argument::Float(&x),
                Argument::Float(&ones),
                Argument::Key(Key::new(5, repeat)),
            ]);
            let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(|values| &mut values[..]).collect();
            executable.run(&arguments, &mut slices).unwrap();
            for (i, value) in outputs.concat().into_iter().enumerate() {
                sum[i] += value / repeats as f64;
                square[i] += value * value / repeats as f64;
            }
        }
        for (i, expected) in expected.concat().iter().enumerate() {
            let error = ((square[i] - sum[i] * sum[i]).max(0.0) / (repeats - 1) as f64).sqrt();
            let found = sum[i];
            assert!(
                (found - expected).abs() < 5.0 * error + 1e-12,
                "stage {l} [{i}]: {found} {expected} ± {error}"
            );
        }
    }
}

/// The gradient of -(E_data F - E_chains F) / (m n), over all draws of the data and of one sweep.
fn exact_gradient(it: &Stage, v: &[f64]) -> Vec<Vec<f64>> {
    let (stage, l) = (&it.stage, it.stage.layer);
    let [m, n] = stage.copies();
    // The law of the layer that the stage learns from, drawn upwards through the layers below.
    let mut data = vec![0.0; 4];
    data[number(v)] = 1.0;
    for below in 0..l {
        let mut next = vec![0.0; 4];
        for (x, p) in states(2).chunks(2).zip(&data) {
            let w = it.deep.weights(below);
            let mean = |j: usize| {
                let input = 2.0 * (x[0] * w[j] + x[1] * w[2 + j]) + it.recognition(below)[j];
                1.0 / (1.0 + (-input).exp())
            };
            law(&[mean(0), mean(1)]).iter().zip(&mut next).for_each(|(q, next)| *next += p * q);
        }
        data = next;
    }
    let all: Vec<f64> = (0..9).flat_map(|number| digits(number, 2)).collect();
    let means = it.evaluate(|scope, parameters| {
        let units = scope.table(&all, &[9, 2]);
        vec![stage.upper_inputs(parameters, units).sigmoid(), stage.lower_inputs(parameters, units).sigmoid()]
    });
    let mut difference = vec![0.0; 9];
    for (x, p) in states(2).chunks(2).zip(&data) {
        let s: Vec<f64> = x.iter().map(|x| m as f64 * x).collect();
        difference[ternary(&s)] += p;
        let up = law_of_copies(n, &means[0][2 * ternary(&s)..][..2]);
        for (t, q) in up.iter().enumerate() {
            let down = law_of_copies(m, &means[1][2 * t..][..2]);
            down.iter().zip(&mut difference).for_each(|(r, difference)| *difference -= p * q * r);
        }
    }
    it.evaluate(|scope, parameters| {
        let f = stage.log_density(parameters, scope.table(&all, &[9, 2]));
        let loss = (f * scope.table(&difference, &[9])).sum_all() * (-1.0 / (m * n) as f64);
        let variables: Vec<Var> = parameters.declared().into_iter().map(|(_, var)| var).collect();
        scope.gradient(loss, &variables)
    })
}

const SETTINGS: &str = "data.name = 'digits'\ndata.binarise = true\nmodel.kind = 'dbm'\nmodel.hidden = [7, 6, 5]\n\
    objective.kind = 'cd'\nobjective.steps = 2\nobjective.chains = 9\nobjective.pretrain_steps = [4, 3, 4]\n\
    optimiser.kind = 'sgd'\noptimiser.learning_rate = 0.05\noptimiser.clip_norm = 0\n\
    train.steps = 16\ntrain.batch = 20\ntrain.log_every = 3\ntrain.checkpoint_every = 3\ntrain.validate_every = 0\n";

fn settings(sets: &[&str]) -> enscore::Result<Settings> {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    Settings::parse(SETTINGS, "a.toml", &sets)
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deep-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

fn run(name: &str, parts: &[u64]) -> PathBuf {
    let run = folder(name);
    for (part, until) in parts.iter().enumerate() {
        let request = Request { run: run.clone(), resume: part > 0, until: Some(*until) };
        train(&settings(&[]).unwrap(), &request, &|| None, &mut Silent).unwrap();
    }
    run
}

fn checkpoint(run: &Path) -> (Tensors, Vec<u8>) {
    let folder = RunFolder::open(run).unwrap();
    let loaded = folder.latest_checkpoint().unwrap().unwrap();
    let bytes = std::fs::read(folder.checkpoint_path(loaded.step).join("state.safetensors")).unwrap();
    (loaded.tensors, bytes)
}

/// Stopped within the first stage, within the second one and where the last one ends.
#[test]
fn stages_go_on_from_a_checkpoint_bit_for_bit() {
    let (whole, parts) = (run("whole", &[16]), run("parts", &[2, 6, 11, 16]));
    let ((tensors, bytes), (_, resumed)) = (checkpoint(&whole), checkpoint(&parts));
    assert_eq!(bytes, resumed);
    assert!(tensors.get("objective.chains").is_some());
    for run in [whole, parts] {
        std::fs::remove_dir_all(run).unwrap();
    }
}

/// Each stage moves its own layer, the training after them all that the model has.
#[test]
fn each_stage_moves_its_own_layer_alone() {
    let names = ["layers.0.weights", "layers.1.weights", "layers.2.weights"];
    let at = |until: u64| {
        let run = run(&format!("until{until}"), &[until]);
        let tensors = checkpoint(&run).0;
        std::fs::remove_dir_all(run).unwrap();
        let of = |name: &str| tensors.f32(name).unwrap().to_vec();
        (names.map(of), of("recognition.0.bias"), of("layers.0.bias"))
    };
    let found = [0, 4, 7, 11, 12].map(at);
    let moved =
        |stage: usize| (0..3).map(|l| found[stage].0[l] != found[stage + 1].0[l]).collect::<Vec<bool>>();
    assert_eq!(moved(0), [true, false, false]);
    assert_eq!(moved(1), [false, true, false]);
    assert_eq!(moved(2), [false, false, true]);
    assert_eq!(moved(3), [true, true, true]);
    // The next stage starts with the biases of the one below.
    assert_eq!(found[1].1, found[1].2);
    assert_ne!(found[1].1, found[0].1);
    assert_eq!(found[1].1, found[4].1, "what only pretraining has stays as it was");
    assert_ne!(found[2].1, found[2].2);
}

#[test]
fn what_is_no_pretraining_is_refused() {
    let lines = [
        (vec!["objective.pretrain_steps=[4,3]"], "one per hidden layer"),
        (vec!["objective.pretrain_rate=0"], "pretrain_rate"),
        (vec!["model.hidden=[7]"], "hidden"),
        (vec!["model.mean_field_steps=0"], "mean_field_steps"),
        (vec!["model.kind=rbm", "model.hidden=7"], ""),
    ];
    for (sets, expected) in lines {
        let error = settings(&sets).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
}

/// What is left of the machine's own parameters when the run is opened.
#[test]
fn a_pretrained_run_opens_as_its_model() {
    let run = run("opened", &[12]);
    let trained = enscore::trained::Trained::open(&run, &[]).unwrap();
    let names = |parameters: &[Parameter]| parameters.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let of_model = parameters_of(&trained.model.model).unwrap();
    assert_eq!(names(trained.model.parameters()), names(&of_model));
    let drawn =
        enscore::sample::draw(&trained.model, trained.settings.sampler(), 3, 1, 0, &mut |_, _| Ok(()))
            .unwrap();
    assert_eq!(drawn.rows.len(), 3 * 64);
    assert!(drawn.rows.iter().all(|x| *x == 0.0 || *x == 1.0));
    let scored = enscore::evaluate::reconstruction_error(&trained.model, &drawn.rows).unwrap();
    assert!((0.0..1.0).contains(&scored.value));
    std::fs::remove_dir_all(run).unwrap();
}
