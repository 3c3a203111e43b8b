//! What `enscore compare` shows.

mod seeds;
mod table;
mod trainings;
