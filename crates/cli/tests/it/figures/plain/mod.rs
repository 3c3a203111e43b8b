//! What the figures are compared with: runs read plainly, figures by plain loops, reports taken apart.

pub mod by_hand;
pub mod expected;
pub mod likelihoods;
pub mod page;
pub mod trained;
