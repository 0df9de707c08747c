//! Runs a command with a throw-away PostgreSQL and Redis, whose URLs it finds in `TEST_DATABASE_URL` and `TEST_REDIS_URL`.
//!
//!     with-backends COMMAND [ARGUMENT ...]

use std::process::{Command, ExitCode};

use anyhow::Context as _;
use latchkey_backends::{Durability, Postgres, Redis};
use latchkey_test_support::{DATABASE_VARIABLE, REDIS_VARIABLE};

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().context("usage: with-backends COMMAND [ARGUMENT ...]")?;
    let folder = tempfile::TempDir::with_prefix("latchkey-backends-")?;
    // PostgreSQL may run as another user than we do, and must reach its folder.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let postgres = Postgres::start(&folder.path().join("postgres"), Durability::ThrowAway)?;
    let redis = Redis::start(&folder.path().join("redis"))?;
    let status = Command::new(&program)
        .args(arguments)
        .env(DATABASE_VARIABLE, postgres.url("postgres"))
        .env(REDIS_VARIABLE, redis.url())
        .status()
        .with_context(|| format!("starting {}", program.display()))?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(u8::try_from(code).unwrap_or(1))))
}
