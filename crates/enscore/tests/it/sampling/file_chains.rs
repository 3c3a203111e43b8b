//! Samples of models given by files beside one chain at a time, more of them than move together.

use enscore::ising::chains::{
    Rule, SingleSite, SpinChain, SpinTransition, SwendsenWang, Wolff, random_spins,
};
use enscore::ising::{Coupling, Field, IsingModel};
use enscore::model::{RBM_PARAMETERS, Rbm, Units};
use enscore::sample::{FileDrawing, ModelFile, RbmFile, draw_from_file};
use enscore_program::random::Key;

use super::plain::{Sides, close};

/// More than the 64 chains that move together.
const COUNT: usize = 67;
const SEED: u64 = 5;

fn model() -> IsingModel {
    let field = Field::PerSite((0..12).map(|i| 0.1 * f64::from(i) - 0.5).collect());
    IsingModel::grid(3, 4, Coupling::Uniform(0.7), field, 0.5).unwrap()
}

fn transition(chain: SpinChain, model: &IsingModel) -> Box<dyn SpinTransition> {
    match chain {
        SpinChain::Gibbs => Box::new(SingleSite::new(model, Rule::HeatBath)),
        SpinChain::Metropolis => Box::new(SingleSite::new(model, Rule::Metropolis)),
        SpinChain::SwendsenWang => Box::new(SwendsenWang::new(model)),
        SpinChain::Wolff => Box::new(Wolff::new(model)),
    }
}

fn asked(count: usize, steps: u64, chain: Option<SpinChain>) -> FileDrawing {
    FileDrawing { count, steps, seed: SEED, chain }
}

#[test]
fn every_chain_of_spins_goes_its_own_way() {
    let (model, none) = (model(), &mut |_: u64, _: u64| Ok(()));
    for chain in [SpinChain::Gibbs, SpinChain::Metropolis, SpinChain::SwendsenWang, SpinChain::Wolff] {
        // 230 steps are no whole number of the hundred parts that a drawing is cut into.
        for steps in [1, 230] {
            let file = ModelFile::Ising(model.clone());
            let drawn = draw_from_file(&file, asked(COUNT, steps, Some(chain)), none).unwrap();
            assert_eq!((file.row_shape(), drawn.rows.len()), (vec![3, 4, 1], COUNT * 12));
            for (i, row) in drawn.rows.chunks(12).enumerate() {
                let key = |step| Key { seed: SEED, step, row: i as u64 };
                let mut spins = random_spins(12, key(0));
                let mut transition = transition(chain, &model);
                (1..=steps).for_each(|step| transition.step(&mut spins, key(step)).unwrap());
                let expected: Vec<f32> = spins.iter().map(|spin| f32::from(*spin)).collect();
                assert_eq!(row, expected, "{chain:?}, chain {i}, {steps} steps");
            }
        }
    }
}

/// The heat bath written out: site after site, up with probability 1 / (1 + exp(-2β (Σ J x + h))).
#[test]
fn single_sites_are_drawn_in_turn_given_their_neighbours() {
    let model = model();
    let mut sampled = SingleSite::new(&model, Rule::HeatBath);
    let mut spins = random_spins(12, Key { seed: 1, step: 0, row: 3 });
    for step in 1..40 {
        let before = spins.clone();
        let key = Key { seed: 1, step, row: 3 };
        sampled.step(&mut spins, key).unwrap();
        // A site depends on those before it as they are now and on those after it as they were.
        let mut now = before;
        for site in 0..12 {
            let (row, column) = (site / 4, site % 4);
            let mut around = Vec::new();
            if row > 0 {
                around.push(site - 4)
            }
            if row < 2 {
                around.push(site + 4)
            }
            if column > 0 {
                around.push(site - 1)
            }
            if column < 3 {
                around.push(site + 1)
            }
            let field: f64 =
                around.iter().map(|j| 0.7 * f64::from(now[*j])).sum::<f64>() + 0.1 * site as f64 - 0.5;
            let up = 1.0 / (1.0 + (-2.0 * 0.5 * field).exp());
            let number = number(key, site);
            now[site] = if number < up { 1 } else { -1 };
        }
        assert_eq!(spins, now, "sweep {step}");
    }
}

/// The stream of single sites' draws.
const SINGLE_SITES: u32 = 0x4953_5353;

/// Number `at` of the draws of a sweep: 53 bits of two words.
fn number(key: Key, at: usize) -> f64 {
    let mut words = vec![0; 2 * (at + 1)];
    enscore_program::random::row_words(key, SINGLE_SITES, key.row, &mut words);
    let bits = u64::from(words[2 * at]) << 32 | u64::from(words[2 * at + 1]);
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// What moves spins where nothing is named.
#[test]
fn clusters_move_spins_that_agree_and_single_sites_the_others() {
    let of = |coupling: f64| {
        IsingModel::torus(4, 4, Coupling::Uniform(coupling), Field::Uniform(0.0), 0.3).unwrap()
    };
    assert_eq!(SpinChain::fitting(&of(1.0)), SpinChain::SwendsenWang);
    assert_eq!(SpinChain::fitting(&of(-1.0)), SpinChain::Gibbs);
}

#[test]
fn units_of_a_file_sweep_as_one_chain_at_a_time() {
    for units in [Units::Bernoulli, Units::Gaussian { deviation: 0.8 }] {
        let model = Rbm::new(&[3], 2, units).unwrap();
        let values = [vec![0.5, -1.25, 2.0, 0.75, -0.3, 1.1], vec![0.2, -0.6, 0.9], vec![-0.4, 0.7]];
        let file =
            ModelFile::Rbm(Box::new(RbmFile { model: model.clone(), values: values.clone(), rows: None }));
        let drawn = draw_from_file(&file, asked(COUNT, 5, None), &mut |_, _| Ok(())).unwrap();
        let ModelFile::Rbm(rbm) = &file else { panic!("another model") };
        let target = rbm.weighted().unwrap();
        let by_name =
            |name: &str| values[RBM_PARAMETERS.iter().position(|known| *known == name).unwrap()].clone();
        let weights: Vec<Vec<f64>> = target.parameters().iter().map(|p| by_name(&p.name)).collect();
        let sides = Sides::new(&model, target.parameters(), &weights, [&[], &[]]);
        let mut expected = Vec::new();
        for chain in 0..COUNT as u64 {
            let mut x = sides.start(SEED, chain);
            for step in 1..=5 {
                [x, _] = sides.sweep(&x, SEED, step, chain);
            }
            expected.extend(x);
        }
        assert_eq!(file.row_shape(), [3]);
        close(&format!("{units:?}"), &drawn.rows, &expected, 1e-4);
        assert!(draw_from_file(&file, asked(1, 1, Some(SpinChain::Gibbs)), &mut |_, _| Ok(())).is_err());
    }
}
