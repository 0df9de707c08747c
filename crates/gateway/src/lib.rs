//! Latchkey: gateway.
