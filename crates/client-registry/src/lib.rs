//! Latchkey: client-registry.
