//! Inception score: exp E_x KL(p(y given x) | p(y)), from the class probabilities of a classifier.
//!
//! Salimans et al. 2016, "Improved techniques for training GANs", section 4. Between 1 and the number of
//! classes. It knows nothing of the real data: a generator that memorised one picture a class scores best.

use crate::error::{Error, Result};

/// The score of row-major class probabilities `[rows, classes]`; each row must sum to 1 within 1e-6.
///
/// ```
/// use enscore::evaluate::inception_score;
///
/// let sure_and_balanced = [1.0, 0.0, 0.0, 1.0];
/// assert!((inception_score(&sure_and_balanced, 2)? - 2.0).abs() < 1e-12);
/// # Ok::<(), enscore::Error>(())
/// ```
///
/// # Errors
/// An input error if there is no row, a row is short, or a row is not a probability vector.
pub fn inception_score(probabilities: &[f64], classes: usize) -> Result<f64> {
    if classes == 0 || probabilities.is_empty() || !probabilities.len().is_multiple_of(classes) {
        return Err(Error::input("invalid table of class probabilities")
            .found(format_args!("{} numbers", probabilities.len()))
            .expected(format_args!("whole rows of {classes}")));
    }
    for (index, row) in probabilities.chunks_exact(classes).enumerate() {
        let sum: f64 = row.iter().sum();
        let valid = row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= 1e-6;
        if !valid {
            return Err(Error::input("a row is not a probability vector")
                .at(format_args!("row {index}"))
                .found(format_args!("sum {sum}"))
                .expected("non-negative numbers that sum to 1"));
        }
    }
    let rows = (probabilities.len() / classes) as f64;
    let mut marginal = vec![0.0; classes];
    for row in probabilities.chunks_exact(classes) {
        marginal.iter_mut().zip(row).for_each(|(m, p)| *m += p / rows);
    }
    let term = |(p, m): (&f64, &f64)| if *p > 0.0 { p * (p / m).ln() } else { 0.0 };
    let divergence: f64 =
        probabilities.chunks_exact(classes).flat_map(|row| row.iter().zip(&marginal).map(term)).sum();
    Ok((divergence / rows).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_from_one_to_the_number_of_classes() {
        let sure = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        assert!((inception_score(&sure, 3).unwrap() - 3.0).abs() < 1e-12);
        assert!((inception_score(&[0.2, 0.8, 0.2, 0.8], 2).unwrap() - 1.0).abs() < 1e-12);
        assert!(inception_score(&[0.2, 0.9], 2).unwrap_err().to_string().contains("row 0"));
        assert!(inception_score(&[f64::NAN, 1.0], 2).is_err());
        assert!(inception_score(&[0.5, 0.5, 1.0], 2).is_err());
    }
}
