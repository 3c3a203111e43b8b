//! Exact methods against the sum over states and against each other.

use super::super::lattice::{Bond, Coupling, Field};
use super::*;

/// Numbers in (-1, 1) that look like none.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut words = vec![0; count];
    enscore_program::random::row_words(enscore_program::random::Key::new(seed, 0), 1, 0, &mut words);
    words.iter().map(|word| 2.0 * enscore_program::random::uniform(*word) - 1.0).collect()
}

/// The sum over states of exp(f), with the model's own f.
fn by_states(model: &IsingModel) -> f64 {
    let n = model.sites();
    let f = |state: usize| -> f64 {
        let spins: Vec<i8> = (0..n).map(|i| 2 * (state >> i & 1) as i8 - 1).collect();
        model.log_density(&spins).unwrap()
    };
    let f: Vec<f64> = (0..1 << n).map(f).collect();
    let most = f.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + f.iter().map(|f| (f - most).exp()).sum::<f64>().ln()
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1.0)
}

fn random(torus: bool, height: usize, width: usize, beta: f64) -> IsingModel {
    let (rights, downs) =
        if torus { (height * width, height * width) } else { (height * (width - 1), (height - 1) * width) };
    let coupling = Coupling::PerBond { right: numbers(rights, 1), down: numbers(downs, 2) };
    let field = Field::PerSite(numbers(height * width, 3));
    if torus {
        IsingModel::torus(height, width, coupling, field, beta).unwrap()
    } else {
        IsingModel::grid(height, width, coupling, field, beta).unwrap()
    }
}

/// Fields and couplings that differ everywhere, sides of 1 and 2 among them, up to temperatures at which
/// plain numbers underflow.
#[test]
fn enumeration_and_transfer_matrix_are_the_sum_over_states() {
    for (height, width) in [(1, 1), (1, 2), (2, 1), (1, 6), (5, 1), (2, 2), (2, 5), (4, 3), (3, 4), (2, 6)] {
        for torus in [false, true] {
            for beta in [0.0, 0.3, 1.0, 40.0, 700.0] {
                let model = random(torus, height, width, beta);
                let expected = by_states(&model);
                let a = log_z_by_enumeration(&model).unwrap();
                let b = log_z_by_transfer_matrix(&model).unwrap();
                let what = format!("{height} x {width}, torus {torus}, {beta}: {a} {b} {expected}");
                assert!(close(a, expected, 1e-12) && close(b, expected, 1e-12), "{what}");
            }
        }
    }
}

#[test]
fn kaufman_is_the_sum_over_states() {
    for (height, width) in [(1, 1), (1, 4), (3, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 4), (3, 5), (4, 2)] {
        for k in [1e-4, 0.1, 0.440_686_793_509_771_5, 0.5, 1.5, 60.0, 200.0, -0.1, -0.4, -0.9] {
            let uniform =
                |j| IsingModel::torus(height, width, Coupling::Uniform(j), Field::Uniform(0.0), 1.0);
            let model = uniform(k).unwrap();
            let even = height % 2 == 0 && width % 2 == 0;
            let found = torus_exact(height, width, k);
            if k < -0.2 && !even && found.is_err() {
                continue;
            }
            let found = found.unwrap();
            let expected = moments(&model).unwrap();
            let tolerance = if k < 0.0 && !even { 1e-8 } else { 1e-11 };
            let energy = expected.energy / k / (height * width) as f64;
            let what = format!("{height} x {width} at {k}: {found:?} {} {energy}", expected.log_z);
            assert!(close(found.log_z, by_states(&model), tolerance), "{what}");
            assert!(close(found.energy_per_site, energy, 100.0 * tolerance), "{what}");
        }
    }
}

#[test]
fn large_tori_approach_the_infinite_lattice() {
    use super::super::infinite;
    for k in [0.2, 0.4, 0.5, 1.0] {
        let torus = torus_exact(3000, 2000, k).unwrap();
        assert!(close(torus.log_z / 6e6, infinite::log_z_per_site(k), 1e-6), "{k}");
        assert!(close(torus.energy_per_site, infinite::energy_per_site(k), 1e-9), "{k}");
    }
    let k = infinite::CRITICAL_COUPLING;
    assert!((torus_exact(4096, 4096, k).unwrap().energy_per_site + 2.0f64.sqrt()).abs() < 3e-4);
}

#[test]
fn moments_are_sums_over_states() {
    let model = random(false, 3, 4, 0.7);
    let exact = moments(&model).unwrap();
    let log_z = by_states(&model);
    let mut sums = [0.0; 5];
    let mut first = 0.0;
    for state in 0..1usize << 12 {
        let spins: Vec<i8> = (0..12).map(|i| 2 * (state >> i & 1) as i8 - 1).collect();
        let energy = model.energy(&spins).unwrap();
        let m = super::super::magnetisation(&spins);
        let p = (-model.beta() * energy - log_z).exp();
        let values = [energy, energy * energy, m, m.abs(), m * m];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += p * value);
        first += p * f64::from(spins[5]);
    }
    let found = [
        exact.energy,
        exact.energy_variance + exact.energy * exact.energy,
        exact.magnetisation,
        exact.absolute_magnetisation,
        exact.squared_magnetisation,
    ];
    assert!(found.iter().zip(sums).all(|(a, b)| close(*a, b, 1e-11)), "{found:?} {sums:?}");
    assert!(close(exact.spins[5], first, 1e-11) && close(exact.log_z, log_z, 1e-12));
}

