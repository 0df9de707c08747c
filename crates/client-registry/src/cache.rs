//! What is kept in memory, so that a warm token reads no table: realms and clients, bounded by weight. What is out of date is
//! told by its epoch, so that nothing stale is ever put back.

pub(crate) mod dated;
pub(crate) mod known_clients;
pub(crate) mod known_issuers;
pub(crate) mod known_realms;
pub(crate) mod read_from;
