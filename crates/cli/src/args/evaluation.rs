//! Arguments of what asks a trained model.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::format::Format;
use crate::numbers::{number, whole};

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// Data to evaluate on: a name, file or folder [default: the test split of the training data, else the
    /// run's validation rows]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Two-sample metrics to compute: mmd, sliced_wasserstein, frechet, kid, precision, recall, coverage
    /// [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) metrics: Vec<String>,
    /// Samples to draw for the metrics; 0: skip the metrics [default: the run's sampler.count]
    #[arg(long, value_name = "N", value_parser = whole(0..=u32::MAX))]
    pub(crate) samples: Option<u32>,
    /// Random seed of noise and samples
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
    /// Maximum number of rows to compute the loss on [default: all]
    #[arg(long, value_name = "N", value_parser = whole(1..=u32::MAX))]
    pub(crate) max_rows: Option<u32>,
    /// Latent variable models only: importance-weighted draws per row for the lower bound of the
    /// log-likelihood; more draws give a tighter bound
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(1..=u32::MAX))]
    pub(crate) draws: u32,
    /// Folder for the report and its pictures; created if missing [default: the run folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Out-of-distribution data: also report AUROC against the held-out rows
    #[arg(long, value_name = "DATA")]
    pub(crate) against: Option<String>,
    /// Override a sampler key, e.g. --set sampler.steps_per_level=200; may be repeated
    #[arg(long, value_name = "sampler.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// Settings file (TOML) with a table [compare]: one line name = ["table.key=value", ...] per run
    pub(crate) settings: PathBuf,
    /// Folder for the comparison and its runs [default: runs/NAME for NAME.toml]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Override a key for every run, e.g. --set train.steps=100; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Format of the picture
    #[arg(long, value_enum, default_value_t = Format::Png)]
    pub(crate) format: Format,
    /// Train every run once with each of these seeds; the table has means and spreads [default: the file's]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub(crate) seeds: Vec<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Score {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) run: PathBuf,
    /// Data to score: a name, file or folder; its test split if it has one
    pub(crate) data: String,
    /// log Z of the model in nats; overrides the stored value and is stored with the model
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number)]
    pub(crate) log_z: Option<f64>,
    /// Latent variable models only: importance-weighted draws per row for the lower bound of log p
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole(1..=u32::MAX))]
    pub(crate) draws: u32,
    /// Also write features of each row (.csv or .npy): the probability of each hidden unit of a Boltzmann
    /// machine, the mean of each latent variable of a latent variable model
    #[arg(long, value_name = "FILE")]
    pub(crate) features: Option<PathBuf>,
    /// Output file: .csv or .npy [default: scores.csv in the run folder; NAME.scores.csv next to a model
    /// file]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Override a key of a model file, e.g. --set model.beta=0.3, or choose the state of a run:
    /// --set train.keep=best; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Inpaint {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// Image to fill in
    #[arg(value_name = "IN.png")]
    pub(crate) input: PathBuf,
    /// Mask: white pixels are filled in, black pixels are kept
    #[arg(long, value_name = "MASK.png")]
    pub(crate) mask: PathBuf,
    /// Output file: the filled image, or a sheet if --num is above 1
    #[arg(long, value_name = "OUT.png")]
    pub(crate) out: PathBuf,
    /// Gibbs sweeps of a Boltzmann machine; the known pixels are restored after each
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole(1..=u32::MAX))]
    pub(crate) steps: u32,
    /// Number of draws, each from its own chain
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1..=1024u32))]
    pub(crate) num: u32,
    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrays {
    Npy,
    Safetensors,
    Onnx,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// Output folder; created if missing. Files that are there are not replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// npy: one file per parameter; safetensors: a single file; onnx: energy, log density and score, or
    /// encoder, decoder and generator, as graphs for an ONNX runtime. Each with model.json, which describes
    /// architecture, scale and log Z
    #[arg(long, value_enum, default_value_t = Arrays::Npy)]
    pub(crate) format: Arrays,
    /// Override a sampler key, e.g. --set sampler.weights=raw for the weights of the last step, not their
    /// average
    #[arg(long, value_name = "sampler.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logz {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) model: PathBuf,
    /// How to compute log Z; `exact` picks the cheapest exact method, `bracket` anneals in both directions
    #[arg(long, value_enum, default_value_t = Method::Ais)]
    pub(crate) method: Method,
    /// Data for the independent units or the Gaussian that annealing starts from: a name, file or folder
    /// [default: uniform base; for energies of vectors the run's training data]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Chains per direction, at least 2
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = whole(0..=u32::MAX))]
    pub(crate) chains: u32,
    /// Inverse temperatures: N evenly spaced steps, `published` (Salakhutdinov and Murray 2008: 14,500
    /// steps), or a file with one per line, increasing from 0 to 1 [default: published; for energies of
    /// vectors 500 steps along a sigmoid]
    #[arg(long, value_name = "N|published|FILE")]
    pub(crate) temperatures: Option<String>,
    /// Gibbs sweeps, or moves of an energy, before reverse annealing, for models that can't be sampled
    /// exactly
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole(0..=u32::MAX))]
    pub(crate) sweeps: u32,
    /// Fail if the bracket is wider than this (nats)
    #[arg(long, value_name = "NATS", default_value_t = 1.0, value_parser = number)]
    pub(crate) width: f64,
    /// Override a key of a model file, e.g. --set model.beta=0.3, or choose the state of a run:
    /// --set train.keep=best; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Method {
    Exact,
    Ais,
    ReverseAis,
    Bracket,
}
