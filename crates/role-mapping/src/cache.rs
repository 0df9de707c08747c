//! What is kept in memory, so that a warm resolution reads no table: the facts of realms, clients and accounts, and finished
//! resolutions. Bounded by weight. What is out of date is told by its epoch, so that nothing stale is ever put back.

pub(crate) mod facts;
pub(crate) mod read_from;
pub(crate) mod resolutions;
