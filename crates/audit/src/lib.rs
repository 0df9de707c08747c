//! Latchkey: audit.
