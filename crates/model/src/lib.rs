//! Latchkey: model.
