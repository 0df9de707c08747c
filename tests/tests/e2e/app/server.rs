//! Starting, hurting and stopping the programs under test.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use latchkey_backends::process;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// How the services are deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All in one process, on SQLite.
    AllInOne,
    /// A process each, with mutual TLS, PostgreSQL and Redis.
    Separate,
}

/// How a server is started.
pub(crate) struct Setup {
    pub(crate) shape: Shape,
    /// More of its environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Setup {
    /// A server of a shape with nothing special.
    pub(crate) fn of(shape: Shape) -> Self {
        Self { shape, environment: Vec::new() }
    }

    /// With a variable more in its environment.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }
}

/// The process ids of the services of separate processes, by the names of their programs.
type Processes = HashMap<String, i32>;

/// How long a server may take to end.
const END: Duration = Duration::from_secs(30);
/// So many sockets are open in the scenario of a thousand uses, at both ends.
const OPEN_FILES: u64 = 4096;

/// A server that runs. Dropping it stops it and takes its data away.
pub(crate) struct Server {
    pub(crate) shape: Shape,
    pub(crate) address: SocketAddr,
    /// Username and password.
    pub(crate) administrator: (String, String),
    environment: Vec<(&'static str, String)>,
    folder: TempDir,
    log: PathBuf,
    child: Mutex<Child>,
}

impl Server {
    /// A server for all scenarios: it ends with this process, and its data goes with it.
    pub(crate) fn start_shared(setup: Setup, name: &str) -> Self {
        let log = log_file(name);
        let _ = fs::remove_file(&log);
        let server = Self::start_logging(setup, log);
        // Nothing is run when a test process ends, so somebody else waits for that and cleans up.
        Command::new("sh")
            .args(["-c", r#"(tail --pid="$0" -f /dev/null; rm -rf "$1") &"#])
            .arg(server.child().id().to_string())
            .arg(server.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        server
    }

    /// A server with fresh data.
    pub(crate) fn start(setup: Setup) -> Self {
        let log = log_file(&uuid::Uuid::new_v4().to_string());
        Self::start_logging(setup, log)
    }

    fn start_logging(setup: Setup, log: PathBuf) -> Self {
        let (open_files, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        if open_files < OPEN_FILES {
            setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES.min(most), most).unwrap();
        }
        let folder = TempDir::with_prefix("latchkey-e2e-").unwrap();
        // PostgreSQL runs as a user of its own when root starts it, and must reach its folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], process::free_port().unwrap()));
        let administrator = ("e2e-admin".to_owned(), uuid::Uuid::new_v4().to_string());
        let Setup { shape, environment } = setup;
        let child = launch(shape, address, &administrator, &environment, folder.path(), &log);
        eprintln!("{shape:?}: http://{address}, log {}", log.display());
        Self { shape, address, administrator, environment, folder, log, child: Mutex::new(child) }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder with its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// Fails when the server has ended by itself.
    #[track_caller]
    pub(crate) fn assert_runs(&self) {
        if let Some(status) = self.child().try_wait().unwrap() {
            panic!("the server ended ({status}):\n{}", self.log());
        }
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(&self) {
        process::stop(&mut self.child(), Signal::SIGTERM, END);
    }

    /// `kill -9`.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again on its data and its address.
    pub(crate) fn start_again(&self) {
        let data = self.folder.path();
        *self.child() =
            launch(self.shape, self.address, &self.administrator, &self.environment, data, &self.log);
    }

    /// The services that run as processes of their own.
    pub(crate) fn services(&self) -> Processes {
        children(self.child().id())
            .into_iter()
            .filter_map(|pid| {
                let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                let program = String::from_utf8_lossy(command.split(|byte| *byte == 0).next()?).into_owned();
                let name = Path::new(&program).file_name()?.to_str()?.to_owned();
                name.starts_with("latchkey-").then_some((name, pid))
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if !std::thread::panicking() {
            let _ = fs::remove_file(&self.log);
        }
    }
}

/// `kill -9` of one process.
pub(crate) fn kill_process(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// A program that was built beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join(name);
    assert!(program.is_file(), "{} is missing: `make e2e` builds it", program.display());
    program
}

fn log_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).with_extension("log")
}

fn launch(
    shape: Shape,
    address: SocketAddr,
    (username, password): &(String, String),
    environment: &[(&'static str, String)],
    folder: &Path,
    log: &Path,
) -> Child {
    let mut command = process::bound_to_parent(&program("latchkey"), None);
    command.arg("dev");
    if shape == Shape::Separate {
        command.arg("--split");
    }
    command.arg("--listen").arg(address.to_string()).arg("--data").arg(folder.join("data"));
    command
        .env("LATCHKEY_BOOTSTRAP_ADMIN_USERNAME", username)
        .env("LATCHKEY_BOOTSTRAP_ADMIN_PASSWORD", password)
        .envs(environment.iter().map(|(name, value)| (name, value)));
    let log = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    process::spawn(command).unwrap()
}

fn children(parent: u32) -> Vec<i32> {
    let is_child = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before the closing parenthesis may hold anything.
        let parent_of =
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
}
