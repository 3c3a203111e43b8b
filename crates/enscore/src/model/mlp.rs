//! Fully connected networks: a score s(x, σ) = N(x / √(σ² + v), log σ) / σ, and a log density f(x) = N(x).
//!
//! h_0 = x, h_k = φ(W_k h_{k-1} + b_k + V_k e(log σ)), output W h + b; v is the variance of the data.
//! Dividing by σ is Song and Ermon 2020's technique 3.

use enscore_program::{Parameters, Var};

use super::confinement::{Confinement, confined};
use super::conv_energy::check_confinement;
use super::layers::{Activation, Start, dense, embed_noise_level, scale_input, scale_output};
use super::{LogDensity, Score};
use crate::error::{Error, Result};

/// A score of vectors, or of anything else as one long vector.
#[derive(Clone, Debug)]
pub struct Mlp {
    row_shape: Vec<usize>,
    hidden: Vec<usize>,
    activation: Activation,
    embedding: usize,
    data_variance: f64,
}

impl Mlp {
    /// Hidden layers of these widths; an embedding of log σ of width `embedding` (0: the network does not see
    /// σ); the variance of the data per element.
    ///
    /// # Errors
    /// An extent or width of 0, a variance that is negative or not finite.
    pub fn new(
        row_shape: &[usize],
        hidden: &[usize],
        activation: Activation,
        embedding: usize,
        data_variance: f64,
    ) -> Result<Self> {
        check(row_shape, hidden)?;
        if !(data_variance.is_finite() && data_variance >= 0.0) {
            return Err(Error::input("invalid variance of the data")
                .at("data_variance")
                .found(data_variance)
                .expected("a finite number, at least 0"));
        }
        let (row_shape, hidden) = (row_shape.to_vec(), hidden.to_vec());
        Ok(Mlp { row_shape, hidden, activation, embedding, data_variance })
    }
}

impl Score for Mlp {
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        let level = (self.embedding > 0)
            .then(|| embed_noise_level(&parameters.at("embedding"), sigma, self.embedding, Start::Random));
        let mut hidden = flat(scale_input(x, sigma, self.data_variance));
        let size = hidden.extent(1);
        for (i, width) in self.hidden.iter().enumerate() {
            let layer = parameters.at(&format!("hidden.{i}"));
            hidden = dense(&layer, hidden, *width, Start::Random);
            if let Some(level) = level {
                hidden = hidden + dense(&layer.at("embedding"), level, *width, Start::Random);
            }
            hidden = self.activation.apply(hidden);
        }
        let output = dense(&parameters.at("output"), hidden, size, Start::Zero);
        scale_output(output.reshape(&x.shape()), sigma)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// An unnormalised log density of vectors. Without a confinement nothing bounds it far from the data: a
/// normaliser exists only if training makes it fall there.
#[derive(Clone, Debug)]
pub struct MlpEnergy {
    row_shape: Vec<usize>,
    hidden: Vec<usize>,
    activation: Activation,
    confinement: Option<Confinement>,
}

impl MlpEnergy {
    /// Hidden layers of these widths.
    ///
    /// # Errors
    /// An extent or width of 0.
    pub fn new(row_shape: &[usize], hidden: &[usize], activation: Activation) -> Result<Self> {
        check(row_shape, hidden)?;
        let (row_shape, hidden) = (row_shape.to_vec(), hidden.to_vec());
        Ok(MlpEnergy { row_shape, hidden, activation, confinement: None })
    }

    /// The same network times a Gaussian factor.
    ///
    /// # Errors
    /// A confinement for rows of another size.
    pub fn confined(self, confinement: Confinement) -> Result<Self> {
        let confinement = Some(confinement);
        check_confinement(&confinement, self.row_shape.iter().product())?;
        Ok(MlpEnergy { confinement, ..self })
    }
}

impl LogDensity for MlpEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let mut hidden = flat(x);
        for (i, width) in self.hidden.iter().enumerate() {
            let layer = parameters.at(&format!("hidden.{i}"));
            hidden = self.activation.apply(dense(&layer, hidden, *width, Start::Random));
        }
        // Zero weights here would make the score 0 and with it the gradient in every other layer.
        let network = dense(&parameters.at("output"), hidden, 1, Start::Random).reshape(&[x.extent(0)]);
        confined(&self.confinement, network, x)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

fn check(row_shape: &[usize], hidden: &[usize]) -> Result<()> {
    let extents = row_shape.iter().map(|extent| ("row shape", *extent));
    let widths = hidden.iter().map(|width| ("hidden", *width));
    match extents.chain(widths).find(|(_, extent)| *extent == 0) {
        Some((name, _)) => Err(Error::input("the network is empty").at(name).found(0).expected("at least 1")),
        None => Ok(()),
    }
}

/// `[batch, ..]` → `[batch, d]`.
fn flat(x: Var) -> Var {
    let shape = x.shape();
    let batch = shape.first().copied().unwrap_or(0);
    x.reshape(&[batch, shape.iter().skip(1).product()])
}
