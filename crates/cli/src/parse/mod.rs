//! From what was typed to arguments, and the refusal of wrong ones in one line.

mod unknown;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};
use enscore::Error;

use crate::args::Arguments;
use crate::output;

/// The arguments of this process. Prints help and version, and refuses wrong arguments; the error is then the
/// exit code.
pub(crate) fn parse() -> Result<Arguments, ExitCode> {
    let matches = with_negative_numbers(Arguments::command()).try_get_matches();
    matches.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match output::print(&error.render().to_string()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => output::fail(&error),
            }
        }
        _ => output::fail(&refusal(&error)),
    })
}

/// Every option that takes a value takes -1, too: to say what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes_value = |arg: &clap::Arg| arg.get_action().takes_values() && !arg.is_positional();
    let command =
        command.mut_args(|arg| if takes_value(&arg) { arg.allow_negative_numbers(true) } else { arg });
    command.mut_subcommands(with_negative_numbers)
}

/// What is wrong with the arguments, in one line.
fn refusal(error: &clap::Error) -> Error {
    let said = one_line(&error.render().to_string());
    match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Error::input("no command given").remedy("try `enscore demo`, or see `enscore --help`")
        }
        ErrorKind::InvalidUtf8 => not_utf8().unwrap_or(said),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => wrong_value(error).unwrap_or(said),
        ErrorKind::InvalidSubcommand => {
            let typed = text_of(error, ContextKind::InvalidSubcommand);
            typed.and_then(unknown::of_data).unwrap_or(said)
        }
        ErrorKind::UnknownArgument => {
            let typed: Vec<String> =
                std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            let begin = text_of(error, ContextKind::InvalidArg).unwrap_or_default();
            let near = text_of(error, ContextKind::SuggestedArg);
            unknown::unknown(&typed, begin, near, said)
        }
        _ => said,
    }
}

/// A piece of what clap found.
fn text_of(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        ContextValue::Strings(texts) => texts.first().map(String::as_str),
        _ => None,
    }
}

/// Words that a command takes as text, such as the name of a data set, are UTF-8.
fn not_utf8() -> Option<Error> {
    let word = std::env::args_os().find(|word| word.to_str().is_none())?;
    Some(Error::input("an argument that is not UTF-8").found(format!("{word:?}")).remedy("rename the file"))
}

/// A value that an option can't have.
fn wrong_value(error: &clap::Error) -> Option<Error> {
    let option = text_of(error, ContextKind::InvalidArg)?.split(' ').next()?;
    let typed = text_of(error, ContextKind::InvalidValue)?;
    let expected = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) if !words.is_empty() => words.join(" or "),
        _ => std::error::Error::source(error)?.to_string(),
    };
    let found = if typed.is_empty() { "nothing" } else { typed };
    Some(Error::input(format!("wrong value for {option}")).found(found).expected(expected))
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
