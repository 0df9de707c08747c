//! Latchkey: role-mapping.
