//! A private Redis (or Valkey) server.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::Error;
use crate::postgres::open_log;
use crate::process::{bound_to_parent, find_program, free_port, spawn, stop, wait_until};

const PATIENCE: Duration = Duration::from_secs(10);

/// A Redis server below a folder, with an append-only file. Dropping it stops the server; its data stays.
#[derive(Debug)]
pub struct Redis {
    folder: PathBuf,
    program: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Redis {
    /// Starts a server whose data is in `folder`.
    ///
    /// # Errors
    /// When neither Redis nor Valkey is installed, or it does not start.
    pub fn start(folder: &Path) -> Result<Self, Error> {
        let program = find_program("redis-server", &[])
            .or_else(|| find_program("valkey-server", &[]))
            .ok_or(Error::NotInstalled { program: "redis-server", package: "redis-server" })?;
        fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))?;
        let port = free_port().map_err(Error::io("looking for a free port"))?;
        let mut this = Self { folder: folder.to_owned(), program, port, server: None };
        this.restart()?;
        Ok(this)
    }

    /// The URL of the server: `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Stops the server at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            stop(&mut server, Signal::SIGKILL, PATIENCE);
        }
    }

    /// Starts the server again on the same port, with what its append-only file holds.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.kill();
        let log = self.folder.join("redis.log");
        let output = open_log(&log)?;
        let mut command = bound_to_parent(&self.program, None);
        command
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--appendonly",
                "yes",
                // What was answered is on the disk: a revocation must not be undone by a crash.
                "--appendfsync",
                "always",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(Error::io("opening Redis' log"))?)
            .stderr(output);
        self.server = Some(spawn(command).map_err(Error::io("starting redis-server"))?);
        if wait_until(PATIENCE, || answers_ping(self.port)) {
            Ok(())
        } else {
            Err(Error::NotReady {
                server: "Redis",
                seconds: PATIENCE.as_secs(),
                log: log.display().to_string(),
            })
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            stop(&mut server, Signal::SIGTERM, PATIENCE);
        }
    }
}

/// PING, and the answer PONG: while it still loads its file a server answers otherwise.
fn answers_ping(port: u16) -> bool {
    let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = [0; 5];
    connection.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && connection.write_all(b"PING\r\n").is_ok()
        && connection.read_exact(&mut answer).is_ok()
        && &answer == b"+PONG"
}
