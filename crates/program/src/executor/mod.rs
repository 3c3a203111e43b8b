//! The contract of an executor: it compiles a program once, keeps numbers where programs run, and runs.
//!
//! [`Executor`] and [`Compiled`] are the contract, [`Buffer`] is what stays on the device between runs.
//! [`Reference`] meets the contract by the interpreter, slowly and plainly. Numbers cross the border only
//! where a caller passes a slice, or reads or edits a buffer.
//!
//! ```
//! use enscore_program::executor::{Executor, Input, Output, Reference, Width};
//! use enscore_program::{Kind, Scope};
//! let scope = Scope::new();
//! let x = scope.input("x", Kind::Float, &[2]);
//! let program = scope.finish(&[("x", x * 0.5)])?;
//! let executor = Reference;
//! let mut halve = executor.compile(&program, Width::Double)?;
//! let mut now = executor.upload([8.0, 4.0][..].into())?;
//! let mut next = executor.upload([0.0; 2][..].into())?;
//! for _ in 0..3 {
//!     halve.run(&[Input::Resident(&now)], &mut [Output::Resident(&mut next)])?;
//!     std::mem::swap(&mut now, &mut next);
//! }
//! assert_eq!(now.read::<f64>()?, [1.0, 0.5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffer;
mod contract;
mod error;
mod passed;
mod profile;
mod reference;
mod values;

pub use buffer::{Buffer, Stored};
pub use contract::{Compiled, Executor};
pub use error::ExecutorError;
pub use passed::{Input, Output};
pub use profile::{Group, Profile, Rates, StepProfile, Work};
pub use reference::Reference;
pub use values::{Real, Values, ValuesMut, Width};
