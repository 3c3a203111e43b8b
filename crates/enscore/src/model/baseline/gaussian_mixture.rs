//! A mixture of Gaussians by expectation maximisation (Dempster, Laird and Rubin 1977):
//! p(x) = Σ_k w_k N(x; m_k, Σ_k). A step of the training is a step of it over all rows.

use enscore_program::random::{Key, normal_row, row_words, uniform};
use enscore_program::{Initial, Parameters, Var};
use nalgebra::DMatrix;

use super::row_draws::RowDraws;
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::keys::{Kind, choice, keys, within};
use crate::model::conditional::choose;
use crate::model::density::{Covariance, Factor, GaussianComponent, floor_of, start, step};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::{log_determinant, standard_normal};
use crate::model::traits::{Fitted, LogDensity, Normalised, Pass, SequentialDraws, Support};
use crate::streams;

choice! {
    /// The shape of a covariance.
    CovarianceChoice {
        /// Any.
        Full = "full",
        /// No correlations.
        Diagonal = "diagonal",
        /// A multiple of the identity.
        Isotropic = "isotropic",
    }
}

keys! {
    /// Settings of a mixture of Gaussians.
    GaussianMixtureSettings {
        components: usize = 20, within(1, 65_536), "Components.";
        covariance: CovarianceChoice = CovarianceChoice::Full, (), "Shape of the components' covariances.";
    }
}

impl CovarianceChoice {
    pub(super) fn shape(self) -> Covariance {
        match self {
            CovarianceChoice::Full => Covariance::Full,
            CovarianceChoice::Diagonal => Covariance::Diagonal,
            CovarianceChoice::Isotropic => Covariance::Isotropic,
        }
    }
}

impl Kind for GaussianMixtureSettings {
    type Facts = ();
}

impl ModelKind for GaussianMixtureSettings {
    fn family(&self) -> Family {
        Family::Baseline
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let model = GaussianMixtureModel::new(data.row_shape, self.components, self.covariance.shape())?;
        Ok(Network::Normalised(Box::new(model)))
    }

    fn noun(&self) -> &'static str {
        "a mixture of Gaussians"
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "expectation maximisation",
            authors: "Arthur P. Dempster, Nan M. Laird, Donald B. Rubin",
            year: 1977,
            title: "Maximum Likelihood from Incomplete Data via the EM Algorithm",
            venue: "Journal of the Royal Statistical Society B 39(1), 1-38",
        }]
    }
}

/// Parameters `log_weights` `[K]`, `means` `[K, d]`, and `whitening`, the inverse factor of each covariance:
/// lower triangular `[K, d, d]`, or its diagonal `[K, d]`.
#[derive(Clone, Debug)]
pub struct GaussianMixtureModel {
    row_shape: Vec<usize>,
    components: usize,
    covariance: Covariance,
}

impl GaussianMixtureModel {
    /// For rows of this shape.
    ///
    /// # Errors
    /// No component, rows without elements.
    pub fn new(row_shape: &[usize], components: usize, covariance: Covariance) -> Result<Self> {
        if components == 0 || row_shape.iter().product::<usize>() == 0 {
            return Err(Error::input("the mixture is empty")
                .found(format!("{components} components for rows of shape {row_shape:?}"))
                .expected("at least 1 of each"));
        }
        Ok(GaussianMixtureModel { row_shape: row_shape.to_vec(), components, covariance })
    }

    fn elements(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// The numbers that may be chosen freely: what information criteria count.
    pub fn free_parameters(&self) -> usize {
        let (k, d) = (self.components, self.elements());
        let of_covariance = match self.covariance {
            Covariance::Full => d * (d + 1) / 2,
            Covariance::Diagonal => d,
            Covariance::Isotropic => 1,
        };
        k - 1 + k * d + k * of_covariance
    }

    /// The parameters' values for these components, in their order.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub fn values_of(&self, components: &[GaussianComponent]) -> Result<Vec<Vec<f32>>> {
        let d = self.elements();
        let mut whitening = Vec::new();
        for component in components {
            match self.covariance {
                Covariance::Full => match Factor::of(&component.covariance, d)? {
                    Factor::Full { inverse, .. } => whitening.extend(inverse),
                    Factor::Diagonal(deviations) => whitening.extend(deviations.iter().map(|s| 1.0 / s)),
                },
                Covariance::Diagonal | Covariance::Isotropic => {
                    Factor::diagonal(&component.covariance)?;
                    whitening.extend(component.covariance.iter().map(|variance| 1.0 / variance.sqrt()));
                }
            }
        }
        let single = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        Ok(vec![
            single(components.iter().map(|component| component.weight.ln()).collect()),
            single(components.iter().flat_map(|component| component.mean.clone()).collect()),
            single(whitening),
        ])
    }

