//! The arguments as typed, and the refusal of wrong ones in one line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use enscore::Error;

use crate::output;

/// Train, sample and evaluate energy-based and score-based generative models.
#[derive(Debug, Parser)]
#[command(name = "enscore", version, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print messages on stderr even where it is no terminal
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
    /// Threads; 0: one per core. Results don't depend on it [default: the run's train.threads]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=4096))]
    pub(crate) threads: Option<u16>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Learn the built-in 8x8 digits, draw new ones and report on it, in under two minutes
    Demo(Demo),
    /// Train a model as a settings file says
    Train(Train),
    /// Draw samples from a trained run
    Sample(Sample),
    /// Measure a trained run: its loss on held-out rows, and its samples beside real rows
    Evaluate(Evaluate),
    /// Score the rows of a data set: log density up to log Z, log density where log Z is known, length of the
    /// score
    Score(Score),
    /// Fill the unknown pixels of an image with draws of a machine (model.kind = "rbm") given the known ones
    Inpaint(Inpaint),
    /// Write the parameters of a trained run as .npy or .safetensors, and of a machine the model file that
    /// names them
    Export(Export),
    /// Find log Z of a model, with its error, and keep it beside the model
    Logz(Logz),
    /// Denoise a two-valued image by the Ising model: the most probable image, or its posterior
    Denoise(Denoise),
    /// Train what a settings file's [compare] names on the same data, and set it beside each other
    Compare(Compare),
    /// Suggest noise levels and step size for a data set
    Suggest(Suggest),
    /// Show where the time of a training's updates goes, and how near the machine's limits it is; nothing is
    /// written
    Profile(Profile),
    /// List, fetch or describe data sets
    #[command(subcommand)]
    Data(Data),
    /// Print every settings key with its type, default and meaning
    Settings,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder of the new run
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub(crate) out: PathBuf,
    /// Seed of every random number
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The settings, a TOML file (`enscore settings` prints every key)
    pub(crate) settings: PathBuf,
    /// Folder of the run [default: runs/ and the settings file's name without its ending]
    #[arg(long, value_name = "RUN")]
    pub(crate) out: Option<PathBuf>,
    /// Seed of every random number, in place of train.seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Set a key in place of the file's, as in --set train.steps=100; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Go on with the run from its last checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// End after the training: no evaluation, no report.html
    #[arg(long)]
    pub(crate) no_report: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sample {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) run: PathBuf,
    /// How many samples [default: the run's sampler.count; 64 of a model file]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) num: Option<u32>,
    /// Seed of the samples; sample i of a seed is the same however many are drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Where to write: .png (a sheet of images, or points in the plane), .npy or .csv (numbers in the raw
    /// units of the training data) [default: samples/sample-seedN.png in the run for images, .csv for
    /// vectors]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Set a key of the sampler for this call, as in --set sampler.steps_per_level=200; may be repeated
    #[arg(long, value_name = "sampler.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Also write a picture of the first chains from start to end: a row a chain, a column a noise level
    #[arg(long, value_name = "FILE.png")]
    pub(crate) trajectory: Option<PathBuf>,
    /// Of a model file: steps of each chain, from a state that knows nothing [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: Option<u32>,
    /// Of an Ising model file: how chains move [default: swendsen-wang where no coupling is negative, else
    /// gibbs]
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
pub(crate) struct Evaluate {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// Data to evaluate on: a name, a file or a folder [default: the test split of the training data, else
    /// the run's own validation rows]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Two-sample metrics, from mmd, sliced_wasserstein and frechet [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) metrics: Vec<String>,
    /// Samples drawn for the metrics; 0: none [default: the run's sampler.count]
    #[arg(long, value_name = "N")]
    pub(crate) samples: Option<u32>,
    /// Seed of noise and samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Rows that the loss is taken over, at most [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_rows: Option<u32>,
    /// Other data that an energy should tell from the held-out rows: adds the area under the ROC curve
    #[arg(long, value_name = "DATA")]
    pub(crate) against: Option<String>,
    /// Set a key of the sampler for this call, as in --set sampler.steps_per_level=200; may be repeated
    #[arg(long, value_name = "sampler.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The settings, a TOML file with a table [compare]: name = ["table.key=value", ...] for each training
    pub(crate) settings: PathBuf,
    /// Folder of the comparison and its runs [default: runs/ and the settings file's name without its ending]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Set a key for every training, as in --set train.steps=100; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Score {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) run: PathBuf,
    /// A name, a file or a folder; its test split where it has one
    pub(crate) data: String,
    /// log Z of the model, nats, in place of what is known of it; it is kept beside the model
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) log_z: Option<f64>,
    /// Where to write the rows: .csv or .npy [default: scores.csv in the run, NAME.scores.csv beside a model
    /// file]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inpaint {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// The image
    #[arg(value_name = "IN.png")]
    pub(crate) input: PathBuf,
    /// Which pixels to fill: white ones are unknown, black ones are kept
    #[arg(long, value_name = "MASK.png")]
    pub(crate) mask: PathBuf,
    /// Where to write the filled image, or a sheet of several
    #[arg(long, value_name = "OUT.png")]
    pub(crate) out: PathBuf,
    /// Gibbs sweeps, after each of which the known pixels are put back
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: u32,
    /// Draws, each from a chain of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) num: u32,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrays {
    Npy,
    Safetensors,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Folder of a trained run
    pub(crate) run: PathBuf,
    /// Folder to write to; made where there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// npy: a file a parameter; safetensors: one file
    #[arg(long, value_enum, default_value_t = Arrays::Npy)]
    pub(crate) format: Arrays,
    /// Set a key of the sampler, as in --set sampler.weights=raw for the weights of the last step in place of
    /// their average
    #[arg(long, value_name = "sampler.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logz {
    /// Folder of a trained run, or a model file (.toml)
    pub(crate) model: PathBuf,
    /// The way: exact picks the cheapest one that there is; bracket anneals in both directions
    #[arg(long, value_enum, default_value_t = Method::Ais)]
    pub(crate) method: Method,
    /// Data whose base rates annealing begins at: a name, a file or a folder [default: the uniform base]
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Chains in each direction, at least 2
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) chains: u32,
    /// Inverse temperatures: so many evenly spaced steps, "published" (Salakhutdinov and Murray 2008: 14,500
    /// steps), or a file with one a line, rising from 0 to 1
    #[arg(long, value_name = "N|published|FILE", default_value = "published")]
    pub(crate) temperatures: String,
    /// Gibbs sweeps of the runs that reverse annealing begins at where samples can't be exact
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) sweeps: u32,
    /// The widest bracket that is an answer, nats
    #[arg(long, value_name = "NATS", default_value_t = 1.0)]
    pub(crate) width: f64,
    /// Seed of every random number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Method {
    Exact,
    Ais,
    ReverseAis,
    Bracket,
}

