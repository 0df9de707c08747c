//! Clients' admin URLs: which clients have one, and telling a client there that tokens from before a time count no more.

use std::time::Duration;

use latchkey_api::registry::v1::*;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use url::Url;

use crate::error::Error;
use crate::outbound::{self, http_url};
use crate::service::RegistryService;
use crate::store::{clients, is_storable};

/// Keycloak's name for the endpoint below an admin URL.
const PUSH_NOT_BEFORE: &str = "k_push_not_before";
/// For an answer's status; its body is not read.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most clients of a page, and about the most bytes.
const PAGE: i64 = 500;
const PAGE_BYTES: usize = 1 << 20;
const SAML: &str = "saml";
/// What root URLs call the server's own address (Keycloak's `ResolveRelative`).
const OWN_ADDRESS: [&str; 2] = ["${authBaseUrl}", "${authAdminUrl}"];

/// Why a client was not told.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("clients of SAML are not told of not-before")]
    Protocol,
    #[error("the admin URL is no http or https address")]
    NoUrl,
    #[error(transparent)]
    Call(#[from] outbound::Fault),
    #[error("the client answered with status {0}")]
    Status(StatusCode),
}

impl RegistryService {
    pub(crate) async fn list_admin_urls(
        &self,
        request: ListAdminUrlsRequest,
    ) -> Result<ListAdminUrlsResponse, Error> {
        let ListAdminUrlsRequest { realm_id, id, after, server_url } = request;
        let mut answer = ListAdminUrlsResponse::default();
        if !is_storable(&realm_id) || !is_storable(&id) || !is_storable(&after) {
            return Ok(answer);
        }
        let mut db = self.database.clone();
        if !id.is_empty() {
            let client = clients::find(&mut db, &realm_id, &id).await?;
            answer.admin_urls.extend(client.as_ref().and_then(|client| admin_url(client, &server_url)));
            return Ok(answer);
        }
        let page = clients::with_admin_url(&mut db, &realm_id, &after, PAGE).await?;
        let (mut seen, mut bytes) = (0, 0);
        for client in &page {
            if bytes > PAGE_BYTES {
                break;
            }
            seen += 1;
            if let Some(told) = admin_url(client, &server_url).filter(|_| client.enabled) {
                bytes += told.url.len() + told.client_id.len();
                answer.admin_urls.push(told);
            }
        }
        let is_last = seen == page.len() && seen < PAGE as usize;
        if let Some(last) = page.get(seen.saturating_sub(1)).filter(|_| !is_last) {
            last.client_id.clone_into(&mut answer.next);
        }
        Ok(answer)
    }

    pub(crate) async fn push_not_before(
        &self,
        request: PushNotBeforeRequest,
    ) -> Result<PushNotBeforeResponse, Error> {
        let PushNotBeforeRequest { realm_id, id, server_url, action } = request;
        if !is_storable(&realm_id) || !is_storable(&id) {
            return Err(Error::ClientNotFound);
        }
        let client = clients::find(&mut self.database.clone(), &realm_id, &id).await?;
        let client = client.ok_or(Error::ClientNotFound)?;
        let Some(told) = admin_url(&client, &server_url) else {
            return Ok(PushNotBeforeResponse { delivered: false });
        };
        // Keycloak: their protocol has no such action.
        let outcome =
            if client.protocol == SAML { Err(Fault::Protocol) } else { self.post(&told.url, action).await };
        if let Err(fault) = &outcome {
            tracing::info!(realm.id = realm_id, client.id = id, cause = %fault, "a client was not told of not-before");
        }
        Ok(PushNotBeforeResponse { delivered: outcome.is_ok() })
    }

    async fn post(&self, url: &str, action: String) -> Result<(), Fault> {
        let url = endpoint(url, PUSH_NOT_BEFORE).ok_or(Fault::NoUrl)?;
        let complete =
            |request: RequestBuilder| request.header(header::CONTENT_TYPE, "text/plain").body(action);
        let answer = self.outbound.send(Method::POST, &url, TIMEOUT, complete).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            other => Err(Fault::Status(other)),
        }
    }
}

/// Where a client is told something; `None` for one that has no admin URL.
fn admin_url(client: &Client, server_url: &str) -> Option<AdminUrl> {
    let Client { id, client_id, not_before_s, admin_url, root_url, .. } = client;
    (!admin_url.is_empty()).then(|| AdminUrl {
        id: id.clone(),
        client_id: client_id.clone(),
        not_before_s: *not_before_s,
        url: absolute(admin_url, root_url, server_url),
    })
}

/// A URL that is relative goes on after the root URL or, without one, is a path of the server itself (Keycloak's `ResolveRelative`).
fn absolute(url: &str, root_url: &str, server_url: &str) -> String {
    if !url.starts_with('/') {
        return url.to_owned();
    }
    if root_url.is_empty() {
        // As a path, whatever it looks like: what begins with `//` would otherwise name another host.
        return Url::parse(server_url).map_or_else(
            |_| url.to_owned(),
            |mut server| {
                server.set_path(url);
                server.into()
            },
        );
    }
    let root = if OWN_ADDRESS.contains(&root_url) { server_url } else { root_url };
    format!("{}{url}", root.trim_end_matches('/'))
}

/// The address of an endpoint below an admin URL, whose query stays.
fn endpoint(url: &str, name: &str) -> Option<Url> {
    let mut url = http_url(url)?;
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_url_goes_on_after_the_root_url_or_the_servers_own_address() {
        let server = "https://id.example/auth";
        for (url, root, expected) in [
            ("https://a.example/admin", "https://b.example", "https://a.example/admin"),
            ("/admin", "https://b.example/app", "https://b.example/app/admin"),
            ("/admin", "https://b.example/", "https://b.example/admin"),
            ("/admin", "${authBaseUrl}", "https://id.example/auth/admin"),
            ("/admin", "${authAdminUrl}", "https://id.example/auth/admin"),
            ("/admin", "", "https://id.example/admin"),
            ("//evil.example/admin", "", "https://id.example//evil.example/admin"),
            ("admin", "https://b.example", "admin"),
        ] {
            assert_eq!(absolute(url, root, server), expected, "{url} {root}");
        }
        assert_eq!(absolute("/admin", "", "no address"), "/admin");
    }

    #[test]
    fn the_endpoint_is_below_the_admin_url() {
        for (url, expected) in [
            ("https://a.example", Some("https://a.example/x")),
            ("https://a.example/", Some("https://a.example/x")),
            ("https://a.example/admin", Some("https://a.example/admin/x")),
            ("https://a.example/admin/?tenant=1", Some("https://a.example/admin/x?tenant=1")),
            ("https://user:word@a.example/", None),
            ("file:///etc/passwd", None),
            ("/admin", None),
            ("", None),
        ] {
            assert_eq!(endpoint(url, "x").map(String::from).as_deref(), expected, "{url}");
        }
    }
}
