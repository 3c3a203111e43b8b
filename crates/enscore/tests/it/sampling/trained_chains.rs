//! Every sampler of a trained run beside one chain at a time: rows, means, trajectories, batches that don't
//! divide the count, raw and averaged weights.
use enscore::mcmc::StepRule;
use enscore::objective::ObjectiveSettings;
use enscore::trained::Trained;

use enscore::sample::{AnnealedSettings, Drawn, LangevinSettings, SamplerSettings, draw, draw_clamped};
use enscore_program::random::Key;

use super::plain::{Plain, close, normal};
use crate::common::runs::Folder;

const SEED: u64 = 21;
/// With batches of 3 or 4 the last one is not full.
const COUNT: usize = 7;
/// Chains whose trajectory is kept.
const KEPT: usize = 2;
const TOLERANCE: f64 = 2e-4;

/// A chain: its stages, the last of which is the sample.
type Stages = Vec<Vec<f64>>;

/// The noise levels, from the largest down.
fn levels(objective: &ObjectiveSettings) -> Vec<f64> {
    match objective {
        ObjectiveSettings::Ncsn(ncsn) => {
            let last = (ncsn.levels - 1) as f64;
            let ratio = ncsn.sigma_min / ncsn.sigma_max;
            (0..ncsn.levels).map(|i| ncsn.sigma_max * ratio.powf(i as f64 / last)).collect()
        }
        ObjectiveSettings::Dsm(dsm) => vec![dsm.sigma],
        _ => vec![1.0],
    }
}

fn step(x: &mut [f64], score: &[f64], z: &[f64], drift: f64, noise: f64) {
    for i in 0..x.len() {
        x[i] += drift * score[i] + noise * z[i];
    }
}

fn annealed(plain: &Plain, settings: &AnnealedSettings, chain: u64) -> Stages {
    let levels = levels(plain.settings.objective());
    let last = levels[levels.len() - 1];
    let mut x = plain.start(SEED, chain);
    let (mut stages, mut number) = (vec![x.clone()], 0);
    for sigma in &levels {
        let a = settings.step_size * sigma * sigma / (last * last);
        let [drift, noise] = match settings.rule {
            StepRule::Algorithm1 => [a / 2.0, a.sqrt()],
            StepRule::ReferenceCode => [a, (2.0 * a).sqrt()],
        };
        let score = plain.score(*sigma);
        for _ in 0..settings.steps_per_level {
            number += 1;
            let z = normal(Key::new(SEED, number), 0, chain, x.len());
            let s = score(&x);
            step(&mut x, &s, &z, drift, noise);
        }
        stages.push(x.clone());
    }
    if settings.denoise {
        let s = plain.score(last)(&x);
        x.iter_mut().zip(s).for_each(|(x, s)| *x += last * last * s);
        stages.push(x);
    }
    stages
}

/// Stages at the start and at the ends of ten equal parts, or of every step where there are fewer.
fn parts(steps: u64) -> Vec<u64> {
    let parts = steps.min(10);
    (1..=parts).map(|part| (part * steps).div_ceil(parts)).collect()
}

fn langevin(plain: &Plain, settings: &LangevinSettings, chain: u64) -> Stages {
    let score = plain.score(levels(plain.settings.objective())[0]);
    let mut x = plain.start(SEED, chain);
    let mut stages = vec![x.clone()];
    for number in 1..=settings.steps {
        let s = score(&x);
        step(
            &mut x,
            &s,
            &normal(Key::new(SEED, number), 0, chain, s.len()),
            settings.step_size,
            settings.noise_std,
        );
        if parts(settings.steps).contains(&number) {
            stages.push(x.clone());
        }
    }
    stages
}

/// The stages of a chain of units, the data's alone, and the means of the last.
fn gibbs(plain: &Plain, steps: u64, chain: u64) -> (Stages, Vec<f64>) {
    let (units, len) = (plain.units(), plain.row_len());
    let mut x = units.start(SEED, chain);
    let (mut stages, mut means) = (vec![x[..len].to_vec()], Vec::new());
    for number in 1..=steps {
        [x, means] = units.sweep(&x, SEED, number, chain);
        if parts(steps).contains(&number) {
            stages.push(x[..len].to_vec());
        }
    }
    (stages, means[..len].to_vec())
}

/// The plain chains of a model: stages of each (of a flow the draw alone), and means of units.
fn chains(plain: &Plain) -> (Vec<Stages>, Vec<Vec<f64>>) {
    let all = 0..COUNT as u64;
    match &plain.settings.sampler().method {
        SamplerSettings::Annealed(settings) => {
            (all.map(|chain| annealed(plain, settings, chain)).collect(), Vec::new())
        }
        SamplerSettings::Langevin(settings) => {
            (all.map(|chain| langevin(plain, settings, chain)).collect(), Vec::new())
        }
        SamplerSettings::Gibbs(settings) => all.map(|chain| gibbs(plain, settings.steps, chain)).unzip(),
        SamplerSettings::Exact(_) => {
            let draw = plain.flow_draw(SEED);
            (all.map(|chain| vec![draw(chain)]).collect(), Vec::new())
        }
    }
}

