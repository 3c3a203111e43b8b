//! p(x|z), element by element, by numbers that a decoder gives.

use enscore_program::{Initial, Parameters, Var};

use crate::error::{Error, Result};
use crate::keys::{choice, keys};
use crate::model::conditional::{Component, log_odds};
use crate::model::kind::DataFacts;
use crate::model::standardise::Standardise;
use crate::model::traits::Support;

choice! {
    /// The distribution of an element given the latent variables.
    LikelihoodKind {
        /// Of elements in {0, 1}.
        Bernoulli = "bernoulli",
        /// Of real elements.
        Gaussian = "gaussian",
        /// Of levels: a logistic distribution between the edges of each level.
        Levels = "discretised-logistic",
    }
}

choice! {
    /// Where the width of the elements' distributions comes from.
    ScaleSource {
        /// One number, learnt.
        One = "one",
        /// A number for each element, learnt.
        Each = "each",
        /// The decoder.
        Decoded = "decoded",
    }
}

keys! {
    /// Settings of p(x|z).
    LikelihoodSettings {
        likelihood: LikelihoodKind = LikelihoodKind::Bernoulli, (),
            "Distribution of a value given the latent variables: \"bernoulli\" for values in {0, 1}, \"discretised-logistic\" for grey levels, else \"gaussian\".";
        spread: ScaleSource = ScaleSource::Each, (),
            "With likelihood = \"gaussian\" or \"discretised-logistic\": one learnt width for all values, one for each value, or widths given by the decoder.";
    }
}

/// p(x|z) of each element.
#[derive(Clone, Debug)]
pub struct Likelihood {
    of: Elements,
    spread: ScaleSource,
}

/// What an element is drawn from.
#[derive(Clone, Debug)]
enum Elements {
    /// Bits, whose log odds start at those of the data's means.
    Bits(Vec<f64>),
    /// N(m, s²) of the standardised element.
    Real(Standardise),
    /// Levels in [0, 1], whose means start at the data's.
    Levels(u32, Vec<f64>),
}

impl LikelihoodSettings {
    /// The likelihood of such data.
    ///
    /// # Errors
    /// Data without levels where they are asked for; constant data where they are real.
    pub(super) fn of(&self, data: &DataFacts) -> Result<Likelihood> {
        let elements: usize = data.row_shape.iter().product();
        let means = || if data.mean.len() == elements { data.mean.to_vec() } else { vec![0.5; elements] };
        let of = match self.likelihood {
            LikelihoodKind::Bernoulli => Elements::Bits(means().into_iter().map(log_odds).collect()),
            LikelihoodKind::Gaussian => {
                Elements::Real(Standardise::new(elements, data.mean, data.deviation)?)
            }
            LikelihoodKind::Levels => match data.levels {
                Some(levels) => Elements::Levels(levels, means()),
                None => {
                    return Err(Error::input("the data have no levels")
                        .at("model.likelihood")
                        .found("\"discretised-logistic\"")
                        .expected("data of bytes, or of another fixed number of levels")
                        .remedy("set model.likelihood = \"gaussian\""));
                }
            },
        };
        Ok(Likelihood { of, spread: self.spread })
    }
}

impl Likelihood {
    /// The values of an element.
    pub fn support(&self) -> Support {
        match self.of {
            Elements::Bits(_) => Support::Bits,
            Elements::Real(_) => Support::Real,
            Elements::Levels(levels, _) => Support::Levels(levels),
        }
    }

    /// The numbers that a decoder gives for an element.
    pub(super) fn width(&self) -> usize {
        match (&self.of, self.spread) {
            (Elements::Bits(_), _) | (_, ScaleSource::One | ScaleSource::Each) => 1,
            (_, ScaleSource::Decoded) => 2,
        }
    }

    /// What the decoder's biases start at: `[d, width]`.
    pub(super) fn starting_bias(&self) -> Vec<f64> {
        match &self.of {
            Elements::Bits(log_odds) => log_odds.clone(),
            Elements::Real(map) => vec![0.0; map.elements() * self.width()],
            Elements::Levels(_, means) if self.width() == 1 => means.clone(),
            Elements::Levels(_, means) => {
                means.iter().flat_map(|mean| [*mean, self.first_log_scale()]).collect()
            }
        }
    }

