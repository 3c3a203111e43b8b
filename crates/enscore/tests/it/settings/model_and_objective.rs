//! Keys of `[model]` and `[objective]`.

use enscore::trained::Trained;

use super::effects::Part::{
    Averages, Chains, Levels, Samples, Shapes, Shown, Start, Temperature, Validation, Weights,
};
use super::effects::{LEARNT, NETWORK, PACED, Part, Row, hold, row};
use crate::common::runs::Folder;

/// What another fit of the same rows leads to.
const FITTED: [Part; 5] = [Weights, Averages, Validation, Samples, Shown];

/// Another kind of sampler fits other models and objectives, too.
pub const MODEL: &[Row] = &[
    row("model.kind", "cd-data", "mlp-energy", &NETWORK),
    row("model.channels", "ncsn-unet", "6", &NETWORK),
    row("model.multipliers", "ncsn-unet", "[2, 1]", &NETWORK),
    row("model.blocks", "ncsn-unet", "2", &NETWORK),
    row("model.groups", "ncsn-unet", "4", &LEARNT),
    row("model.embedding", "ncsn-unet", "6", &NETWORK),
    row("model.hidden", "ncsn-mlp", "[7]", &NETWORK),
    row("model.skip", "ncsn-mlp", "none", &LEARNT),
    row("model.skip", "ncsn-unet", "none", &LEARNT),
    row("model.activation", "ncsn-mlp", "softplus", &LEARNT),
    row("model.embedding", "ncsn-mlp", "6", &NETWORK),
    row("model.hidden", "sm-energy", "[5, 5]", &NETWORK),
    row("model.activation", "sm-energy", "silu", &LEARNT),
    row("model.confinement", "sm-energy", "3.0", &LEARNT),
    row("model.channels", "cd-short-run", "3", &NETWORK),
    row("model.levels", "cd-short-run", "2", &NETWORK),
    row("model.activation", "cd-short-run", "silu", &LEARNT),
    row("model.confinement", "cd-short-run", "0.5", &LEARNT),
    row("model.channels", "ssm-residual", "3", &NETWORK),
    row("model.multipliers", "ssm-residual", "[1, 3]", &NETWORK),
    row("model.blocks", "ssm-residual", "2", &NETWORK),
    row("model.activation", "ssm-residual", "tanh", &LEARNT),
    row("model.confinement", "ssm-residual", "0.5", &LEARNT),
    row("model.kernels", "sm-dkef", "3", &NETWORK),
    row("model.inducing", "sm-dkef", "9", &NETWORK),
    row("model.width", "sm-dkef", "5", &NETWORK),
    row("model.layers", "sm-dkef", "3", &NETWORK),
    row("model.degrees", "sm-student-t", "2.0", &[Start, Weights, Averages, Validation, Samples, Shown]),
    row("model.hidden", "rbm-tempered", "6", &NETWORK),
    Row {
        key: "model.visible",
        family: "rbm-tempered",
        value: "gaussian",
        beside: &[],
        changes: &[Start, Weights, Averages, Chains, Validation, Samples, Shown],
    },
    row("model.deviation", "rbm-gaussian", "0.7", &LEARNT),
    row("model.hidden", "dbm-pretrained", "[4, 3]", &NETWORK),
    // Chains and samples are states of all layers, which no mean field touches.
    row("model.mean_field_steps", "dbm-pretrained", "1", &[Weights, Averages, Validation, Shown]),
    row("model.couplings", "ml-flow", "3", &NETWORK),
    row("model.hidden", "ml-flow", "[5]", &NETWORK),
    row("model.hidden", "ml-made", "[5]", &NETWORK),
    row("model.activation", "ml-made", "tanh", &LEARNT),
    row(
        "model.conditionals",
        "ml-made",
        "gaussian-mixture",
        &[Start, Weights, Averages, Validation, Samples, Shown],
    ),
    row("model.components", "ml-made", "3", &NETWORK),
    row("model.orderings", "ml-made-bits", "2", &LEARNT),
    row("model.latents", "elbo-vae", "3", &NETWORK),
    row("model.hidden", "elbo-vae", "[6]", &NETWORK),
    row("model.activation", "elbo-vae", "tanh", &LEARNT),
    row("model.likelihood", "elbo-bits", "gaussian", &NETWORK),
    row("model.spread", "elbo-vae", "one", &NETWORK),
    row("model.latents", "iwae-images", "3", &NETWORK),
    row("model.channels", "iwae-images", "3", &NETWORK),
    row("model.levels", "iwae-images", "1", &NETWORK),
    row("model.width", "iwae-images", "5", &NETWORK),
    row("model.activation", "iwae-images", "tanh", &LEARNT),
    row(
        "model.likelihood",
        "iwae-images",
        "gaussian",
        &[Start, Weights, Averages, Validation, Samples, Shown],
    ),
    row("model.spread", "iwae-images", "one", &NETWORK),
    row("model.components", "fit-mixture", "2", &NETWORK),
    row("model.covariance", "fit-mixture", "diagonal", &NETWORK),
    Row {
        key: "model.covariance",
        family: "fit-mixture",
        value: "isotropic",
        beside: &["model.kind=gaussian"],
        changes: &NETWORK,
    },
    row("model.components", "fit-bits", "2", &NETWORK),
    row("model.bandwidth", "fit-kde", "leave-one-out", &FITTED),
    row("model.kernel", "fit-kde", "isotropic", &FITTED),
    row("model.channels", "ml-pixelcnn", "4", &NETWORK),
    row("model.layers", "ml-pixelcnn", "1", &NETWORK),
    Row {
        key: "model.pixels",
        family: "ml-pixelcnn",
        value: "bernoulli",
        beside: &["data.binarise=true"],
        changes: &NETWORK,
    },
    row("model.components", "ml-pixelcnn", "3", &NETWORK),
    row("model.latents", "gan-points", "2", &NETWORK),
    row("model.hidden", "gan-points", "[4]", &NETWORK),
    row("model.activation", "gan-points", "tanh", &LEARNT),
    row("model.latents", "wgan-images", "2", &NETWORK),
    row("model.channels", "wgan-images", "3", &NETWORK),
    row("model.levels", "wgan-images", "1", &NETWORK),
    row("model.width", "wgan-images", "4", &NETWORK),
    row("model.activation", "wgan-images", "tanh", &LEARNT),
    row("model.channels", "ml-image-flow", "3", &NETWORK),
    row("model.scales", "ml-image-flow", "1", &NETWORK),
    row("model.couplings", "ml-image-flow", "2", &NETWORK),
    row("model.mix", "ml-image-flow", "true", &NETWORK),
];

