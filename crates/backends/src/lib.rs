//! A PostgreSQL and a Redis of one's own, below a folder: for `latchkey dev --split` and for tests.
//!
//! The servers come from the system's packages. They listen on free ports of the loopback interface, keep all they write
//! below the folder they are given, and die with the process that started them, however that ends.

mod postgres;
pub mod process;
mod redis;

pub use postgres::{Durability, Postgres};
pub use redis::Redis;

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not installed; names the program and the Debian package that has it.
    #[error("{program} is not installed (Debian package {package})")]
    NotInstalled {
        /// The program that was looked for.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The program ran, but failed; names the step and gives the end of what it said.
    #[error("{step} failed: {said}")]
    Failed {
        /// What was being done.
        step: &'static str,
        /// The end of the program's output.
        said: String,
    },
    /// The server did not answer in time.
    #[error("{server} did not answer within {seconds} s; its log is {log}")]
    NotReady {
        /// Which server.
        server: &'static str,
        /// How long was waited.
        seconds: u64,
        /// Where its log is.
        log: String,
    },
    /// A file or process could not be handled.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
