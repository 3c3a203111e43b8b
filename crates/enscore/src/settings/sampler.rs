//! `[sampler]`: annealed Langevin dynamics (Song and Ermon 2019, algorithm 1).

use super::reader::{Reader, keys};
use super::value::{above, at_least, choice, within};
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

keys! {
    /// How samples are drawn.
    Sampler {
        rule: StepRuleName = StepRuleName::Algorithm1, (), "The convention of step_size.";
        step_size: f64 = 2e-5, above(0.0),
            "Step at the smallest noise level, in squared units of the scaled data; times (sigma / sigma_min)^2 above.";
        steps_per_level: u64 = 100, at_least(1), "Steps at each noise level.";
        denoise: bool = true, (), "Whether a last noiseless step x + sigma^2 s removes the smallest noise.";
        batch: usize = 64, within(1, 1 << 20), "Samples drawn at once. Samples don't depend on it.";
        count: usize = 64, within(1, 1 << 30), "Samples drawn where a command names no number.";
        weights: Weights = Weights::Ema, (), "Which weights sample.";
    }
}

impl Sampler {
    pub(super) fn read(reader: &mut Reader) -> Result<Sampler> {
        reader.table("sampler");
        Sampler::read_keys(reader)
    }
}
