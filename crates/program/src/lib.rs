//! Programs of a few primitives over symbolic variables, their derivatives, and a reference interpreter.
//!
//! A model or an objective is a plain Rust function over [`Var`]s. Tracing it inside a [`Scope`] gives a
//! [`Program`]: a static graph of primitives with shapes. Derivatives are transforms of that graph
//! ([`Scope::gradient`], [`Scope::jvp`], [`Scope::vjp`]) and nest to any order. [`interpret()`] runs a
//! program in double precision, slowly and plainly: it is what executors are tested against.
//!
//! ```
//! use enscore_program::{Kind, Scope, interpret, Value};
//! let scope = Scope::new();
//! let x = scope.input("x", Kind::Float, &[3]);
//! let log_density = (x * x).sum(&[0]) * -0.5;
//! let score = scope.gradient(log_density, &[x])[0];
//! let program = scope.finish(&[("score", score)]).unwrap();
//! let out = interpret(&program, &[Value::Float(vec![1.0, 2.0, 3.0])]).unwrap();
//! assert_eq!(out[0], Value::Float(vec![-1.0, -2.0, -3.0]));
//! ```

#![forbid(unsafe_code)]

mod compose;
mod derivative;
pub mod executor;
mod interpret;
mod op;
mod parameters;
mod primitive;
mod program;
pub mod random;
mod scope;
mod shape;
mod simplify;
mod value;
mod var;

pub use derivative::{Curvature, Laplacian, LaplacianPart};
pub use interpret::interpret;
pub use op::Op;
pub use parameters::{Initial, Parameter, Parameters};
pub use primitive::arithmetic::{Binary, Compare, Logic, Unary};
pub use primitive::conv::Conv;
pub use primitive::random::Distribution;
pub use program::{Id, Input, Node, Program};
pub use scope::Scope;
pub use shape::{Kind, ShapeError, strides};
pub use value::{Array, Value};
pub use var::Var;
