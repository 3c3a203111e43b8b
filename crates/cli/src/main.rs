//! The command line of enscore: raw arguments, checked settings, run.

mod args;
mod command;
mod context;
mod flags;
mod output;
mod pictures;
mod progress;
mod signals;

use std::process::ExitCode;

use enscore::Result;

use args::{Arguments, Command};
use context::Context;
use output::Answer;
use signals::Signals;

fn main() -> ExitCode {
    let arguments = match args::parse() {
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
