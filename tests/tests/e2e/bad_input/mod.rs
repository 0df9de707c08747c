//! Bad input: nothing panics, every answer is a clear 4xx, nothing changes.

mod random;
mod table;
