//! log Z of models with two sides of units: by enumeration, by annealing in both directions, and by the work
//! along a path.
//!
//! Annealing is random, so its figures are compared with the exact moments of its weights within five
//! standard errors; its moves are compared with the transition matrix of every state.

use crate::common::oracles::{Lcg, assert_close, case, expected, idx_levels, number, numbers};
use crate::common::shared::{shared, shared_data};
use enscore::evaluate::{
    Annealed, BipartiteAnnealing, BoundSide, LogWeights, LogZMethod, LogZSettings, SampleOrigin,
    SideEnumeration, Temperatures, annealing_program, base_rates, log_sum_exp, log_z_estimate,
};
use enscore::ising::exact::exact_log_z;
use enscore::ising::{Bond, Field, IsingModel};
use enscore::mcmc::integrated_time;
use enscore::model::{RBM_PARAMETERS, Rbm, Units};
use enscore::sample::{ModelFile, RbmFile, WeightedBipartite, ising_sides};
use enscore_cpu::{Argument, Executable};
use enscore_program::random::{Key, normal_row};
use std::io::Read;

fn quiet(_: &str, _: u64, _: u64) -> enscore::Result<()> {
    Ok(())
}

fn machine(visible: usize, hidden: usize, units: Units, values: [Vec<f64>; 3]) -> RbmFile {
    RbmFile { model: Rbm::new(&[visible], hidden, units).unwrap(), values, rows: None }
}

/// The machine of 4 visible and 3 hidden units.
fn small() -> RbmFile {
    let params = case("rbm.4x3.logZ")["params"].clone();
    machine(4, 3, Units::Bernoulli, ["W", "b", "c"].map(|name| numbers(&params[name])))
}

/// Numbers of the generator in [low, high).
fn drawn(generator: &mut Lcg, count: usize, low: f64, high: f64) -> Vec<f64> {
    (0..count).map(|_| low + (high - low) * generator.uniform()).collect()
}

fn enumerated(file: &RbmFile) -> f64 {
    SideEnumeration::new(&file.weighted().unwrap(), &mut quiet).unwrap().log_z()
}

#[test]
fn enumeration_of_the_smaller_side_gives_log_z() {
    assert_close("rbm.4x3.logZ", &[enumerated(&small())], 1e-12);
    let mut generator = Lcg(12);
    let weights = drawn(&mut generator, 784 * 16, -0.2, 0.2);
    let biases = [drawn(&mut generator, 784, -2.0, 0.0), drawn(&mut generator, 16, -1.0, 1.0)];
    let [b, c] = biases;
    assert_close(
        "rbm.784x16.logZ",
        &[enumerated(&machine(784, 16, Units::Bernoulli, [weights, b, c]))],
        1e-12,
    );
    let mut generator = Lcg(11);
    let _weights = drawn(&mut generator, 200, -1.0, 1.0);
    let [b, c] = [20, 10].map(|width| drawn(&mut generator, width, -1.0, 1.0));
    let flat = |visible: usize, hidden: usize, b: &[f64], c: &[f64]| {
        enumerated(&machine(visible, hidden, Units::Bernoulli, [vec![0.0; 200], b.to_vec(), c.to_vec()]))
    };
    // Once the hidden side is enumerated, once the visible one.
    assert_close("rbm.W0.logZ", &[flat(20, 10, &b, &c)], 1e-12);
    assert_close("rbm.W0.logZ", &[flat(10, 20, &c, &b)], 1e-12);
}

#[test]
fn too_many_units_are_refused_with_their_cost() {
    let file = machine(26, 26, Units::Bernoulli, [vec![0.0; 676], vec![0.0; 26], vec![0.0; 26]]);
    let error = SideEnumeration::new(&file.weighted().unwrap(), &mut quiet).err().unwrap().to_string();
    assert!(error.contains("2^26 states"), "{error}");
}

