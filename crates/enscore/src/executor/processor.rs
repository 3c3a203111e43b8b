//! The executor that the library uses unless it is handed another: this machine's processor.

use std::sync::Arc;

use enscore_cpu::conv::Algorithm;
use enscore_cpu::matmul::{Products, bf16};
use enscore_cpu::{Cpu, Options};
use enscore_program::executor::Executor;

/// How the processor computes, where there is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Convolutions by their definition, never by a transform that rounds differently.
    pub direct_convolutions: bool,
    /// Matrix products of numbers rounded to bfloat16.
    pub bf16_products: bool,
}

impl Processor {
    /// Whether this processor has the instructions for it.
    pub fn is_available(self) -> bool {
        !self.bf16_products || bf16::is_available()
    }

    /// The processor as an executor.
    pub fn executor(self) -> Arc<dyn Executor> {
        let conv = if self.direct_convolutions { Algorithm::Direct } else { Algorithm::Auto };
        let products = if self.bf16_products { Products::Bf16 } else { Products::Single };
        Arc::new(Cpu::new(Options { conv, products, ..Options::default() }))
    }
}

/// The processor with its usual choices.
pub fn default_executor() -> Arc<dyn Executor> {
    Processor::default().executor()
}
