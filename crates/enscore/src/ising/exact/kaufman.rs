//! The torus of one coupling without a field in closed form (Kaufman 1949, "Crystal statistics. II", equation
//! 79), M rows and N columns, K = β J, s = sinh 2K:
//!
//! ```text
//! Z = ½ (2s)^{MN/2} { Π 2cosh(M g_{2r+1}/2) + Π 2sinh(M g_{2r+1}/2)
//!                     + Π 2cosh(M g_{2r}/2) + Π 2sinh(M g_{2r}/2) },
//! cosh g_l = cosh² 2K / s - cos(π l / N),   g_0 = 2K + ln tanh K,   r = 0..N-1.
//! ```
//!
//! g_0 keeps its sign: it is negative above the critical temperature. The energy is the derivative in K, term
//! by term. J < 0 is J > 0 with both momenta moved by π, which exchanges the products if a side is odd; the
//! torus is then frustrated and the products cancel, down to what double precision can tell, beyond which log
//! Z is refused.

use std::f64::consts::{LN_2, PI};

use super::super::lattice::{IsingModel, Lattice};
use crate::error::{Error, Result};

/// The least part of the largest product that their sum may be.
const LEAST_SUM: f64 = 1e-5;

/// Exact values on a torus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TorusExact {
    /// log Z, nats.
    pub log_z: f64,
    /// ⟨E⟩ per site in units of J: -∂ log Z / ∂K / (M N), within some 1e-16 / K.
    pub energy_per_site: f64,
}

/// log Z of a torus with a single coupling and no field, nats.
///
/// # Errors
/// An input error for other models, and where an odd side frustrates J < 0 so much that the formula cancels.
pub fn log_z_by_kaufman(model: &IsingModel) -> Result<f64> {
    let (Lattice::Torus { height, width }, Some(j), true) =
        (model.lattice(), model.uniform_coupling(), model.has_no_field())
    else {
        return Err(Error::input("Kaufman's formula does not apply to this model")
            .expected("a torus with a single coupling and no field"));
    };
    Ok(torus_exact(height, width, model.beta() * j)?.log_z)
}

/// log Z and energy of a torus of `height` x `width` sites at `k` = β J.
///
/// # Errors
/// An input error if a side is 0, `k` is not finite, or the formula cancels (J < 0 with an odd side).
pub fn torus_exact(height: usize, width: usize, k: f64) -> Result<TorusExact> {
    if height == 0 || width == 0 || !k.is_finite() {
        return Err(Error::input("an invalid torus")
            .found(format_args!("{height} x {width} sites at beta J = {k}"))
            .expected("sides of at least 1 and a finite beta J"));
    }
    let sites = height as f64 * width as f64;
    if k == 0.0 {
        // Bonds of sites to themselves are the only ones that move the energy's mean.
        let loops = [height, width].iter().filter(|side| **side == 1).count() as f64;
        return Ok(TorusExact { log_z: sites * LN_2, energy_per_site: -loops });
    }
    let strength = Strength::new(k.abs());
    let sectors =
        [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[a, b]| strength.sector(height, width, a == 1, b == 1));
    // The sector whose sign is reversed: that of zero momenta, or its image where J < 0.
    let reversed = if k > 0.0 { 0 } else { 2 * (height % 2) + width % 2 };
    let most = sectors.iter().map(|sector| sector.log).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    let mut slope = 0.0;
    for (index, sector) in sectors.iter().enumerate() {
        let sign = if index == reversed { -1.0 } else { 1.0 };
        sum += sign * sector.sign * (sector.log - most).exp();
        slope += sign * (sector.slope_log - most).exp() * sector.slope_factor;
    }
    if sum <= LEAST_SUM {
        return Err(Error::input("the terms of Kaufman's formula cancel")
            .found(format_args!(
                "{height} x {width} sites at beta J = {k}: their sum is {sum:.1e} of the largest"
            ))
            .expected("even sides, or a weaker coupling"));
    }
    let log_z = 0.5 * sites * strength.log_two_sinh + most + sum.ln() - LN_2;
    let derivative = sites * strength.half_log_sinh_slope + slope / sum;
    Ok(TorusExact { log_z, energy_per_site: -derivative * k.signum() / sites })
}

