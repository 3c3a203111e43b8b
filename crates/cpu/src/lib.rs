//! Executor of enscore programs for processors: memory plan, fused tiles, matrix products, convolutions.

pub mod conv;
pub mod math;
pub mod matmul;
pub mod random;
pub mod simd;
