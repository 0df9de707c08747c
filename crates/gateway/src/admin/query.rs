//! The query of a request.

use super::error::Error;
use axum::{extract::FromRequestParts, http::request::Parts};
use latchkey_api::common::v1::Page;
use std::convert::Infallible;

/// The parameters of a query, decoded, in their order.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// The first value of a name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether the value is `true`; absent without one.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A whole number. Keycloak answers 404 to a value that is none.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        self.text(name)
            .filter(|value| !value.is_empty())
            .map(|value| value.parse().map_err(|_| Error::PathNotFound))
            .transpose()
    }

    /// `first` and `max`; a negative `max` is none.
    pub(crate) fn page(&self) -> Result<Page, Error> {
        let first = self.number("first")?.unwrap_or(0).max(0);
        let max = self.number("max")?.filter(|max| *max >= 0);
        let fit = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Page { first: fit(first), max: max.map(fit) })
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn pages_read_as_keycloak_reads_them() {
        assert_eq!(query("").page().unwrap(), Page { first: 0, max: None });
        assert_eq!(query("first=2&max=0").page().unwrap(), Page { first: 2, max: Some(0) });
        assert_eq!(query("max=-1").page().unwrap(), Page { first: 0, max: None });
        assert!(matches!(query("max=many").page(), Err(Error::PathNotFound)));
    }
}
