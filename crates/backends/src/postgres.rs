//! A private PostgreSQL server.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::Error;
use crate::process::{bound_to_parent, find_program, free_port, is_root, spawn, stop, wait_until};

const USER: &str = "latchkey";
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a commit must be on the disk before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As PostgreSQL ships: what is acknowledged survives a power cut.
    Safe,
    /// For throw-away data: no fsync.
    ThrowAway,
}

/// A PostgreSQL server below a folder. Dropping it stops the server; its data stays.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    password: String,
    durability: Durability,
    server: Option<Child>,
}

impl Postgres {
    /// Starts a server whose data is in `folder/data`; makes the data when it is not there yet.
    ///
    /// PostgreSQL refuses to run as root: then the folder is given to the user `postgres`, and the server runs as that user.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(folder: &Path, durability: Durability) -> Result<Self, Error> {
        let programs = programs()?;
        fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(Error::io("closing the folder of PostgreSQL"))?;
        let password = password(folder)?;
        own(folder)?;
        let mut this = Self {
            folder: folder.to_owned(),
            programs,
            port: free_port().map_err(Error::io("looking for a free port"))?,
            password,
            durability,
            server: None,
        };
        if !folder.join("data/PG_VERSION").exists() {
            this.initialise()?;
        }
        this.restart()?;
        Ok(this)
    }

    /// The URL of a database of this server: `postgres://…`. It holds the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Stops the server at once, as a crash would, without a last word to its clients.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            stop(&mut server, Signal::SIGQUIT, PATIENCE);
        }
    }

    /// Starts the server again on the same port, with the same data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.kill();
        let log = self.folder.join("postgres.log");
        let output = open_log(&log)?;
        let mut command = bound_to_parent(&self.programs.join("postgres"), user());
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args([
                "-p",
                &self.port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "max_connections=200",
            ])
            .args(["-c", "unix_socket_directories="])
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(Error::io("opening PostgreSQL's log"))?)
            .stderr(output)
            .current_dir("/");
        if self.durability == Durability::ThrowAway {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]);
        }
        self.server = Some(spawn(command).map_err(Error::io("starting postgres"))?);
        // The port opens only when the server takes connections, save for the moments of crash recovery, in which pg_isready says no.
        let ready =
            wait_until(PATIENCE, || TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.is_ready());
        if ready {
            Ok(())
        } else {
            Err(Error::NotReady {
                server: "PostgreSQL",
                seconds: PATIENCE.as_secs(),
                log: log.display().to_string(),
            })
        }
    }

    fn is_ready(&self) -> bool {
        Command::new(self.programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER, "-d", "postgres"])
            .status()
            .is_ok_and(|status| status.success())
    }

    fn initialise(&self) -> Result<(), Error> {
        let mut command = bound_to_parent(&self.programs.join("initdb"), user());
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "-N"])
            .arg(format!("--pwfile={}", self.folder.join("password").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/");
        let output =
            spawn(command).and_then(Child::wait_with_output).map_err(Error::io("starting initdb"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Failed { step: "initdb", said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            stop(&mut server, Signal::SIGINT, PATIENCE);
        }
    }
}

/// The folder with PostgreSQL's programs: Debian keeps them out of PATH, one folder a version.
fn programs() -> Result<PathBuf, Error> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    versions.reverse();
    find_program("initdb", &versions)
        .and_then(|program| program.parent().map(Path::to_owned))
        .ok_or(Error::NotInstalled { program: "initdb", package: "postgresql" })
}

/// The password of the server's user; made on first use and kept in a file that only its owner can read.
fn password(folder: &Path) -> Result<String, Error> {
    let file = folder.join("password");
    if let Ok(password) = fs::read_to_string(&file) {
        return Ok(password.trim().to_owned());
    }
    let random =
        fs::read_to_string("/proc/sys/kernel/random/uuid").map_err(Error::io("making a password"))?;
    let password = random.trim().replace('-', "");
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut out| out.write_all(password.as_bytes()))
        .map_err(Error::io("writing the password of PostgreSQL"))?;
    Ok(password)
}

/// Gives the folder and the files in it to the server's user, when that is not us.
fn own(folder: &Path) -> Result<(), Error> {
    let Some(name) = user() else { return Ok(()) };
    let entry = nix::unistd::User::from_name(name)
        .ok()
        .flatten()
        .ok_or(Error::NotInstalled { program: "the user postgres", package: "postgresql" })?;
    for path in [folder.to_owned(), folder.join("password")] {
        chown(&path, Some(entry.uid.as_raw()), Some(entry.gid.as_raw()))
            .map_err(Error::io("giving a folder to PostgreSQL"))?;
    }
    Ok(())
}

fn user() -> Option<&'static str> {
    is_root().then_some("postgres")
}

pub(crate) fn open_log(log: &Path) -> Result<fs::File, Error> {
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(Error::io(format!("opening {}", log.display())))
}
