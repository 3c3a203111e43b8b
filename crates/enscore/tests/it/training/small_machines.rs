//! The log-likelihood that a training of a small machine shows: that of enumeration, what the settings file
//! of bars and stripes comes to, and the fall where chains no longer mix, which is said.

use enscore::checkpoint::{TensorData, Tensors};
use enscore::evaluate::{SideEnumeration, drift};
use enscore::model::{Network, Rbm, Units};
use enscore::report::{CORRELATION, LIKELIHOOD, unmixed_chains};
use enscore::sample::{TrainedModel, WeightedBipartite};
use enscore::settings::Settings;
use enscore::trained::Trained;

use crate::common::machine::states;
use crate::common::runs::{Folder, Run};

const BEST: f64 = -3.4012; // -ln 30

/// A training of bars and stripes as the settings file says, with changes.
fn bars_and_stripes(folder: &Folder, name: &str, changes: &[&str]) -> Run {
    let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/../../settings");
    let text = std::fs::read_to_string(format!("{settings}/bars-and-stripes.toml")).unwrap();
    let mut sets = vec![format!("data.path={settings}/bars-and-stripes.csv")];
    sets.extend(changes.iter().map(|change| change.to_string()));
    folder.train(name, &Settings::parse(&text, "bars", &sets).unwrap())
}

#[test]
fn the_settings_file_of_bars_and_stripes_comes_near_the_maximum() {
    let folder = Folder::new();
    let run = bars_and_stripes(&folder, "run", &[]);
    let shown = run.metric(LIKELIHOOD);
    assert_eq!(shown.len(), 20, "{shown:?}");
    let (step, last) = shown[19];
    println!("bars and stripes: {last:.4} nats");
    assert!(step == 10_000 && last > -3.6 && last < BEST, "{last}");
    // The same by the library's enumeration and each row's log density.
    let trained = Trained::open(run.path(), &[]).unwrap();
    let target = WeightedBipartite::of(&trained.model).unwrap().unwrap();
    let log_z = SideEnumeration::new(&target, &mut |_, _, _| Ok(())).unwrap().log_z();
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../settings/bars-and-stripes.csv"));
    let rows: Vec<f32> = text.unwrap().split(['\n', ',']).filter_map(|value| value.parse().ok()).collect();
    assert_eq!(rows.len(), 30 * 16);
    let densities = target.log_densities(&rows).unwrap();
    let expected = densities.iter().sum::<f64>() / 30.0 - log_z;
    assert!((last - expected).abs() < 1e-4, "{last} {expected}");
    assert_eq!(unmixed_chains(&run.metrics()), None);
    assert!(run.metric(CORRELATION)[19].1 < 0.85);
}

/// One sweep an update at a large, constant rate: the chains lag behind the weights.
#[test]
fn a_log_likelihood_that_falls_is_said() {
    let folder = Folder::new();
    let wild = ["objective.steps=1", "optimiser.learning_rate=0.5", "optimiser.decay=none"];
    let run = bars_and_stripes(&folder, "run", &wild);
    let shown = run.metric(LIKELIHOOD);
    let Some(warning) = unmixed_chains(&run.metrics()) else { panic!("{shown:?}") };
    let last = shown[shown.len() - 1].1;
    assert!(run.metric(CORRELATION).last().unwrap().1 > 0.95);
    assert!(warning.contains("no longer mix") && warning.contains(&format!("{last:.2}")), "{warning}");
}

/// The change of f after a sweep from one state, against the sum over all ways, and the correlation of units.
#[test]
fn chains_from_rows_go_where_the_machine_takes_them() {
    let [w, b, c] = [vec![1.5f32, -0.7, 0.4, 2.0, -1.2, 0.3], vec![0.2, -0.4, 0.1], vec![-0.3, 0.5]];
    let f = |x: &[f64]| -> f64 {
        let input = |j: usize| f64::from(c[j]) + (0..3).map(|i| x[i] * f64::from(w[2 * i + j])).sum::<f64>();
        (0..3).map(|i| x[i] * f64::from(b[i])).sum::<f64>()
            + (0..2).map(|j| input(j).exp().ln_1p()).sum::<f64>()
    };
    let chance = |input: f64, on: f64| (1.0 / (1.0 + (-input).exp()) - 1.0 + on).abs();
    let start = [1.0, 0.0, 1.0];
    let mut expected = -f(&start);
    for h in states(2).chunks(2) {
        let of_h = |j: usize| {
            let input = f64::from(c[j]) + (0..3).map(|i| start[i] * f64::from(w[2 * i + j])).sum::<f64>();
            chance(input, h[j])
        };
        for x in states(3).chunks(3) {
            let of_x = |i: usize| {
                let input = f64::from(b[i]) + (0..2).map(|j| h[j] * f64::from(w[2 * i + j])).sum::<f64>();
                chance(input, x[i])
            };
            expected += (0..2).map(of_h).product::<f64>() * (0..3).map(of_x).product::<f64>() * f(x);
        }
    }
    let mut tensors = Tensors::new();
    for (name, shape, values) in
        [("weights", vec![3, 2], w), ("visible_bias", vec![3], b), ("hidden_bias", vec![2], c)]
    {
        tensors.insert(name, &shape, TensorData::F32(values)).unwrap();
    }
    let folder = Folder::new();
    let file = folder.path("machine.safetensors");
    let units = || Network::Bipartite(Box::new(Rbm::new(&[3], 2, Units::Bernoulli).unwrap()));
    for (name, values) in
        [("data.range", vec![0.0, 1.0]), ("data.mean", vec![0.5; 3]), ("data.deviation", vec![0.5; 3])]
    {
        tensors.insert(name, &[values.len()], TensorData::F64(values)).unwrap();
    }
    tensors.write(&file).unwrap();
    let model = TrainedModel::open(units(), &file).unwrap();
    let rows: Vec<f32> = start.iter().map(|x| *x as f32).collect::<Vec<_>>().repeat(4000);
    let found = drift(&model, &rows, 1, 3).unwrap().log_density;
    assert!((found.value - expected).abs() < 5.0 * found.std_err, "{found:?} {expected}");
    assert!(found.std_err < 0.02, "{found:?}");
    let all: Vec<f32> = states(3).iter().map(|x| *x as f32).collect::<Vec<_>>().repeat(200);
    assert_eq!(drift(&model, &all, 0, 3).unwrap().correlation, 1.0);
    assert!(drift(&model, &all, 200, 3).unwrap().correlation.abs() < 0.1);
}