/// The machine as an Ising model of all its units, and back as a machine of its two colours.
#[test]
fn spins_and_units_have_the_same_log_z() {
    let params = case("rbm.4x3.spin_equivalence")["params"].clone();
    let [w, b, c] = ["W", "b", "c"].map(|name| numbers(&params[name]));
    let bond = |i: usize| Bond { sites: [i / 3, 4 + i % 3], coupling: w[i] / 4.0 };
    let row = |i: usize| (0..3).map(|j| w[3 * i + j]).sum::<f64>() / 4.0;
    let column = |j: usize| (0..4).map(|i| w[3 * i + j]).sum::<f64>() / 4.0;
    let visible = (0..4).map(|i| b[i] / 2.0 + row(i));
    let field: Vec<f64> = visible.chain((0..3).map(|j| c[j] / 2.0 + column(j))).collect();
    let constant = b.iter().chain(&c).sum::<f64>() / 2.0 + w.iter().sum::<f64>() / 4.0;
    let model = IsingModel::graph(7, (0..12).map(bond).collect(), Field::PerSite(field), 1.0).unwrap();
    assert_close("rbm.4x3.spin_equivalence", &[exact_log_z(&model).unwrap().log_z + constant], 1e-12);
    let (sides, shift) = ising_sides(&model).unwrap();
    assert_close("rbm.4x3.spin_equivalence", &[enumerated(&sides) + shift + constant], 1e-12);
}

#[test]
fn odd_rings_have_no_two_sides() {
    let bonds = [[0, 1], [1, 2], [0, 2]].map(|sites| Bond { sites, coupling: 1.0 });
    let triangle = IsingModel::graph(3, bonds.to_vec(), Field::Uniform(0.0), 1.0).unwrap();
    assert!(ising_sides(&triangle).err().unwrap().to_string().contains("odd length"));
}

fn base_of_the_case() -> Vec<f64> {
    numbers(&case("ais.rbm4x3.logZ_path")["params"]["bA"])
}

#[test]
fn the_path_begins_at_the_base_and_ends_at_the_model() {
    let file = small();
    let target = file.weighted().unwrap();
    let data = [[1., 0., 0., 1.], [1., 1., 0., 1.], [0., 0., 1., 0.], [1., 0., 0., 1.], [0., 1., 1., 0.]];
    let bias = base_rates(&target, data.as_flattened());
    for (found, a) in bias.iter().zip(base_of_the_case()) {
        assert!((found - a).abs() < 1e-14);
    }
    let start = BipartiteAnnealing::new(&target, &bias, 2).unwrap().base_log_z();
    let end = enumerated(&file);
    // The bias is kept in single precision.
    assert_close("ais.rbm4x3.logZ_path", &[start, end, end - start], 1e-6);
}

fn forward(steps: usize, chains: usize) -> (Annealed, f64) {
    let file = small();
    let target = file.weighted().unwrap();
    let mut annealing = BipartiteAnnealing::new(&target, &base_of_the_case(), chains).unwrap();
    let base = annealing.base_log_z();
    (annealing.forward(&Temperatures::linear(steps).unwrap(), 5, &mut quiet).unwrap(), base)
}

/// E w, the relative variance of w and E log w.
fn check_moments(id: &str, found: &Annealed, base: f64, [mean, relative_variance, mean_log]: [f64; 3]) {
    assert_eq!(found.side, BoundSide::Lower);
    let error = found.log_z - base - mean.ln();
    assert!(error.abs() < 5.0 * found.std_err, "{id}: log mean off by {error}: {found:?}");
    let error = found.bound - base - mean_log;
    assert!(error.abs() < 5.0 * found.bound_std_err, "{id}: mean log off by {error}: {found:?}");
    let spread = found.chains as f64 / found.effective_sample_size - 1.0;
    assert!((spread / relative_variance - 1.0).abs() < 0.06, "{id}: relative variance {spread}");
}

#[test]
fn weights_have_their_exact_moments() {
    for (id, steps, chains) in [
        ("ais.rbm4x3.linear1", 1, 60_000),
        ("ais.rbm4x3.linear10", 10, 60_000),
        ("ais.rbm4x3.linear100", 100, 20_000),
    ] {
        let (found, base) = forward(steps, chains);
        let expected = expected(id);
        check_moments(id, &found, base, [expected[0], expected[1], expected[2]]);
    }
    let [mean, square, mean_log] = expected("ais.rbm4x3.exact_moments.K2")[..] else { panic!() };
    let (found, base) = forward(2, 100_000);
    check_moments("K2", &found, base, [mean, square / (mean * mean) - 1.0, mean_log]);
}

