//! Latchkey: session.
