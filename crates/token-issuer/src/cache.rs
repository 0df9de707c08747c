//! What is kept in memory.

pub(crate) mod epoch;
pub(crate) mod keys;
pub(crate) mod verified;
