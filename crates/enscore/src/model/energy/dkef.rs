//! The deep kernel exponential family (Wenliang, Sutherland, Strathmann and Gretton 2019, eq. 2 and section
//! 4; Song, Garg, Shi and Ermon 2019, section 6.1):
//!
//! ```text
//! f(x) = Σ_i α_i k(u, z_i) + log q0(x),    u = (x - mean) / deviation,
//! k(u, z) = Σ_r w_r exp(-‖φ_r(u) - φ_r(z)‖² / (2 v_r)),
//! ```
//!
//! with inducing points z_i, mixture weights w = softmax, bandwidths v_r, and features φ_r: affine layers of
//! one width with softplus between them, plus an affine skip from u to the last. log q0 is a Gaussian with
//! the data's mean and s times its deviation: the kernels are bounded, so that f has a normaliser whatever
//! they learn.
//!
//! As published: the features, three bandwidths from 1 to 10 in geometric progression, weights of variance
//! 1/width, inducing points that start at rows of the data. Otherwise: α is learnt by gradient descent beside
//! the rest, where the authors solve for it on each batch by the linear system that score matching gives,
//! with a learnt ridge ([`Dkef::ridge`] is that term); s is learnt and starts at 1, where they fix q0 (at
//! deviation 2 in the sliced paper's code); rows wider than the features start with weights of variance 1/row
//! instead, since every kernel would otherwise be 0.

use enscore_program::{Initial, Parameters, Var};

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::standardise::Standardise;
use crate::model::tracing::{standard_normal, sum_rows};
use crate::model::traits::LogDensity;

/// The largest bandwidth at the start; the smallest is 1.
const WIDEST: f64 = 10.0;

keys! {
    /// Settings of a deep kernel exponential family.
    DkefSettings {
        kernels: usize = 3, within(1, 64), "Number of Gaussian kernels on learnt features in the mixture.";
        inducing: usize = 200, within(1, 100_000), "Inducing points, at which the kernels are centred; they start at training rows.";
        width: usize = 30, within(1, 65_536), "Width of the layers of each kernel's feature network.";
        layers: usize = 3, within(1, 16), "Layers of each kernel's feature network.";
    }
}

impl Kind for DkefSettings {
    type Facts = ();
}

impl ModelKind for DkefSettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let dkef = Dkef::new(data.row_shape, self.clone(), data.mean, data.deviation, data.rows)?;
        Ok(Network::Energy(Box::new(dkef)))
    }

    fn starting_rows(&self) -> usize {
        self.inducing
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "energy: deep kernel exponential family",
            authors: "Li Wenliang, Danica J. Sutherland, Heiko Strathmann, Arthur Gretton",
            year: 2019,
            title: "Learning Deep Kernels for Exponential Family Densities",
            venue: "International Conference on Machine Learning, PMLR 97, 6737-6746",
        }]
    }
}

/// A deep kernel exponential family over rows of any shape, taken for one long vector.
#[derive(Clone, Debug)]
pub struct Dkef {
    row_shape: Vec<usize>,
    settings: DkefSettings,
    standardise: Standardise,
    /// How the inducing points start, in standardised units.
    start: Initial,
}

