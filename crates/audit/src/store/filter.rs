//! The conditions of a query, and the values for them.

use latchkey_platform::database::{Database, Params, Value};

/// Conditions that must all hold.
pub(super) struct Filter {
    conditions: String,
    params: Params,
}

impl Filter {
    /// Rows of a realm.
    pub(super) fn of_realm(realm_id: &str) -> Self {
        Self { conditions: "realm_id = $1".to_owned(), params: vec![realm_id.into()] }
    }

    /// A value's place in the statement: `$n`.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    pub(super) fn and(&mut self, condition: &str) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(condition);
    }

    /// `column` has this value; an empty one is not asked for.
    pub(super) fn equals(&mut self, column: &str, value: &str) {
        if !value.is_empty() {
            let place = self.bind(value);
            self.and(&format!("{column} = {place}"));
        }
    }

    /// `column` has one of these values; none is not asked for.
    pub(super) fn one_of(&mut self, column: &str, values: &[String]) {
        if !values.is_empty() {
            let places: Vec<String> = values.iter().map(|value| self.bind(value)).collect();
            self.and(&format!("{column} IN ({})", places.join(", ")));
        }
    }

    /// `time_ms` lies between these, bounds included.
    pub(super) fn between(&mut self, from_ms: Option<i64>, to_ms: Option<i64>) {
        for (comparison, bound) in [(">=", from_ms), ("<=", to_ms)] {
            if let Some(bound) = bound {
                let place = self.bind(bound);
                self.and(&format!("time_ms {comparison} {place}"));
            }
        }
    }

    /// `column` matches a pattern in which `*` stands for anything, letters as they are written; an empty one is not asked for.
    pub(super) fn matches(&mut self, column: &str, pattern: &str, database: &Database) {
        if pattern.is_empty() {
            return;
        }
        if !pattern.contains('*') {
            return self.equals(column, pattern);
        }
        let pattern = Pattern::of(database, pattern);
        let place = self.bind(pattern.text);
        self.and(&format!("{column} {} {place}{}", pattern.operator, pattern.suffix));
    }

    /// The conditions, and the values in the order of their places.
    pub(super) fn into_parts(self) -> (String, Params) {
        (self.conditions, self.params)
    }
}

/// A pattern in a dialect's words. SQLite's LIKE takes upper case for lower case; its GLOB does not.
struct Pattern {
    operator: &'static str,
    text: String,
    suffix: &'static str,
}

impl Pattern {
    fn of(database: &Database, pattern: &str) -> Self {
        let mut text = String::with_capacity(pattern.len() + 4);
        match database {
            Database::Postgres(_) => {
                for c in pattern.chars() {
                    match c {
                        '*' => text.push('%'),
                        '%' | '_' | '\\' => text.extend(['\\', c]),
                        _ => text.push(c),
                    }
                }
                Self { operator: "LIKE", text, suffix: " ESCAPE '\\'" }
            }
            Database::Sqlite { .. } => {
                for c in pattern.chars() {
                    match c {
                        '?' | '[' => text.extend(['[', c, ']']),
                        _ => text.push(c),
                    }
                }
                Self { operator: "GLOB", text, suffix: "" }
            }
        }
    }
}
