//! The variational autoencoder (Kingma and Welling 2014): a decoder p(x|z) of latent variables z ~ N(0, I),
//! and an encoder q(z|x) = N(m(x), diag s²(x)) whose last layer gives m and ln s².

use enscore_program::{Initial, Parameters, Var};

use super::coder::Coder;
use super::likelihood::Likelihood;
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::model::layers::{Start, dense};
use crate::model::tracing::sum_rows;
use crate::model::traits::{LatentVariable, Posterior, Support};

/// The work behind it.
pub const VAE: Citation = Citation {
    role: "latent variable model: variational autoencoder",
    authors: "Diederik P. Kingma, Max Welling",
    year: 2014,
    title: "Auto-Encoding Variational Bayes",
    venue: "International Conference on Learning Representations",
};

/// A variational autoencoder with the networks `C`. Parameters: those of the networks below `encoder.` and
/// `decoder.`, the last layers `encoder.mean` and `encoder.log_variance`, and `log_scale` where the width of
/// p(x|z) is learnt.
#[derive(Clone, Debug)]
pub struct Vae<C> {
    coder: C,
    likelihood: Likelihood,
    latents: usize,
    row_shape: Vec<usize>,
    bias: Vec<f64>,
}

impl<C: Coder> Vae<C> {
    /// For rows of this shape, with this many latent variables.
    ///
    /// # Errors
    /// No latent variable; a likelihood of rows of another size.
    pub fn new(row_shape: &[usize], latents: usize, coder: C, likelihood: Likelihood) -> Result<Self> {
        if latents == 0 {
            return Err(Error::input("a model without latent variables")
                .at("latents")
                .found(0)
                .expected("at least 1"));
        }
        let bias = likelihood.starting_bias();
        let elements: usize = row_shape.iter().product();
        if bias.len() != elements * likelihood.width() {
            return Err(Error::input("the likelihood does not match the rows in size")
                .found(bias.len() / likelihood.width())
                .expected(elements));
        }
        Ok(Vae { coder, likelihood, latents, row_shape: row_shape.to_vec(), bias })
    }

    fn heads<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        self.coder.decode(&parameters.at("decoder"), z, self.likelihood.width(), &self.bias)
    }
}

impl<C: Coder> LatentVariable for Vae<C> {
    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    fn support(&self) -> Support {
        self.likelihood.support()
    }

    fn latents(&self) -> usize {
        self.latents
    }

    fn encode<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Posterior<'s> {
        let parameters = parameters.at("encoder");
        let features = self.coder.features(&parameters, self.likelihood.seen(x));
        let mean = dense(&parameters.at("mean"), features, self.latents, Start::Random);
        // q starts at the prior's width.
        let layer = parameters.at("log_variance");
        let weight = layer.get("weight", &[features.extent(1), self.latents], Initial::Constant(0.0));
        let bias = layer.get("bias", &[self.latents], Initial::Constant(0.0));
        Posterior { mean, log_variance: features.matmul(weight) + bias }
    }

    fn log_likelihood<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, z: Var<'s>) -> Var<'s> {
        let heads = self.heads(parameters, z);
        sum_rows(self.likelihood.log_density(parameters, x, heads))
    }

    fn expected<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        self.likelihood.expected(parameters, self.heads(parameters, z), &self.row_shape)
    }

    fn draw<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>, key: Var<'s>) -> Var<'s> {
        self.likelihood.draw(parameters, self.heads(parameters, z), &self.row_shape, key)
    }
}