    /// What log scales start at: as wide as the data.
    fn first_log_scale(&self) -> f64 {
        match self.of {
            Elements::Bits(_) | Elements::Real(_) => 0.0,
            Elements::Levels(..) => -2.0,
        }
    }

    /// x `[n, ..]` as an encoder sees it, of size about 1: `[n, d]`.
    pub(super) fn seen<'s>(&self, x: Var<'s>) -> Var<'s> {
        let flat = |x: Var<'s>| x.reshape(&[x.extent(0), x.shape().iter().skip(1).product()]);
        match &self.of {
            Elements::Bits(_) | Elements::Levels(..) => flat(x) * 2.0 - 1.0,
            Elements::Real(map) => flat(map.apply(x)),
        }
    }

    /// Means, or log odds, and log scales of all elements from `heads` `[n, d * width]`: `[n, d]` each.
    fn parts<'s>(&self, parameters: &Parameters<'s>, heads: Var<'s>) -> [Var<'s>; 2] {
        let (n, width) = (heads.extent(0), self.width());
        let elements = heads.extent(1) / width;
        let heads = heads.reshape(&[n, elements, width]);
        let part = |at: usize| heads.slice(2, at, at + 1).reshape(&[n, elements]);
        let start = Initial::Constant(self.first_log_scale());
        let log_scale = match (&self.of, self.spread) {
            (Elements::Bits(_), _) => heads.scope().constant(0.0),
            (_, ScaleSource::One) => parameters.get("log_scale", &[1], start),
            (_, ScaleSource::Each) => parameters.get("log_scale", &[elements], start),
            (_, ScaleSource::Decoded) => part(1),
        };
        [part(0), log_scale.broadcast_to(&[n, elements])]
    }

    /// ln p of each element of x `[n, ..]` under `heads` `[n, d * width]`: `[n, d]`, nats.
    pub(super) fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, heads: Var<'s>) -> Var<'s> {
        let [mean, log_scale] = self.parts(parameters, heads);
        let shape = mean.shape();
        match &self.of {
            Elements::Bits(_) => x.reshape(&shape) * mean - mean.softplus(),
            Elements::Real(map) => {
                let z = map.apply(x).reshape(&shape);
                let log_deviations = map.log_deviations(x).reshape(&shape[1..]);
                Component::Gaussian.log_density(z, mean, log_scale) - log_deviations
            }
            Elements::Levels(levels, _) => {
                Component::Levels(*levels).log_density(x.reshape(&shape), mean, log_scale)
            }
        }
    }

    /// E[x|z] of each element under `heads`, as x is: `[n, d]`. Of levels the mean of the distribution
    /// between its edges, within [0, 1].
    pub(super) fn expected<'s>(
        &self,
        parameters: &Parameters<'s>,
        heads: Var<'s>,
        row_shape: &[usize],
    ) -> Var<'s> {
        let [mean, _] = self.parts(parameters, heads);
        let mean = mean.reshape(&crate::model::batch_shape(heads.extent(0), row_shape));
        let scope = heads.scope();
        match &self.of {
            Elements::Bits(_) => mean.sigmoid(),
            Elements::Real(map) => map.invert(mean),
            Elements::Levels(..) => mean.maximum(scope.constant(0.0)).minimum(scope.constant(1.0)),
        }
    }

    /// x drawn from p(x|z) under `heads`, as x is; of levels before it is rounded to one.
    pub(super) fn draw<'s>(
        &self,
        parameters: &Parameters<'s>,
        heads: Var<'s>,
        row_shape: &[usize],
        key: Var<'s>,
    ) -> Var<'s> {
        let [mean, log_scale] = self.parts(parameters, heads);
        let shape = mean.shape();
        let floor = heads.scope().constant(crate::model::conditional::LEAST_LOG_SCALE);
        let scale = log_scale.maximum(floor).exp();
        let rows = crate::model::batch_shape(heads.extent(0), row_shape);
        match &self.of {
            Elements::Bits(_) => key.uniform(&shape).less(mean.sigmoid()).to_float().reshape(&rows),
            Elements::Real(map) => map.invert((mean + scale * key.normal(&shape)).reshape(&rows)),
            Elements::Levels(..) => {
                let u = key.uniform(&shape);
                (mean + scale * (u.log() - (1.0 - u).log())).reshape(&rows)
            }
        }
    }
}