/// Chains begin at exact samples of the model, which the enumeration draws.
#[test]
fn reverse_annealing_bounds_from_above() {
    let id = "ais.rbm4x3.reverse_bound10";
    let file = small();
    let target = file.weighted().unwrap();
    let chains = 60_000;
    let samples = SideEnumeration::new(&target, &mut quiet).unwrap().draw(chains, 3).unwrap();
    let mut annealing = BipartiteAnnealing::new(&target, &base_of_the_case(), chains).unwrap();
    let base = annealing.base_log_z();
    let schedule = Temperatures::linear(10).unwrap();
    let found = annealing.reverse(&schedule, &samples, SampleOrigin::Exact, 1, &mut quiet).unwrap();
    assert_eq!(found.side, BoundSide::Upper);
    let error = found.bound - base - expected(id)[0];
    assert!(error.abs() < 5.0 * found.bound_std_err, "{error} {found:?}");
    let error = found.log_z - enumerated(&file);
    assert!(error.abs() < 5.0 * found.std_err, "{error} {found:?}");
}

/// ln f_β of the case's path, in double precision.
fn path(file: &RbmFile, a: &[f64], beta: f64, x: &[f64]) -> f64 {
    let [w, b, c] = &file.values;
    let alone: f64 = (0..4).map(|i| ((1.0 - beta) * a[i] + beta * b[i]) * x[i]).sum();
    let odds = |j: usize| c[j] + (0..4).map(|i| x[i] * w[3 * i + j]).sum::<f64>();
    alone + (0..3).map(|j| (beta * odds(j)).exp().ln_1p()).sum::<f64>()
}

/// P(x' | x) at β, summed over the hidden states.
fn transition(file: &RbmFile, a: &[f64], beta: f64, x: &[f64], y: &[f64]) -> f64 {
    let [w, b, c] = &file.values;
    let of =
        |on: f64, odds: f64| if on == 1.0 { 1.0 / (1.0 + (-odds).exp()) } else { 1.0 / (1.0 + odds.exp()) };
    let mut sum = 0.0;
    for state in 0..8 {
        let h: Vec<f64> = (0..3).map(|j| f64::from(state >> j & 1)).collect();
        let hidden = |j: usize| of(h[j], beta * (c[j] + (0..4).map(|i| x[i] * w[3 * i + j]).sum::<f64>()));
        let visible = |i: usize| {
            let input = b[i] + (0..3).map(|j| h[j] * w[3 * i + j]).sum::<f64>();
            of(y[i], (1.0 - beta) * a[i] + beta * input)
        };
        sum += (0..3).map(hidden).product::<f64>() * (0..4).map(visible).product::<f64>();
    }
    sum
}

fn state(number: usize) -> Vec<f64> {
    (0..4).map(|i| (number >> i & 1) as f64).collect()
}

/// One step from every state: increments in double precision, and how often each state follows.
#[test]
fn a_step_has_its_increments_and_transition_matrix() {
    let (file, a) = (small(), base_of_the_case());
    let target = file.weighted().unwrap();
    let (each, from, to) = (20_000, 0.2, 0.6);
    let rows = 16 * each;
    let mut executable = Executable::<f64>::compile(
        &annealing_program(&target, rows).unwrap(),
        enscore_cpu::Options::default(),
    )
    .unwrap();
    let x: Vec<f64> = (0..rows).flat_map(|row| state(row / each)).collect();
    let (mut moved, mut increments) = (vec![0.0; 4 * rows], vec![0.0; rows]);
    let weights = target.weights.read::<f64>().unwrap();
    let mut inputs: Vec<Argument<f64>> = weights.iter().map(|w| Argument::Float(w)).collect();
    let ends = [[from], [to]];
    inputs.extend([&a[..], &x, &ends[0], &ends[1]].map(Argument::Float));
    inputs.push(Argument::Key(Key::new(7, 1)));
    executable.run(&inputs, &mut [&mut moved, &mut increments]).unwrap();
    for start in 0..16 {
        let exact = path(&file, &a, to, &state(start)) - path(&file, &a, from, &state(start));
        assert!((increments[start * each] - exact).abs() < 1e-12, "state {start}");
        let mut counts = [0usize; 16];
        for row in start * each..(start + 1) * each {
            counts[(0..4).map(|i| (moved[4 * row + i] as usize) << i).sum::<usize>()] += 1;
        }
        for (end, count) in counts.iter().enumerate() {
            let p = transition(&file, &a, to, &state(start), &state(end));
            let deviation = (p * (1.0 - p) / each as f64).sqrt();
            let error = *count as f64 / each as f64 - p;
            assert!(error.abs() < 5.0 * deviation, "{start} to {end}: {count} of {each}, p = {p}");
        }
    }
}

