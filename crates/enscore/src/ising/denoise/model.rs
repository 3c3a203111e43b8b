//! Denoising of a two-valued image by an Ising model on the grid (Geman and Geman 1984, "Stochastic
//! relaxation, Gibbs distributions, and the Bayesian restoration of images"; Greig, Porteous and Seheult
//! 1989, "Exact maximum a posteriori estimation for binary images", for the minimum cut):
//!
//! ```text
//! E(x) = -η Σ_i x_i y_i - β Σ_⟨ij⟩ x_i x_j,   p(x | y) ∝ exp(-E(x)),
//! ```
//!
//! x and y `[height, width]` of spins ±1, row-major; y is the noisy image and ⟨ij⟩ runs over horizontal and
//! vertical neighbours, without a wrap at the border. With flips of probability q, η = ln((1 - q) / q) / 2.
//! With β > 0 neighbours agree, with β < 0 they differ. A most probable x is exact for β ≥ 0, where the
//! energy is submodular; there may be several.

use super::{components, icm, persistency};
use crate::error::{Error, Result};

/// The largest whole number that a weight is scaled to: residuals, up to twice as large, stay far inside an
/// i32.
const LARGEST_WEIGHT: f64 = (1 << 28) as f64;

/// The posterior of a two-valued image given a noisy one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IsingDenoising {
    eta: f64,
    beta: f64,
}

/// Spins with their energy.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelling {
    /// `[height, width]`, each -1 or 1.
    pub spins: Vec<i8>,
    /// The energy E(x, y) of the labelling.
    pub energy: f64,
}

/// The largest weight.
const LARGEST: f64 = 1e298;

impl IsingDenoising {
    /// `eta` weighs agreement with the noisy image (negative: disagreement), `beta` that of neighbours.
    ///
    /// # Errors
    /// An input error if a weight is not finite, or so large that energies of large images would not be.
    pub fn new(eta: f64, beta: f64) -> Result<Self> {
        for (name, weight) in [("eta", eta), ("beta", beta)] {
            if !(weight.is_finite() && weight.abs() <= LARGEST) {
                return Err(Error::input("a weight is out of range")
                    .at(name)
                    .found(weight)
                    .expected(format_args!("a number from -{LARGEST:e} to {LARGEST:e}")));
            }
        }
        Ok(IsingDenoising { eta, beta })
    }

    /// The weight of the noisy image, η.
    pub fn eta(&self) -> f64 {
        self.eta
    }

    /// The coupling of neighbours, β.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// E(x) given `y`. The sums are taken over whole numbers, so their order does not matter.
    ///
    /// # Errors
    /// An input error if an image is not of `height` x `width` spins -1 and 1.
    pub fn energy(&self, x: &[i8], y: &[i8], height: usize, width: usize) -> Result<f64> {
        check("x", x, height, width)?;
        check("y", y, height, width)?;
        Ok(self.energy_of(x, y, width))
    }

    fn energy_of(&self, x: &[i8], y: &[i8], width: usize) -> f64 {
        let product = |(a, b): (&i8, &i8)| i64::from(a * b);
        let agreement: i64 = x.iter().zip(y).map(product).sum();
        let across: i64 = x.chunks_exact(width).flat_map(|row| row.iter().zip(&row[1..])).map(product).sum();
        let down: i64 = x.iter().zip(&x[width..]).map(product).sum();
        self.energy_of_sums(agreement, across + down)
    }

    /// The energy where Σ x_i y_i is `agreement` and Σ x_i x_j over neighbours is `alignment`.
    pub(crate) fn energy_of_sums(&self, agreement: i64, alignment: i64) -> f64 {
        -self.eta * agreement as f64 - self.beta * alignment as f64
    }

