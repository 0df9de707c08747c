//! The contract over a network: real sockets, real replicas, no sleeps.
#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod certificates;
mod messages;
mod metadata;
mod pipeline;
mod replicas;
mod scripted;
mod support;
mod watch;
