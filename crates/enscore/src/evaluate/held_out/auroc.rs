//! How well a score tells rows of one kind from those of another: the area under the receiver's operating
//! curve is the rank statistic
//!
//! ```text
//! A = P(a > b) + ½ P(a = b),   a a score of the inside, b one of the outside
//! ```
//!
//! (Mann and Whitney 1947; Bamber 1975). With V_i = the share of outside scores below a_i, ties as ½, and W_j
//! = the share of inside scores above b_j, its variance is var(V) / m + var(W) / n (DeLong, DeLong and
//! Clarke-Pearson 1988, eq. 3 to 5), found from ranks in O((m + n) log (m + n)) (Sun and Xu 2014).

use crate::error::{Error, Result};
use crate::evaluate::Mean;
use serde::Serialize;

/// An area under the curve: 1 all inside rows score higher, ½ no difference, 0 all lower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Auroc {
    /// The area A, 0 to 1.
    pub value: f64,
    /// Its standard error by DeLong's formula; 0 where the sets are apart, which says nothing of other rows.
    #[serde(rename = "standard_error")]
    pub std_err: f64,
    /// Scores of rows inside.
    pub inside: usize,
    /// Scores of rows outside.
    pub outside: usize,
}

/// The area for scores that should be higher `inside` (log densities of held-out rows) than `outside` (those
/// of another source). Infinite scores have their rank.
///
/// # Errors
/// Fewer than 2 scores of a kind, or NaN.
pub fn auroc(inside: &[f64], outside: &[f64]) -> Result<Auroc> {
    for (name, scores) in [("inside", inside), ("outside", outside)] {
        if scores.len() < 2 {
            return Err(Error::input("too few scores for an area under the curve")
                .at(name)
                .found(scores.len())
                .expected("at least 2"));
        }
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::input("a score is not a number")
                .at(format_args!("{name}, row {row}"))
                .found("NaN")
                .remedy("drop the rows that can't be scored, and report how many"));
        }
    }
    let low = sorted(outside);
    let high = sorted(inside);
    let below: Vec<f64> = inside.iter().map(|score| share_below(&low, *score)).collect();
    let above: Vec<f64> = outside.iter().map(|score| 1.0 - share_below(&high, *score)).collect();
    let by_inside = Mean::of(&below)?;
    let by_outside = Mean::of(&above)?;
    Ok(Auroc {
        value: by_inside.value,
        std_err: by_inside.std_err.hypot(by_outside.std_err),
        inside: inside.len(),
        outside: outside.len(),
    })
}

fn sorted(scores: &[f64]) -> Vec<f64> {
    let mut scores = scores.to_vec();
    scores.sort_unstable_by(f64::total_cmp);
    scores
}

/// The share of sorted scores below this one, those equal to it as ½.
fn share_below(scores: &[f64], score: f64) -> f64 {
    let below = scores.partition_point(|other| *other < score);
    let not_above = scores.partition_point(|other| *other <= score);
    0.5 * (below + not_above) as f64 / scores.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row, row_words};

    /// Pairs (2 > 1), (2 > 0), (1 = 1), (1 > 0), (3 > 1), (3 > 0): 5.5 of 6.
    #[test]
    fn the_area_of_six_pairs_is_that_by_hand() {
        let found = auroc(&[2.0, 1.0, 3.0], &[1.0, 0.0]).unwrap();
        assert!((found.value - 5.5 / 6.0).abs() < 1e-15);
        // V = 1, 3/4, 1 with variance 1/48; W = 5/6, 1 with variance 1/72.
        let variance: f64 = 1.0 / 48.0 / 3.0 + 1.0 / 72.0 / 2.0;
        assert!((found.std_err - variance.sqrt()).abs() < 1e-15);
        assert_eq!(auroc(&[2.0, 3.0], &[0.0, 1.0]).unwrap().value, 1.0);
        assert_eq!(auroc(&[0.0; 3], &[0.0; 4]).unwrap().value, 0.5);
        assert_eq!(auroc(&[0.0, f64::INFINITY], &[f64::NEG_INFINITY, 1.0]).unwrap().value, 0.75);
        assert_eq!(auroc(&[-0.0, -0.0], &[0.0, 0.0]).unwrap().value, 0.5);
    }

    /// Every pair, with many ties.
    #[test]
    fn the_area_by_ranks_is_that_of_all_pairs() {
        let draw = |n: usize, stream, shift: i64| -> Vec<f64> {
            let mut words = vec![0; n];
            row_words(Key::new(2, 0), stream, 0, &mut words);
            words.iter().map(|word| (i64::from(word % 7) + shift) as f64).collect()
        };
        let a = draw(83, 1, 2);
        let b = draw(57, 2, 0);
        let pair = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        };
        let pairs: f64 = a.iter().flat_map(|a| b.iter().map(move |b| pair(*a, *b))).sum();
        let found = auroc(&a, &b).unwrap();
        assert!((found.value - pairs / (83.0 * 57.0)).abs() < 1e-14);
        assert!((auroc(&b, &a).unwrap().value + found.value - 1.0).abs() < 1e-14);
    }

    /// N(1, 1) against N(0, 1): A = Φ(1/√2) = 0.7602. Over repetitions the values spread as the standard
    /// error says.
    #[test]
    fn the_standard_error_is_the_spread() {
        let draw = |stream, row, n: usize, mean: f64| -> Vec<f64> {
            let mut x = vec![0.0; n];
            normal_row(Key::new(9, 0), stream, row, &mut x);
            x.iter().map(|x| x + mean).collect()
        };
        let run = |row| auroc(&draw(1, row, 60, 1.0), &draw(2, row, 40, 0.0)).unwrap();
        let found: Vec<Auroc> = (0..2000).map(run).collect();
        let values = Mean::of(&found.iter().map(|f| f.value).collect::<Vec<_>>()).unwrap();
        assert!((values.value - 0.760_249_938_906_523).abs() < 4.0 * values.std_err, "{values:?}");
        let spread = values.std_err.powi(2) * 2000.0;
        let said = found.iter().map(|f| f.std_err.powi(2)).sum::<f64>() / 2000.0;
        assert!((said / spread - 1.0).abs() < 0.12, "{said} {spread}");
    }

    #[test]
    fn refuses_scores_without_ranks() {
        assert!(auroc(&[1.0], &[0.0, 1.0]).unwrap_err().place.contains("inside"));
        assert!(auroc(&[1.0, 2.0], &[]).unwrap_err().place.contains("outside"));
        assert!(auroc(&[1.0, f64::NAN], &[0.0, 1.0]).unwrap_err().place.contains("row 1"));
    }
}
