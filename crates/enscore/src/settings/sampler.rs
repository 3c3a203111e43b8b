//! `[sampler]`: how samples are drawn: annealed Langevin dynamics (Song and Ermon 2019, algorithm 1) for
//! noise levels, Langevin dynamics for a single density, block Gibbs sampling for bipartite models,
//! exact draws for flows.

use super::model::Family;
use super::objective::Objective;
use super::reading::{Reader, above, at_least, choice, keys, within};
use crate::Result;

choice! {
    /// Meaning of a step size a: two published conventions, a factor of two apart.
    StepRuleName {
        /// x + a/2 s + sqrt(a) z, as the paper's algorithm 1.
        Algorithm1 = "algorithm1",
        /// x + a s + sqrt(2a) z, as the published code of NCSN and NCSNv2.
        ReferenceCode = "reference-code",
    }
}

choice! {
    /// The weights to sample with.
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
        /// Block Gibbs sweeps of a bipartite model.
        Gibbs = "gibbs",
        /// Base draws mapped through a flow.
        Exact = "exact",
    }
}

keys! {
    /// Annealed Langevin dynamics.
    Annealed {
        rule: StepRuleName = StepRuleName::Algorithm1, (), "Convention of step_size: x + a/2 s + sqrt(a) z as in Algorithm 1 of the paper, or x + a s + sqrt(2a) z as in its published code.";
        step_size: f64 = 2e-5, above(0.0),
            "Step size at the smallest noise level, in squared units of the scaled data; scaled by (sigma / sigma_min)^2 at the others.";
        steps_per_level: u64 = 100, at_least(1), "Steps at each noise level.";
        denoise: bool = true, (), "Finish with a noiseless step x + sigma^2 s that removes the smallest noise.";
    }
}

choice! {
    /// What pictures of binary units show.
    Shown {
        /// The probabilities that the last states were drawn from.
        Means = "means",
        /// The states.
        States = "states",
    }
}

keys! {
    /// Block Gibbs sampling.
    Gibbs {
        steps: u64 = 1000, at_least(1), "Gibbs sweeps per chain, starting from independent units with the data's means.";
        pictures: Shown = Shown::Means, (),
            "Show the means of the last sweep or the sampled states in pictures; .npy and .csv files always hold states.";
    }
}

/// Langevin dynamics on one density, starting from noise at the scale of the data: x + step_size s +
/// noise_std z.
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
    /// Block Gibbs sweeps.
    Gibbs(Gibbs),
    /// From a flow.
    Exact,
}

keys! {
    /// What every sampler has.
    Common {
        batch: usize = 64, within(1, 1 << 20), "Samples drawn at once; affects memory and speed, not the samples.";
        count: usize = 64, within(1, 1 << 30), "Number of samples if the command doesn't give one.";
        weights: Weights = Weights::Ema, (), "Weights to sample with: their moving average, or those of the last step.";
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
    /// Number of samples if the command doesn't give one.
    pub count: usize,
    /// The weights to sample with.
    pub weights: Weights,
}

impl Sampler {
    /// Reads the table: the sampler that fits model and objective is the default and, with few exceptions,
    /// the only choice.
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
            "Sampler; the default follows from model and objective. With objective.kind = \"fce\", \"exact\" draws from the flow.",
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
    /// Defaults to the objective's own chains, if it has any.
    fn read(reader: &mut Reader, objective: &Objective) -> Result<Langevin> {
        let (step, noise, steps) = match objective {
            Objective::Cd(cd) => (cd.step_size, cd.noise_std, cd.steps.max(100)),
            _ => (0.01, 0.0, 1000),
        };
        let step_size = reader.get(
            "step_size",
            step,
            above(0.0),
            "Step size: a step is x + step_size s + noise_std z with score s and standard normal z; in squared units of the scaled data.",
        )?;
        let noise_std = reader.get(
            "noise_std",
            noise,
            at_least(0.0),
            "Standard deviation of the noise per step; 0: sqrt(2 step_size), which samples at temperature 1.",
        )?;
        let steps = reader.get(
            "steps",
            steps,
            at_least(1),
            "Steps per chain, starting from noise at the scale of the data.",
        )?;
        let noise_std = if noise_std > 0.0 { noise_std } else { (2.0 * step_size).sqrt() };
        Ok(Langevin { step_size, noise_std, steps })
    }
}
