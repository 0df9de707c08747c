//! Latchkey: latchkey.
fn main() {}
