//! Keeps a set of programs running: one that dies is started again at once, all end together.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use latchkey_backends::process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

/// A program and how it is started.
pub(crate) struct Program {
    /// What the log calls it.
    pub(crate) name: &'static str,
    /// The file to run.
    pub(crate) binary: PathBuf,
    /// Its command line.
    pub(crate) arguments: Vec<OsString>,
    /// Its environment beside ours.
    pub(crate) environment: Vec<(String, String)>,
}

/// A program that dies sooner than this after its start waits before the next one.
const STEADY: Duration = Duration::from_secs(1);
/// How long a program may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the supervisor looks for ended programs.
const LOOK: Duration = Duration::from_millis(20);

struct Running {
    program: Program,
    child: Child,
    started: Instant,
    /// Not to be started before this.
    due: Option<Instant>,
}

/// Starts the programs and keeps them running until `shutdown`; then ends them all, in the reverse order.
pub(crate) async fn supervise(programs: Vec<Program>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut running = Vec::with_capacity(programs.len());
    for program in programs {
        let child = start(&program)?;
        running.push(Running { program, child, started: Instant::now(), due: None });
    }
    while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        for each in &mut running {
            revive(each)?;
        }
    }
    for each in running.iter().rev() {
        let pid = Pid::from_raw(i32::try_from(each.child.id()).context("a process id")?);
        // It may have ended by itself: the signal goes to the whole process group when it comes from a terminal.
        let _ = kill(pid, Signal::SIGTERM);
    }
    tokio::task::spawn_blocking(move || {
        for each in running.iter_mut().rev() {
            process::stop(&mut each.child, Signal::SIGTERM, PATIENCE);
        }
    })
    .await
    .context("ending the services")
}

/// Starts a program that has ended again: at once, or after a moment when it had only just been started.
fn revive(each: &mut Running) -> anyhow::Result<()> {
    match each.due {
        None => {
            let Some(status) = each.child.try_wait().context("asking for a service")? else { return Ok(()) };
            let wait = STEADY.saturating_sub(each.started.elapsed());
            tracing::warn!(service = each.program.name, %status, "a service ended and is started again");
            each.due = Some(Instant::now() + wait);
            revive(each)
        }
        Some(due) if Instant::now() < due => Ok(()),
        Some(_) => {
            each.child = start(&each.program)?;
            each.started = Instant::now();
            each.due = None;
            Ok(())
        }
    }
}

fn start(program: &Program) -> anyhow::Result<Child> {
    let mut command: Command = process::bound_to_parent(&program.binary, None);
    command.args(&program.arguments);
    command.envs(program.environment.iter().map(|(name, value)| (name, value)));
    process::spawn(command).with_context(|| format!("starting {}", program.binary.display()))
}
