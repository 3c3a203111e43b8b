//! Keys of `[model]` and `[objective]`.

use super::effects::Part::{
    Averages, Chains, Levels, Samples, Shapes, Shown, Start, Temperature, Validation, Weights,
};
use super::effects::{LEARNT, NETWORK, Row, hold, row};

/// Another kind of sampler fits other models and objectives, too.
pub const MODEL: &[Row] = &[
    row("model.kind", "ssm-mlp", "mlp-energy", &NETWORK),
    row("model.channels", "ncsn-unet", "6", &NETWORK),
    row("model.multipliers", "ncsn-unet", "[2, 1]", &NETWORK),
    row("model.blocks", "ncsn-unet", "2", &NETWORK),
    row("model.groups", "ncsn-unet", "4", &LEARNT),
    row("model.embedding", "ncsn-unet", "6", &NETWORK),
    row("model.hidden", "ncsn-mlp", "[7]", &NETWORK),
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
    row("model.mean_field_steps", "dbm-pretrained", "1", &LEARNT),
    row("model.couplings", "ml-flow", "3", &NETWORK),
    row("model.hidden", "ml-flow", "[5]", &NETWORK),
    row("model.channels", "ml-image-flow", "3", &NETWORK),
    row("model.scales", "ml-image-flow", "1", &NETWORK),
    row("model.couplings", "ml-image-flow", "2", &NETWORK),
];

pub const OBJECTIVE: &[Row] = &[
    row("objective.kind", "sm-energy", "ssm", &LEARNT),
    row(
        "objective.sigma_max",
        "ncsn-mlp",
        "2.0",
        &[Weights, Averages, Validation, Samples, Shown, Levels],
    ),
    row(
        "objective.sigma_min",
        "ncsn-mlp",
        "0.05",
        &[Weights, Averages, Validation, Samples, Shown, Levels],
    ),
    row("objective.levels", "ncsn-mlp", "4", &[Weights, Averages, Validation, Samples, Shown, Levels]),
    row("objective.sigma", "dsm-mlp", "0.4", &[Weights, Averages, Validation, Samples, Shown, Levels]),
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
    row("objective.steps", "cd-persistent", "4", &[Weights, Averages, Chains]),
    row("objective.step_size", "cd-persistent", "0.03", &[Weights, Averages, Chains, Temperature, Samples, Shown]),
    row("objective.noise_std", "cd-persistent", "0.2", &[Weights, Averages, Chains, Temperature, Samples, Shown]),
    row("objective.buffer", "cd-persistent", "24", &LEARNT),
    row("objective.restart", "cd-persistent", "0.9", &LEARNT),
    row("objective.energy_l2", "cd-persistent", "0.5", &LEARNT),
    row("objective.data_noise", "cd-persistent", "0.3", &LEARNT),
    row("objective.start", "rbm-tempered", "noise", &LEARNT),
    row("objective.steps", "rbm-tempered", "3", &LEARNT),
    row("objective.chains", "rbm-tempered", "7", &LEARNT),
    row("objective.temperatures", "rbm-tempered", "2", &LEARNT),
    row("objective.centring", "rbm-tempered", "false", &LEARNT),
    row("objective.pretrain_steps", "dbm-pretrained", "[2, 2]", &LEARNT),
    row("objective.pretrain_sweeps", "dbm-pretrained", "2", &LEARNT),
    row("objective.pretrain_rate", "dbm-pretrained", "1.0", &LEARNT),
    row("objective.ratio", "nce-energy", "2", &LEARNT),
    row("objective.noise", "nce-energy", "gaussian", &LEARNT),
    row("objective.components", "nce-energy", "3", &LEARNT),
    row("objective.widen", "nce-energy", "1.5", &LEARNT),
    row("objective.threshold", "fce-energy", "0.9", &LEARNT),
    row("objective.flow_couplings", "fce-energy", "3", &[Start, Weights, Averages, Samples, Shown]),
    row("objective.flow_width", "fce-energy", "5", &[Start, Weights, Averages, Samples, Shown]),
    row("objective.flow_rate", "fce-energy", "1.0", &LEARNT),
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
