//! Games of two players.

mod flows;
mod generators;
