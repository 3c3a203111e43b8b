//! The infinite square lattice without a field (Onsager 1944, "Crystal statistics. I", equations 109 and 116;
//! Yang 1952, "The spontaneous magnetization of a two-dimensional Ising model", equation 96), at K = β J:
//!
//! ```text
//! ln Z / N = ln(√2 cosh 2K) + (1/π) ∫_0^{π/2} ln(1 + √(1 - κ² sin²φ)) dφ,   κ = 2 sinh 2K / cosh² 2K,
//! E / (J N) = -coth 2K [1 + (2/π) (2 tanh² 2K - 1) 𝐊(κ)],
//! m = (1 - sinh⁻⁴ 2K)^{1/8} above K_c.
//! ```

use std::f64::consts::{FRAC_PI_2, LN_2, PI};

/// K_c = ln(1 + √2) / 2, where sinh 2K = 1.
pub const CRITICAL_COUPLING: f64 = 0.440_686_793_509_771_5;

/// ln Z per site, -β times the free energy per site, at `k` = β J: nats. The sign of `k` makes no difference.
pub fn log_z_per_site(k: f64) -> f64 {
    let k = k.abs();
    // ln(√2 cosh 2K) without overflow.
    let front = 0.5 * LN_2 + 2.0 * k + (-4.0 * k).exp().ln_1p() - LN_2;
    let root = complementary_modulus(k).abs();
    front + integral(|cosine| (1.0 + (root * root + (1.0 - root * root) * cosine * cosine).sqrt()).ln()) / PI
}

/// The energy per site in units of J, -∂(ln Z / N)/∂K, at `k` = β J.
pub fn energy_per_site(k: f64) -> f64 {
    if k.abs() < 1e-3 {
        // The expansion at high temperature: the closed form is a difference of two terms of size 1 / K.
        let t = k.tanh();
        return -(2.0 * t + (4.0 * t.powi(3) + 12.0 * t.powi(5)) * (1.0 - t * t));
    }
    let signed = complementary_modulus(k);
    // 𝐊(κ) = π / (2 agm(1, κ')); κ' 𝐊 vanishes at the critical point.
    let term = if signed == 0.0 { 0.0 } else { signed / arithmetic_geometric_mean(1.0, signed.abs()) };
    -(1.0 + term) / (2.0 * k).tanh()
}

/// The spontaneous magnetisation per site at `k` = β J; 0 up to [`CRITICAL_COUPLING`], and for k < 0.
pub fn magnetisation(k: f64) -> f64 {
    if k <= CRITICAL_COUPLING { 0.0 } else { (1.0 - (2.0 * k).sinh().powi(-4)).max(0.0).powf(0.125) }
}

/// ±√(1 - κ²) = (sinh² 2K - 1) / cosh² 2K = 2 tanh² 2K - 1, negative above the critical temperature.
fn complementary_modulus(k: f64) -> f64 {
    let sinh = (2.0 * k).sinh().abs();
    let cosh = (2.0 * k).cosh();
    // The product keeps its digits near the critical point; far from it the squares would overflow.
    if cosh > 1e8 { 1.0 - 2.0 / cosh / cosh } else { (sinh - 1.0) * (sinh + 1.0) / (cosh * cosh) }
}

fn arithmetic_geometric_mean(mut a: f64, mut b: f64) -> f64 {
    while (a - b).abs() > 4.0 * f64::EPSILON * a {
        (a, b) = (0.5 * (a + b), (a * b).sqrt());
    }
    0.5 * (a + b)
}

/// ∫_0^{π/2} g(cos φ) dφ by the double exponential rule (Takahasi and Mori 1974): near the critical point g
/// has a kink at φ = π/2, where its points crowd. They are counted from that end, so that small cosines have
/// all digits.
fn integral(g: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let half = (4.5 / STEP) as i32;
    let point = |i: i32| {
        let t = f64::from(i) * STEP;
        let u = FRAC_PI_2 * t.sinh();
        // φ = π/2 - θ, θ = π/2 / (1 + exp(2u)).
        let theta = FRAC_PI_2 / (1.0 + (2.0 * u).exp());
        let weight = FRAC_PI_2 * FRAC_PI_2 * t.cosh() / (2.0 * u.cosh() * u.cosh());
        if weight == 0.0 || !weight.is_finite() { 0.0 } else { weight * g(theta.sin()) }
    };
    STEP * (-half..=half).map(point).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_energy_is_the_derivative_of_log_z() {
        for k in [1e-4, 9.9e-4, 1.1e-3, 0.1, 0.3, 0.43, 0.45, 0.7, 1.5, -0.3] {
            let step = 1e-5 * f64::max(1.0, f64::abs(k));
            let difference = (log_z_per_site(k + step) - log_z_per_site(k - step)) / (2.0 * step);
            assert!((energy_per_site(k) + difference).abs() < 1e-8, "{k}: {difference}");
        }
    }

    #[test]
    fn log_z_energy_and_magnetisation_have_their_limits_in_temperature() {
        assert!((log_z_per_site(0.0) - LN_2).abs() < 1e-13);
        assert!(
            (log_z_per_site(400.0) - 800.0).abs() < 1e-10 && (energy_per_site(400.0) + 2.0).abs() < 1e-12
        );
        assert_eq!(
            (magnetisation(CRITICAL_COUPLING), magnetisation(-1.0), magnetisation(500.0)),
            (0.0, 0.0, 1.0)
        );
        assert!(((2.0 * CRITICAL_COUPLING).sinh() - 1.0).abs() < 1e-15);
    }
}
