//! Bounded caches. [`Bounded`] holds values by weight; [`DatedCache`] holds what was read from a database, for as long as the
//! [`epoch`](crate::epoch)s that it was read at are current.

mod bounded;
mod dated;
mod names;

pub use bounded::Bounded;
pub use dated::{Dated, DatedCache};
pub use names::Names;
pub use quick_cache::Equivalent;
