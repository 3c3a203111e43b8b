//! The command line of enscore: raw arguments, checked settings, run.

mod args;
mod command;
mod output;
mod progress;
mod signals;

use std::process::ExitCode;

use enscore::{Error, Result};

use args::{Arguments, Command};
use output::Answer;
use signals::Signals;

/// What every command is given besides its own arguments.
pub(crate) struct Context {
    /// Whether messages are printed where stderr is no terminal, too.
    pub(crate) verbose: bool,
    /// Threads asked for.
    pub(crate) threads: Option<usize>,
    /// What the user wants stopped.
    pub(crate) signals: Signals,
}

impl Context {
    /// Runs `work` on as many threads as were asked for, else as `setting` says; 0 for one per core.
    pub(crate) fn on_threads<T: Send>(
        &self,
        setting: usize,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        let threads = self.threads.unwrap_or(setting);
        // The work itself runs on a thread of the pool, so its stack is as large as a main thread's.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(8 << 20).build();
        pool.map_err(|reason| {
            Error::run("can't start the threads").found(reason).remedy("use fewer --threads")
        })?
        .install(work)
    }
}

fn main() -> ExitCode {
    let arguments = match args::parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return refusal,
    };
    let json = arguments.json;
    match run(arguments).and_then(|answer| answer.print(json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

fn run(arguments: Arguments) -> Result<Answer> {
    let Arguments { command, verbose, threads, .. } = arguments;
    let context = Context { verbose, threads: threads.map(usize::from), signals: Signals::watch()? };
    match command {
        Command::Demo(demo) => command::demo::run(&context, &demo),
        Command::Train(train) => command::train::run(&context, &train),
        Command::Sample(sample) => command::sample::run(&context, &sample),
        Command::Evaluate(evaluate) => command::evaluate::run(&context, &evaluate),
        Command::Compare(compare) => command::compare::run(&context, &compare),
        Command::Inpaint(inpaint) => command::inpaint::run(&context, &inpaint),
        Command::Export(export) => command::export::run(&export),
        Command::Score(score) => command::score::run(&context, &score),
        Command::Logz(logz) => command::logz::run(&context, &logz),
        Command::Denoise(denoise) => command::denoise::run(&context, &denoise),
        Command::Suggest(suggest) => command::suggest::run(&context, &suggest),
        Command::Profile(profile) => command::profile::run(&context, &profile),
        Command::Data(data) => command::data::run(&data),
        Command::Settings => Ok(command::settings::run()),
    }
}
