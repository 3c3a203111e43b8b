//! What reports and evaluations say beside their figures: what can't be computed, verdicts, tables of
//! columns.

mod apart;
mod exports;
mod features;
mod formats;
mod settings;
mod verdicts;
