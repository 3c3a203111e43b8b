//! Numbers and counts as they are written for readers.

/// A number of things: `1 row`, `2 rows`.
pub fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Four significant digits; very large and small values with an exponent.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not finite".into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let short = format!("{value:.3e}");
    let exponent: i32 = short.rsplit('e').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
    if (-4..6).contains(&exponent) { format!("{value:.*}", (3 - exponent).max(0) as usize) } else { short }
}

/// A number with this many decimals; from a million on with an exponent.
pub fn decimal(value: f64, decimals: usize) -> String {
    if value.abs() < 1e6 { format!("{value:.decimals$}") } else { number(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_an_exponent_where_they_are_very_large_or_small() {
        let cases = [
            (0.0, "0"),
            (1.0, "1.000"),
            (-2.105, "-2.105"),
            (999_900.0, "999900"),
            (1e6, "1.000e6"),
            (8.9e59, "8.900e59"),
            (1.5e-4, "0.0001500"),
            (1.5e-5, "1.500e-5"),
            (f64::NAN, "not finite"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn decimals_are_those_asked_for_up_to_a_million() {
        let cases = [(0.5, "0.5000"), (-999_999.0, "-999999.0000"), (-2.398e20, "-2.398e20")];
        for (value, text) in cases {
            assert_eq!(decimal(value, 4), text);
        }
    }

    #[test]
    fn one_thing_is_singular() {
        assert_eq!(counted(1, "class", "classes"), "1 class");
        assert_eq!(counted(0, "row", "rows"), "0 rows");
    }
}
