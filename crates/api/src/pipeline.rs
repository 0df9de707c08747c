//! The few calls on a token's way, as messages on one long-lived stream to each replica (`proto/latchkey/pipeline/v1`).
//!
//! On the wire it is an ordinary gRPC stream, so any gRPC client can speak it. Both ends write and read its frames themselves:
//! a caller encodes its request straight into the buffer that the connection takes next, and the service's answer goes the same way back.
//! A call so costs no channel, no task and no timer; what is ready at the same time shares a DATA frame.

pub(crate) mod calls;
mod dispatch;
pub(crate) mod frame;
pub(crate) mod reader;
mod server;

pub use crate::generated::pipeline::v1;
pub(crate) use dispatch::{Dispatch, Incoming};
pub use server::PipelineService;

/// The path of `Pipeline.Open`.
pub(crate) const OPEN_PATH: &str = "/latchkey.pipeline.v1.Pipeline/Open";

/// The id of the reply by which a replica says that it is about to stop: no new calls, those under way are answered.
pub(crate) const STOPPING: u64 = 0;