/// A chain's draws depend on its number, not on how chains are batched.
#[test]
fn more_chains_begin_with_the_same_ones() {
    let file = small();
    let target = file.weighted().unwrap();
    let run = |chains| {
        let mut annealing = BipartiteAnnealing::new(&target, &base_of_the_case(), chains).unwrap();
        annealing.long_run(None, 20, 9, &mut quiet).unwrap()
    };
    let (few, many) = (run(10), run(700));
    assert_eq!(few, many[..40]);
}

/// Gaussian visible units: enumeration against the integral done by hand, and annealing against enumeration.
#[test]
fn log_z_with_gaussian_units_is_the_integral_by_hand() {
    let (deviation, mut generator) = (0.7, Lcg(3));
    let values = [12, 3, 4].map(|count| drawn(&mut generator, count, -1.0, 1.0));
    let [w, b, c] = values.clone();
    let file = machine(3, 4, Units::Gaussian { deviation }, values);
    let variance = deviation * deviation;
    let term = |state: usize| {
        let h: Vec<f64> = (0..4).map(|j| (state >> j & 1) as f64).collect();
        let input = |i: usize| (0..4).map(|j| w[4 * i + j] * h[j]).sum::<f64>();
        let one = |i: usize| (input(i) * b[i] + 0.5 * input(i) * input(i)) / variance;
        let volume = 1.5 * (std::f64::consts::TAU * variance).ln();
        (0..4).map(|j| c[j] * h[j]).sum::<f64>() + (0..3).map(one).sum::<f64>() + volume
    };
    let exact = log_sum_exp(&(0..16).map(term).collect::<Vec<_>>());
    assert!((enumerated(&file) - exact).abs() < 1e-12);
    let target = file.weighted().unwrap();
    let schedule = Temperatures::linear(50).unwrap();
    let mut annealing = BipartiteAnnealing::new(&target, &[0.3, -0.2, 0.1], 4000).unwrap();
    let found = annealing.forward(&schedule, 2, &mut quiet).unwrap();
    assert!((found.log_z - exact).abs() < 5.0 * found.std_err, "{exact} {found:?}");
    let samples = SideEnumeration::new(&target, &mut quiet).unwrap().draw(4000, 8).unwrap();
    let found = annealing.reverse(&schedule, &samples, SampleOrigin::Exact, 2, &mut quiet).unwrap();
    assert!((found.log_z - exact).abs() < 5.0 * found.std_err, "{exact} {found:?}");
    assert!(found.std_err < 0.02, "{found:?}");
}

/// A wide bracket is no answer; a narrow one holds log Z.
#[test]
fn a_wide_bracket_is_refused_and_a_narrow_one_holds_log_z() {
    let file = small();
    let target = file.weighted().unwrap();
    let settings = |chains, width| LogZSettings {
        method: LogZMethod::Bracket,
        chains,
        temperatures: Some(Temperatures::linear(10).unwrap()),
        sweeps: 10,
        width,
        seed: 1,
    };
    let found = log_z_estimate(&target, None, &settings(2000, 0.2), &mut quiet).unwrap();
    let exact = enumerated(&file);
    assert!(found.lower.unwrap() < exact && exact < found.upper.unwrap(), "{found:?}");
    assert!(found.reverse.unwrap().exact_samples);
    let error = log_z_estimate(&target, None, &settings(10, 0.001), &mut quiet).unwrap_err();
    assert!(!error.reason.is_refusal());
    assert!(error.to_string().contains("too wide"), "{error}");
}

