//! What a training takes of memory at its peak, told before it is taken: tests hold it beside what trainings
//! of seven families are measured to take.

use enscore_program::Parameter;

use crate::checkpoint::STATE_PREFIXES;
use crate::data::{Subset, Values};
use crate::error::Result;
use crate::memory::MemoryLimit;

/// Bytes of a number of the state.
const WIDTH: f64 = 4.0;
/// Copies of the state: two where the updates run, the one to go back to, and while a checkpoint is written
/// the new one with its bytes, part by part once more; where updates take long, one to keep. Starting takes
/// fewer.
const COPIES: f64 = 5.8;
/// Copies of chains that persist, beside the chains: the one to go back to, the new one, its bytes, once
/// more.
const CHAIN_COPIES: f64 = 4.8;
/// The program itself, its threads, and the packed operands of matrix products.
pub(super) const BASE: f64 = 24.0 * 1024.0 * 1024.0;

/// What a training takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct MemoryNeed {
    /// The rows.
    pub data: f64,
    /// Parameters with their moments and averages, in all their copies.
    pub state: f64,
    /// Values between inputs and outputs of the compiled programs.
    pub programs: f64,
    /// Chains, replay buffers and their copies.
    pub chains: f64,
}

impl MemoryNeed {
    /// Of rows and parameters, which are known before anything is compiled.
    pub(super) fn of(data: &Subset, parameters: &[Parameter]) -> MemoryNeed {
        let values = data.dataset().values();
        let width = match values {
            Values::U8(_) => 1,
            Values::F32(_) => 4,
            Values::F64(_) => 8,
        };
        let count: f64 = parameters.iter().map(|parameter| parameter.size() as f64).sum();
        let state = COPIES * WIDTH * STATE_PREFIXES.len() as f64 * count;
        MemoryNeed { data: (values.len() * width) as f64, state, ..MemoryNeed::default() }
    }

    /// With chains that take so many bytes, `kept` of them part of checkpoints.
    pub(super) fn with_chains(self, bytes: f64, kept: f64) -> MemoryNeed {
        MemoryNeed { chains: bytes + CHAIN_COPIES * kept, ..self }
    }

    /// With compiled programs.
    pub(super) fn with_programs(self, bytes: f64) -> MemoryNeed {
        MemoryNeed { programs: self.programs + bytes, ..self }
    }

    /// All of it, and the program's own.
    pub fn total(&self) -> f64 {
        BASE + self.data + self.state + self.programs + self.chains
    }

    /// Refuses what is beyond a limit in GiB; 0 stands for a share of what is free.
    ///
    /// # Errors
    /// [`crate::Error::input`] with both figures.
    pub(super) fn refuse_beyond(&self, limit_gib: f64) -> Result<()> {
        let limit = MemoryLimit::of_gib(limit_gib);
        limit.refuse_beyond("the training needs", "train.memory_limit_gib", self.total()).map_err(|error| {
            let remedy = "use a smaller train.batch, network or number of chains";
            let more =
                if limit_gib > 0.0 { ", or raise the limit" } else { ", or set train.memory_limit_gib" };
            error.remedy(format!("{remedy}{more}"))
        })
    }
}
