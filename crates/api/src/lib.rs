//! Latchkey: api.