    /// A labelling of least energy given `y`, by a minimum cut of the sites that are not certain without one.
    /// Where several have it, which of them is returned is fixed but means nothing: compare energies.
    ///
    /// # Errors
    /// An input error if `beta` is negative (a minimum cut can't reward disagreement), or `y` is not of
    /// `height` x `width` spins -1 and 1, or has 2^31 of them or more.
    pub fn exact_map(&self, y: &[i8], height: usize, width: usize) -> Result<Labelling> {
        check("y", y, height, width)?;
        if self.beta < 0.0 {
            return Err(Error::input("a negative coupling is not submodular, so max-flow does not apply")
                .at("beta")
                .found(self.beta)
                .expected("at least 0")
                .remedy("sample the posterior (method gibbs) or anneal (method annealing)"));
        }
        let weights = self.whole_weights();
        let mut decided = persistency::decide(y, width, weights);
        components::solve(&mut decided, y, width, weights);
        let energy = self.energy_of(&decided, y, width);
        Ok(Labelling { spins: decided, energy })
    }

    /// A labelling whose energy no single flip lowers, from `y` by iterated conditional modes (Besag 1986,
    /// "On the statistical analysis of dirty pictures"): an upper bound of the least energy, and a fast one.
    ///
    /// # Errors
    /// An input error if `y` is not an image, as for [`IsingDenoising::exact_map`].
    pub fn icm(&self, y: &[i8], height: usize, width: usize) -> Result<Labelling> {
        self.descend(y.to_vec(), y, height, width)
    }

    /// Iterated conditional modes from `x`: no flip that it ends at has a lower energy, nor does `x`.
    ///
    /// # Errors
    /// An input error if an image is not of `height` x `width` spins -1 and 1.
    pub fn descend(&self, x: Vec<i8>, y: &[i8], height: usize, width: usize) -> Result<Labelling> {
        check("x", &x, height, width)?;
        check("y", y, height, width)?;
        let spins = icm::iterate(x, y, width, self.whole_weights());
        let energy = self.energy_of(&spins, y, width);
        Ok(Labelling { spins, energy })
    }

    /// Whole numbers (field, coupling) in the ratio η : β: whole flows have no rounding, so the cut is a
    /// minimum and the search for it ends. The last convergent of the continued fraction of |β / η| whose
    /// terms stay below 2^28 is within about 2^-56 of it; at ratios beyond 2^28 one of the weights decides
    /// alone, as it does here.
    fn whole_weights(&self) -> (i32, i32) {
        let sign = |weight: f64| if weight < 0.0 { -1 } else { 1 };
        let ratio = (self.beta / self.eta).abs();
        if self.eta == 0.0 || ratio >= LARGEST_WEIGHT {
            let field = if self.eta == 0.0 { 0 } else { sign(self.eta) };
            let coupling = if self.beta == 0.0 { 0 } else { sign(self.beta) * LARGEST_WEIGHT as i32 };
            return (field, coupling);
        }
        let mut rest = ratio;
        let mut before = [1.0, 0.0];
        let mut last = [rest.floor(), 1.0];
        rest -= rest.floor();
        while rest > 0.0 {
            rest = rest.recip();
            let next = [0, 1].map(|i| rest.floor() * last[i] + before[i]);
            if next.iter().any(|term| *term > LARGEST_WEIGHT) {
                break;
            }
            (before, last) = (last, next);
            rest -= rest.floor();
        }
        (sign(self.eta) * last[1] as i32, sign(self.beta) * last[0] as i32)
    }
}