/// What another critic leads to.
const CRITIC: [Part; 5] = [Start, Weights, Averages, Samples, Shown];

pub const OBJECTIVE: &[Row] = &[
    row("objective.kind", "sm-energy", "ssm", &LEARNT),
    row("objective.sigma_max", "ncsn-mlp", "2.0", &[Weights, Averages, Validation, Samples, Shown, Levels]),
    row("objective.sigma_min", "ncsn-mlp", "0.05", &[Weights, Averages, Validation, Samples, Shown, Levels]),
    row("objective.levels", "ncsn-mlp", "4", &[Weights, Averages, Validation, Samples, Shown, Levels]),
    row("objective.sigma", "dsm-mlp", "0.4", &[Weights, Averages, Validation, Samples, Shown, Levels]),
    row("objective.beta", "elbo-vae", "1.5", &LEARNT),
    row("objective.draws", "elbo-vae", "1", &LEARNT),
    row("objective.draws", "iwae-images", "2", &LEARNT),
    row("objective.saturating", "gan-points", "true", &LEARNT),
    row("objective.critic_steps", "gan-points", "1", &PACED),
    row("objective.critic_steps", "wgan-images", "1", &LEARNT),
    row("objective.penalty", "wgan-images", "1.0", &LEARNT),
    row("objective.critic", "gan-images", "mlp", &CRITIC),
    row("objective.critic", "wgan-images", "mlp", &CRITIC),
    row("objective.critic_hidden", "gan-points", "[4]", &CRITIC),
    row("objective.critic_hidden", "wgan-points", "[4]", &CRITIC),
    row("objective.critic_channels", "gan-images", "3", &CRITIC),
    row("objective.critic_channels", "wgan-images", "3", &CRITIC),
    row("objective.critic_levels", "gan-images", "1", &CRITIC),
    row("objective.critic_levels", "wgan-images", "1", &CRITIC),
    row("objective.critic_rate", "gan-points", "1.0", &PACED),
    row("objective.critic_rate", "wgan-points", "1.0", &PACED),
    row("objective.spectral", "gan-points", "false", &LEARNT),
    row("objective.spectral", "wgan-images", "true", &LEARNT),
    row("objective.projections", "ssm-mlp", "3", &LEARNT),
    row("objective.direction", "ssm-mlp", "rademacher", &LEARNT),
    row("objective.variance_reduction", "ssm-mlp", "false", &LEARNT),
    row("objective.start", "cd-persistent", "data", &LEARNT),
    Row {
        key: "objective.start_noise",
        family: "cd-short-run",
        value: "uniform",
        beside: &[],
        changes: &LEARNT,
    },
    row("objective.steps", "cd-persistent", "4", &LEARNT),
    row(
        "objective.step_size",
        "cd-persistent",
        "0.03",
        &[Weights, Averages, Chains, Temperature, Samples, Shown],
    ),
    row(
        "objective.noise_std",
        "cd-persistent",
        "0.2",
        &[Weights, Averages, Chains, Temperature, Samples, Shown],
    ),
    row("objective.buffer", "cd-persistent", "24", &LEARNT),
    row("objective.restart", "cd-persistent", "0.9", &LEARNT),
    row("objective.energy_l2", "cd-persistent", "0.5", &LEARNT),
    row("objective.data_noise", "cd-persistent", "0.3", &LEARNT),
    Row {
        key: "objective.start",
        family: "rbm-tempered",
        value: "noise",
        beside: &["objective.temperatures=1"],
        changes: &LEARNT,
    },
    row("objective.steps", "rbm-tempered", "3", &LEARNT),
    row("objective.chains", "rbm-tempered", "7", &LEARNT),
    row("objective.temperatures", "rbm-tempered", "2", &LEARNT),
    row("objective.centring", "rbm-tempered", "false", &LEARNT),
    row("objective.pretrain_steps", "dbm-pretrained", "[2, 2]", &PACED),
    row("objective.pretrain_sweeps", "dbm-pretrained", "2", &LEARNT),
    row("objective.pretrain_rate", "dbm-pretrained", "1.0", &PACED),
    row("objective.ratio", "nce-energy", "2", &LEARNT),
    row("objective.noise", "nce-energy", "gaussian", &LEARNT),
    row("objective.components", "nce-energy", "3", &LEARNT),
    row("objective.widen", "nce-energy", "1.5", &LEARNT),
    row("objective.sigma", "ed-energy", "0.6", &LEARNT),
    row("objective.samples", "ed-energy", "5", &LEARNT),
    row("objective.stabiliser", "ed-energy", "0.0", &LEARNT),
    row("objective.threshold", "fce-energy", "0.9", &PACED),
    row(
        "objective.flow_couplings",
        "fce-energy",
        "3",
        &[Start, Weights, Averages, Validation, Samples, Shown],
    ),
    row("objective.flow_width", "fce-energy", "5", &[Start, Weights, Averages, Validation, Samples, Shown]),
    row("objective.flow_rate", "fce-energy", "1.0", &PACED),
];

