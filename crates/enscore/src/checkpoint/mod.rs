//! What a run leaves on disk: tensors, manifests, metrics, and the folder that holds them, safe against a
//! crash.
//!
//! Every file appears whole or not at all: it is written aside, fsynced, and renamed. "The same checkpoint"
//! means the same bytes of its `state.safetensors`: that file holds nothing that depends on the clock.
//! Elapsed seconds stand only in the manifest beside it.

mod manifest;
mod metrics;
mod place;
mod run;
mod state;
mod tensors;

pub use manifest::{CheckpointManifest, DataRecord, FileRecord, KeyRecord, MetricsMark, RunManifest};
pub(crate) use metrics::read_metrics_to;
pub use metrics::{Metrics, MetricsWriter, read_metrics};
pub(crate) use run::REPORT;
pub use run::{Loaded, Progress, Run, RunFolder};
pub use state::{OTHER_PREFIXES, STATE_PREFIXES, state_shapes};
pub use tensors::{Tensor, TensorData, Tensors};
