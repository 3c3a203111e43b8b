//! The posterior of a small image by enumeration of all its labellings, in Gray order (Gray 1953): each
//! differs from the one before it by one flip, so its energy takes four neighbours, not all of them.

use super::model::{IsingDenoising, check};
use crate::error::{Error, Result};

/// The most pixels whose labellings are enumerated: 2^22 of them take a fraction of a second.
pub const MOST_ENUMERATED_PIXELS: usize = 22;

/// What enumeration knows of a posterior.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactPosterior {
    /// E\[x_i | y\], `[height, width]`.
    pub means: Vec<f64>,
    /// log Σ_x exp(-E(x)), nats.
    pub log_z: f64,
    /// The least energy of all labellings.
    pub least_energy: f64,
}

impl IsingDenoising {
    /// Posterior means E\[x_i | y\] and log Z by enumeration of every labelling.
    ///
    /// # Errors
    /// An input error if `y` is not of `height` x `width` spins, or has more than
    /// [`MOST_ENUMERATED_PIXELS`](super::MOST_ENUMERATED_PIXELS) of them.
    pub fn enumerate(&self, y: &[i8], height: usize, width: usize) -> Result<ExactPosterior> {
        check("y", y, height, width)?;
        posterior(self, y, width)
    }
}

/// The posterior given `y`, whole rows of `width` spins.
fn posterior(model: &IsingDenoising, y: &[i8], width: usize) -> Result<ExactPosterior> {
    if y.len() > MOST_ENUMERATED_PIXELS {
        return Err(Error::input("too many pixels to enumerate")
            .at("y")
            .found(format_args!("{} pixels, 2^{} labellings", y.len(), y.len()))
            .expected(format_args!("at most {MOST_ENUMERATED_PIXELS}"))
            .remedy("sample the posterior instead (method gibbs)"));
    }
    let mut least_energy = f64::INFINITY;
    each(model, y, width, |_, energy| least_energy = least_energy.min(energy));
    let mut z = 0.0;
    let mut sums = vec![0.0; y.len()];
    each(model, y, width, |x, energy| {
        let weight = (least_energy - energy).exp();
        z += weight;
        sums.iter_mut().zip(x).for_each(|(sum, spin)| *sum += weight * f64::from(*spin));
    });
    let means = sums.into_iter().map(|sum| sum / z).collect();
    Ok(ExactPosterior { means, log_z: f64::ln(z) - least_energy, least_energy })
}

/// Calls `visit` with every labelling and its energy.
fn each(model: &IsingDenoising, y: &[i8], width: usize, mut visit: impl FnMut(&[i8], f64)) {
    let mut x = vec![-1i8; y.len()];
    let height = y.len() / width;
    let mut agreement: i64 = y.iter().map(|spin| -i64::from(*spin)).sum();
    let mut alignment = (height * (width - 1) + (height - 1) * width) as i64;
    visit(&x, model.energy_of_sums(agreement, alignment));
    for number in 1u64..1 << y.len() {
        let site = number.trailing_zeros() as usize;
        let column = site % width;
        let around = [
            (column > 0).then(|| x[site - 1]),
            (column + 1 < width).then(|| x[site + 1]),
            site.checked_sub(width).map(|above| x[above]),
            x.get(site + width).copied(),
        ];
        let votes: i64 = around.into_iter().flatten().map(i64::from).sum();
        x[site] = -x[site];
        agreement += 2 * i64::from(x[site] * y[site]);
        alignment += 2 * i64::from(x[site]) * votes;
        visit(&x, model.energy_of_sums(agreement, alignment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_labelling_comes_once_with_its_energy() {
        let model = IsingDenoising::new(0.7, -0.4).unwrap();
        let y = [1, -1, 1, 1, -1, -1];
        let mut seen = std::collections::BTreeSet::new();
        each(&model, &y, 3, |x, energy| {
            assert!((energy - model.energy(x, &y, 2, 3).unwrap()).abs() < 1e-12);
            seen.insert(x.to_vec());
        });
        assert_eq!(seen.len(), 64);
    }

    #[test]
    fn pixels_without_coupling_are_independent() {
        let found = posterior(&IsingDenoising::new(0.8, 0.0).unwrap(), &[1, -1, 1, 1], 2).unwrap();
        for (mean, y) in found.means.iter().zip([1.0, -1.0, 1.0, 1.0]) {
            assert!((mean - y * 0.8f64.tanh()).abs() < 1e-14);
        }
        assert!((found.log_z - 4.0 * (2.0 * 0.8f64.cosh()).ln()).abs() < 1e-13);
        // Weights whose exponentials overflow and vanish.
        let cold = posterior(&IsingDenoising::new(5e3, 2e3).unwrap(), &[1, -1, 1, 1], 2).unwrap();
        assert!((cold.log_z - 2e4).abs() < 1e-9 && cold.means == [1.0, -1.0, 1.0, 1.0]);
        assert!(posterior(&IsingDenoising::new(1.0, 0.1).unwrap(), &[1; 23], 23).is_err());
    }
}
