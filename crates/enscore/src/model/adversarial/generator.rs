//! A generator: x = G(z) of noise z ~ N(0, I), whose density is not known (Goodfellow et al. 2014).

use enscore_program::{Parameters, Var};

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::model::latent::Coder;
use crate::model::standardise::Standardise;
use crate::model::tracing::batch_shape;
use crate::model::traits::Generator;

/// The work behind it.
pub const GAN: Citation = Citation {
    role: "generative adversarial network",
    authors: "Ian J. Goodfellow, Jean Pouget-Abadie, Mehdi Mirza, Bing Xu, David Warde-Farley, Sherjil Ozair, \
              Aaron Courville, Yoshua Bengio",
    year: 2014,
    title: "Generative Adversarial Nets",
    venue: "Advances in Neural Information Processing Systems 27, 2672-2680",
};

/// What makes rows of a network's last layer.
#[derive(Clone, Debug)]
pub enum Output {
    /// The sigmoid: values in (0, 1), as those of images.
    Unit,
    /// mean + deviation u, element by element.
    Affine(Affine),
}

/// The mean and deviation of each element.
#[derive(Clone, Debug)]
pub struct Affine(Standardise);

impl Output {
    /// Values with this mean and deviation of each element where the network gives N(0, 1).
    ///
    /// # Errors
    /// Moments of another number of elements; constant data.
    pub fn affine(elements: usize, mean: &[f64], deviation: &[f64]) -> Result<Output> {
        Standardise::new(elements, mean, deviation).map(|map| Output::Affine(Affine(map)))
    }
}

/// A generator whose network is the decoder of `C`. Parameters stand below `generator.`.
#[derive(Clone, Debug)]
pub struct Generated<C> {
    coder: C,
    latents: usize,
    row_shape: Vec<usize>,
    output: Output,
    bias: Vec<f64>,
}

impl<C: Coder> Generated<C> {
    /// For rows of this shape, from this many numbers of noise.
    ///
    /// # Errors
    /// No noise, rows without elements.
    pub fn new(row_shape: &[usize], latents: usize, coder: C, output: Output) -> Result<Self> {
        let elements: usize = row_shape.iter().product();
        if latents == 0 || elements == 0 {
            return Err(Error::input("the generator is empty")
                .found(format!("{latents} numbers of noise for rows of shape {row_shape:?}"))
                .expected("at least 1 of each"));
        }
        Ok(Generated { coder, latents, row_shape: row_shape.to_vec(), output, bias: vec![0.0; elements] })
    }
}

impl<C: Coder> Generator for Generated<C> {
    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    fn latents(&self) -> usize {
        self.latents
    }

    fn generate<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        let out = self.coder.decode(&parameters.at("generator"), z, 1, &self.bias);
        let rows = out.reshape(&batch_shape(z.extent(0), &self.row_shape));
        match &self.output {
            Output::Unit => rows.sigmoid(),
            Output::Affine(Affine(map)) => map.invert(rows),
        }
    }
}