fn hold(what: &str, plain: &Plain, drawn: &Drawn) {
    let (stages, means) = chains(plain);
    let ends: Vec<f64> = stages.iter().flat_map(|stages| stages[stages.len() - 1].clone()).collect();
    close(&format!("{what}: rows"), &drawn.rows, &ends, TOLERANCE);
    match &drawn.means {
        Some(found) => close(&format!("{what}: means"), found, &means.concat(), TOLERANCE),
        None => assert!(means.is_empty(), "{what}: no means"),
    }
    if matches!(plain.settings.sampler().method, SamplerSettings::Exact(_)) {
        assert_eq!((drawn.trajectory.len(), drawn.stages), (0, 0), "{what}");
        return;
    }
    let count = stages[0].len();
    assert_eq!(drawn.stages, count, "{what}: stages");
    let trajectory: Vec<f64> = (0..count)
        .flat_map(|stage| (0..KEPT).flat_map(|chain| stages[chain][stage].clone()).collect::<Vec<_>>())
        .collect();
    close(&format!("{what}: trajectory"), &drawn.trajectory, &trajectory, TOLERANCE);
}

/// Trains a family once and holds the sampler against plain chains under each of these settings of it.
fn family(name: &str, settings: &[&[&str]]) {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings(name, &[]));
    for sets in settings {
        let arguments: Vec<String> = sets.iter().map(|set| format!("sampler.{set}")).collect();
        let trained = Trained::open(run.path(), &arguments).unwrap();
        let plain = Plain::of(&run, &trained.settings);
        let drawn =
            draw(&trained.model, trained.settings.sampler(), COUNT, SEED, KEPT, &mut |_, _| Ok(())).unwrap();
        hold(&format!("{name} {sets:?}"), &plain, &drawn);
    }
}

#[test]
fn annealed_chains_follow_their_levels() {
    family(
        "ncsn-mlp",
        &[
            &["step_size=1e-3"],
            &["step_size=1e-3", "rule='reference-code'", "weights='raw'"],
            &["step_size=2e-3", "steps_per_level=1", "denoise=false", "batch=7"],
            &["step_size=1e-3", "batch=2"],
        ],
    );
    family("dsm-mlp", &[&["step_size=1e-2"], &["kind='langevin'", "steps=23", "step_size=0.02"]]);
    family("ncsn-unet", &[&["step_size=1e-4", "steps_per_level=1"]]);
}

#[test]
fn langevin_chains_take_their_own_steps() {
    family(
        "sm-energy",
        &[&[], &["steps=3", "step_size=0.1"], &["steps=11", "noise_std=0.3", "weights='raw'"]],
    );
    family("cd-persistent", &[&["steps=25"], &["steps=4", "step_size=0.05", "noise_std=0"]]);
    family("cd-short-run", &[&[]]);
    family("nce-energy", &[&["steps=12", "batch=5"]]);
}

#[test]
fn gibbs_chains_sweep_their_units() {
    family("rbm-tempered", &[&[], &["steps=1"], &["steps=25", "batch=4", "weights='raw'"]]);
    family("rbm-gaussian", &[&["steps=13"]]);
    family("dbm-pretrained", &[&["steps=4", "batch=2"]]);
}

#[test]
fn flows_are_drawn_from_their_base() {
    family("ml-flow", &[&[], &["batch=2", "weights='raw'"]]);
    family("ml-image-flow", &[&[]]);
    family("fce-energy", &[&["kind='exact'"], &["kind='exact'", "weights='raw'"], &["steps=6"]]);
}

/// Pictures of states keep no means.
#[test]
fn states_instead_of_means_are_shown_where_asked() {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings("rbm-tempered", &[]));
    let trained = Trained::open(run.path(), &["sampler.pictures='states'".to_string()]).unwrap();
    let drawn = draw(&trained.model, trained.settings.sampler(), COUNT, SEED, 0, &mut |_, _| Ok(())).unwrap();
    assert_eq!((drawn.means.as_ref(), drawn.shown()), (None, &drawn.rows[..]));
    assert!(drawn.trajectory.is_empty());
}

/// Known elements are put back after every sweep, and the others go on from there.
#[test]
fn clamped_chains_agree_with_what_is_known() {
    for name in ["rbm-tempered", "rbm-gaussian", "dbm-pretrained"] {
        let folder = Folder::new();
        let run = folder.train("run", &folder.settings(name, &[]));
        let trained = Trained::open(run.path(), &[]).unwrap();
        let plain = Plain::of(&run, &trained.settings);
        let (units, len) = (plain.units(), plain.row_len());
        let row: Vec<f32> = (0..len).map(|i| [1.0, 0.0][i % 2]).collect();
        let known: Vec<bool> = (0..len).map(|i| i % 3 != 1).collect();
        let clamp = |mut x: Vec<f64>| -> Vec<f64> {
            (0..len).filter(|i| known[*i]).for_each(|i| x[i] = f64::from(row[i]));
            x
        };
        let drawn = draw_clamped(&trained.model, (&row, &known), 5, 6, SEED, &mut |_, _| Ok(())).unwrap();
        let (mut rows, mut means) = (Vec::new(), Vec::new());
        for chain in 0..5 {
            let (mut x, mut mean) = (clamp(units.start(SEED, chain)), Vec::new());
            for number in 1..=6 {
                let [moved, at] = units.sweep(&x, SEED, number, chain);
                (x, mean) = (clamp(moved), clamp(at));
            }
            rows.extend(x[..len].to_vec());
            means.extend(mean[..len].to_vec());
        }
        close(&format!("{name}: rows"), &drawn.rows, &rows, TOLERANCE);
        close(&format!("{name}: means"), drawn.means.as_ref().unwrap(), &means, TOLERANCE);
    }
}
