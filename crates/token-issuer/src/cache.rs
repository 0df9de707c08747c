//! What is kept in memory.

pub(crate) mod keys;
pub(crate) mod verified;
