//! A further gateway beside those of separate processes.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use latchkey_backends::process;
use nix::sys::signal::Signal;

use super::Server;
use super::server::program;

/// A further gateway that talks to the services of a server. Dropping it stops it.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Gateway {
    /// Starts one with the settings of the server's own, on a port of its own.
    pub(crate) fn beside(server: &Server) -> Self {
        let name = "latchkey-gateway";
        let first = server.services()[name];
        let address = SocketAddr::from(([127, 0, 0, 1], process::free_port().unwrap()));
        let environment = fs::read(format!("/proc/{first}/environ")).unwrap();
        let environment = String::from_utf8(environment).unwrap();
        let mut command = process::bound_to_parent(&program(name), None);
        command
            .env_clear()
            .envs(environment.split('\0').filter_map(|variable| variable.split_once('=')))
            .env("LATCHKEY_GATEWAY__LISTEN", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self { address, child: process::spawn(command).unwrap() }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        process::stop(&mut self.child, Signal::SIGTERM, Duration::from_secs(30));
    }
}
