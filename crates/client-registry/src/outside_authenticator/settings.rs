//! Where an outside authenticator is, and how it is spoken to.

use std::path::PathBuf;

use serde::Deserialize;
use tonic::transport::Uri;

/// The gateway waits for 5 s: what takes longer could not be told from one that is slow.
const MAX_TIMEOUT_MS: u64 = 4000;
/// An hour.
const MAX_OPEN_MS: u64 = 3_600_000;
const MAX_CALLS: usize = 65_536;

/// `[client_registry.authenticators.<name>]`: an outside authenticator.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct AuthenticatorSettings {
    /// `https://HOST:PORT`.
    pub url: String,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
    /// The authority that vouches for it (PEM).
    pub ca_file: Option<PathBuf>,
    /// The certificate chain that is shown to it (PEM).
    pub cert_file: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    pub key_file: Option<PathBuf>,
    /// Speak without TLS.
    pub plaintext: bool,
    /// After how many failures in a row a realm's calls are refused at once.
    pub failures: u32,
    /// For how many milliseconds.
    pub open_ms: u64,
    /// How many calls of one realm may be under way.
    pub max_calls: usize,
}

impl Default for AuthenticatorSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            timeout_ms: 1000,
            ca_file: None,
            cert_file: None,
            key_file: None,
            plaintext: false,
            failures: 5,
            open_ms: 10_000,
            max_calls: 64,
        }
    }
}

impl AuthenticatorSettings {
    /// What is wrong with them, as far as it shows without reading files.
    pub(super) fn mistakes(&self, name: &str) -> Vec<&'static str> {
        let scheme = self.url.split_once("://").map(|(scheme, _)| scheme);
        let tls = scheme != Some("http");
        let mistakes = [
            (
                !is_name(name),
                "its name is not made of up to 64 of a-z, 0-9, - and single _, with a letter or digit at both ends",
            ),
            (!is_address(&self.url), "url is not https://HOST:PORT"),
            (!tls && !self.plaintext, "url is http, and plaintext is not set"),
            (tls && self.plaintext, "plaintext is set, and url is not http"),
            (tls && self.ca_file.is_none(), "ca_file is missing"),
            (self.cert_file.is_some() != self.key_file.is_some(), "cert_file and key_file go together"),
            (
                !tls && (self.ca_file.is_some() || self.cert_file.is_some()),
                "url is http, which has no certificates",
            ),
            (!(1..=MAX_TIMEOUT_MS).contains(&self.timeout_ms), "timeout_ms is not from 1 to 4000"),
            (self.failures == 0, "failures is not at least 1"),
            (!(1..=MAX_OPEN_MS).contains(&self.open_ms), "open_ms is not from 1 to 3600000"),
            (!(1..=MAX_CALLS).contains(&self.max_calls), "max_calls is not from 1 to 65536"),
        ];
        mistakes.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mistake)| mistake).collect()
    }
}

/// As it can stand in the name of an environment variable, in a list with commas, and after `custom:`.
fn is_name(name: &str) -> bool {
    let edges = name.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && edges == name && name.bytes().all(allowed) && !name.contains("__")
}

/// A host, perhaps a port, and nothing else.
fn is_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    matches!(uri.scheme_str(), Some("http" | "https")) && plain && uri.path() == "/" && uri.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_tls(url: &str) -> AuthenticatorSettings {
        AuthenticatorSettings { url: url.to_owned(), ca_file: Some("ca.crt".into()), ..Default::default() }
    }

    #[test]
    fn each_mistake_is_told() {
        let good = over_tls("https://keys.example:7443");
        assert_eq!(good.mistakes("keys-2"), Vec::<&str>::new());
        let plaintext = AuthenticatorSettings {
            url: "http://127.0.0.1:7443".to_owned(),
            plaintext: true,
            ..AuthenticatorSettings::default()
        };
        assert_eq!(plaintext.mistakes("keys"), Vec::<&str>::new());
        let wrong = AuthenticatorSettings {
            url: "http://keys.example".to_owned(),
            timeout_ms: 4001,
            key_file: Some("key".into()),
            failures: 0,
            open_ms: 0,
            max_calls: 0,
            ..good
        };
        assert_eq!(wrong.mistakes("Keys").len(), 8, "{:?}", wrong.mistakes("Keys"));
        let both = AuthenticatorSettings { plaintext: true, ..over_tls("https://keys.example") };
        assert_eq!(both.mistakes("keys"), ["plaintext is set, and url is not http"]);
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for url in ["https://a", "https://a:1/", "https://[::1]:7443", "https://10.0.0.1:1"] {
            assert!(is_address(url), "{url}");
        }
        for url in
            ["", "a:1", "ftp://a", "https://", "https://u:p@a", "https://a/b", "https://a/?b", "https://a b"]
        {
            assert!(!is_address(url), "{url}");
        }
    }

    #[test]
    fn a_name_fits_a_variable_and_a_list() {
        for name in ["a", "api-keys", "api_keys2"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a__b", "A", "a,b", "a b", "a:b", "\u{e4}", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
