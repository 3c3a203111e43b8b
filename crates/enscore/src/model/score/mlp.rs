//! A fully connected score network: s(x, σ) = N(x / √(σ² + v), log σ) / σ.
//!
//! h_0 = x, h_k = φ(W_k h_{k-1} + b_k + V_k e(log σ)), output W h + b; v is the variance of the data.
//! Dividing by σ is Song and Ermon 2020's technique 3; by default the output is added to the score of a
//! Gaussian (see `gaussian_skip`).

use enscore_program::{Parameters, Var};

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::gaussian_skip::{GaussianSkip, KARRAS, OutputSettings, Skip};
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
        ..output: OutputSettings;
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
        Ok(Network::Score(Box::new(match self.output.skip {
            Skip::None => mlp,
            Skip::Gaussian => mlp.with_gaussian_skip(data.mean, data.deviation)?,
        })))
    }

    fn cites(&self) -> Vec<Citation> {
        (self.output.skip == Skip::Gaussian).then_some(KARRAS).into_iter().collect()
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
    /// What the output is added to, if anything.
    skip: Option<GaussianSkip>,
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
        Ok(Mlp { row_shape, hidden, activation, embedding, data_variance, skip: None })
    }

    /// The same with its output added to the score of independent Gaussians with these means and standard
    /// deviations of each element; of mean 0 and the data's variance where they are empty.
    ///
    /// # Errors
    /// Moments of another length than a row, or that are not finite.
    pub fn with_gaussian_skip(self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        let len = self.row_shape.iter().product();
        let skip = Some(GaussianSkip::new(len, mean, deviation, self.data_variance)?);
        Ok(Mlp { skip, ..self })
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
        let network = output.reshape(&x.shape());
        match &self.skip {
            Some(skip) => skip.add_to(network, x, sigma),
            None => scale_output(network, sigma),
        }
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
