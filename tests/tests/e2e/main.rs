//! Drives the built programs from outside, as a user would: over HTTP, with the administrator's API for all that must be there
//! first. Every scenario runs against both shapes, all services in one process and each service as its own process.
//!
//! The programs are those beside this test: `make e2e` builds them. A server of each shape is started when the first scenario
//! needs it and serves them all, so each scenario makes a realm of its own; those that kill something start a server of their own.
//!
//! To add a scenario: an `async fn name(app: &TestApp)` in the file of the handler it tests, and its name in that file's
//! `scenarios!`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[macro_use]
mod app;

mod admin;
mod attacks;
mod bad_input;
mod invariants;
mod limits;
mod mutual_tls;
mod oidc;
mod registration;
mod verifier;
