//! What commands answer.

mod answers;
mod families;
