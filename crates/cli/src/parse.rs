//! From what was typed to arguments, and the refusal of wrong ones in one line.

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
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => output::fail(
            &Error::input("no command given").remedy("try `enscore demo`, or see `enscore --help`"),
        ),
        ErrorKind::UnknownArgument => output::fail(&unknown(&error)),
        _ => output::fail(&one_line(&error.render().to_string())),
    })
}

/// Every option that takes a value takes -1, too: to say what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes_value = |arg: &clap::Arg| arg.get_action().takes_values() && !arg.is_positional();
    let command =
        command.mut_args(|arg| if takes_value(&arg) { arg.allow_negative_numbers(true) } else { arg });
    command.mut_subcommands(with_negative_numbers)
}

/// An argument that no command has: a wrong option, or a file whose name begins as options do.
fn unknown(error: &clap::Error) -> Error {
    let said = one_line(&error.render().to_string());
    let Some(ContextValue::String(begin)) = error.get(ContextKind::InvalidArg) else { return said };
    let is_short = |typed: &&String| typed.starts_with(begin.as_str()) && !typed.starts_with("--");
    let typed: Vec<String> = std::env::args().skip(1).collect();
    match typed.iter().find(is_short) {
        Some(typed) => Error::input(format!("unknown option {typed:?}"))
            .remedy(format!("if it is a file, write ./{typed}; else see `enscore --help`")),
        None => said,
    }
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
