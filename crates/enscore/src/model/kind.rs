//! What the file of a model declares beside the model: how settings become a network for given data, and what
//! follows from the choice.

use std::fmt::Debug;

use super::layers::Convolution;
use super::network::Network;
use crate::citation::Citation;
use crate::error::{Error, Result};

/// What a model computes, which decides the objectives that can train it and the samplers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// The gradient of a log density.
    #[default]
    Score,
    /// An unnormalised log density.
    Energy,
    /// A bipartite unnormalised log density, with block Gibbs sampling.
    Bipartite,
    /// A normalised log density with exact samples.
    Flow,
    /// A normalised log density, element by element, with exact samples.
    Autoregressive,
    /// A latent variable model with an encoder.
    LatentVariable,
    /// A generator of rows, without a density.
    Generator,
    /// A normalised log density that is fitted without gradients.
    Baseline,
}

impl Family {
    /// Whether it is trained, and sampled, by ∇ₓ ln p of real rows.
    pub fn has_score(self) -> bool {
        match self {
            Family::Score | Family::Energy | Family::Flow => true,
            Family::Bipartite
            | Family::Autoregressive
            | Family::LatentVariable
            | Family::Generator
            | Family::Baseline => false,
        }
    }

    /// A model of the family, with its article: `a flow`.
    pub fn noun(self) -> &'static str {
        match self {
            Family::Score => "a score network",
            Family::Energy => "an energy",
            Family::Bipartite => "a Boltzmann machine",
            Family::Flow => "a flow",
            Family::Autoregressive => "an autoregressive model",
            Family::LatentVariable => "a latent variable model",
            Family::Generator => "a generative adversarial network",
            Family::Baseline => "a baseline",
        }
    }
}

/// The facts about the data that a model is built from.
#[derive(Clone, Copy, Debug)]
pub struct DataFacts<'a> {
    /// The extents of a row.
    pub row_shape: &'a [usize],
    /// The variance over all rows and elements.
    pub variance: f64,
    /// The mean of each element; may be empty for a score.
    pub mean: &'a [f64],
    /// The standard deviation of each element; may be empty for a score.
    pub deviation: &'a [f64],
    /// The number of levels of a value, where the rows are on levels from 0 to 1, as those of bytes are.
    pub levels: Option<u32>,
    /// How many rows it learns from, where the model keeps them all.
    pub count: Option<usize>,
    /// Rows of the data that parameters start at (see [`ModelKind::starting_rows`]); empty where the start
    /// does not matter, as for a model whose weights are known.
    pub rows: &'a [f64],
}

impl DataFacts<'_> {
    /// The extents of images, which `what` needs; for vectors there is the kind `instead`.
    ///
    /// # Errors
    /// Rows that are not images.
    pub(super) fn image(&self, what: &str, instead: &str) -> Result<[usize; 3]> {
        self.row_shape.try_into().map_err(|_| {
            Error::input(format!("{what} needs images"))
                .at("model.kind")
                .found(format!("rows of shape {:?}", self.row_shape))
                .expected("rows of shape [height, width, channels]")
                .remedy(format!("set model.kind = \"{instead}\""))
        })
    }
}

/// A kind of model, as its file declares it.
pub trait ModelKind: Debug {
    /// What the model computes.
    fn family(&self) -> Family;

    /// The model for such data.
    ///
    /// # Errors
    /// An input error where the model does not fit the rows, naming what would.
    fn build(&self, data: &DataFacts) -> Result<Network>;

    /// What it is in a sentence, with its article: `a deep Boltzmann machine`.
    fn noun(&self) -> &'static str {
        self.family().noun()
    }

    /// The works behind it.
    fn cites(&self) -> Vec<Citation> {
        Vec::new()
    }

    /// How its convolutions are computed.
    fn convolution(&self) -> Convolution {
        Convolution::Auto
    }

    /// How many rows of the data its parameters start at.
    fn starting_rows(&self) -> usize {
        0
    }

    /// Whether it keeps all rows that it learns from.
    fn keeps_rows(&self) -> bool {
        false
    }

    /// The parameter `[elements of a row, units]` whose columns are shown as pictures, one for each unit.
    fn filters(&self) -> Option<&'static str> {
        None
    }
}