#[test]
fn the_cheapest_way_is_taken_and_named() {
    let uniform = |j| Coupling::Uniform(j);
    let method = |model: &IsingModel| exact_log_z(model).unwrap().method;
    let torus = IsingModel::torus(64, 64, uniform(1.0), Field::Uniform(0.0), 0.44).unwrap();
    assert_eq!(method(&torus), ExactMethod::Kaufman);
    let strip = IsingModel::torus(5, 40, uniform(1.0), Field::Uniform(0.1), 0.44).unwrap();
    assert_eq!(method(&strip), ExactMethod::TransferMatrix);
    let grid = IsingModel::grid(8, 8, uniform(-1.0), Field::Uniform(0.1), 0.44).unwrap();
    assert_eq!(method(&grid), ExactMethod::TransferMatrix);
    let ring = |n: usize| (0..n).map(|i| Bond { sites: [i, (i + 1) % n], coupling: 0.5 }).collect::<Vec<_>>();
    let graph = IsingModel::graph(12, ring(12), Field::Uniform(0.0), 1.0).unwrap();
    assert_eq!(method(&graph), ExactMethod::Enumeration);
    let chain = IsingModel::torus(1, 12, uniform(0.5), Field::Uniform(0.0), 1.0).unwrap();
    let ringed = exact_log_z(&chain).unwrap().log_z - 12.0 * 0.5;
    assert!(close(exact_log_z(&graph).unwrap().log_z, ringed, 1e-12));
    assert_eq!(serde_json::to_string(&ExactMethod::TransferMatrix).unwrap(), "\"transfer-matrix\"");

    let large = IsingModel::graph(40, ring(40), Field::Uniform(0.0), 1.0).unwrap();
    assert_eq!(method(&large), ExactMethod::Elimination);
    assert!(log_z_by_enumeration(&large).unwrap_err().to_string().contains("2^40 states"));
    let wide = IsingModel::torus(30, 40, uniform(1.0), Field::Uniform(0.1), 1.0).unwrap();
    let message = exact_log_z(&wide).unwrap_err().to_string();
    assert!(message.contains("2^1200 states") && message.contains("2^71 operations"), "{message}");
}

#[test]
fn what_is_no_model_is_refused() {
    let zero = || Field::Uniform(0.0);
    let message = |result: crate::Result<IsingModel>| result.unwrap_err().to_string();
    let grid = |coupling, field, beta| message(IsingModel::grid(2, 3, coupling, field, beta));
    assert!(grid(Coupling::Uniform(f64::NAN), zero(), 1.0).contains("coupling"));
    assert!(grid(Coupling::Uniform(1.0), Field::Uniform(f64::INFINITY), 1.0).contains("field"));
    assert!(grid(Coupling::Uniform(1.0), Field::PerSite(vec![0.0; 5]), 1.0).contains("6 sites"));
    assert!(grid(Coupling::Uniform(1.0), zero(), -0.1).contains("beta"));
    assert!(grid(Coupling::Uniform(1e300), zero(), 1e300).contains("finite"));
    let few = Coupling::PerBond { right: vec![1.0; 4], down: vec![1.0; 4] };
    assert!(grid(few, zero(), 1.0).contains("1 x 3"));
    assert!(message(IsingModel::torus(0, 3, Coupling::Uniform(1.0), zero(), 1.0)).contains("one site"));
    assert!(message(IsingModel::torus(usize::MAX, 3, Coupling::Uniform(1.0), zero(), 1.0)).contains("2^31"));

    let asymmetric = [0.0, 1.0, 0.5, 1.0, 0.0, 0.0, 0.25, 0.0, 0.0];
    let found = message(IsingModel::dense(3, &asymmetric, zero(), 1.0));
    assert!(found.contains("row 2, column 0") && found.contains("0.25") && found.contains("0.5"), "{found}");
    assert!(message(IsingModel::dense(2, &[0.0, 1.0, 1.0, 2.0], zero(), 1.0)).contains("itself"));
    assert!(
        message(IsingModel::dense(2, &[0.0, f64::NAN, f64::NAN, 0.0], zero(), 1.0))
            .contains("row 1, column 0")
    );
    assert!(message(IsingModel::dense(2, &[0.0; 3], zero(), 1.0)).contains("2 x 2"));
    let bond = |i, j| vec![Bond { sites: [i, j], coupling: 1.0 }];
    assert!(message(IsingModel::graph(3, bond(1, 1), zero(), 1.0)).contains("itself"));
    assert!(message(IsingModel::graph(3, bond(0, 3), zero(), 1.0)).contains("below 3"));

    let model = IsingModel::grid(1, 2, Coupling::Uniform(1.0), zero(), 1.0).unwrap();
    assert_eq!(model.energy(&[1, -1]).unwrap(), 1.0);
    assert!(model.energy(&[1]).is_err() && model.energy(&[1, 0]).is_err());
}

