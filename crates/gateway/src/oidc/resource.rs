//! The parameter `resource` of RFC 8707: a client that may use it names the resources that a token is for, and gets a token for no
//! others. It only ever narrows: the roles and audiences of a token are found as without it, and then those of other resources are
//! left out.

use super::{error::Error, form::Form};
use latchkey_api::registry::v1::Client;

/// A client attribute: the resources that the client may name, joined by `##` as Keycloak joins lists. Without it the parameter says
/// nothing, as in Keycloak.
const ALLOWED: &str = "resource.indicators";
const SEPARATOR: &str = "##";

/// The audiences that a request narrows its token to; none for all.
///
/// # Errors
/// [`Error::InvalidTarget`] for a resource that the client may not name.
pub(crate) fn narrowed_audience(client: &Client, form: &Form<'_>) -> Result<Vec<String>, Error> {
    let mut named = form.all("resource").peekable();
    if named.peek().is_none() {
        return Ok(Vec::new());
    }
    let Some(allowed) = client.attributes.get(ALLOWED).filter(|allowed| !allowed.is_empty()) else {
        return Ok(Vec::new());
    };
    named
        .map(|resource| {
            let may = allowed.split(SEPARATOR).any(|one| one == resource);
            may.then(|| resource.to_owned()).ok_or_else(|| Error::InvalidTarget(resource.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::form::FormBody;
    use bytes::Bytes;

    fn narrowed(allowed: &str, body: &'static str) -> Result<Vec<String>, Error> {
        let attributes = [(ALLOWED.to_owned(), allowed.to_owned())].into();
        let client = Client { attributes, ..Client::default() };
        narrowed_audience(&client, &FormBody::UrlEncoded(Bytes::from_static(body.as_bytes())).form())
    }

    #[test]
    fn only_resources_that_the_client_may_name_are_taken() {
        let allowed = "https://a.example##https://b.example/x";
        assert_eq!(narrowed(allowed, "scope=x").unwrap(), Vec::<String>::new());
        assert_eq!(
            narrowed(allowed, "resource=https://b.example/x&resource=https%3A%2F%2Fa.example").unwrap(),
            ["https://b.example/x", "https://a.example"]
        );
        for other in [
            "resource=https://b.example",
            "resource=",
            "resource=https://a.example%23%23https://b.example/x",
            "resource=https://a.example&resource=https://c.example",
        ] {
            assert!(matches!(narrowed(allowed, other), Err(Error::InvalidTarget(_))), "{other}");
        }
        assert_eq!(narrowed("", "resource=https://c.example").unwrap(), Vec::<String>::new());
    }
}