#[derive(Debug, Args)]
pub(crate) struct Denoise {
    /// A two-valued image: .png, or .npy of [height, width]; the smaller value is black
    #[arg(value_name = "IN.png|.npy")]
    pub(crate) input: PathBuf,
    /// Where to write the image: .png, or .npy in the two values of the input
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What says how images look: `ising`, p(x | y) ∝ exp(eta Σ x_i y_i + beta Σ x_i x_j) over spins ±1 and
    /// their neighbours
    #[arg(long, value_name = "MODEL", default_value = "ising")]
    pub(crate) model: String,
    /// maxflow: the most probable image, exactly; icm: single flips from the noisy image; annealing: a search
    /// at falling temperature; gibbs: the more probable value of each pixel, by sampling
    #[arg(long, value_enum, default_value_t = Denoiser::Maxflow)]
    pub(crate) method: Denoiser,
    /// Weight of agreement with the noisy image [default: ln((1 - q) / q) / 2 for --flip-probability q]
    #[arg(long, value_name = "X", allow_negative_numbers = true, conflicts_with = "flip_probability")]
    pub(crate) eta: Option<f64>,
    /// Probability that the noise flipped a pixel
    #[arg(long, value_name = "Q", default_value_t = 0.1)]
    pub(crate) flip_probability: f64,
    /// Weight of agreement between neighbours; negative: of their difference (not with maxflow)
    #[arg(long, value_name = "X", default_value_t = 0.6, allow_negative_numbers = true)]
    pub(crate) beta: f64,
    /// Make a grey image two-valued first: values at T or above are white. In the file's units (0 to 255 for
    /// PNG); for PNG, T up to 1 is a fraction of full white
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f64>,
    /// The image without noise: bit errors before and after are counted
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Seed of annealing and gibbs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Sweeps of annealing, or of each of gibbs' chains after its burn-in [default: 500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub(crate) sweeps: Option<u32>,
    /// Sweeps that gibbs leaves out at the start of each chain [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub(crate) burn_in: Option<u32>,
    /// Chains of gibbs, the first from the noisy image, the others from noise [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=1024))]
    pub(crate) chains: Option<u32>,
    /// Where gibbs writes the posterior: .npy (means E[x_i | y] from -1 to 1), or .png (probability of white)
    #[arg(long, value_name = "FILE")]
    pub(crate) marginals: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Denoiser {
    Maxflow,
    Icm,
    Annealing,
    Gibbs,
}

impl Denoiser {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Denoiser::Maxflow => "maxflow",
            Denoiser::Icm => "icm",
            Denoiser::Annealing => "annealing",
            Denoiser::Gibbs => "gibbs",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// A name, a file or a folder
    pub(crate) data: String,
    /// Langevin steps at each noise level
    #[arg(long, value_name = "T", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) steps: u32,
    /// The convention of the step size: algorithm 1 of the paper, or its published code
    #[arg(long, value_enum, default_value_t = Rule::Algorithm1)]
    pub(crate) rule: Rule,
    /// The smallest noise level, in units of the scaled data
    #[arg(long, value_name = "S", default_value_t = 0.01)]
    pub(crate) sigma_min: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rule {
    Algorithm1,
    ReferenceCode,
}

#[derive(Debug, Args)]
pub(crate) struct Profile {
    /// The settings of a training, a TOML file
    pub(crate) settings: PathBuf,
    /// Set a key in place of the file's, as in --set train.batch=64; may be repeated
    #[arg(long, value_name = "TABLE.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Updates that are timed, twice: as in a training, and step by step
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) updates: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// List the data sets that have a name
    List,
    /// Download a data set and check it; its source, size and licence are printed
    Fetch {
        /// Its name
        name: String,
        /// Where to put it [default: data/NAME, where the name finds it]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Describe a data set: rows, shape, scale, moments, fingerprint
    Info {
        /// A name, a file or a folder
        data: String,
    },
}

/// The arguments of this process. Help and version are printed here, and wrong arguments refused: the second
/// value is the code to exit with then.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match output::print(&error.render().to_string()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => output::fail(&error),
            }
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => output::fail(
            &Error::input("no command given")
                .remedy("try `enscore demo`, or `enscore --help` for all commands"),
        ),
        _ => output::fail(&one_line(&error.render().to_string())),
    })
}

/// Clap's message, which takes several lines, in one.
fn one_line(message: &str) -> Error {
    let (what, rest) = message.split_once("\n\n").unwrap_or((message, ""));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let part = |name: &str| {
        let lines = rest.lines().map(str::trim);
        lines.filter_map(|line| line.strip_prefix(name)).map(words).next()
    };
    let error = Error::input(words(what.strip_prefix("error: ").unwrap_or(what)));
    let remedy: Vec<String> = [
        part("tip: "),
        part("Usage: ").map(|usage| format!("usage: {usage}")),
        Some("see `enscore --help`".to_string()),
    ]
    .into_iter()
    .flatten()
    .take(2)
    .collect();
    error.remedy(remedy.join("; "))
}
