//! Every chain against enumeration or the closed form.

use enscore::ising::chains::{
    Checkerboard, Rule, SingleSite, SpinTransition, SwendsenWang, Wolff, random_spins,
};
use enscore::ising::exact::{moments, torus_exact};
use enscore::ising::{Bond, Coupling, Field, IsingModel, magnetisation};
use enscore::mcmc::batch_means;
use enscore_program::random::{Key, row_words, uniform};

/// Numbers in [-1, 1).
fn numbers(count: usize, stream: u32) -> Vec<f64> {
    let mut words = vec![0; count];
    row_words(Key::new(11, 0), stream, 0, &mut words);
    words.iter().map(|word| 2.0 * uniform(*word) - 1.0).collect()
}

/// Small models of every kind: without and with fields, couplings of both signs, double bonds, any graph.
fn models() -> Vec<(&'static str, IsingModel)> {
    let uniform = |j| Coupling::Uniform(j);
    let mixed = Coupling::PerBond { right: numbers(6, 1), down: numbers(6, 2) };
    let bonds = [(0, 1, 0.7), (1, 2, -0.4), (2, 0, 0.3), (2, 3, 1.1), (3, 4, -0.8), (2, 3, 0.2)];
    let bonds = bonds.map(|(i, j, coupling)| Bond { sites: [i, j], coupling }).to_vec();
    let model = |model: enscore::Result<IsingModel>| model.unwrap();
    vec![
        ("3x3 grid", model(IsingModel::grid(3, 3, uniform(1.0), Field::Uniform(0.0), 0.4))),
        ("3x3 grid in a field", model(IsingModel::grid(3, 3, uniform(0.5), Field::Uniform(-0.3), 0.8))),
        ("mixed grid", model(IsingModel::grid(3, 3, mixed, Field::PerSite(numbers(9, 3)), 1.2))),
        ("4x4 torus", model(IsingModel::torus(4, 4, uniform(1.0), Field::Uniform(0.0), 0.3))),
        ("2x3 antiferromagnet", model(IsingModel::torus(2, 3, uniform(-0.4), Field::Uniform(0.2), 1.0))),
        ("graph", model(IsingModel::graph(5, bonds, Field::PerSite(numbers(5, 4)), 1.0))),
    ]
}

fn samplers(model: &IsingModel) -> Vec<(&'static str, Box<dyn SpinTransition>)> {
    vec![
        ("heat bath", Box::new(SingleSite::new(model, Rule::HeatBath))),
        ("Metropolis", Box::new(SingleSite::new(model, Rule::Metropolis))),
        ("Swendsen-Wang", Box::new(SwendsenWang::new(model))),
        ("Wolff", Box::new(Wolff::new(model))),
    ]
}

fn within(what: &str, values: &[f64], expected: f64) {
    let found = batch_means(values, 50);
    let error = (found.mean - expected).abs();
    assert!(error < 4.5 * found.std_err + 1e-12, "{what}: {found:?}, exactly {expected}");
}

#[test]
fn every_chain_meets_enumeration() {
    for (name, model) in models() {
        let exact = moments(&model).unwrap();
        for (sampler, mut chain) in samplers(&model) {
            let mut spins = random_spins(model.sites(), Key::new(1, 0));
            let steps = 60_000;
            let [mut energies, mut m, mut squares] = [const { Vec::new() }; 3];
            let mut sites = vec![Vec::new(); model.sites()];
            for step in 0..steps {
                chain.step(&mut spins, Key::new(2, step)).unwrap();
                energies.push(model.energy(&spins).unwrap());
                m.push(magnetisation(&spins));
                squares.push(magnetisation(&spins).powi(2));
                sites.iter_mut().zip(&spins).for_each(|(values, x)| values.push(f64::from(*x)));
            }
            let what = |of: &str| format!("{sampler} on the {name}: {of}");
            within(&what("energy"), &energies, exact.energy);
            let energy_squares: Vec<f64> = energies.iter().map(|e| (e - exact.energy).powi(2)).collect();
            within(&what("variance of the energy"), &energy_squares, exact.energy_variance);
            within(&what("magnetisation"), &m, exact.magnetisation);
            within(&what("its square"), &squares, exact.squared_magnetisation);
            for (site, values) in sites.iter().enumerate() {
                within(&what(&format!("site {site}")), values, exact.spins[site]);
            }
        }
    }
}

