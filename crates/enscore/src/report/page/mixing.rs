//! What the metrics of a training say of its chains: whether they still mix.

use serde_json::{Map, Value};

/// The name in the metrics of the log-likelihood of training rows, nats.
pub const LIKELIHOOD: &str = "log_likelihood_training";
/// The name in the metrics of the correlation that sweeps from training rows keep.
pub const CORRELATION: &str = "drift_correlation";
/// A log-likelihood that ends further below its best than this is said, nats.
const FALLEN: f64 = 0.5;
/// Chains that keep more than this are said. Machines of bars and stripes near the maximum of their
/// likelihood keep 0.7, those whose likelihood falls 0.95 and more.
const STUCK: f64 = 0.9;

const REMEDY: &str = "Use more sweeps (objective.steps), persistent tempered chains (objective.temperatures), a learning \
                      rate that decays, or weight decay.";

/// What to tell the user, from the metrics of a training, where chains no longer mix: they led it away from
/// the maximum that it had reached, or can't tell it.
pub fn unmixed_chains(rows: &[Map<String, Value>]) -> Option<String> {
    let of = |name: &str| -> Vec<(f64, u64)> {
        let value = |row: &Map<String, Value>| Some((row.get(name)?.as_f64()?, row.get("step")?.as_u64()?));
        rows.iter().filter_map(value).collect()
    };
    fallen(&of(LIKELIHOOD)).or_else(|| stuck(&of(CORRELATION)))
}

fn fallen(all: &[(f64, u64)]) -> Option<String> {
    let (best, at) = all.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let (last, end) = *all.last()?;
    (last < best - FALLEN).then(|| {
        format!(
            "The log-likelihood of the training rows fell from {best:.2} nats at step {at} to {last:.2} at step \
             {end}: the chains no longer mix. {REMEDY}"
        )
    })
}

fn stuck(all: &[(f64, u64)]) -> Option<String> {
    let (last, end) = *all.last()?;
    (last > STUCK).then(|| {
        format!(
            "The chains no longer mix: sweeps from training rows keep a correlation of {last:.2} at step {end}, and \
             what chains never visit may be too likely. {REMEDY}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn chains_that_stay_are_said_where_no_likelihood_falls() {
        let row = |step: u64, name: &str, value: f64| {
            let Value::Object(row) = json!({"step": step, name: value}) else { panic!("an object") };
            row
        };
        let told = |rows: &[Map<String, Value>]| unmixed_chains(rows).unwrap_or_default();
        let early = row(10, CORRELATION, 0.99);
        assert!(told(&[early.clone(), row(20, CORRELATION, 0.7)]).is_empty());
        assert!(told(&[early.clone(), row(20, CORRELATION, 0.95)]).contains("0.95 at step 20"));
        let fallen = [row(10, LIKELIHOOD, -3.0), early, row(20, LIKELIHOOD, -4.0)];
        assert!(told(&fallen).contains("fell from -3.00"));
    }
}
