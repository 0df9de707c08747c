//! Services in other processes: forwarders that implement the same traits over the network.
//!
//! A forwarder such as [`RemoteClientRegistry`] finds the service's replicas by the DNS name of its [`Target`], keeps one
//! connection to each, and sends each call to the one with the least in flight. The methods on a token's way go over the
//! [pipeline](crate::pipeline), the others are unary calls. No rule lives here.

mod forward;
mod link;
mod replica;
mod replicas;
mod target;

pub use crate::generated::forwarders::*;
pub(crate) use forward::{Forward, Method};
pub use target::{Error, LookUp, Settings, Target};
