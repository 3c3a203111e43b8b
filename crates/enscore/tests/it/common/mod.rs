//! What several tests share.

pub mod deep;
pub mod derivatives;
pub mod families;
pub mod machine;
pub mod oracles;
pub mod plain;
pub mod plain_chains;
pub mod recovery;
pub mod runs;
pub mod shared;
pub mod traced;
pub mod training;