fn graph(sites: usize, bonds: &[[usize; 2]], field: Field, beta: f64) -> IsingModel {
    let couplings = numbers(bonds.len(), 5);
    let bond = |(sites, coupling): (&[usize; 2], &f64)| Bond { sites: *sites, coupling: *coupling };
    IsingModel::graph(sites, bonds.iter().zip(&couplings).map(bond).collect(), field, beta).unwrap()
}

/// Lattices with couplings and fields that differ everywhere, trees, odd rings, parallel bonds, all pairs,
/// sites of two colours, at temperatures up to which plain numbers underflow.
#[test]
fn elimination_is_the_sum_over_states() {
    let pairs = |n: usize| -> Vec<[usize; 2]> { (0..n).flat_map(|i| (0..i).map(move |j| [j, i])).collect() };
    let ring = |n: usize| -> Vec<[usize; 2]> { (0..n).map(|i| [i, (i + 1) % n]).collect() };
    let colours: Vec<[usize; 2]> = (0..4).flat_map(|i| (4..11).map(move |j| [i, j])).collect();
    let twice = [ring(5), ring(5)].concat();
    let tree: Vec<[usize; 2]> = (1..10).map(|i| [i, i / 2]).collect();
    for beta in [0.0, 0.4, 2.0, 700.0] {
        let mut models: Vec<IsingModel> = [(11, pairs(11)), (9, ring(9)), (11, colours.clone())]
            .into_iter()
            .chain([(5, twice.clone()), (12, tree.clone()), (4, Vec::new())])
            .map(|(n, bonds)| graph(n, &bonds, Field::PerSite(numbers(n, 6)), beta))
            .collect();
        for (height, width) in [(1, 1), (1, 5), (2, 2), (3, 4)] {
            models.extend([false, true].map(|torus| random(torus, height, width, beta)));
        }
        for model in models {
            let found = log_z_by_elimination(&model).unwrap();
            let expected = by_states(&model);
            assert!(close(found, expected, 1e-12), "{model:?}: {found} {expected}");
        }
    }
}

/// A ring of 40: the trace of a power of the transfer matrix; 100 sites without bonds; a complete graph of
/// two colours of 18 sites each, whose transfer matrix is none and whose states are too many.
#[test]
fn what_no_other_way_affords_is_eliminated() {
    let bonds = (0..40).map(|i| Bond { sites: [i, (i + 1) % 40], coupling: 0.8 }).collect();
    let ring = IsingModel::graph(40, bonds, Field::Uniform(0.0), 1.0).unwrap();
    let found = exact_log_z(&ring).unwrap();
    let expected = 40.0 * (2.0 * 0.8f64.cosh()).ln() + 0.8f64.tanh().powi(40).ln_1p();
    assert_eq!(found.method, ExactMethod::Elimination);
    assert!(close(found.log_z, expected, 1e-13), "{found:?} {expected}");
    let field = numbers(100, 7);
    let alone = IsingModel::graph(100, Vec::new(), Field::PerSite(field.clone()), 0.7).unwrap();
    let expected: f64 = field.iter().map(|h| (2.0 * (0.7 * h).cosh()).ln()).sum();
    assert!(close(exact_log_z(&alone).unwrap().log_z, expected, 1e-13));
    let colours: Vec<Bond> =
        (0..18).flat_map(|i| (18..36).map(move |j| Bond { sites: [i, j], coupling: 0.1 })).collect();
    let two = IsingModel::graph(36, colours, Field::Uniform(0.0), 1.0).unwrap();
    // Given k of one colour up, each site of the other has a field of its own.
    let choose = |k: usize| (1..=k).map(|i| ((19 - i) as f64 / i as f64).ln()).sum::<f64>();
    let term = |k: usize| choose(k) + 18.0 * (2.0 * (0.1 * (2.0 * k as f64 - 18.0)).cosh()).ln();
    let expected = (0..=18).map(|k| term(k).exp()).sum::<f64>().ln();
    let found = exact_log_z(&two).unwrap();
    assert!(close(found.log_z, expected, 1e-12), "{found:?} {expected}");
    let pairs = (0..40).flat_map(|i| (0..i).map(move |j| Bond { sites: [j, i], coupling: 0.1 })).collect();
    let all = IsingModel::graph(40, pairs, Field::Uniform(0.0), 1.0).unwrap();
    let refused = exact_log_z(&all).unwrap_err();
    assert!(refused.remedy.contains("method ais"), "{refused}");
    assert!(log_z_by_elimination(&all).is_err());
}
