//! A flow of vectors by affine couplings (real NVP; Dinh, Sohl-Dickstein and Bengio 2017):
//!
//! ```text
//! log p(x) = -‖z‖²/2 - (d/2) ln 2π + Σ_k Σ (1 - m_k) s_k - Σ ln deviation,
//! z = T_K ∘ .. ∘ T_1((x - mean) / deviation).
//! ```
//!
//! Four masks take turns: the first half of the elements, the other half, every other element, the others.
//! With only two complementary masks, elements of one half would never be mixed with each other. Conditioners
//! are perceptrons with tanh, so that the score ∇ log p is smooth and the tails stay Gaussian. Images are
//! taken for one long vector.

use enscore_program::{Initial, Parameters, Var};

use super::coupling::{couple, heads, uncouple};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Start, dense};
use crate::model::network::Network;
use crate::model::standardise::Standardise;
use crate::model::tracing::standard_normal;
use crate::model::traits::{Flow, LogDensity};

/// The work behind flows of affine couplings.
pub const REAL_NVP: Citation = Citation {
    role: "flow: affine couplings",
    authors: "Laurent Dinh, Jascha Sohl-Dickstein, Samy Bengio",
    year: 2017,
    title: "Density Estimation Using Real NVP",
    venue: "International Conference on Learning Representations",
};

keys! {
    /// Settings of a flow of vectors.
    RealNvpSettings {
        couplings: usize = 8, within(1, 1024), "Affine couplings.";
        hidden: Vec<usize> = vec![64, 64], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer of a coupling's perceptron.";
    }
}

impl Kind for RealNvpSettings {
    type Facts = ();
}

impl ModelKind for RealNvpSettings {
    fn family(&self) -> Family {
        Family::Flow
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let flow = RealNvp::new(data.row_shape, self.couplings, &self.hidden, data.mean, data.deviation)?;
        Ok(Network::Flow(Box::new(flow)))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![REAL_NVP]
    }
}

/// A flow of vectors, or of anything else as one long vector.
#[derive(Clone, Debug)]
pub struct RealNvp {
    row_shape: Vec<usize>,
    couplings: usize,
    hidden: Vec<usize>,
    standardise: Standardise,
}

impl RealNvp {
    /// This many couplings with hidden layers of these widths; mean and standard deviation of each element of
    /// the data, which the first layer removes. An element that is constant in the data (deviation 0) is only
    /// centred.
    ///
    /// # Errors
    /// Rows of one element, which couplings can't transform; a width or number of 0; means and deviations
    /// that don't fit.
    pub fn new(
        row_shape: &[usize],
        couplings: usize,
        hidden: &[usize],
        mean: &[f64],
        deviation: &[f64],
    ) -> Result<Self> {
        let row_len: usize = row_shape.iter().product();
        if row_len < 2 {
            return Err(Error::input("a coupling needs elements to condition on")
                .at("model.kind")
                .found(format!("rows of shape {row_shape:?}"))
                .expected("at least 2 elements")
                .remedy("set model.kind = \"mlp-energy\" for rows of one element"));
        }
        if couplings == 0 || hidden.contains(&0) {
            let name = if couplings == 0 { "couplings" } else { "hidden" };
            return Err(Error::input("the network is empty").at(name).found(0).expected("at least 1"));
        }
        let standardise = Standardise::new(row_len, mean, deviation)?;
        Ok(RealNvp { row_shape: row_shape.to_vec(), couplings, hidden: hidden.to_vec(), standardise })
    }

    fn row_len(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// What coupling k leaves as it is: 1, else 0, for each element.
    fn mask(&self, k: usize) -> Vec<f64> {
        let half = self.row_len().div_ceil(2);
        let kept = |i: usize| match k % 4 {
            0 => i < half,
            1 => i >= half,
            2 => i.is_multiple_of(2),
            _ => !i.is_multiple_of(2),
        };
        (0..self.row_len()).map(|i| f64::from(u8::from(kept(i)))).collect()
    }

    /// s and t of coupling k at x `[n, d]`, 0 where the mask is 1.
    fn condition<'s>(&self, parameters: &Parameters<'s>, k: usize, x: Var<'s>) -> [Var<'s>; 2] {
        let parameters = parameters.at(&format!("coupling.{k}"));
        let mask = self.mask(k);
        let mut hidden = x * x.scope().table(&mask, &[mask.len()]);
        for (i, width) in self.hidden.iter().enumerate() {
            let layer = parameters.at(&format!("hidden.{i}"));
            let affine = match i {
                0 => first_layer(&layer, hidden, *width, mask.iter().sum()),
                _ => dense(&layer, hidden, *width, Start::Random),
            };
            hidden = affine.tanh();
        }
        heads(&parameters, &mask, |head| dense(head, hidden, mask.len(), Start::Zero))
    }
}

impl Flow for RealNvp {
    fn transform<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        let n = x.extent(0);
        let mut z = self.standardise.apply(x).reshape(&[n, self.row_len()]);
        let mut ln_det = x.scope().constant(self.standardise.ln_determinant()).broadcast_to(&[n]);
        for k in 0..self.couplings {
            let [s, t] = self.condition(parameters, k, z);
            let (moved, own) = couple(z, s, t);
            (z, ln_det) = (moved, ln_det + own);
        }
        (z.reshape(&x.shape()), ln_det)
    }

    fn invert<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        let mut x = z.reshape(&[z.extent(0), self.row_len()]);
        for k in (0..self.couplings).rev() {
            let [s, t] = self.condition(parameters, k, x);
            x = uncouple(x, s, t);
        }
        self.standardise.invert(x.reshape(&z.shape()))
    }
}

impl LogDensity for RealNvp {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (z, ln_det) = self.transform(parameters, x);
        standard_normal(z) + ln_det
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// The first hidden layer at standardised x `[n, d]`, of which it sees `kept` elements: weights of standard
/// deviation 1/√kept, or 3/kept where that is larger, and biases that spread the units' steps over ±1.5
/// deviations of the data.
///
/// With biases at 0 every unit would turn at the mean: of one or two elements, which a flow of vectors
/// conditions on, such a layer sees little more than the sign, and training takes long to part the units.
fn first_layer<'s>(parameters: &Parameters<'s>, x: Var<'s>, width: usize, kept: f64) -> Var<'s> {
    let deviation = (3.0 / kept).max(1.0 / kept.sqrt());
    let bound = 1.5 * deviation * kept.sqrt();
    let weight = parameters.get("weight", &[x.extent(1), width], Initial::Normal(deviation));
    x.matmul(weight) + parameters.get("bias", &[width], Initial::Uniform(bound))
}
