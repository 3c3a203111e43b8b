//! Files with a distinct value in every position, and what becomes of each on the way to a model.

mod encodings;
mod formats;
mod fuzz;
mod images;
mod numpy;
mod preparation;
mod rows;
mod tables;
mod units;
