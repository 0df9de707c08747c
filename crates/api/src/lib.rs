//! The contract between Latchkey's services: messages, service traits and clients generated from `proto/`.
//!
//! Each service's edge is the trait that tonic generates for it. A caller holds it as a trait object, such as
//! `Arc<DynClientRegistry>`, which is the service itself where both run in one process and a forwarder where they do not.
//! No rule of any service lives here.
//!
//! To add a service: write `proto/latchkey/<name>/v1/<name>.proto`, add its module below; the rest is generated.

pub mod base64_text;
pub mod context;
pub mod error;
mod generated;
pub mod pipeline;
mod redacted;
pub mod remote;
pub mod revision;
pub mod server;

pub use generated::{aliases::*, audit, authenticator, common, issuer, registry, roles, session};

use futures::Stream;
use std::pin::Pin;

/// What `Watch` answers: the entries of a change log, without end.
pub type ChangeStream = Pin<Box<dyn Stream<Item = Result<common::v1::WatchResponse, tonic::Status>> + Send>>;

/// The encoded descriptors of the whole contract, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
