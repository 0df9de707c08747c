//! An HTTP answer, read to its end.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::HeaderMap;
use reqwest::{Response, Version};
use serde_json::Value;

/// An HTTP answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: Version,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Reads it; an error when it broke off.
    pub(crate) async fn read(response: Response) -> reqwest::Result<Self> {
        Ok(Self {
            version: response.version(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.body))
    }

    /// A member of the body that is text.
    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> String {
        let body = self.json();
        body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}: {body}", self.status)).to_owned()
    }

    /// A header; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, `error` and `error_description`: what RFC 6749 section 5.2 says of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (self.status, member("error"), member("error_description"))
    }

    /// Asserts that it is this refusal.
    #[track_caller]
    pub(crate) fn is_refusal(&self, status: u16, error: &str, description: &str) {
        assert_eq!(self.refusal(), (status, error.to_owned(), description.to_owned()));
    }

    /// The last segment of `Location`: the id of what was made.
    #[track_caller]
    pub(crate) fn made(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.body);
        self.header("location").rsplit('/').next().unwrap().to_owned()
    }
}

/// The claims of a JWT, unverified.
#[track_caller]
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a JWT.
#[track_caller]
pub(crate) fn header_of(token: &str) -> Value {
    part(token, 0)
}

#[track_caller]
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A Basic header of a client.
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}
