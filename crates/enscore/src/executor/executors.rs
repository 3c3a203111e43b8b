//! Where a training runs.

use std::sync::Arc;

use enscore_program::executor::Executor;

use super::processor::default_executor;

/// The executors of a training, which take each other's buffers: often one and the same.
#[derive(Clone, Debug)]
pub struct Executors {
    /// Runs the updates and keeps the state.
    pub update: Arc<dyn Executor>,
    /// Runs everything else: chains, validations.
    pub other: Arc<dyn Executor>,
}

impl Default for Executors {
    /// This machine's processor.
    fn default() -> Self {
        default_executor().into()
    }
}

impl From<Arc<dyn Executor>> for Executors {
    fn from(executor: Arc<dyn Executor>) -> Self {
        Executors { update: executor.clone(), other: executor }
    }
}
