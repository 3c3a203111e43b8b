//! Executor of enscore programs for processors: memory plan, fused tiles, matrix products, convolutions.
//!
//! [`Cpu`] meets the contract of [`enscore_program::executor`]. [`Executable::compile`] plans a program once;
//! [`Executable::run`] runs it many times in the same memory. The same inputs give the same bits on any
//! number of threads, for one version, instruction path and machine type.

mod argument;
mod band;
mod compile;
pub mod conv;
mod executable;
mod executor;
mod fused;
pub mod ising;
pub mod math;
pub mod matmul;
pub mod peaks;
mod plan;
pub mod random;
mod run;
pub mod simd;
mod step;
mod stretch;
mod work;

pub use argument::{Argument, Options};
pub use enscore_program::executor::{ExecutorError, Group, StepProfile, Work};
pub use executable::Executable;
pub use executor::Cpu;
