//! A service's own database: a schema of PostgreSQL, or an SQLite file.
//!
//! Statements that both run are written once: parameters are `$1`, `$2`, …, columns are TEXT, BIGINT (`INTEGER` in SQLite) and
//! BYTEA (`BLOB`). Migrations stand in a file per dialect.

mod error;
mod open;
mod row;
mod value;

pub use error::{Error, Violation};
pub use open::{Migration, Migrations};
pub use row::Row;
pub use value::Value;

use futures::future::BoxFuture;
use sqlx::{Executor as _, PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool};

/// The values of a statement's parameters, in their order.
pub type Params = Vec<Value>;

/// `params![a, b]`: the values of a statement's parameters.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}

/// A service's database. Cloning it is a pointer's copy.
#[derive(Clone, Debug)]
pub enum Database {
    /// A schema of a PostgreSQL database.
    Postgres(PgPool),
    /// An SQLite file: one connection writes, several read.
    Sqlite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// Connections that read, beside the writer (WAL).
        readers: SqlitePool,
    },
}

/// A transaction that writes. Dropped without [`Transaction::commit`] it changes nothing.
pub enum Transaction {
    /// Of PostgreSQL.
    Postgres(sqlx::Transaction<'static, Postgres>),
    /// Of SQLite, begun as IMMEDIATE: nobody else writes until it ends.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// Statements, on the pool or within a transaction.
///
/// The futures are boxed: beside a statement that costs nothing, and they don't hold the type of the text, which callers that are
/// themselves spawned would otherwise have to prove fit for every lifetime.
pub trait Queries: Send {
    /// All rows of a statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, [`Error::Violation`] when a constraint refuses.
    fn fetch_all(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<Vec<Row>, Error>>;

    /// Runs a statement and gives the number of rows it changed.
    ///
    /// # Errors
    /// As [`Queries::fetch_all`].
    fn execute(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<u64, Error>>;

    /// The first row of a statement, if there is one.
    ///
    /// # Errors
    /// As [`Queries::fetch_all`].
    fn fetch_optional(
        &mut self,
        sql: impl SqlSafeStr,
        params: Params,
    ) -> BoxFuture<'_, Result<Option<Row>, Error>> {
        let rows = self.fetch_all(sql, params);
        Box::pin(async { Ok(rows.await?.into_iter().next()) })
    }
}

macro_rules! bound {
    ($sql:expr, $params:expr) => {{
        let mut query = sqlx::query($sql);
        for value in $params {
            query = match value {
                Value::Text(value) => query.bind(value),
                Value::Integer(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Database {
    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection can be had within two seconds.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite { writer, .. } => Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Whether the database answers now: for readiness.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut database = self.clone();
        database.fetch_all("SELECT 1", Params::new()).await.map(drop)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

impl Queries for Database {
    fn fetch_all(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        let sql = sql.into_sql_str();
        Box::pin(async move {
            Ok(match self {
                Self::Postgres(pool) => {
                    pool.fetch_all(bound!(sql, params)).await?.into_iter().map(Row::Postgres).collect()
                }
                Self::Sqlite { readers, .. } => {
                    readers.fetch_all(bound!(sql, params)).await?.into_iter().map(Row::Sqlite).collect()
                }
            })
        })
    }

    fn execute(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<u64, Error>> {
        let sql = sql.into_sql_str();
        Box::pin(async move {
            Ok(match self {
                Self::Postgres(pool) => pool.execute(bound!(sql, params)).await?.rows_affected(),
                Self::Sqlite { writer, .. } => writer.execute(bound!(sql, params)).await?.rows_affected(),
            })
        })
    }
}

impl Transaction {
    /// Makes what was done lasting.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the connection broke: then it is not known whether it was done.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Postgres(transaction) => transaction.commit().await?,
            Self::Sqlite(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

impl Queries for Transaction {
    fn fetch_all(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        let sql = sql.into_sql_str();
        Box::pin(async move {
            Ok(match self {
                Self::Postgres(transaction) => (&mut **transaction)
                    .fetch_all(bound!(sql, params))
                    .await?
                    .into_iter()
                    .map(Row::Postgres)
                    .collect(),
                Self::Sqlite(transaction) => (&mut **transaction)
                    .fetch_all(bound!(sql, params))
                    .await?
                    .into_iter()
                    .map(Row::Sqlite)
                    .collect(),
            })
        })
    }

    fn execute(&mut self, sql: impl SqlSafeStr, params: Params) -> BoxFuture<'_, Result<u64, Error>> {
        let sql = sql.into_sql_str();
        Box::pin(async move {
            Ok(match self {
                Self::Postgres(transaction) => {
                    (&mut **transaction).execute(bound!(sql, params)).await?.rows_affected()
                }
                Self::Sqlite(transaction) => {
                    (&mut **transaction).execute(bound!(sql, params)).await?.rows_affected()
                }
            })
        })
    }
}