    /// The components that these values of the parameters stand for.
    ///
    /// # Errors
    /// Values of another model.
    pub fn components_of(&self, values: &[Vec<f32>]) -> Result<Vec<GaussianComponent>> {
        let (k, d) = (self.components, self.elements());
        let size = if self.covariance == Covariance::Full { d * d } else { d };
        let [log_weights, means, whitening] = values else { return Err(another_model()) };
        if log_weights.len() != k || means.len() != k * d || whitening.len() != k * size {
            return Err(another_model());
        }
        let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        let of = |at: usize| {
            let inverse = wide(&whitening[at * size..][..size]);
            let covariance = match self.covariance {
                Covariance::Full => {
                    let lower = DMatrix::from_row_slice(d, d, &inverse);
                    let factor = lower.try_inverse().ok_or_else(another_model)?;
                    (&factor * factor.transpose()).as_slice().to_vec()
                }
                Covariance::Diagonal | Covariance::Isotropic => {
                    inverse.iter().map(|scale| scale.powi(-2)).collect()
                }
            };
            let mean = wide(&means[at * d..][..d]);
            Ok(GaussianComponent { weight: f64::from(log_weights[at]).exp(), mean, covariance })
        };
        (0..k).map(of).collect()
    }
}

fn another_model() -> Error {
    Error::input("the weights are not those of this mixture")
}

/// Schwarz's and Akaike's information criteria, -2 ln L + p ln n and -2 ln L + 2p, of a fit with p free
/// parameters (`parameters`) and log-likelihood ln L of n `rows`, nats; the smaller the better.
pub fn information_criteria(log_likelihood: f64, parameters: usize, rows: usize) -> [f64; 2] {
    let p = parameters as f64;
    [p * (rows as f64).ln() - 2.0 * log_likelihood, 2.0 * p - 2.0 * log_likelihood]
}

impl LogDensity for GaussianMixtureModel {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (k, d, n) = (self.components, self.elements(), x.extent(0));
        let x = x.reshape(&[n, d]);
        let log_weights = parameters.get("log_weights", &[k], Initial::Constant(-(k as f64).ln()));
        let means = parameters.get("means", &[k, d], Initial::Constant(0.0));
        let terms = match self.covariance {
            Covariance::Full => {
                let one: Vec<f64> = (0..d * d).map(|at| f64::from(u8::from(at / d == at % d))).collect();
                let start: Vec<f64> = one.repeat(k);
                let whitening = parameters.get("whitening", &[k, d, d], Initial::Values(start.into()));
                let term = |at: usize| {
                    let own = whitening.slice(0, at, at + 1).reshape(&[d, d]);
                    let z = (x - means.slice(0, at, at + 1)).matmul_with(own, false, true);
                    (standard_normal(z) + log_determinant(own)).reshape(&[n, 1])
                };
                let terms: Vec<Var> = (0..k).map(term).collect();
                if k == 1 { terms[0] } else { terms[0].concatenate(&terms[1..], 1) }
            }
            Covariance::Diagonal | Covariance::Isotropic => {
                let whitening = parameters.get("whitening", &[k, d], Initial::Constant(1.0));
                // Σ (x - m)² a² by products: x² a² - 2 x m a² + m² a².
                let squares = whitening.square();
                let far = x.square().matmul_with(squares, false, true)
                    - x.matmul_with(means * squares, false, true) * 2.0
                    + (means.square() * squares).sum(&[1]);
                let log_determinant = whitening.log().sum(&[1]);
                far * -0.5 + log_determinant - 0.5 * d as f64 * std::f64::consts::TAU.ln()
            }
        };
        (terms + log_weights).log_sum_exp(1)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Normalised for GaussianMixtureModel {
    fn support(&self) -> Support {
        Support::Real
    }

    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>> {
        let components = self.components_of(&weights.read::<f32>()?)?;
        let d = self.elements();
        let covariance = self.covariance;
        let factor = |component: &GaussianComponent| match covariance {
            Covariance::Full => Factor::of(&component.covariance, d),
            Covariance::Diagonal | Covariance::Isotropic => Factor::diagonal(&component.covariance),
        };
        let factors = components.iter().map(factor).collect::<Result<Vec<Factor>>>()?;
        Ok(Box::new(RowDraws::new(d, move |row| {
            let key = Key::new(seed, 0);
            let mut word = [0];
            row_words(key, streams::ROW_COMPONENT, row, &mut word);
            let k = choose(components.iter().map(|component| component.weight), uniform(word[0]));
            let mut e = vec![0.0; d];
            normal_row(key, streams::ROW_NORMAL, row, &mut e);
            let mean = &components[k].mean;
            factors[k].coloured(&e).iter().zip(mean).map(|(x, m)| (x + m) as f32).collect()
        })))
    }

    fn fitted(&self) -> Option<&dyn Fitted> {
        Some(self)
    }
}

impl Fitted for GaussianMixtureModel {
    fn pass(&self, rows: &[f64], current: Option<&[Vec<f32>]>, seed: u64) -> Result<Pass> {
        let d = self.elements();
        let mut components = match current {
            Some(values) => self.components_of(values)?,
            None => start(rows, d, self.components, self.covariance, seed)?,
        };
        let floor = floor_of(rows, d)?;
        let log_likelihood = step(&mut components, rows, d, self.covariance, floor)?;
        Ok(Pass { values: self.values_of(&components)?, log_likelihood })
    }
}