impl Dkef {
    /// Mean and standard deviation of each element of the data (an element with deviation 0 is only centred);
    /// `rows` `[inducing, d]` of the data at which the inducing points start. Without rows they start at
    /// standard normal numbers in standardised units: a model whose weights are read from a checkpoint needs
    /// no data.
    ///
    /// # Errors
    /// A number of 0; means and deviations that don't fit; another number of rows than inducing points, or
    /// rows that are not finite.
    pub fn new(
        row_shape: &[usize],
        settings: DkefSettings,
        mean: &[f64],
        deviation: &[f64],
        rows: &[f64],
    ) -> Result<Self> {
        let DkefSettings { kernels, inducing, width, layers } = settings;
        let row_len: usize = row_shape.iter().product();
        let numbers = [
            ("row shape", row_len),
            ("kernels", kernels),
            ("inducing", inducing),
            ("width", width),
            ("layers", layers),
        ];
        if let Some((name, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
            return Err(Error::input("the network is empty").at(name).found(0).expected("at least 1"));
        }
        let standardise = Standardise::new(row_len, mean, deviation)?;
        let start = match rows {
            [] => Initial::Normal(1.0),
            rows => starting_points(rows, inducing, &standardise, row_len)?,
        };
        Ok(Dkef { row_shape: row_shape.to_vec(), settings, standardise, start })
    }

    /// λ Σ_i α_i²: what the published objective adds, for λ = `coefficient`. `[]`.
    pub fn ridge<'s>(&self, parameters: &Parameters<'s>, coefficient: f64) -> Var<'s> {
        self.alpha(parameters).square().sum_all() * coefficient
    }

    fn row_len(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// α `[inducing]`: f starts as log q0.
    fn alpha<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        parameters.get("alpha", &[self.settings.inducing], Initial::Constant(0.0))
    }

    /// φ at u `[n, d]`: `[n, width]`.
    fn features<'s>(&self, parameters: &Parameters<'s>, u: Var<'s>) -> Var<'s> {
        let width = self.settings.width;
        let weight = |parameters: &Parameters<'s>, x: Var<'s>| {
            let inputs = x.extent(1);
            let deviation = (1.0 / inputs.max(width) as f64).sqrt();
            x.matmul(parameters.get("weight", &[inputs, width], Initial::Normal(deviation)))
        };
        let mut hidden = u;
        for layer in 0..self.settings.layers {
            let layer_parameters = parameters.at(&format!("layer.{layer}"));
            let input = if layer == 0 { hidden } else { hidden.softplus() };
            let bias = Initial::Normal((1.0 / width as f64).sqrt());
            hidden = weight(&layer_parameters, input) + layer_parameters.get("bias", &[width], bias);
        }
        hidden + weight(&parameters.at("skip"), u)
    }

    /// exp(-‖φ_r(u) - φ_r(z)‖² / (2 v_r)) of kernel r: u `[n, d]`, z `[m, d]` → `[n, m]`.
    fn kernel<'s>(&self, parameters: &Parameters<'s>, r: usize, u: Var<'s>, z: Var<'s>) -> Var<'s> {
        let parameters = parameters.at(&format!("kernel.{r}"));
        let of_z = self.features(&parameters, z);
        // Distances don't depend on the origin; one amid the points keeps the difference of squares exact.
        let origin = of_z.mean(&[0]).stop_gradient();
        let a = self.features(&parameters, u) - origin;
        let b = of_z - origin;
        let products = a.matmul_with(b, false, true);
        let square = sum_rows(a.square()).reshape(&[u.extent(0), 1]) + sum_rows(b.square()) - products * 2.0;
        let step = r as f64 / (self.settings.kernels.max(2) - 1) as f64;
        let log_bandwidth = parameters.get("log_bandwidth", &[], Initial::Constant(step * WIDEST.ln()));
        (square * (-log_bandwidth).exp() * -0.5).exp()
    }

    /// log q0 at u `[n, d]`: `[n]`.
    fn base<'s>(&self, parameters: &Parameters<'s>, u: Var<'s>) -> Var<'s> {
        let log_deviation = parameters.get("log_base_deviation", &[], Initial::Constant(0.0));
        let ln_det = self.standardise.ln_determinant() - log_deviation * self.row_len() as f64;
        standard_normal(u * (-log_deviation).exp()) + ln_det
    }
}

impl LogDensity for Dkef {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let n = x.extent(0);
        let d = self.row_len();
        let DkefSettings { kernels, inducing, .. } = self.settings;
        let u = self.standardise.apply(x).reshape(&[n, d]);
        let z = parameters.get("inducing", &[inducing, d], self.start.clone());
        let logits = parameters.get("kernel_logits", &[kernels], Initial::Constant(0.0));
        let weights = (logits - logits.log_sum_exp(0)).exp();
        let weighted = |r: usize| self.kernel(parameters, r, u, z) * weights.slice(0, r, r + 1);
        let kernel = (1..kernels).fold(weighted(0), |sum, r| sum + weighted(r));
        let alpha = self.alpha(parameters).reshape(&[inducing, 1]);
        kernel.matmul(alpha).reshape(&[n]) + self.base(parameters, u)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// Rows of the data in standardised units.
fn starting_points(
    rows: &[f64],
    inducing: usize,
    standardise: &Standardise,
    row_len: usize,
) -> Result<Initial> {
    if rows.len() != inducing * row_len {
        return Err(Error::input("inducing points start at training rows")
            .at("model.inducing")
            .found(format!("{inducing} points, {} rows of {row_len}", rows.len() / row_len))
            .expected("at least one row per point")
            .remedy("set model.inducing to at most the number of training rows"));
    }
    let points: Vec<f64> = rows.chunks_exact(row_len).flat_map(|row| standardise.row(row)).collect();
    match points.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::input("inducing points start at training rows")
            .at(format!("row {}", at / row_len))
            .found(rows[at])
            .expected("finite numbers")),
        None => Ok(Initial::Values(points.into())),
    }
}
