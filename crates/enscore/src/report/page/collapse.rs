//! What the metrics of a training say of a generator: whether it has collapsed to a part of the data.

use serde_json::{Map, Value};

/// The name in the metrics of the share of held-out rows with a sample nearby.
pub const COVERAGE: &str = "coverage";
/// The same with real rows in the place of samples.
pub const COVERAGE_OF_DATA: &str = "coverage_of_data";
/// Below this share of the coverage of real rows, samples leave out modes.
pub(super) const COLLAPSED: f64 = 0.5;

const REMEDY: &str =
    "Use objective.kind = \"wgan-gp\", a smaller learning rate, or more steps of the critic.";

/// What to tell the user, from the metrics of a training, where the generator leaves out modes at its end.
pub fn collapsed(rows: &[Map<String, Value>]) -> Option<String> {
    let of = |row: &Map<String, Value>| {
        let number = |name: &str| row.get(name)?.as_f64();
        Some((number(COVERAGE)?, number(COVERAGE_OF_DATA)?, row.get("step")?.as_u64()?))
    };
    let all: Vec<(f64, f64, u64)> = rows.iter().filter_map(of).collect();
    let (last, of_data, end) = *all.last()?;
    let (best, _, at) = all.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let before = if best > last { format!(", from {best:.2} at step {at}") } else { String::new() };
    (last < COLLAPSED * of_data).then(|| {
        format!(
            "The generator leaves out a large part of the data: {last:.2} of the held-out rows have a sample nearby at \
             step {end}{before}; {of_data:.2} with real rows in its place. {REMEDY}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: u64, coverage: f64) -> Map<String, Value> {
        let row = serde_json::json!({ "step": step, COVERAGE: coverage, COVERAGE_OF_DATA: 0.96 });
        row.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_collapse_is_told_from_a_training_that_covers_the_data() {
        assert_eq!(collapsed(&[row(10, 0.2), row(20, 0.9)]), None);
        assert_eq!(collapsed(&[]), None);
        let said = collapsed(&[row(10, 0.8), row(20, 0.3)]).unwrap();
        assert!(
            said.contains("0.30 of the held-out rows") && said.contains("from 0.80 at step 10"),
            "{said}"
        );
    }
}
