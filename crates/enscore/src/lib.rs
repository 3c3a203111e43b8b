//! Energy-based and score-based generative models: train, sample and evaluate unnormalised densities.
//!
//! A model is a plain function of symbolic variables ([`program`]); derivatives of it nest to any order.
//! An objective is a function of a model and a batch. [`train::Training`] puts the two together on rows
//! of your own:
//!
//! ```
//! use enscore::data::{Dataset, Subset, Values};
//! use enscore::executor::default_executor;
//! use enscore::model::{GaussianEnergy, Network};
//! use enscore::objective::{ScoreMatching, Task};
//! use enscore::train::{Training, TrainingOptions};
//!
//! let rows: Vec<f32> = (0..400).flat_map(|i| [(i as f32).sin(), (i as f32 * 0.7).cos()]).collect();
//! let data = Subset::all(&Dataset::new("waves", "an array", &[2], Values::F32(rows))?);
//! let model = Network::Energy(Box::new(GaussianEnergy::new(&[2])?));
//! let options = TrainingOptions { steps: 100, batch: 100, ..TrainingOptions::default() };
//! let task = Task::new(ScoreMatching { tangents: 0 });
//! let mut training = Training::new(model, task, &data, options, default_executor())?;
//! for _ in 0..100 {
//!     training.step()?;
//! }
//! let trained = training.into_trained()?;
//! # assert_eq!(trained.parameters().len(), 2);
//! # Ok::<(), enscore::Error>(())
//! ```
//!
//! Or a settings file says it all, and a folder records the run; this is what the command line does:
//!
//! ```
//! use enscore::settings::Settings;
//! use enscore::train::{Request, Silent, train};
//!
//! let text = "data.name = 'two-moons'\nmodel = { kind = 'mlp-energy', hidden = [8] }\n\
//!             objective.kind = 'sm'\ntrain.steps = 20";
//! let settings = Settings::parse(text, "inline", &[])?;
//! # let folder = std::env::temp_dir().join(format!("enscore-doc-{}", std::process::id()));
//! # let _ = std::fs::remove_dir_all(&folder);
//! let request = Request { run: folder.clone(), resume: false, until: None };
//! let outcome = train(&settings, &request, &|| None, &mut Silent)?;
//! assert_eq!(outcome.step, 20);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), enscore::Error>(())
//! ```
//!
//! A trained model, of a run or of your own, answers for rows and is sampled:
//!
//! ```
//! use enscore::mcmc::{Chains, HostTransition, Mala};
//! use enscore::model::HostDensity;
//! use enscore::program::random::Key;
//! use enscore::sample::TrainedDensity;
//! # use enscore::data::{Dataset, Subset, Values};
//! # use enscore::executor::default_executor;
//! # use enscore::model::{GaussianEnergy, Network};
//! # use enscore::objective::{ScoreMatching, Task};
//! # use enscore::train::{Training, TrainingOptions};
//! # let data = Subset::all(&Dataset::new("a", "b", &[2], Values::F32(vec![0.0, 1.0, 1.0, 0.0]))?);
//! # let model = Network::Energy(Box::new(GaussianEnergy::new(&[2])?));
//! # let task = Task::new(ScoreMatching { tangents: 0 });
//! # let training = Training::new(model, task, &data, TrainingOptions::default(), default_executor())?;
//! # let trained = training.into_trained()?;
//! let mut density = TrainedDensity::new(&trained)?;
//! let f = density.log_density(&[0.0, 0.0, 1.0, 1.0])?;      // two rows: f of each, nats up to log Z
//! assert!(f[0] > f[1]);
//! let mut chains = Chains::at(&mut density, vec![0.0; 2 * 64])?;
//! let moves = Mala::new(0.05)?.step(&mut density, &mut chains, Key::new(0, 1))?;
//! assert!(moves.mean_acceptance() > 0.9);
//! # Ok::<(), enscore::Error>(())
//! ```
//!
//! Programs run on this machine's processor, or on an executor that you hand in ([`executor`]). The folders
//! stand in the order in which data flows: [`files`], [`data`], [`ising`], [`model`], [`mcmc`],
//! [`objective`], [`checkpoint`], [`sample`], [`settings`], [`trained`], [`evaluate`], [`report`],
//! [`export`], [`source`], [`train`], [`compare`], [`lecture`].
//! `examples/` has a model, an objective and an array of one's own, and an Ising model from scratch.

#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod citation;
pub mod compare;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod executor;
pub mod export;
pub mod files;
pub mod ising;
mod keys;
pub mod lecture;
pub mod mcmc;
pub mod memory;
pub mod model;
pub mod objective;
pub mod report;
pub mod sample;
pub mod settings;
pub mod source;
pub mod streams;
pub mod text;
pub mod train;
pub mod trained;

/// What a program that trains, samples and scores its own model names: `use enscore::prelude::*;`.
pub mod prelude {
    pub use crate::data::{Dataset, Subset, Values};
    pub use crate::executor::default_executor;
    pub use crate::mcmc::{Chains, Hmc, HostTransition, Mala};
    pub use crate::model::{HostDensity, LogDensity, Network, Score, sum_rows};
    pub use crate::objective::{Batch, Estimate, Objective, Task};
    pub use crate::program::random::Key;
    pub use crate::program::{Initial, Parameters, Scope, Var};
    pub use crate::sample::{TrainedDensity, TrainedModel};
    pub use crate::train::{Training, TrainingOptions};
}

pub use enscore_program as program;
pub use error::{Error, Reason, Result};

/// The README's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
