//! Child processes that cannot outlive their parent.

use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

type Job = (Command, mpsc::Sender<io::Result<Child>>);

/// The kernel sends the death signal when the *thread* that started a child ends, so one thread that never ends starts them all.
static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (jobs, queue) = mpsc::channel::<Job>();
    std::thread::spawn(move || {
        for (mut command, answer) in queue {
            // The asker may have gone; then the child is nobody's and its handle is dropped.
            let _ = answer.send(command.spawn());
        }
    });
    jobs
});

/// Starts `command` so that it gets SIGTERM when this process ends, even by SIGKILL.
///
/// `command` must have been made by [`bound_to_parent`].
///
/// # Errors
/// Those of [`Command::spawn`].
pub fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = mpsc::channel();
    SPAWNER.send((command, answer)).map_err(|_| io::Error::other("the spawning thread has ended"))?;
    child.recv().map_err(|_| io::Error::other("the spawning thread has ended"))?
}

/// A command that runs `program` with a death signal, and as `user` where one is given (only root can do that).
#[must_use]
pub fn bound_to_parent(program: &Path, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig").arg("TERM");
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// Asks a child to end with `signal` and waits; kills it when it has not ended within `patience`.
pub fn stop(child: &mut Child, signal: Signal, patience: Duration) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    if matches!(child.try_wait(), Ok(Some(_))) || kill(pid, signal).is_err() {
        return;
    }
    if !wait_until(patience, || !matches!(child.try_wait(), Ok(None))) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Where [`free_port`] looks: below the ports that a kernel gives to outgoing connections (Linux: from 32768), of which one could
/// otherwise take the port between the look and the server's start, or while a server that died is started again.
const PORTS: Range<u16> = 10_240..32_768;
/// How far apart processes of neighbouring ids begin to look.
const BLOCK: u32 = 64;

/// How many ports this process has looked at.
static LOOKED_AT: AtomicU32 = AtomicU32::new(0);

/// A port of the loopback interface that is free now; each call gives another one.
///
/// # Errors
/// When no port can be bound.
pub fn free_port() -> io::Result<u16> {
    let count = u32::from(PORTS.end - PORTS.start);
    let first = std::process::id().wrapping_mul(BLOCK);
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..count {
        let offset = first.wrapping_add(LOOKED_AT.fetch_add(1, Ordering::Relaxed)) % count;
        // `offset` is below the length of a range of u16.
        let port = PORTS.start + u16::try_from(offset).unwrap_or_default();
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// Asks `condition` until it holds or `patience` is over; says whether it held.
pub fn wait_until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// The first of `folders` that has `program`, and then the folders of PATH.
pub(crate) fn find_program(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_are_none_of_outgoing_connections_and_none_in_use() {
        let ports: Vec<u16> = (0..200).map(|_| free_port().unwrap()).collect();
        let distinct: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(distinct.len(), ports.len());
        assert!(ports.iter().all(|port| PORTS.contains(port)));

        let taken = TcpListener::bind(("127.0.0.1", free_port().unwrap())).unwrap();
        let taken = taken.local_addr().unwrap().port();
        let count = usize::from(PORTS.end - PORTS.start);
        assert!((0..count).all(|_| free_port().unwrap() != taken));
    }
}
