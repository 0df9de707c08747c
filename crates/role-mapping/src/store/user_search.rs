//! Searching users, by the rules of Keycloak's `GET /users` and `GET /users/count`.

use latchkey_api::roles::v1::{ListUsersRequest, User};
use latchkey_platform::database::{Params, Queries, Value};
use latchkey_platform::params;
use sqlx::AssertSqlSafe;

use super::{anywhere, escaped, limit, users};
use crate::error::Error;

/// The conditions of a search, and their parameters.
struct Conditions {
    sql: String,
    params: Params,
}

impl Conditions {
    fn of(request: &ListUsersRequest) -> Self {
        let mut conditions = Self {
            sql: "u.realm_id = $1 AND u.published = 1".to_owned(),
            params: params![&request.realm_id],
        };
        let fields = [
            ("u.username", &request.username),
            ("u.email", &request.email),
            ("u.first_name", &request.first_name),
            ("u.last_name", &request.last_name),
        ];
        for (column, text) in fields {
            if let Some(text) = text {
                conditions.field(column, text, request.exact);
            }
        }
        for (column, flag) in [("u.enabled", request.enabled), ("u.email_verified", request.email_verified)] {
            if let Some(flag) = flag {
                conditions.and(&format!("{column} = ?"), [Value::from(flag)]);
            }
        }
        for word in request.search.as_deref().unwrap_or_default().split_whitespace() {
            conditions.search(word);
        }
        // Service accounts are found by their username, but not by searching or listing.
        if !request.service_accounts && request.username.is_none() {
            conditions.and("u.client_uuid IS NULL", []);
        }
        conditions
    }

    fn field(&mut self, column: &str, text: &str, exact: bool) {
        if exact {
            self.and(&format!("{column} = ?"), [Value::from(text.to_lowercase())]);
        } else {
            self.and(&format!(r"{column} LIKE ? ESCAPE '\'"), [Value::from(anywhere(text))]);
        }
    }

    /// `x` is a prefix, `"x"` exact, and a star stands for anything.
    fn search(&mut self, word: &str) {
        let exact = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let pattern = match exact {
            Some(exact) => escaped(exact),
            None if word.contains('*') => escaped(word).replace('*', "%"),
            None => format!("{}%", escaped(word)),
        };
        let columns = ["u.username", "u.email", "u.first_name", "u.last_name"];
        let any: Vec<String> = columns.iter().map(|column| format!(r"{column} LIKE ? ESCAPE '\'")).collect();
        self.and(&format!("({})", any.join(" OR ")), columns.map(|_| Value::from(pattern.clone())));
    }

    /// Adds a condition; each `?` takes the next value.
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        let mut values = values.into_iter();
        for c in condition.chars() {
            match (c, c == '?') {
                (_, true) => {
                    self.params.extend(values.next());
                    self.sql.push_str(&format!("${}", self.params.len()));
                }
                (c, false) => self.sql.push(c),
            }
        }
    }
}

pub(crate) async fn count(db: &mut impl Queries, request: &ListUsersRequest) -> Result<u64, Error> {
    let Conditions { sql, params } = Conditions::of(request);
    let row = db
        .fetch_optional(AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM users u WHERE {sql}")), params)
        .await?;
    Ok(row.map_or(Ok(0), |row| row.integer("n"))?.cast_unsigned())
}

/// The page of users in the order of usernames.
pub(crate) async fn list(db: &mut impl Queries, request: &ListUsersRequest) -> Result<Vec<User>, Error> {
    let Conditions { sql, mut params } = Conditions::of(request);
    let (max, first) = limit(request.page.as_ref());
    params.extend(params![max, first]);
    let sql = format!(
        "SELECT {} FROM users u WHERE {sql} ORDER BY u.username LIMIT ${} OFFSET ${}",
        users::COLUMNS,
        params.len() - 1,
        params.len()
    );
    db.fetch_all(AssertSqlSafe(sql), params).await?.iter().map(users::user).collect()
}
