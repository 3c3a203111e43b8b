//! Every sampler of a trained run beside one chain at a time: rows, means, trajectories, batches that don't
//! divide the count, raw and averaged weights.
use enscore::mcmc::StepRule;
use enscore::objective::ObjectiveSettings;
use enscore::trained::Trained;

use enscore::sample::{
    AnnealedSettings, Drawn, HmcSettings, LangevinSettings, MalaSettings, SamplerSettings, draw, draw_clamped,
};
use enscore_program::random::{Key, row_words, uniform};

use super::plain::{Plain, close, normal};
use crate::common::runs::Folder;

const SEED: u64 = 21;
/// With batches of 3 or 4 the last one is not full.
const COUNT: usize = 7;
/// Chains whose trajectory is kept.
const KEPT: usize = 2;
const TOLERANCE: f64 = 2e-4;

/// The streams of proposals, of acceptance and of the lengths of trajectories.
const MOVE_STREAM: u32 = 0x4D43_0001;
const ACCEPT_STREAM: u32 = 0x4D43_0002;
const JITTER_STREAM: u32 = 0x4149_0001;

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

/// Whether a proposal with this log ratio is accepted.
fn accepts(step: u64, chain: u64, log_ratio: f64) -> bool {
    let mut words = [0; 1];
    row_words(Key::new(SEED, step), ACCEPT_STREAM, chain, &mut words);
    uniform(words[0]) < log_ratio.exp().min(1.0)
}

fn square(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|x| x * x).sum()
}

/// The stages of a chain whose proposals may be refused; `propose` gives the new place and its log ratio.
fn metropolis(
    plain: &Plain,
    steps: u64,
    chain: u64,
    propose: impl Fn(u64, &[f64]) -> (Vec<f64>, f64),
) -> Stages {
    let mut x = plain.start(SEED, chain);
    let mut stages = vec![x.clone()];
    for step in 1..=steps {
        let (proposal, log_ratio) = propose(step, &x);
        if accepts(step, chain, log_ratio) {
            x = proposal;
        }
        if parts(steps).contains(&step) {
            stages.push(x.clone());
        }
    }
    stages
}

fn mala(plain: &Plain, settings: &MalaSettings, chain: u64) -> Stages {
    let f = plain.log_density();
    let score = plain.score(1.0);
    let a = settings.step_size;
    let proposed = |from: &[f64], to: &[f64]| {
        let moved = to.iter().zip(from).zip(score(from)).map(|((to, from), s)| to - from - a * s);
        -square(moved) / (4.0 * a)
    };
    metropolis(plain, settings.steps, chain, |number, x| {
        let z = normal(Key::new(SEED, number), MOVE_STREAM, chain, x.len());
        let mut y = x.to_vec();
        step(&mut y, &score(x), &z, a, (2.0 * a).sqrt());
        let log_ratio = f(&y) - f(x) + proposed(&y, x) - proposed(x, &y);
        (y, log_ratio)
    })
}

fn hmc(plain: &Plain, settings: &HmcSettings, chain: u64) -> Stages {
    let f = plain.log_density();
    let score = plain.score(1.0);
    metropolis(plain, settings.steps, chain, |number, x| {
        let mut words = [0; 1];
        row_words(Key::new(SEED, number), JITTER_STREAM, 0, &mut words);
        let size = settings.step_size * (0.8 + 0.4 * uniform(words[0]));
        let first = normal(Key::new(SEED, number), MOVE_STREAM, chain, x.len());
        let mut p = first.clone();
        let mut q = x.to_vec();
        for _ in 0..settings.leapfrog_steps {
            p.iter_mut().zip(score(&q)).for_each(|(p, s)| *p += 0.5 * size * s);
            q.iter_mut().zip(&p).for_each(|(q, p)| *q += size * p);
            p.iter_mut().zip(score(&q)).for_each(|(p, s)| *p += 0.5 * size * s);
        }
        let kinetic = |p: &[f64]| 0.5 * square(p.iter().copied());
        let log_ratio = f(&q) - f(x) + kinetic(&first) - kinetic(&p);
        (q, log_ratio)
    })
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
        SamplerSettings::Mala(settings) => {
            (all.map(|chain| mala(plain, settings, chain)).collect(), Vec::new())
        }
        SamplerSettings::Hmc(settings) => {
            (all.map(|chain| hmc(plain, settings, chain)).collect(), Vec::new())
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
    changed(name, &[], settings);
}

/// The same for a family with changes of its settings.
fn changed(name: &str, changes: &[&str], settings: &[&[&str]]) {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings(name, changes));
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
fn metropolis_chains_accept_and_refuse_proposals() {
    family(
        "sm-energy",
        &[
            &["kind='mala'", "step_size=0.05", "steps=12"],
            &["kind='mala'", "step_size=1.5", "steps=6", "batch=3"],
            &["kind='hmc'", "step_size=0.3", "leapfrog_steps=3", "steps=12", "weights='raw'"],
        ],
    );
    // An energy that was trained at one noise level is a density like any other.
    changed(
        "sm-energy",
        &["objective.kind=dsm", "sampler.kind=langevin"],
        &[&["kind='mala'", "step_size=0.1", "steps=5"]],
    );
    family("cd-data", &[&["kind='hmc'", "step_size=0.9", "leapfrog_steps=5", "steps=8", "batch=2"]]);
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
