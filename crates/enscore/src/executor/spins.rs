//! Sweeps of a torus with 64 spins a word: the kernel of chains of spins, which are no programs.

pub use enscore_cpu::ising::{PackedTorus, Rule, SIDE_MULTIPLE};
pub use enscore_cpu::simd::Instructions;
