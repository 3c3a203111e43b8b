//! The arguments as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod evaluation;
mod format;

pub(crate) use format::Format;

pub(crate) use evaluation::{Arrays, Compare, Evaluate, Export, Inpaint, Logz, Method, Score};

use crate::duration::minutes;
use crate::numbers::{number, whole};

/// Train, sample and evaluate energy-based and score-based generative models.
#[derive(Debug, Parser)]
#[command(name = "enscore", version)]
pub(crate) struct Arguments {
    /// Print one JSON object on stdout and nothing else
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print every message on stderr, also where it is not a terminal
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
    /// Print no progress and no messages on stderr; warnings and errors still come
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Number of threads; 0: one per core. Results don't depend on it [default: the run's train.threads]
    #[arg(long, global = true, value_name = "N", value_parser = whole(0..=4096u16))]
    pub(crate) threads: Option<u16>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train on the built-in 8x8 digits, draw new ones and write a report, in under two minutes
    Demo(Demo),
    /// Train a model described by a settings file
    Train(Train),
    /// Draw samples from a trained run or a model file
    Sample(Sample),
    /// Evaluate a trained run: loss on held-out rows, two-sample metrics, report
    Evaluate(Evaluate),
    /// Score the rows of a data set: unnormalised log density, log p if log Z is known, norm of the score
    Score(Score),
    /// Fill in the unknown pixels of an image by sampling a Boltzmann machine or an autoregressive model
    Inpaint(Inpaint),
    /// Export a trained run for use elsewhere: arrays or ONNX, described; an RBM also gets a model file
    Export(Export),
    /// Compute or estimate log Z of a model, with its standard error, and store it with the model
    Logz(Logz),
    /// Denoise a black-and-white image with the Ising model: most probable image or posterior marginals
    Denoise(Denoise),
    /// Train every run listed in [compare] on the same data and compare them; run it again after an
    /// interruption and it goes on where it was
    Compare(Compare),
    /// Redraw the figures of the lecture from live runs, with numbers beside their truth, into one page
    Lecture(Lecture),
    /// Suggest noise levels and a step size for a data set
    Suggest(Suggest),
    /// Profile training updates: time per step and share of the machine's limits; writes nothing
    Profile(Profile),
    /// List, download or describe data sets
    #[command(subcommand)]
    Data(Data),
    /// Print every settings key with its type, default and meaning, or those of one kind or table
    Settings(Settings),
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Kind of model, objective, optimiser or sampler, e.g. mlp-energy or langevin, or a table, e.g. train
    /// [default: all keys]
    pub(crate) kind: Option<String>,
}

