//! Opening a database and bringing its schema up to date.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _};

use super::{Database, Error};

/// How long a statement waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long SQLite waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read an SQLite file at the same time.
const SQLITE_READERS: u32 = 4;

/// One step of a schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Ascending from 1; never changed once released.
    pub version: i64,
    /// What it does, in a few words.
    pub description: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
}

/// A service's own steps, after those of the tables that this crate brings (change log, followers, data keys).
pub type Migrations = &'static [Migration];

/// The tables that every service has; numbered below any of a service's own.
const COMMON: Migration = Migration {
    version: 0,
    description: "change log, followers, data keys",
    postgres: include_str!("../../migrations/postgres.sql"),
    sqlite: include_str!("../../migrations/sqlite.sql"),
};

impl Database {
    /// Opens the database at `url` (`postgres://…` or `sqlite:PATH`), makes what is missing and migrates it under a lock.
    ///
    /// With PostgreSQL everything is in the schema `schema`. SQLite runs in WAL mode with synchronous NORMAL: what was
    /// acknowledged survives the end of the process, however it comes; a power cut can take the last moments.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unavailable`], [`Error::Migration`].
    pub async fn open(
        url: &str,
        max_connections: u32,
        schema: &str,
        migrations: Migrations,
    ) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path.trim_start_matches("//")), migrations).await
        } else {
            Self::open_postgres(url, max_connections, schema, migrations).await
        }
    }

    async fn open_sqlite(file: &Path, migrations: Migrations) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        migrator(migrations, |migration| migration.sqlite).run(&writer).await.map_err(migration_error)?;
        let readers = pool(SQLITE_READERS).min_connections(1).connect_lazy_with(options);
        Ok(Self::Sqlite { writer, readers })
    }

    async fn open_postgres(
        url: &str,
        max_connections: u32,
        schema: &str,
        migrations: Migrations,
    ) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| Error::Url(Box::new(error)))?
            .application_name(&format!("latchkey-{schema}"))
            .options([("search_path", schema)]);
        let mut connection = PgConnection::connect_with(&options).await?;
        // Two replicas that start together would both find the schema missing: the lock lets one in after the other.
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(format!(
                "SELECT pg_advisory_lock(hashtext('latchkey schema')); CREATE SCHEMA IF NOT EXISTS \"{schema}\"; \
                 SELECT pg_advisory_unlock(hashtext('latchkey schema'))"
            ))))
            .await?;
        migrator(migrations, |migration| migration.postgres)
            .run(&mut connection)
            .await
            .map_err(migration_error)?;
        connection.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self::Postgres(pool))
    }
}

fn migrator(migrations: Migrations, dialect: fn(&Migration) -> &'static str) -> Migrator {
    let steps = std::iter::once(&COMMON).chain(migrations).map(|migration| {
        sqlx::migrate::Migration::new(
            migration.version,
            migration.description.into(),
            MigrationType::Simple,
            dialect(migration).into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect())
}

fn migration_error(error: sqlx::migrate::MigrateError) -> Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => Error::from(error),
        other => Error::Migration(Box::new(other)),
    }
}
