//! Keys of `[optimiser]` and `[sampler]`.
use enscore::trained::Trained;

use enscore::sample::draw;

use super::effects::Part::{Averages, Count, Samples, Shown, Validation};
use super::effects::{DRAWN, LEARNT, PACED, Row, hold, row};
use crate::common::runs::Folder;

pub const OPTIMISER: &[Row] = &[
    row("optimiser.kind", "ncsn-mlp", "sgd", &LEARNT),
    row("optimiser.learning_rate", "ncsn-mlp", "0.002", &PACED),
    row("optimiser.momentum", "dsm-mlp", "0.8", &LEARNT),
    row("optimiser.weight_decay", "sm-energy", "1.0", &LEARNT),
    row("optimiser.beta1", "ncsn-mlp", "0.8", &LEARNT),
    row("optimiser.beta2", "ncsn-mlp", "0.9", &LEARNT),
    row("optimiser.epsilon", "ncsn-mlp", "0.01", &LEARNT),
    row("optimiser.warmup_steps", "ncsn-mlp", "6", &PACED),
    row("optimiser.decay", "ncsn-mlp", "none", &PACED),
    row("optimiser.final_fraction", "ncsn-mlp", "0.3", &PACED),
    row("optimiser.clip_norm", "ncsn-mlp", "0.05", &LEARNT),
    // Young averages follow the weights faster than any decay above a half asks for.
    row("optimiser.ema_decay", "ncsn-mlp", "0.2", &[Averages, Validation, Samples, Shown]),
];

pub const SAMPLER: &[Row] = &[
    row("sampler.rule", "ncsn-mlp", "reference-code", &DRAWN),
    row("sampler.step_size", "ncsn-mlp", "1e-3", &DRAWN),
    row("sampler.steps_per_level", "ncsn-mlp", "4", &DRAWN),
    row("sampler.denoise", "ncsn-mlp", "false", &DRAWN),
    row("sampler.step_size", "sm-energy", "0.02", &DRAWN),
    row("sampler.noise_std", "sm-energy", "0.3", &DRAWN),
    row("sampler.steps", "sm-energy", "31", &DRAWN),
    row("sampler.steps", "rbm-tempered", "10", &DRAWN),
    row("sampler.pictures", "rbm-tempered", "states", &[Shown]),
    Row {
        key: "sampler.leapfrog_steps",
        family: "sm-energy",
        value: "3",
        beside: &["sampler.kind=hmc"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.step_size",
        family: "sm-energy",
        value: "0.1",
        beside: &["sampler.kind=hmc"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.steps",
        family: "sm-energy",
        value: "3",
        beside: &["sampler.kind=hmc"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.warmup",
        family: "sm-energy",
        value: "11",
        beside: &["sampler.kind=hmc", "sampler.step_size=0"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.step_size",
        family: "sm-energy",
        value: "0.1",
        beside: &["sampler.kind=mala"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.steps",
        family: "sm-energy",
        value: "3",
        beside: &["sampler.kind=mala"],
        changes: &DRAWN,
    },
    Row {
        key: "sampler.warmup",
        family: "sm-energy",
        value: "11",
        beside: &["sampler.kind=mala", "sampler.step_size=0"],
        changes: &DRAWN,
    },
    row("sampler.count", "ncsn-mlp", "6", &[Count]),
    row("sampler.weights", "ncsn-mlp", "raw", &DRAWN),
];

#[test]
fn keys_of_the_optimiser_change_the_steps() {
    hold(OPTIMISER);
}

#[test]
fn keys_of_the_sampler_change_the_samples_alone() {
    hold(SAMPLER);
}

#[test]
fn samples_do_not_depend_on_the_batch_of_the_sampler() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "sm-energy", "rbm-tempered", "ml-flow"] {
        let run = folder.train(name, &folder.settings(name, &[]));
        let rows = |batch: usize| {
            let trained = Trained::open(run.path(), &[format!("sampler.batch={batch}")]).unwrap();
            assert_eq!(trained.settings.sampler().batch, batch);
            draw(&trained.model, trained.settings.sampler(), 7, 1, 0, &mut |_, _| Ok(())).unwrap().rows
        };
        let (by_three, at_once) = (rows(3), rows(64));
        assert_eq!(by_three.len(), at_once.len());
        assert_eq!(by_three, at_once, "{name}");
    }
}

/// `sampler.kind`: of flow contrastive estimation there are an energy, for Langevin dynamics, and a flow, for
/// exact draws.
#[test]
fn the_sampler_of_a_game_draws_from_either_side() {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings("fce-energy", &[]));
    let open = |kind: &str| Trained::open(run.path(), &[format!("sampler.kind={kind}")]).unwrap();
    let (energy, flow) = (open("langevin"), open("exact"));
    assert!(energy.model.parameters().iter().all(|parameter| !parameter.name.starts_with("flow.")));
    let tensors = run.tensors();
    for (parameter, values) in flow.model.parameters().iter().zip(flow.model.weights.read::<f32>().unwrap()) {
        assert_eq!(values, tensors[&format!("ema.flow.{}", parameter.name)], "{}", parameter.name);
    }
    assert_eq!(flow.learnt_log_z, Some(0.0));
    assert_eq!(energy.learnt_log_z, Some(f64::from(tensors["ema.log_z"][0])));
}
