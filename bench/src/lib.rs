//! Latchkey: bench.