/// What depends on |K| only.
struct Strength {
    k: f64,
    sinh: f64,
    /// ln(2 sinh 2K).
    log_two_sinh: f64,
    /// ½ ∂ ln sinh 2K / ∂K = coth 2K.
    half_log_sinh_slope: f64,
}

/// A product over momenta: `sign` exp(`log`), and its derivative in K: `slope_factor` exp(`slope_log`).
struct Sector {
    sign: f64,
    log: f64,
    slope_factor: f64,
    slope_log: f64,
}

impl Strength {
    fn new(k: f64) -> Strength {
        let log_two_sinh = 2.0 * k + (-(-4.0 * k).exp_m1()).ln();
        Strength { k, sinh: (2.0 * k).sinh(), log_two_sinh, half_log_sinh_slope: (2.0 * k).tanh().recip() }
    }

    /// g and ∂g/∂K at momentum π l / N, l > 0: cosh g - 1 = (1 - s)² / s + 2 sin²(π l / 2N) keeps its digits
    /// where g is small.
    fn g(&self, half_angle_sine: f64) -> (f64, f64) {
        let s = self.sinh;
        if self.k > 150.0 {
            return (2.0 * self.k, 2.0);
        }
        let over = (1.0 - s) * (1.0 - s) / s + 2.0 * half_angle_sine * half_angle_sine;
        let g = 2.0 * (0.5 * over).sqrt().asinh();
        let sinh_g = (over * (over + 2.0)).sqrt();
        (g, 2.0 * (2.0 * self.k).cosh() * (s - 1.0) * (s + 1.0) / (s * s) / sinh_g)
    }

    /// g_0 with its sign, and its derivative.
    fn g_zero(&self) -> (f64, f64) {
        if self.k > 150.0 {
            return (2.0 * self.k, 2.0);
        }
        (2.0 * self.k + self.k.tanh().ln(), 2.0 + 2.0 / self.sinh)
    }

    /// The product with half-integer momenta along the columns' direction (`odd_rows`) and along the rows
    /// (`odd`). The product of zero momenta is positive above the critical temperature, negative below.
    fn sector(&self, height: usize, width: usize, odd_rows: bool, odd: bool) -> Sector {
        let m = height as f64;
        let mut log = 0.0;
        let mut slope = 0.0;
        for r in 0..width {
            let l = (2 * r + usize::from(odd)) as f64;
            if l == 0.0 {
                continue;
            }
            let (g, g_slope) = self.g((0.5 * PI * l / width as f64).sin());
            let small = (-m * g).exp();
            log += 0.5 * m * g;
            if odd_rows {
                log += small.ln_1p();
                slope += 0.5 * m * g_slope * (1.0 - small) / (1.0 + small);
            } else {
                let below = -(-m * g).exp_m1();
                log += below.ln();
                slope += 0.5 * m * g_slope * (1.0 + small) / below;
            }
        }
        if odd {
            return Sector { sign: 1.0, log, slope_factor: slope, slope_log: log };
        }
        let (g, g_slope) = self.g_zero();
        let half = 0.5 * m * g.abs();
        let small = (-2.0 * half).exp();
        if odd_rows {
            slope += 0.5 * m * g_slope * g.signum() * (1.0 - small) / (1.0 + small);
            log += half + small.ln_1p();
            return Sector { sign: 1.0, log, slope_factor: slope, slope_log: log };
        }
        // -2 sinh(M g_0 / 2) may vanish: the product rule, with the other factors outside.
        let below = -(-2.0 * half).exp_m1();
        let slope_factor = -(0.5 * m * g_slope * (1.0 + small) + g.signum() * below * slope);
        let slope_log = log + half;
        Sector { sign: -g.signum(), log: log + half + below.ln(), slope_factor, slope_log }
    }
}
