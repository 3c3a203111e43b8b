//! What commands answer.

mod answers;
mod families;
mod lecture;
