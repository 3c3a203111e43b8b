//! Errors in the words of the command line: the library names parameters, the user typed flags.

use enscore::Error;

/// Parameters that errors give as the place of a mistake, with their flags.
const PLACES: [(&str, &str); 2] = [("chain", "--chain"), ("metrics", "--metrics")];
/// Words of remedies, with the same in flags.
const REMEDIES: [(&str, &str); 4] = [
    ("a threshold T", "--threshold T"),
    ("(method ", "(--method "),
    ("use the method ", "use --method "),
    ("a larger width", "a larger --width"),
];

/// The error with flags where it names parameters.
pub(crate) fn named(error: Error) -> Error {
    let place = PLACES.iter().find(|(parameter, _)| *parameter == error.place);
    let place = place.map_or(error.place.clone(), |(_, flag)| flag.to_string());
    let remedy = REMEDIES.iter().fold(error.remedy.clone(), |text, (words, flag)| text.replace(words, flag));
    Error { place, remedy, ..error }
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
    }
}
