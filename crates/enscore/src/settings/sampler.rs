//! `[sampler]`: how samples are drawn: annealed Langevin dynamics (Song and Ermon 2019, algorithm 1) where
//! there are noise levels, Langevin dynamics where there are none, Gibbs sampling of two sides of units; a
//! flow is drawn from exactly.

use super::model::Family;
use super::objective::Objective;
use super::reading::{Reader, above, at_least, choice, keys, within};
use crate::Result;

choice! {
    /// How a step of size a moves: two published conventions, a factor of two apart.
    StepRuleName {
        /// x + a/2 s + sqrt(a) z, as the paper's algorithm 1.
        Algorithm1 = "algorithm1",
        /// x + a s + sqrt(2a) z, as the published code of NCSN and NCSNv2.
        ReferenceCode = "reference-code",
    }
}

choice! {
    /// Which weights sample.
    Weights {
        /// Their exponential moving average.
        Ema = "ema",
        /// Those of the last step.
        Raw = "raw",
    }
}

choice! {
    /// A way to draw samples.
    Kind {
        /// Langevin dynamics over falling noise levels.
        Annealed = "annealed",
        /// Langevin dynamics on one density.
        Langevin = "langevin",
        /// Gibbs sweeps between two sides of units.
        Gibbs = "gibbs",
        /// Base draws mapped through a flow.
        Exact = "exact",
    }
}

keys! {
    /// Annealed Langevin dynamics.
    Annealed {
        rule: StepRuleName = StepRuleName::Algorithm1, (), "The convention of step_size.";
        step_size: f64 = 2e-5, above(0.0),
            "Step at the smallest noise level, in squared units of the scaled data; times (sigma / sigma_min)^2 above.";
        steps_per_level: u64 = 100, at_least(1), "Steps at each noise level.";
        denoise: bool = true, (), "Whether a last noiseless step x + sigma^2 s removes the smallest noise.";
    }
}

choice! {
    /// What pictures show of units in {0, 1}.
    Shown {
        /// The probabilities that the last states were drawn at.
        Means = "means",
        /// The states.
        States = "states",
    }
}

keys! {
    /// Block Gibbs sampling.
    Gibbs {
        steps: u64 = 1000, at_least(1), "Gibbs sweeps of each chain, from independent units with the data's means.";
        pictures: Shown = Shown::Means, (),
            "Whether pictures show the means that the last states were drawn at, or the states; numbers in files are always states.";
    }
}

/// Langevin dynamics on one density from noise of the size of the data: x + step_size s + noise_std z.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Langevin {
    /// Coefficient of the score.
    pub step_size: f64,
    /// Standard deviation of the noise.
    pub noise_std: f64,
    /// Steps of each chain.
    pub steps: u64,
}

/// How samples are drawn, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Over falling noise levels.
    Annealed(Annealed),
    /// On one density.
    Langevin(Langevin),
    /// Between two sides of units.
    Gibbs(Gibbs),
    /// From a flow.
    Exact,
}

keys! {
    /// What every sampler has.
    Common {
        batch: usize = 64, within(1, 1 << 20), "Samples drawn at once. Samples don't depend on it.";
        count: usize = 64, within(1, 1 << 30), "Samples drawn where a command names no number.";
        weights: Weights = Weights::Ema, (), "Which weights sample.";
    }
}

/// How samples are drawn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sampler {
    /// The method with its own keys.
    pub method: Method,
    /// Samples drawn at once.
    pub batch: usize,
    /// Samples drawn where a command names no number.
    pub count: usize,
    /// Which weights sample.
    pub weights: Weights,
}

impl Sampler {
    /// Reads the table: what fits the model and the objective is the default and, but for the step, the only
    /// choice.
    pub(super) fn read(reader: &mut Reader, family: Family, objective: &Objective) -> Result<Sampler> {
        reader.table("sampler");
        let fitting = match objective {
            Objective::Ncsn(_) => Kind::Annealed,
            _ if family == Family::Flow => Kind::Exact,
            _ if family == Family::Bipartite => Kind::Gibbs,
            Objective::Dsm(_) => Kind::Annealed,
            _ => Kind::Langevin,
        };
        let kind = reader.get(
            "kind",
            fitting,
            (),
            "How samples are drawn; the default fits model and objective. With objective.kind = \"fce\", \"exact\" draws from its flow.",
        )?;
        // One noise level may be sampled without annealing; flow contrastive estimation has a flow to draw
        // from, too.
        let also = match objective {
            Objective::Dsm(_) if family != Family::Flow => Some(Kind::Langevin),
            Objective::Fce(_) => Some(Kind::Exact),
            _ => None,
        };
        if kind != fitting && Some(kind) != also {
            return Err(reader
                .wrong("kind")
                .found(format!("{:?}", kind.name()))
                .expected(format!("{:?} for this model and objective", fitting.name())));
        }
        let method = match kind {
            Kind::Annealed => {
                reader.only_with("sampler.kind = \"annealed\"");
                Method::Annealed(Annealed::read_keys(reader)?)
            }
            Kind::Langevin => {
                reader.only_with("sampler.kind = \"langevin\"");
                Method::Langevin(Langevin::read(reader, objective)?)
            }
            Kind::Gibbs => {
                reader.only_with("sampler.kind = \"gibbs\"");
                Method::Gibbs(Gibbs::read_keys(reader)?)
            }
            Kind::Exact => Method::Exact,
        };
        reader.only_with("");
        let Common { batch, count, weights } = Common::read_keys(reader)?;
        Ok(Sampler { method, batch, count, weights })
    }
}

impl Langevin {
    /// The defaults are those of the objective's own chains, if it has some.
    fn read(reader: &mut Reader, objective: &Objective) -> Result<Langevin> {
        let (step, noise, steps) = match objective {
            Objective::Cd(cd) => (cd.step_size, cd.noise_std, cd.steps.max(100)),
            _ => (0.01, 0.0, 1000),
        };
        let step_size = reader.get(
            "step_size",
            step,
            above(0.0),
            "Coefficient of the score in a step x + step_size s + noise_std z, in squared units of the scaled data.",
        )?;
        let noise_std = reader.get(
            "noise_std",
            noise,
            at_least(0.0),
            "Standard deviation of a step's noise; 0: sqrt(2 step_size), at which the chain targets the density itself.",
        )?;
        let steps = reader.get(
            "steps",
            steps,
            at_least(1),
            "Steps of each chain, from noise of the size of the data.",
        )?;
        let noise_std = if noise_std > 0.0 { noise_std } else { (2.0 * step_size).sqrt() };
        Ok(Langevin { step_size, noise_std, steps })
    }
}
