//! Errors in the words of the command line: the library names parameters, the user typed flags.

use enscore::Error;

/// Parameters that errors give as the place of a mistake, with their flags.
const PLACES: [(&str, &str); 6] = [
    ("chain", "--chain"),
    ("data", "--data"),
    ("features", "--features"),
    ("log_z", "--log-z"),
    ("metrics", "--metrics"),
    ("seeds", "--seeds"),
];
/// What overrides are expected to be; the user types them after `--set`.
const OVERRIDES: [&str; 2] =
    ["table.key=value", "sampler.KEY=VALUE, or data.path=FILE where the training data has moved"];
/// Words of remedies, with the same in flags.
const REMEDIES: [(&str, &str); 9] = [
    ("or say where it is: data.path = FILE", "or add --set data.path=FILE"),
    ("a threshold T", "--threshold T"),
    ("(method ", "(--method "),
    ("use the method ", "use --method "),
    ("a larger width", "a larger --width"),
    ("resume the run or open it with overrides", "give --set when you resume, sample or evaluate"),
    ("resume it,", "add --resume to continue it,"),
    ("resume the run in ", "continue with --resume --out "),
    ("name another folder,", "name another folder with --out,"),
];

/// The error with flags where it names parameters.
pub(crate) fn named(mut error: Error) -> Error {
    if let Some((_, flag)) = PLACES.iter().find(|(parameter, _)| *parameter == error.place) {
        error.place = flag.to_string();
    }
    if let Some(typed) = error.place.strip_prefix("override ") {
        error.place = format!("--set {typed}");
        error.what = error.what.replace("wrong override", "wrong --set argument");
        if OVERRIDES.contains(&error.expected.as_str()) {
            error.expected = format!("--set {}", error.expected);
        }
    }
    for (words, flag) in REMEDIES {
        error.remedy = error.remedy.replace(words, flag);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_flags() {
        let error = Error::input("a").at("chain").remedy("give a threshold T, or use the method exact");
        assert_eq!(named(error).to_string(), "a: --chain; give --threshold T, or use --method exact");
        let error = Error::input("a").at("a chain").remedy("sample (method gibbs) at a larger width");
        assert_eq!(named(error).to_string(), "a: a chain; sample (--method gibbs) at a larger --width");
        let error = Error::run("a").remedy("a checkpoint was written; resume the run in b");
        assert_eq!(named(error).to_string(), "a; a checkpoint was written; continue with --resume --out b");
        let error = Error::input("wrong override").at("override a=1").expected("table.key=value");
        assert_eq!(
            named(error).to_string(),
            "wrong --set argument: --set a=1: expected --set table.key=value"
        );
    }
}
