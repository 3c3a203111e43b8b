//! Frechet distance between Gaussians: F(1, 2) = |m1 - m2|² + tr(S1 + S2 - 2 (S1^{1/2} S2 S1^{1/2})^{1/2}).
//!
//! Dowson and Landau 1982, "The Frechet distance between multivariate normal distributions", eq. 4; it is the
//! *squared* Wasserstein-2 distance of the two Gaussians. Heusel et al. 2017 apply it to the features of an
//! image classifier (FID); here the features are the first principal components of reference data, which
//! needs no other network, and the name says so: `frechet_pca64`. Its value is not comparable with a FID.

use std::sync::Arc;

use super::metric::TwoSampleMetric;
use super::moments::{Moments, eigen};
use super::principal::PrincipalSpace;
use crate::error::Result;
use crate::evaluate::rows::Rows;

/// The Frechet distance of two Gaussians, in squared units of the data; never negative.
///
/// # Errors
/// An input error if the dimensions differ, a run error if an eigenvalue iteration does not converge.
pub fn frechet_distance(a: &Moments, b: &Moments) -> Result<f64> {
    let difference = a.mean_difference(b)?;
    let mut root = eigen(a.covariance().clone())?;
    root.eigenvalues.apply(|v| *v = v.max(0.0).sqrt());
    let root = root.recompose();
    let product = &root * b.covariance() * &root;
    // Rounding leaves the product slightly asymmetric, and the solver reads one triangle only.
    let product = (&product + product.transpose()) * 0.5;
    let cross: f64 = eigen(product)?.eigenvalues.iter().map(|v| v.max(0.0).sqrt()).sum();
    let traces = a.covariance().trace() + b.covariance().trace();
    Ok((difference.norm_squared() + traces - 2.0 * cross).max(0.0))
}

/// The Frechet distance in the space of the first principal components of reference data.
#[derive(Clone, Debug)]
pub struct FrechetPca(Arc<PrincipalSpace>);

/// Components unless told otherwise.
pub const DEFAULT_COMPONENTS: usize = 64;

impl FrechetPca {
    /// In this space.
    pub fn new(space: Arc<PrincipalSpace>) -> Self {
        FrechetPca(space)
    }

    /// The number of components kept.
    pub fn components(&self) -> usize {
        self.0.components()
    }
}

impl TwoSampleMetric for FrechetPca {
    fn name(&self) -> String {
        format!("frechet_pca{}", self.components())
    }

    fn value(&self, samples: Rows, real: Rows) -> Result<f64> {
        samples.same_row_len(real)?;
        self.0.require(samples)?;
        frechet_distance(&self.0.moments(samples), &self.0.moments(real))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};
    use nalgebra::DMatrix;

    #[test]
    fn of_scaled_identities_it_is_the_textbook_value() {
        let gaussian = |mean: f64, sd: f64| {
            Moments::new(&[mean; 3], DMatrix::from_diagonal_element(3, 3, sd * sd).as_slice()).unwrap()
        };
        let value = frechet_distance(&gaussian(0.0, 2.0), &gaussian(1.0, 0.5)).unwrap();
        assert!((value - 3.0 * (1.0 + 1.5 * 1.5)).abs() < 1e-12, "{value}");
        assert!(frechet_distance(&gaussian(0.3, 2.0), &gaussian(0.3, 2.0)).unwrap() < 1e-12);
    }

    /// With every component kept, the distance in the rotated space is the distance in the data's.
    #[test]
    fn all_components_keep_the_distance() {
        let n = 400;
        let d = 5;
        let table = |seed, scale: f64, shift: f64| -> Vec<f32> {
            let mut x = vec![0.0; n * d];
            normal_row(Key::new(seed, 0), 2, 0, &mut x);
            x.iter().enumerate().map(|(i, v)| (v * scale * (1 + i % d) as f64 + shift) as f32).collect()
        };
        let a = table(1, 1.0, 0.0);
        let b = table(2, 1.3, 0.5);
        let a = Rows::new(&a, d).unwrap();
        let b = Rows::new(&b, d).unwrap();
        let full = frechet_distance(&Moments::of(a).unwrap(), &Moments::of(b).unwrap()).unwrap();
        let pca = FrechetPca::new(Arc::new(PrincipalSpace::fit(a, 64).unwrap()));
        assert_eq!(pca.name(), "frechet_pca5");
        let value = pca.value(a, b).unwrap();
        assert!((value - full).abs() < 1e-9 * full, "{value} and {full}");
        // One component sees the widest direction only.
        assert!(FrechetPca::new(Arc::new(PrincipalSpace::fit(a, 1).unwrap())).value(a, b).unwrap() < full);
    }
}
