//! The conditional distribution of one spin given the others, and the acceptance of its flip:
//!
//! ```text
//! p(x_i = 1 | rest) = 1 / (1 + exp(-2 β f_i)),   f_i = h_i + Σ_j J_ij x_j,
//! a(x_i → -x_i) = min(1, exp(-2 β x_i f_i)).
//! ```
//!
//! (Glauber 1963, "Time-dependent statistics of the Ising model"; Metropolis et al. 1953).

use crate::executor::spins::Rule;

/// p(x_i = 1 | rest) at β times the local field.
pub fn probability_up(beta_field: f64) -> f64 {
    1.0 / (1.0 + (-2.0 * beta_field).exp())
}

/// The probability with which `spin` ±1 flips at β times the local field.
pub fn flip_probability(rule: Rule, spin: i8, beta_field: f64) -> f64 {
    let along = f64::from(spin) * beta_field;
    match rule {
        Rule::HeatBath => probability_up(-along),
        Rule::Metropolis => (-2.0 * along).exp().min(1.0),
    }
}