#[test]
fn keys_of_the_model_change_the_network() {
    hold(MODEL);
}

#[test]
fn keys_of_the_objective_change_what_is_learnt() {
    hold(OBJECTIVE);
}

/// The shapes of a network are those of its parameters.
#[test]
fn no_key_of_an_objective_changes_the_network() {
    assert!(OBJECTIVE.iter().all(|row| !row.changes.contains(&Shapes)));
}

/// Two ways to the same sums: other last bits where the fast one pays, the same weights.
#[test]
fn convolutions_are_computed_as_asked_for() {
    let folder = Folder::new();
    for (name, fast) in
        [("ncsn-unet", true), ("ssm-residual", true), ("cd-short-run", false), ("ml-image-flow", false)]
    {
        let weights = |conv: &str, algorithm: &str| {
            let changes = [format!("model.conv={conv}"), "model.channels=16".into(), "train.steps=2".into()];
            let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
            let run = folder.train(&format!("{name} {conv}"), &folder.settings(name, &changes));
            let executor = Trained::open(run.path(), &[]).unwrap().model.executor;
            assert!(format!("{executor:?}").contains(algorithm), "{name}: {executor:?}");
            run.tensors()
        };
        let (auto, direct) = (weights("auto", "conv: Auto"), weights("direct", "conv: Direct"));
        assert_eq!(auto != direct, fast, "{name}");
        for (tensor, values) in &auto {
            let far = values.iter().zip(&direct[tensor]).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f32::max) < 5e-3, "{name}: {tensor}");
        }
    }
}

