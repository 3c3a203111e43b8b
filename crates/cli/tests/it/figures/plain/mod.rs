//! What the figures are compared with: runs read plainly, figures by plain loops, reports taken apart.

#[path = "../../../../../enscore/tests/it/common/families.rs"]
mod families;

pub mod by_hand;
pub mod expected;
pub mod page;
pub mod trained;
