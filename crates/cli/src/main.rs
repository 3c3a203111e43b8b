//! The command line of enscore: raw arguments, checked settings, run.

mod args;
mod command;
mod context;
mod duration;
mod flags;
mod given;
mod numbers;
mod output;
mod parse;
mod pictures;
mod progress;
mod signals;

use std::process::ExitCode;

use enscore::{Error, Result};

use args::{Arguments, Command};
use context::Context;
use output::Answer;
use signals::Signals;

/// The work runs on a thread of its own: its stack doesn't depend on how much the shell gives the first one.
fn main() -> ExitCode {
    match std::thread::Builder::new().stack_size(context::STACK).spawn(command_line) {
        Ok(work) => work.join().unwrap_or(ExitCode::FAILURE),
        Err(reason) => {
            let error = Error::run("the first thread can't be started").found_error(reason);
            output::fail(&error.remedy("raise the limits of memory and threads (ulimit -v, ulimit -u)"))
        }
    }
}

fn command_line() -> ExitCode {
    let arguments = match parse::parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return refusal,
    };
    let json = arguments.json;
    match run(arguments).map_err(flags::named).and_then(|answer| answer.print(json)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

fn run(arguments: Arguments) -> Result<Answer> {
    let Arguments { command, verbose, quiet, threads, .. } = arguments;
    let context = Context {
        verbose,
        quiet,
        threads: threads.map(usize::from),
        signals: Signals::watch(command.name())?,
    };
    match command {
        Command::Demo(demo) => command::demo::run(&context, &demo),
        Command::Train(train) => command::train::run(&context, &train),
        Command::Sample(sample) => command::sample::run(&context, &sample),
        Command::Evaluate(evaluate) => command::evaluate::run(&context, &evaluate),
        Command::Compare(compare) => command::compare::run(&context, &compare),
        Command::Inpaint(inpaint) => command::inpaint::run(&context, &inpaint),
        Command::Export(export) => command::export::run(&export),
        Command::Score(score) => command::score::run(&context, &score),
        Command::Lecture(lecture) => command::lecture::run(&context, &lecture),
        Command::Logz(logz) => command::logz::run(&context, &logz),
        Command::Denoise(denoise) => command::denoise::run(&context, &denoise),
        Command::Suggest(suggest) => command::suggest::run(&context, &suggest),
        Command::Profile(profile) => command::profile::run(&context, &profile),
        Command::Data(data) => command::data::run(&data),
        Command::Settings(settings) => command::settings::run(&settings),
    }
}
