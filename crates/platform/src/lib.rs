//! What all services share, and no word of the domain: time, randomness, databases, the change log and its followers,
//! secrets at rest.
//!
//! To add a service: give it a `Config` of the sections it needs, a `build` function that takes what it depends on, and
//! a `main` that calls [`server::run`].

pub mod changelog;
pub mod clock;
pub mod database;
pub mod follower;
pub mod random;
pub mod vault;