/// The published machine, if it is there: mean f over both splits of the binarised digits.
#[test]
fn the_published_machine_on_its_data() {
    let id = "data.sm08.cd25_500.unnormalised";
    let folder = shared("rbm-cd25-500");
    let digits = |name: &str| -> Option<Vec<f32>> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(&shared_data(name)?[..]).read_to_end(&mut bytes).unwrap();
        Some(idx_levels(&bytes))
    };
    let names = ["t10k", "train"].map(|split| format!("mnist-binarised/{split}-images-idx3-ubyte.gz"));
    let (Some(folder), Some(test), Some(train)) = (folder, digits(&names[0]), digits(&names[1])) else {
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("rbm.toml");
    let line = |key: &str, file: &str| format!("{key} = {:?}\n", folder.join(file).canonicalize().unwrap());
    let [w, b, c] = RBM_PARAMETERS;
    let text = line(w, "W.npy") + &line(b, "b_visible.npy") + &line(c, "c_hidden.npy");
    std::fs::write(&path, format!("[model]\nkind = \"rbm\"\n{text}")).unwrap();
    let ModelFile::Rbm(file) = ModelFile::read(&path).unwrap() else { panic!("another model") };
    let target: WeightedBipartite = file.weighted().unwrap();
    let mean = |rows: &[f32]| {
        let values = target.log_densities(rows).unwrap();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert_close(id, &[mean(&test), mean(&train)], 1e-11);
}

/// Jarzynski 1997: E exp(-W) = exp(-ΔF) along a dragged oscillator, whose work is Gaussian.
#[test]
fn the_work_of_a_dragged_oscillator() {
    let id = "jarzynski.dragged_oscillator";
    let params = case(id)["params"].clone();
    let [jumps, dt, k, reach] = ["n", "dt", "k", "mu"].map(|name| number(&params[name]));
    let steps = jumps as usize;
    // Exact relaxation between jumps: x - λ shrinks by exp(-k dt) and takes up noise.
    let (decay, chains) = ((-k * dt).exp(), 400_000u64);
    let noise = ((1.0 - decay * decay) / k).sqrt();
    let mut normals = vec![0.0; steps + 1];
    let work = |chain: u64, normals: &mut [f64]| {
        normal_row(Key::new(1, 0), 77, chain, normals);
        let (mut x, mut centre, mut work) = (normals[0] / k.sqrt(), 0.0, 0.0);
        for normal in &normals[1..] {
            let next = centre + reach / jumps;
            work += 0.5 * k * ((x - next).powi(2) - (x - centre).powi(2));
            centre = next;
            x = centre + decay * (x - centre) + noise * normal;
        }
        work
    };
    let works: Vec<f64> = (0..chains).map(|chain| work(chain, &mut normals)).collect();
    let weights = LogWeights::of(&works.iter().map(|work| -work).collect::<Vec<_>>()).unwrap();
    let expected = expected(id);
    let mean = -weights.mean_log.value;
    let variance = works.iter().map(|work| (work - mean).powi(2)).sum::<f64>() / chains as f64;
    assert!((mean - expected[0]).abs() < 5.0 * weights.mean_log.std_err, "{mean}");
    let spread = expected[1] * (2.0 / chains as f64).sqrt();
    assert!((variance - expected[1]).abs() < 5.0 * spread, "{variance}");
    assert!((mean - variance / 2.0 - expected[2]).abs() < 5.0 * (weights.mean_log.std_err + spread));
    assert!((weights.log_mean - expected[2]).abs() < 5.0 * weights.std_err, "{weights:?}");
}

/// AR(1) with coefficient a has the autocorrelation time (1 + a) / (1 - a).
#[test]
fn the_autocorrelation_time_of_a_langevin_chain() {
    let id = "metric.ess_ar1";
    let a = number(&case(id)["params"]["a"]);
    let n = 200_000;
    let mut normals = vec![0.0; n];
    normal_row(Key::new(2, 0), 78, 0, &mut normals);
    let mut x = 0.0;
    let series: Vec<f64> = normals
        .iter()
        .map(|normal| {
            x = a * x + (1.0 - a * a).sqrt() * normal;
            x
        })
        .collect();
    let found = 2.0 * integrated_time(&series).unwrap();
    // Sokal's error of τ with a window of 5 τ: τ √(2 (2 · 5 τ + 1) / n).
    let error = 19.0 * (2.0 * (10.0 * 19.0 + 1.0) / n as f64).sqrt();
    assert!((found - expected(id)[0]).abs() < 5.0 * error, "{found}, error {error}");
    assert!((2.0 * integrated_time(&normals).unwrap() - 1.0).abs() < 0.05);
}
