//! Child processes that cannot outlive their parent.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
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

/// A port of the loopback interface that is free now.
///
/// # Errors
/// When no port can be bound.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
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
