//! Latchkey: tests.
