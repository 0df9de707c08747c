//! Latchkey: platform.
