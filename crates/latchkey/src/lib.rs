//! All services in one process, as the command line starts them, for those who embed or test them.

pub mod all_in_one;
pub mod data;
pub mod settings;
