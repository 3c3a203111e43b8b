//! What a run trains: a score, an energy or a flow, behind one type, so that objectives, samplers and
//! evaluations ask for what they need.

use enscore_program::{Parameters, Var};

use super::{Bipartite, Flow, Generator, LatentVariable, LogDensity, Normalised, Score, Support};

/// A model of one of the families.
pub enum Network {
    /// A score s(x, σ).
    Score(Box<dyn Score>),
    /// An unnormalised log density; its score is its gradient.
    Energy(Box<dyn LogDensity>),
    /// An unnormalised log density over two sides of units, with Gibbs sampling between them.
    Bipartite(Box<dyn Bipartite>),
    /// A normalised log density with exact samples.
    Flow(Box<dyn Flow>),
    /// A normalised log density, element by element, with exact samples.
    Normalised(Box<dyn Normalised>),
    /// p(x) = ∫ p(x|z) N(z; 0, I) dz, with an encoder.
    LatentVariable(Box<dyn LatentVariable>),
    /// x = G(z), without a density.
    Generator(Box<dyn Generator>),
}

impl Network {
    /// The flow, if it is one.
    pub fn flow(&self) -> Option<&dyn Flow> {
        if let Network::Flow(flow) = self { Some(&**flow) } else { None }
    }

    /// The two sides of units, if it has them.
    pub fn bipartite(&self) -> Option<&dyn Bipartite> {
        if let Network::Bipartite(model) = self { Some(&**model) } else { None }
    }

    /// The normalised density with draws on the host, if it is one.
    pub fn normalised(&self) -> Option<&dyn Normalised> {
        if let Network::Normalised(model) = self { Some(&**model) } else { None }
    }

    /// The latent variable model, if it is one.
    pub fn latent_variable(&self) -> Option<&dyn LatentVariable> {
        if let Network::LatentVariable(model) = self { Some(&**model) } else { None }
    }

    /// The generator, if it is one.
    pub fn generator(&self) -> Option<&dyn Generator> {
        if let Network::Generator(model) = self { Some(&**model) } else { None }
    }

    /// Whether its log density is normalised: log Z is 0.
    pub fn is_normalised(&self) -> bool {
        matches!(self, Network::Flow(_) | Network::Normalised(_) | Network::LatentVariable(_))
    }

    /// The values of the rows' elements.
    pub fn support(&self) -> Support {
        match self {
            Network::Score(_) | Network::Energy(_) | Network::Flow(_) | Network::Generator(_) => {
                Support::Real
            }
            Network::Bipartite(model) => {
                if model.is_binary() {
                    Support::Bits
                } else {
                    Support::Real
                }
            }
            Network::Normalised(model) => model.support(),
            Network::LatentVariable(model) => model.support(),
        }
    }

    /// The extents of one row of x, without the batch.
    pub fn row_shape(&self) -> &[usize] {
        match self {
            Network::Score(score) => score.row_shape(),
            Network::Energy(energy) => energy.row_shape(),
            Network::Bipartite(model) => model.row_shape(),
            Network::Flow(flow) => flow.row_shape(),
            Network::Normalised(model) => model.row_shape(),
            Network::LatentVariable(model) => model.row_shape(),
            Network::Generator(model) => model.row_shape(),
        }
    }

    /// Whether the model gives a log density.
    pub fn has_density(&self) -> bool {
        !matches!(self, Network::Score(_) | Network::LatentVariable(_) | Network::Generator(_))
    }

    /// Whether rows have a score ∇ₓ ln p.
    pub fn has_score(&self) -> bool {
        match self {
            Network::Score(_) | Network::Energy(_) | Network::Bipartite(_) | Network::Flow(_) => true,
            Network::Normalised(model) => !model.support().is_discrete(),
            Network::LatentVariable(_) | Network::Generator(_) => false,
        }
    }
}

impl LogDensity for Network {
    /// A score network has none: tracing one here is a mistake that the scope reports.
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        match self {
            Network::Score(_) => x.scope().fail("a score network has no log density".to_string()),
            Network::Energy(energy) => energy.log_density(parameters, x),
            Network::Bipartite(model) => model.log_density(parameters, x),
            Network::Flow(flow) => flow.log_density(parameters, x),
            Network::Normalised(model) => model.log_density(parameters, x),
            Network::LatentVariable(_) => {
                x.scope().fail("a latent variable model has bounds of its log density".to_string())
            }
            Network::Generator(_) => x.scope().fail("a generator has no log density".to_string()),
        }
    }

    fn row_shape(&self) -> &[usize] {
        self.row_shape()
    }
}

impl Score for Network {
    /// The gradient of a log density does not depend on sigma.
    fn score<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        match self {
            Network::Score(score) => score.score(parameters, x, sigma),
            // Rows don't depend on each other, so the gradient of the sum holds every row's gradient.
            _ => x.scope().gradient(self.log_density(parameters, x).sum_all(), &[x])[0],
        }
    }

    fn read_all<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        match self {
            Network::LatentVariable(model) => {
                let mean = model.encode(parameters, x).mean;
                model.log_likelihood(parameters, x, mean)
            }
            Network::Normalised(model) => model.log_density(parameters, x),
            Network::Generator(model) => {
                let z = vec![0.0; x.extent(0) * model.latents()];
                model.generate(parameters, x.scope().table(&z, &[x.extent(0), model.latents()]))
            }
            _ => self.score(parameters, x, sigma),
        }
    }

    fn row_shape(&self) -> &[usize] {
        self.row_shape()
    }
}
