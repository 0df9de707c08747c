//! Rows.

use sqlx::error::UnexpectedNullError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};

use super::Error;

/// One row of an answer; its columns are read by name.
pub enum Row {
    /// Of PostgreSQL.
    Postgres(PgRow),
    /// Of SQLite.
    Sqlite(SqliteRow),
}

impl Row {
    /// A TEXT column.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when there is no such column, or it is NULL or of another type.
    pub fn text(&self, column: &'static str) -> Result<String, Error> {
        self.required(column)
    }

    /// A TEXT column that may be NULL.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn optional_text(&self, column: &'static str) -> Result<Option<String>, Error> {
        self.get(column)
    }

    /// A BIGINT column.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn integer(&self, column: &'static str) -> Result<i64, Error> {
        self.required(column)
    }

    /// A BIGINT column that may be NULL.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    /// A BIGINT column that holds 0 or 1.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn boolean(&self, column: &'static str) -> Result<bool, Error> {
        Ok(self.integer(column)? != 0)
    }

    /// A BYTEA column.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn bytes(&self, column: &'static str) -> Result<Vec<u8>, Error> {
        self.required(column)
    }

    /// A BYTEA column that may be NULL.
    ///
    /// # Errors
    /// As [`Row::text`].
    pub fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, Error> {
        self.get(column)
    }

    /// SQLite reads NULL as an empty value of any type, so it is asked for first.
    fn required<T>(&self, column: &'static str) -> Result<T, Error>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>,
    {
        let null = || Error::Unreadable {
            column,
            source: Box::new(sqlx::Error::Decode(UnexpectedNullError.into())),
        };
        self.get::<Option<T>>(column)?.ok_or_else(null)
    }

    fn get<T>(&self, column: &'static str) -> Result<T, Error>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>,
    {
        match self {
            Self::Postgres(row) => row.try_get(column),
            Self::Sqlite(row) => row.try_get(column),
        }
        .map_err(|source| Error::Unreadable { column, source: Box::new(source) })
    }
}
