//! The settings of a run: TOML and `--set` arguments, checked once into values that can't be wrong.
//!
//! [`Settings`] is made only by checking and lends its tables only by reference, so code that holds one never
//! checks a value again. A key is declared once, in its table's file: name, type, default, range and meaning
//! give the field, its check, its documentation ([`settings_reference`]) and its line in
//! [`Settings::to_toml`].
//!
//! ```
//! let text = "data.name = 'digits'\nmodel.kind = 'mlp'";
//! let settings = enscore::settings::Settings::parse(text, "my.toml", &["train.steps=20".to_string()])?;
//! assert_eq!(settings.train().steps, 20);
//! # Ok::<(), enscore::Error>(())
//! ```

mod compare;
mod load;
mod optimiser;
mod reference;
mod stability;
mod synonyms;
mod tables;
mod train;

pub use compare::{Compare, ComparedTraining, PlannedRun};
pub use optimiser::{Decay, Descent, Optimiser};
pub use reference::settings_reference;
pub use stability::Stability;
pub use tables::Settings;
pub use train::{DecayBy, Keep, Products, Train};

pub use crate::keys::{KeyReference, nearest};

#[cfg(test)]
mod tests;
