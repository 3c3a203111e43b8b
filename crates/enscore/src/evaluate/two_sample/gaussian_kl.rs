//! Kullback-Leibler divergence of Gaussians in nats:
//! KL(N1 | N2) = 1/2 [tr(S2⁻¹ S1) + (m2 - m1)' S2⁻¹ (m2 - m1) - d + ln(det S2 / det S1)]
//! (Cover and Thomas 2006, "Elements of information theory", chapter 8).

use super::moments::Moments;
use crate::error::{Error, Result};
use nalgebra::{Cholesky, Dyn};

/// KL(a | b) in nats, at least 0.
///
/// ```
/// use enscore::evaluate::{Moments, gaussian_kl};
///
/// let [a, b] = [Moments::new(&[0.0], &[1.0])?, Moments::new(&[2.0], &[1.0])?];
/// assert!((gaussian_kl(&a, &b)? - 2.0).abs() < 1e-12);      // half of the squared distance
/// # Ok::<(), enscore::Error>(())
/// ```
///
/// # Errors
/// An input error if the dimensions differ or the covariance is not positive definite.
pub fn gaussian_kl(a: &Moments, b: &Moments) -> Result<f64> {
    let difference = a.mean_difference(b)?;
    let first = factor(a, "first")?;
    let second = factor(b, "second")?;
    let trace = second.solve(a.covariance()).trace();
    let shift = difference.dot(&second.solve(&difference));
    let log_det = |c: &Cholesky<f64, Dyn>| 2.0 * c.l_dirty().diagonal().iter().map(|v| v.ln()).sum::<f64>();
    Ok((0.5 * (trace + shift - a.dim() as f64 + log_det(&second) - log_det(&first))).max(0.0))
}

fn factor(moments: &Moments, which: &str) -> Result<Cholesky<f64, Dyn>> {
    Cholesky::new(moments.covariance().clone()).ok_or_else(|| {
        Error::input("the covariance is not positive definite")
            .at(format_args!("the {which} Gaussian"))
            .remedy("add a small multiple of the identity, or use fewer dimensions")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_dimension_it_is_the_textbook_value() {
        let a = Moments::new(&[1.0], &[0.25]).unwrap();
        let b = Moments::new(&[-0.5], &[4.0]).unwrap();
        let expected = (2.0f64 / 0.5).ln() + (0.25 + 2.25) / 8.0 - 0.5;
        assert!((gaussian_kl(&a, &b).unwrap() - expected).abs() < 1e-14);
        assert_eq!(gaussian_kl(&a, &a).unwrap(), 0.0);
        assert!(gaussian_kl(&a, &Moments::new(&[0.0], &[0.0]).unwrap()).is_err());
    }
}
