//! Lengths of time as people write them: `90s`, `12m`, `1h30m`.

/// The units, in seconds.
const UNITS: [(&str, f64); 4] = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];
/// No training is asked to run for longer.
const LONGEST_MINUTES: f64 = 1e6;

/// The minutes of a length of time; the error says what was expected.
pub(crate) fn minutes(text: &str) -> Result<f64, String> {
    let wrong = || "a length of time such as 90s, 12m or 1h30m".to_string();
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(end);
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let length = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (word, next) = behind.split_at(length);
        let unit = UNITS.iter().find(|(unit, _)| word == *unit || (word == "min" && *unit == "m"));
        let (_, unit) = unit.ok_or_else(wrong)?;
        if number < 0.0 {
            return Err(wrong());
        }
        seconds += number * unit;
        rest = next.trim_start();
    }
    let minutes = seconds / 60.0;
    if minutes > 0.0 && minutes <= LONGEST_MINUTES { Ok(minutes) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_written() {
        for (text, expected) in
            [("90s", 1.5), ("12m", 12.0), ("1h30m", 90.0), ("1.5h", 90.0), ("2 min", 2.0), ("1d", 1440.0)]
        {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["", "12", "m", "-3m", "0s", "1x", "inf s", "nan m", "1e9d", "1m2"] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }
}
