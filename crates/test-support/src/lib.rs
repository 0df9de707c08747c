//! Latchkey: test-support.
