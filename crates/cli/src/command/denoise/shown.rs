//! What answers say under either prior.

/// The split R-hat of the energy above which chains have not met.
const R_HAT_LIMIT: f64 = 1.05;

/// Pixels in which two images differ.
pub(super) fn differ(a: &[i8], b: &[i8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// How far sampled marginals can be trusted.
pub(super) fn marginals(std_err: f64, r_hat: Option<f64>) -> String {
    let agree = r_hat.map_or(String::new(), |r_hat| format!(", R-hat of the energy {r_hat:.3}"));
    format!("± {std_err:.1e} (root mean square){agree}")
}

/// A warning of chains that have not met, if so.
pub(super) fn not_converged(r_hat: Option<f64>) -> Vec<String> {
    let beyond = r_hat.filter(|r_hat| *r_hat > R_HAT_LIMIT);
    let warning =
        |r_hat| format!("the chains have not converged (R-hat {r_hat:.2}): increase --burn-in and --sweeps");
    beyond.map(warning).into_iter().collect()
}