impl Command {
    /// Its name, as typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Command::Demo(_) => "demo",
            Command::Train(_) => "train",
            Command::Sample(_) => "sample",
            Command::Evaluate(_) => "evaluate",
            Command::Score(_) => "score",
            Command::Inpaint(_) => "inpaint",
            Command::Export(_) => "export",
            Command::Logz(_) => "logz",
            Command::Denoise(_) => "denoise",
            Command::Compare(_) => "compare",
            Command::Lecture(_) => "lecture",
            Command::Suggest(_) => "suggest",
            Command::Profile(_) => "profile",
            Command::Data(_) => "data",
            Command::Settings(_) => "settings",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Run folder to create
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub(crate) out: PathBuf,
    /// Random seed
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Lecture {
    /// Figures to redraw, by name [default: all]
    pub(crate) figures: Vec<String>,
    /// List the figures and draw nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Folder for the page and its pictures
    #[arg(long, value_name = "DIR", default_value = "lecture")]
    pub(crate) out: PathBuf,
    /// Format of charts and maps
    #[arg(long, value_enum, default_value_t = Format::Png)]
    pub(crate) format: Format,
    /// Draw with less work: all figures in about three minutes
    #[arg(long)]
    pub(crate) quick: bool,
    /// Random seed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Settings file (TOML; `enscore settings` lists every key)
    pub(crate) settings: PathBuf,
    /// Run folder [default: runs/NAME for NAME.toml]
    #[arg(long, value_name = "RUN")]
    pub(crate) out: Option<PathBuf>,
    /// Random seed; overrides train.seed
    #[arg(long, value_name = "N", value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: Option<u64>,
    /// Override a key of the file, e.g. --set train.steps=100; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Train for this long, e.g. 90s, 12m, 1h30m: sets train.wall_time_minutes, train.decay_by = "time" and
    /// as many train.steps as fit
    #[arg(long = "for", value_name = "TIME", allow_hyphen_values = true, value_parser = minutes)]
    pub(crate) time: Option<f64>,
    /// Resume the run from its last checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Skip the evaluation and report.html after training
    #[arg(long)]
    pub(crate) no_report: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sample {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) run: PathBuf,
    /// Number of samples [default: the run's sampler.count; 64 for a model file]
    #[arg(long, value_name = "N", value_parser = whole(1..=u32::MAX))]
    pub(crate) num: Option<u32>,
    /// Random seed; sample i is the same whatever --num is
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
    /// Output file: .png, .svg or .pdf (a sheet of images, or points in the plane), .npy or .csv (values in
    /// the raw units of the training data) [default: samples/sample-seedN.png in the run for images, .csv for
    /// vectors]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Format of the picture, instead of the ending of --out
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Override a sampler key of a run or a key of a model file, e.g. --set sampler.steps_per_level=200 or
    /// --set model.beta=0.3; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Also write a picture of the first chains from start to end: one row per chain, one column per noise
    /// level
    #[arg(long, value_name = "FILE.png")]
    pub(crate) trajectory: Option<PathBuf>,
    /// Model files only: steps per chain, starting from a random state [default: 1000]
    #[arg(long, value_name = "N", value_parser = whole(1..=u32::MAX))]
    pub(crate) steps: Option<u32>,
    /// Ising model files only: Markov chain [default: swendsen-wang, or gibbs if a coupling is negative]
    #[arg(long, value_enum)]
    pub(crate) chain: Option<Chain>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Chain {
    Gibbs,
    Metropolis,
    SwendsenWang,
    Wolff,
}

#[derive(Debug, Args)]
pub(crate) struct Denoise {
    /// Image with two values: .png, or .npy of shape [height, width]; the smaller value is black
    #[arg(value_name = "IN.png|.npy")]
    pub(crate) input: PathBuf,
    /// Output file: .png, or .npy with the two values of the input
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Image prior; `ising`: p(x | y) ∝ exp(eta Σ x_i y_i + beta Σ x_i x_j), spins ±1, second sum over
    /// neighbours; or a .toml file of potentials psi_i and psi_ij (docs/denoising.md)
    #[arg(long, value_name = "MODEL", default_value = "ising")]
    pub(crate) model: String,
    /// maxflow: the exact most probable image; icm: greedy single flips from the noisy image; annealing:
    /// simulated annealing; gibbs: the more probable value of each pixel, by sampling; exact: the same by
    /// enumeration of all images, up to 22 pixels, with log Z
    #[arg(long, value_enum, default_value_t = Denoiser::Maxflow)]
    pub(crate) method: Denoiser,
    /// Weight of agreement with the noisy image [default: ln((1 - q) / q) / 2, q = --flip-probability]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number)]
    #[arg(conflicts_with = "flip_probability")]
    pub(crate) eta: Option<f64>,
    /// Probability that the noise flipped a pixel, at most 0.5 [default: 0.1]
    #[arg(long, value_name = "Q", value_parser = number)]
    pub(crate) flip_probability: Option<f64>,
    /// Weight of agreement between neighbours; negative favours disagreement (not with maxflow) [default:
    /// 0.6]
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = number)]
    pub(crate) beta: Option<f64>,
    /// Binarise a grey image first: values of at least T are white. In the file's units (0 to 255 for PNG);
    /// for PNG, T up to 1 is a fraction of full white
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = number)]
    pub(crate) threshold: Option<f64>,
    /// Noise-free image: report bit errors before and after denoising
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Random seed (annealing and gibbs)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,
    /// Sweeps of annealing, or sweeps per gibbs chain after burn-in [default: 500]
    #[arg(long, value_name = "N", value_parser = whole(1..=1_000_000_000u32))]
    pub(crate) sweeps: Option<u32>,
    /// Burn-in sweeps per gibbs chain [default: 100]
    #[arg(long, value_name = "N", value_parser = whole(0..=1_000_000_000u32))]
    pub(crate) burn_in: Option<u32>,
    /// Number of gibbs chains; the first starts at the noisy image, the others at random [default: 4]
    #[arg(long, value_name = "N", value_parser = whole(2..=1024u32))]
    pub(crate) chains: Option<u32>,
    /// With gibbs or exact, also write the posterior: .npy (means E[x_i | y] from -1 to 1) or .png
    /// (probability of white)
    #[arg(long, value_name = "FILE")]
    pub(crate) marginals: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Denoiser {
    Maxflow,
    Icm,
    Annealing,
    Gibbs,
    Exact,
}

impl Denoiser {
    /// The method's name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Denoiser::Maxflow => "maxflow",
            Denoiser::Icm => "icm",
            Denoiser::Annealing => "annealing",
            Denoiser::Gibbs => "gibbs",
            Denoiser::Exact => "exact",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// Data set: a name, file or folder; or a settings file (.toml), whose preprocessing is applied
    pub(crate) data: String,
    /// Override a key of the settings file, e.g. --set data.preprocess=whiten; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Langevin steps at each noise level
    #[arg(long, value_name = "T", default_value_t = 5, value_parser = whole(1..=1_000_000u32))]
    pub(crate) steps: u32,
    /// Convention of the step size: Algorithm 1 of the paper, or its published code
    #[arg(long, value_enum, default_value_t = Rule::Algorithm1)]
    pub(crate) rule: Rule,
    /// Smallest noise level, in units of the scaled data
    #[arg(long, value_name = "S", default_value_t = 0.01, value_parser = number)]
    pub(crate) sigma_min: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rule {
    Algorithm1,
    ReferenceCode,
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// Settings file (TOML)
    pub(crate) settings: PathBuf,
    /// Override a key of the file, e.g. --set train.batch=64; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Number of updates to time; each is timed twice, as a whole and step by step
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(1..=1_000_000u32))]
    pub(crate) updates: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// List the known data sets
    List,
    /// Download a data set and verify it; prints source, size and licence
    Fetch {
        /// Name of the data set
        name: String,
        /// Output folder [default: data/NAME, where NAME is looked up]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Describe a data set: rows, shape, scale, moments, fingerprint
    Info {
        /// Data set: a name, file or folder
        data: String,
    },
}
