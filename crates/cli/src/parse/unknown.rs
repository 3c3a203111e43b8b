//! What was typed and no command has: arguments too many, options of another name, files whose name begins
//! as options do.

use enscore::Error;
use enscore::settings::settings_reference;

/// Commands that take every settings key by `--set`.
const WITH_SETTINGS: [&str; 3] = ["train", "compare", "profile"];
/// Commands that take the keys of a sampler.
const WITH_SAMPLER: [&str; 3] = ["sample", "evaluate", "export"];

/// The refusal of the argument that begins with `begin`; `near` is an option of a similar name, `said` has
/// the usage as its remedy.
pub(super) fn unknown(typed: &[String], begin: &str, near: Option<&str>, said: Error) -> Error {
    if let Some(error) = apart(typed) {
        return error;
    }
    if begin.starts_with("--") {
        return option(typed, begin, near).unwrap_or(said);
    }
    // Of options in one letter clap names the first alone.
    let word = typed.iter().find(|word| word.starts_with(begin) && !word.starts_with("--"));
    let word = if begin.starts_with('-') { word.map_or(begin, String::as_str) } else { begin };
    if begin.starts_with('-') {
        return Error::input(format!("unknown option {word:?}"))
            .remedy(format!("if it is a file, write ./{word}; else see `enscore --help`"));
    }
    let error = Error::input(format!("one argument too many: {word}"));
    match word.split_once('=') {
        Some((key, _)) if key.contains('.') => error.remedy(format!("use --set {word}")),
        _ => error.remedy(said.remedy.split(" see `").next().unwrap_or_default().trim_end_matches(';')),
    }
}

/// A key and its value in two words behind `--set`.
fn apart(typed: &[String]) -> Option<Error> {
    let is_apart = |words: &&[String]| {
        words[0] == "--set" && words[1].contains('.') && !words[1].contains('=') && !words[2].starts_with('-')
    };
    let words = typed.windows(3).find(is_apart)?;
    let [_, key, value] = words else { return None };
    Some(
        Error::input("--set takes one word")
            .found(format!("{key} {value}"))
            .remedy(format!("write --set {key}={value}")),
    )
}

/// An option that the command has not: a settings key, if there is one of this name.
fn option(typed: &[String], begin: &str, near: Option<&str>) -> Option<Error> {
    let command = typed.iter().find(|word| !word.starts_with('-'))?;
    let at = typed.iter().position(|word| word.split('=').next() == Some(begin))?;
    let value = typed[at].split_once('=').map(|(_, value)| value);
    let next = typed.get(at + 1).map(String::as_str).filter(|next| !next.starts_with('-'));
    let value = value.or(next).unwrap_or("VALUE");
    let error = Error::input(format!("{command} has no option {begin}"));
    let word = begin.trim_start_matches('-').replace('-', "_");
    if word == "data" && WITH_SETTINGS.contains(&command.as_str()) {
        return Some(error.remedy(format!("the data are set by --set data.path={value}")));
    }
    if let Some(key) = key_called(command, &word) {
        return Some(error.remedy(format!("use --set {key}={value}")));
    }
    near.map(|near| error.remedy(format!("did you mean {near}?")))
}

/// The settings key of this name that the command takes; one that always applies before others.
fn key_called(command: &str, word: &str) -> Option<String> {
    let sampler = WITH_SAMPLER.contains(&command);
    if !sampler && !WITH_SETTINGS.contains(&command) {
        return None;
    }
    let keys = settings_reference().into_iter().filter(|key| {
        let (table, name) = key.key.split_once('.').unwrap_or_default();
        name == word && (!sampler || table == "sampler")
    });
    keys.min_by_key(|key| !key.applies.is_empty()).map(|key| key.key)
}

/// A command that stands behind `data`.
pub(super) fn of_data(word: &str) -> Option<Error> {
    ["info", "list", "fetch"].contains(&word).then(|| {
        Error::input(format!("no such command: {word}"))
            .remedy(format!("did you mean `enscore data {word}`?"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(typed: &str, begin: &str, near: Option<&str>) -> String {
        let typed: Vec<String> = typed.split(' ').map(str::to_string).collect();
        let clap = Error::input("clap").remedy("usage: enscore x <A>; see `enscore --help`");
        unknown(&typed, begin, near, clap).to_string()
    }

    #[test]
    fn what_no_command_has_is_told_by_what_it_is() {
        let cases = [
            ("data info a b", "b", "one argument too many: b; usage: enscore x <A>"),
            (
                "train a.toml train.steps=5",
                "train.steps=5",
                "one argument too many: train.steps=5; use --set train.steps=5",
            ),
            (
                "train a.toml --set train.steps 5",
                "5",
                "--set takes one word: found train.steps 5; write --set train.steps=5",
            ),
            (
                "train a.toml --data x.csv",
                "--data",
                "train has no option --data; the data are set by --set data.path=x.csv",
            ),
            ("train a.toml --steps=5", "--steps", "train has no option --steps; use --set train.steps=5"),
            ("sample run --kind hmc", "--kind", "sample has no option --kind; use --set sampler.kind=hmc"),
            (
                "data info -x.csv",
                "-x",
                "unknown option \"-x.csv\"; if it is a file, write ./-x.csv; else see `enscore --help`",
            ),
        ];
        for (typed, begin, expected) in cases {
            assert_eq!(said(typed, begin, None), expected);
        }
        assert_eq!(
            said("train a.toml --sed 3", "--sed", Some("--seed")),
            "train has no option --sed; did you mean --seed?"
        );
        assert_eq!(
            said("score run x --sed 3", "--sed", None),
            "clap; usage: enscore x <A>; see `enscore --help`"
        );
    }
}
