//! A small training of every family: models, objectives and chains that meet in it. Batches don't divide the
//! rows, so that the last rows of an epoch and of every evaluation fill no batch.

use super::family_data::Data;

/// A family by its name: the data that it learns from, and the settings of a training.
pub struct Family {
    pub name: &'static str,
    pub data: Data,
    pub text: &'static str,
}

/// The family of this name.
pub fn family(name: &str) -> &'static Family {
    FAMILIES.iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no family {name}"))
}

pub const FAMILIES: [Family; 17] = [
    Family {
        name: "ncsn-mlp",
        data: Data::Points,
        text: "
[model]
kind = 'mlp'
hidden = [6]
embedding = 4
[objective]
levels = 3
sigma_min = 0.1
[optimiser]
warmup_steps = 3
decay = 'cosine'
[train]
steps = 12
batch = 8
checkpoint_every = 4
validate_every = 4
log_every = 3
[sampler]
steps_per_level = 3
count = 5
batch = 4
",
    },
    Family {
        name: "ncsn-unet",
        data: Data::Digits,
        text: "
[data]
dequantise = true
[model]
kind = 'unet'
channels = 4
multipliers = [1, 2]
groups = 2
embedding = 4
[objective]
levels = 3
[train]
steps = 5
batch = 6
checkpoint_every = 2
validate_every = 2
log_every = 2
[sampler]
steps_per_level = 2
count = 3
batch = 2
",
    },
    Family {
        name: "dsm-mlp",
        data: Data::Points,
        text: "
[model]
kind = 'mlp'
hidden = [6, 5]
embedding = 0
activation = 'tanh'
[objective]
kind = 'dsm'
sigma = 0.3
[optimiser]
kind = 'sgd'
momentum = 0.5
learning_rate = 0.05
[train]
steps = 10
batch = 8
validate_every = 5
log_every = 4
[sampler]
steps_per_level = 4
count = 5
batch = 3
",
    },
    Family {
        name: "sm-energy",
        data: Data::Points,
        text: "
[model]
kind = 'mlp-energy'
hidden = [5]
confinement = 2.0
[objective]
kind = 'sm'
[optimiser]
weight_decay = 0.5
learning_rate = 0.01
[train]
steps = 10
batch = 8
validate_every = 5
log_every = 4
[sampler]
steps = 30
count = 5
batch = 3
",
    },
    Family {
        name: "sm-dkef",
        data: Data::Points,
        text: "
[data]
preprocess = 'whiten'
test_fraction = 0.2
[model]
kind = 'dkef'
kernels = 2
inducing = 7
width = 4
layers = 2
[objective]
kind = 'sm'
[train]
steps = 8
batch = 5
validate_every = 4
log_every = 3
[sampler]
steps = 20
count = 5
batch = 3
",
    },
    Family {
        name: "ssm-mlp",
        data: Data::Points,
        text: "
[data]
preprocess = 'standardise'
[model]
kind = 'mlp'
hidden = [6]
embedding = 0
[objective]
kind = 'ssm'
projections = 2
direction = 'gaussian'
[optimiser]
decay = 'linear'
final_fraction = 0.2
[train]
steps = 10
batch = 8
validate_every = 5
log_every = 4
[sampler]
steps = 20
count = 5
batch = 3
",
    },
    Family {
        name: "cd-persistent",
        data: Data::Points,
        text: "
[model]
kind = 'mlp-energy'
hidden = [6]
[objective]
kind = 'cd'
steps = 3
step_size = 0.02
noise_std = 0.1
buffer = 20
restart = 0.2
energy_l2 = 0.05
data_noise = 0.03
[train]
steps = 11
batch = 8
checkpoint_every = 3
log_every = 4
[sampler]
steps = 30
count = 5
batch = 3
",
    },
    Family {
        name: "cd-data",
        data: Data::Points,
        text: "
[model]
kind = 'gaussian-energy'
[objective]
kind = 'cd'
start = 'data'
steps = 2
step_size = 0.05
[train]
steps = 9
batch = 8
log_every = 4
[sampler]
steps = 30
count = 5
batch = 3
",
    },
    Family {
        name: "cd-short-run",
        data: Data::Digits,
        text: "
[model]
kind = 'conv-energy'
channels = 2
levels = 1
[objective]
kind = 'cd'
start = 'noise'
start_noise = 'gaussian'
steps = 2
step_size = 0.001
noise_std = 0.02
[train]
steps = 5
batch = 6
checkpoint_every = 2
log_every = 2
[sampler]
steps = 4
count = 3
batch = 2
",
    },
    Family {
        name: "ssm-residual",
        data: Data::Digits,
        text: "
[model]
kind = 'residual-energy'
channels = 2
multipliers = [1, 2]
[objective]
kind = 'ssm'
direction = 'sphere'
variance_reduction = false
[train]
steps = 4
batch = 5
validate_every = 2
log_every = 2
[sampler]
steps = 4
count = 3
batch = 2
",
    },
    Family {
        name: "nce-energy",
        data: Data::Points,
        text: "
[model]
kind = 'mlp-energy'
hidden = [6]
confinement = 2.0
[objective]
kind = 'nce'
ratio = 3
noise = 'mixture'
components = 2
[train]
steps = 10
batch = 8
validate_every = 5
log_every = 4
[sampler]
steps = 30
count = 5
batch = 3
",
    },
    Family {
        name: "fce-energy",
        data: Data::Points,
        text: "
[model]
kind = 'mlp-energy'
hidden = [6]
[objective]
kind = 'fce'
threshold = 0.55
flow_couplings = 2
flow_width = 4
flow_rate = 3.0
[optimiser]
learning_rate = 0.02
[train]
steps = 14
batch = 8
checkpoint_every = 5
log_every = 4
[sampler]
steps = 30
count = 5
batch = 3
",
    },
    Family {
        name: "ml-flow",
        data: Data::Points,
        text: "
[model]
kind = 'real-nvp'
couplings = 2
hidden = [4]
[objective]
kind = 'ml'
[train]
steps = 10
batch = 8
validate_every = 5
log_every = 4
[sampler]
count = 5
batch = 3
",
    },
    Family {
        name: "ml-image-flow",
        data: Data::Digits,
        text: "
[data]
dequantise = true
[model]
kind = 'multi-scale-flow'
channels = 2
scales = 2
couplings = 1
[objective]
kind = 'ml'
[train]
steps = 4
batch = 5
validate_every = 2
log_every = 2
[sampler]
count = 3
batch = 2
",
    },
    Family {
        name: "rbm-tempered",
        data: Data::Bits,
        text: "
[model]
kind = 'rbm'
hidden = 4
[objective]
kind = 'cd'
steps = 2
chains = 5
temperatures = 3
[optimiser]
learning_rate = 0.3
decay = 'linear'
[train]
steps = 12
batch = 8
checkpoint_every = 5
validate_every = 4
log_every = 3
[sampler]
steps = 9
count = 5
batch = 3
",
    },
    Family {
        name: "rbm-gaussian",
        data: Data::Points,
        text: "
[model]
kind = 'rbm'
hidden = 3
visible = 'gaussian'
deviation = 0.5
[objective]
kind = 'cd'
start = 'noise'
steps = 2
centring = false
[optimiser]
learning_rate = 0.02
[train]
steps = 9
batch = 8
validate_every = 4
log_every = 4
[sampler]
steps = 9
count = 5
batch = 3
",
    },
    Family {
        name: "dbm-pretrained",
        data: Data::Bits,
        text: "
[model]
kind = 'dbm'
hidden = [5, 3]
mean_field_steps = 4
[objective]
kind = 'cd'
chains = 6
pretrain_steps = [4, 3]
pretrain_rate = 2.0
[optimiser]
learning_rate = 0.3
[train]
steps = 12
batch = 8
checkpoint_every = 5
validate_every = 4
log_every = 3
[sampler]
steps = 9
count = 5
batch = 3
",
    },
];
