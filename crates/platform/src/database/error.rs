//! What can go wrong in a database.

/// An error of the database. Its text is for operators: it never holds a parameter's value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or gives no connection in time; trying again later may succeed.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<sqlx::Error>),
    /// A constraint refused the statement.
    #[error("a constraint refused the statement")]
    Violation {
        /// Which kind.
        violation: Violation,
        /// PostgreSQL's name of the constraint, or SQLite's list of columns (`table.column, …`).
        constraint: String,
    },
    /// A stored value is not what the code expects.
    #[error("column {column} cannot be read")]
    Unreadable {
        /// The column's name.
        column: &'static str,
        /// The cause.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The schema could not be made or brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] Box<sqlx::migrate::MigrateError>),
    /// The address of the database is malformed. The address itself may hold a password and is not shown.
    #[error("the database URL is malformed")]
    Url(#[source] Box<sqlx::Error>),
    /// Anything else: a fault of ours.
    #[error("the database refused a statement")]
    Statement(#[source] Box<sqlx::Error>),
}

/// Which kind of constraint refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A key exists already.
    Unique,
    /// What is referred to does not exist.
    ForeignKey,
    /// NOT NULL or CHECK.
    Other,
}

impl Error {
    /// Whether a unique constraint refused whose name (PostgreSQL) or column list (SQLite) holds `part`. Name constraints
    /// `<table>_<columns>_key` and ask for a column's name to cover both.
    #[must_use]
    pub fn is_unique_violation_on(&self, part: &str) -> bool {
        matches!(self, Self::Violation { violation: Violation::Unique, constraint } if constraint.contains(part))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(Box::new(error)),
            sqlx::Error::Database(database) => {
                let violation = if database.is_unique_violation() {
                    Violation::Unique
                } else if database.is_foreign_key_violation() {
                    Violation::ForeignKey
                } else if database.is_check_violation() {
                    Violation::Other
                } else if is_passing(database.code().as_deref()) {
                    return Self::Unavailable(Box::new(error));
                } else {
                    return Self::Statement(Box::new(error));
                };
                // SQLite has no names of constraints; its message ends in the list of columns.
                let constraint = database.constraint().unwrap_or_else(|| database.message()).to_owned();
                Self::Violation { violation, constraint }
            }
            _ => Self::Statement(Box::new(error)),
        }
    }
}

/// PostgreSQL: classes 08 (connection), 53 (resources), 57P (shutdown, crash), 40 (serialisation, deadlock). SQLite: BUSY.
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code == "5"
            || code == "517"
            || (code.len() == 5 && ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class)))
    })
}
