//! What must hold whatever else changes: the invariants of `docs/architecture.md`, by their numbers.

mod backends_away;
mod crash;
mod disabled;
mod import_crash;
mod replicas;
mod secrets;
mod tenants;
