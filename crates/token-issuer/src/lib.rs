//! Latchkey: token-issuer.
