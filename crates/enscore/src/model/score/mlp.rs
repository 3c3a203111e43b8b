//! A fully connected score network: s(x, σ) = N(x / √(σ² + v), log σ) / σ.
//!
//! h_0 = x, h_k = φ(W_k h_{k-1} + b_k + V_k e(log σ)), output W h + b; v is the variance of the data.
//! Dividing by σ is Song and Ermon 2020's technique 3.

use enscore_program::{Parameters, Var};

use crate::error::{Error, Result};
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{
    Activation, Start, dense, embed_noise_level, flat, refuse_empty, scale_input, scale_output,
};
use crate::model::network::Network;
use crate::model::traits::Score;

keys! {
    /// Settings of a perceptron score.
    MlpSettings {
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::Silu, (), "Nonlinearity after each hidden layer.";
        embedding: usize = 64, within(0, 4096),
            "Width of the embedding of log sigma; 0: none, an unconditional network whose output is divided by sigma.";
    }
}

impl Kind for MlpSettings {
    type Facts = ();
}

impl ModelKind for MlpSettings {
    fn family(&self) -> Family {
        Family::Score
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let mlp = Mlp::new(data.row_shape, &self.hidden, self.activation, self.embedding, data.variance)?;
        Ok(Network::Score(Box::new(mlp)))
    }
}

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
        refuse_empty(row_shape, hidden)?;
        if !(data_variance.is_finite() && data_variance >= 0.0) {
            return Err(Error::input("invalid variance of the data")
                .at("data_variance")
                .found(data_variance)
                .expected("a finite number, at least 0"));
        }
        let row_shape = row_shape.to_vec();
        let hidden = hidden.to_vec();
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