/// A few coordinates at a time take less memory than all at once, for the same gradient.
#[test]
fn tangents_change_the_memory_and_not_the_result() {
    let folder = Folder::new();
    let tensors = |tangents: &str, more: &[&str]| {
        let change = format!("objective.tangents={tangents}");
        let changes = [&[change.as_str()][..], more].concat();
        let settings = folder.settings("sm-energy", &changes);
        let run = format!("{tangents} {}", more.len());
        folder.ask(&run, &settings, false, None).map(|_| folder.run(&run).tensors())
    };
    let bits = format!("data.path={}", folder.path("bits.csv").display());
    let (all, one) = (tensors("6", &[&bits]).unwrap(), tensors("1", &[&bits]).unwrap());
    for (name, values) in &all {
        let far = values.iter().zip(&one[name]).map(|(a, b)| (a - b).abs());
        assert!(far.fold(0.0, f32::max) < 1e-3, "{name}");
    }
    // A limit between what a few and what all of them need.
    let wide = ["data.name=digits", "model.hidden=[64, 64]", "train.batch=256"];
    let needed = |tangents: &str| {
        let error = tensors(tangents, &[&wide[..], &["train.memory_limit_gib=1e-7"]].concat()).unwrap_err();
        error.found.split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let (all, few) = (needed("64"), needed("4"));
    assert!(few < all, "{few} GiB for four, {all} for all");
    let limit = format!("train.memory_limit_gib={}", 0.5 * (few + all));
    let limited = [&wide[..], &["train.steps=1", limit.as_str()]].concat();
    assert!(tensors("64", &limited).is_err());
    assert!(tensors("4", &limited).is_ok());
    assert!(tensors("0", &limited).is_ok(), "as many as fit");
}

/// Noise from a flow that was trained on the same points, and from one trained on others.
#[test]
fn noise_comes_from_the_named_flow() {
    let folder = Folder::new();
    let other = format!("data.name={}", "two-moons");
    folder.train("flow", &folder.settings("ml-flow", &[]));
    folder.train("other", &folder.settings("ml-flow", &[&other]));
    let learnt = |flow: &str| {
        let run = format!("objective.flow_run={}", folder.path(flow).display());
        let settings = folder.settings("nce-energy", &["objective.noise=flow", &run]);
        folder.train(&format!("nce {flow}"), &settings).tensors()
    };
    let (from_flow, from_other) = (learnt("flow"), learnt("other"));
    assert_ne!(from_flow["output.weight"], from_other["output.weight"]);
    assert_eq!(learnt_again(&folder), from_flow, "the flow's averaged weights are frozen");
}

fn learnt_again(folder: &Folder) -> std::collections::BTreeMap<String, Vec<f32>> {
    let run = format!("objective.flow_run={}", folder.path("flow").display());
    let settings = folder.settings("nce-energy", &["objective.noise=flow", &run]);
    folder.train("nce again", &settings).tensors()
}