/// Whether `spins` are an image of this size.
pub(crate) fn check(name: &str, spins: &[i8], height: usize, width: usize) -> Result<()> {
    let size = height.checked_mul(width).filter(|size| *size > 0 && *size < i32::MAX as usize);
    if size != Some(spins.len()) {
        return Err(Error::input("the image does not have the given size")
            .at(name)
            .found(format_args!("{} spins", spins.len()))
            .expected(format_args!("{height} x {width}, at least 1 and below 2^31")));
    }
    match spins.iter().position(|spin| spin.unsigned_abs() != 1) {
        Some(position) => Err(Error::input("a pixel is not a spin")
            .at(format_args!("{name}, row {}, column {}", position / width, position % width))
            .found(spins[position])
            .expected("-1 or 1")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_become_whole_numbers_in_their_ratio() {
        let whole = |eta, beta| IsingDenoising::new(eta, beta).unwrap().whole_weights();
        assert_eq!(whole(1.1, 0.5), (11, 5));
        assert_eq!((whole(-1.1, 0.9), whole(1.1, -0.9)), ((-11, 9), (11, -9)));
        assert_eq!((whole(2.0, 6.0), whole(0.7, 0.0), whole(0.0, 0.7)), ((1, 3), (1, 0), (0, 1 << 28)));
        assert_eq!((whole(1e298, 1e-298), whole(1e-298, 1e298)), ((1, 0), (1, 1 << 28)));
        for (eta, beta) in [(std::f64::consts::PI, 1.0), (1.0, std::f64::consts::E), (0.013, 7.0f64.sqrt())] {
            let (field, coupling) = whole(eta, beta);
            let error = f64::from(coupling) / f64::from(field) * eta / beta - 1.0;
            assert!(error.abs() < 1e-12, "{field} {coupling} {error}");
        }
    }

    /// Every labelling of small grids, among them a row, a column and one site.
    #[test]
    fn no_labelling_has_a_lower_energy() {
        for (height, width) in [(1, 1), (1, 5), (4, 1), (2, 3), (3, 3)] {
            let size = height * width;
            let spins =
                |state: usize| -> Vec<i8> { (0..size).map(|i| 2 * (state >> i & 1) as i8 - 1).collect() };
            for (eta, beta) in [(1.0, 0.4), (-0.3, 0.7), (0.9, 0.31), (0.0, 1.0), (1.0, 0.0)] {
                let model = IsingDenoising::new(eta, beta).unwrap();
                for state in 0..1 << size {
                    let y = spins(state);
                    let energies =
                        (0..1 << size).map(|x| model.energy(&spins(x), &y, height, width).unwrap());
                    let least = energies.fold(f64::INFINITY, f64::min);
                    let found = model.exact_map(&y, height, width).unwrap();
                    assert!((found.energy - least).abs() < 1e-12, "{eta} {beta} {y:?}: {found:?}, {least}");
                    let icm = model.icm(&y, height, width).unwrap();
                    assert!(icm.energy > least - 1e-12);
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_no_image_or_no_minimum() {
        let message = |eta, beta| IsingDenoising::new(eta, beta).unwrap_err().to_string();
        assert!(message(1.0, f64::NEG_INFINITY).contains("beta") && message(1.0, f64::NAN).contains("beta"));
        assert!(message(f64::INFINITY, 0.1).contains("eta"));
        // The energy of a pair would be infinite.
        assert!(message(1.0, 1e308).contains("expected a number from -1e298 to 1e298"));
        let largest = IsingDenoising::new(LARGEST, -LARGEST).unwrap();
        assert!(largest.energy(&[1; 4], &[1; 4], 2, 2).unwrap().is_finite());
        let repelling = IsingDenoising::new(1.0, -0.1).unwrap();
        let message = repelling.exact_map(&[1; 4], 2, 2).unwrap_err().to_string();
        assert!(message.contains("-0.1") && message.contains("method gibbs"), "{message}");
        let model = IsingDenoising::new(1.0, 0.5).unwrap();
        let refused = |y: &[i8], height, width| model.exact_map(y, height, width).unwrap_err().to_string();
        assert!(refused(&[1, 1, 1], 2, 2).contains("2 x 2"));
        assert!(refused(&[], 0, 3).contains("0 spins"));
        assert!(refused(&[1; 4], usize::MAX, 2).contains("4 spins"));
        assert!(refused(&[1, 1, 0, 1], 2, 2).contains("row 1, column 0"));
        assert!(refused(&[1, -128, 1, 1], 2, 2).contains("row 0, column 1"));
        assert!(model.energy(&[1], &[1, 1], 1, 2).is_err() && model.icm(&[2], 1, 1).is_err());
    }
}