/// Energy of the torus against Kaufman's, and the square of the magnetisation against clusters.
#[test]
fn the_checkerboard_meets_the_exact_torus() {
    for (rule, j, beta) in [
        (Rule::Metropolis, 1.0, 0.4),
        (Rule::HeatBath, 1.0, 0.4),
        (Rule::Metropolis, 1.0, 0.440_686_793_509_771_5),
        (Rule::HeatBath, 2.0, 0.25),
        (Rule::Metropolis, -1.0, 0.4),
        (Rule::HeatBath, -1.0, 0.3),
    ] {
        let height = 16;
        let width = 32;
        let model =
            IsingModel::torus(height, width, Coupling::Uniform(j), Field::Uniform(0.0), beta).unwrap();
        let mut chain = Checkerboard::new(&model, rule, &random_spins(512, Key::new(4, 1))).unwrap();
        let [mut energies, mut squares] = [const { Vec::new() }; 2];
        for step in 0..30_000 {
            chain.sweep(Key::new(5, step));
            energies.push(chain.energy());
            squares.push(chain.magnetisation().powi(2));
        }
        assert_eq!(chain.energy(), model.energy(&chain.spins()).unwrap());
        let exact = torus_exact(height, width, beta * j).unwrap().energy_per_site * 512.0 * j;
        within(&format!("{rule:?} at {beta} x {j}"), &energies[2000..], exact);
        let mut clusters = SwendsenWang::new(&model);
        let mut spins = chain.spins();
        let mut other = Vec::new();
        for step in 0..4_000 {
            clusters.step(&mut spins, Key::new(6, step)).unwrap();
            other.push(magnetisation(&spins).powi(2));
        }
        let a = batch_means(&squares[2000..], 50);
        let b = batch_means(&other, 50);
        assert!((a.mean - b.mean).abs() < 4.5 * a.std_err.hypot(b.std_err), "{rule:?} {beta}: {a:?} {b:?}");
    }
}

#[test]
fn the_same_key_gives_the_same_chain_on_any_threads() {
    let model = IsingModel::torus(512, 1024, Coupling::Uniform(1.0), Field::Uniform(0.0), 0.44).unwrap();
    let start = random_spins(model.sites(), Key::new(1, 0));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut packed = Checkerboard::new(&model, Rule::Metropolis, &start).unwrap();
            packed.sweep(Key::new(3, 1));
            let mut all = vec![packed.spins()];
            for (_, mut chain) in samplers(&model) {
                let mut spins = start.clone();
                chain.step(&mut spins, Key { seed: 3, step: 1, row: 4 }).unwrap();
                all.push(spins);
            }
            all
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn other_keys_give_other_chains() {
    let model = IsingModel::torus(16, 16, Coupling::Uniform(1.0), Field::Uniform(0.0), 0.3).unwrap();
    let start = random_spins(256, Key::new(1, 0));
    let keys = [(1, 1, 0), (2, 1, 0), (1, 2, 0), (1, 1, 1)].map(|(seed, step, row)| Key { seed, step, row });
    let mut packed = Vec::new();
    for key in keys {
        let mut chain = Checkerboard::new(&model, Rule::HeatBath, &start).unwrap();
        chain.sweep(key);
        packed.push(chain.spins());
    }
    assert!((1..4).all(|i| packed[i] != packed[0]));
    for sampler in 0..2 {
        let after = keys.map(|key| {
            let mut spins = start.clone();
            samplers(&model)[sampler].1.step(&mut spins, key).unwrap();
            spins
        });
        assert!((1..4).all(|i| after[i] != after[0]));
    }
}

#[test]
fn wrong_states_and_models_are_refused() {
    let model = IsingModel::torus(16, 16, Coupling::Uniform(1.0), Field::Uniform(0.0), 0.3).unwrap();
    for (_, mut chain) in samplers(&model) {
        assert!(chain.step(&mut [1; 255], Key::new(0, 0)).unwrap_err().to_string().contains("256 sites"));
        let mut spins = vec![1; 256];
        spins[7] = 0;
        assert!(chain.step(&mut spins, Key::new(0, 0)).unwrap_err().to_string().contains("site 7"));
    }
    let refused = |model: enscore::Result<IsingModel>| {
        let model = model.unwrap();
        Checkerboard::new(&model, Rule::HeatBath, &vec![1; model.sites()]).unwrap_err().to_string()
    };
    let uniform = || Coupling::Uniform(1.0);
    assert!(refused(IsingModel::grid(16, 16, uniform(), Field::Uniform(0.0), 0.3)).contains("torus"));
    assert!(refused(IsingModel::torus(16, 16, uniform(), Field::Uniform(0.1), 0.3)).contains("field"));
    assert!(
        refused(IsingModel::torus(16, 24, uniform(), Field::Uniform(0.0), 0.3)).contains("multiples of 16")
    );
}
