//! The credentials that a request presents, as Keycloak understands them (RFC 6749 section 2.3.1, RFC 7521 section 4.2).

use super::{error::Error, form::Form};
use axum::http::{HeaderMap, header};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use latchkey_api::registry::v1::CredentialSource;

// Clients send Basic with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a client says of itself; nothing of it is proven.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct PresentedCredentials {
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) source: CredentialSource,
    pub(crate) assertion_type: Option<String>,
    pub(crate) assertion: Option<String>,
}

impl PresentedCredentials {
    /// Reads them from the `Authorization` header and the form. The body wins over the header; a `client_id` in the body that isn't
    /// the header's stands without the header's secret.
    ///
    /// # Errors
    /// [`Error::BasicEscapeInvalid`]; what else is malformed counts as not presented.
    pub(crate) fn read(headers: &HeaderMap, form: &Form<'_>) -> Result<Self, Error> {
        let mut presented = match headers.get(header::AUTHORIZATION) {
            Some(value) => {
                basic(value.as_bytes())?.map_or_else(Self::default, |(client_id, client_secret)| Self {
                    client_id: Some(client_id),
                    client_secret: Some(client_secret),
                    source: CredentialSource::Basic,
                    ..Self::default()
                })
            }
            None => Self::default(),
        };
        if let Some(client_id) = form.get("client_id") {
            if presented.client_id.as_deref() != Some(client_id) {
                presented.client_secret = None;
                presented.source = CredentialSource::Body;
            }
            presented.client_id = Some(client_id.to_owned());
        }
        if let Some(client_secret) = form.get("client_secret") {
            presented.client_secret = Some(client_secret.to_owned());
            presented.source = CredentialSource::Body;
        }
        presented.assertion_type = form.get("client_assertion_type").map(str::to_owned);
        presented.assertion = form.get("client_assertion").map(str::to_owned);
        Ok(presented)
    }
}

/// `Basic base64(id ":" secret)`, each half form-urlencoded. `None` for another scheme, bad base64, bad UTF-8, or no colon.
fn basic(value: &[u8]) -> Result<Option<(String, String)>, Error> {
    let Some((scheme, encoded)) = value.split_at_checked(5) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case(b"basic") || !encoded.first().is_some_and(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let decoded = BASE64.decode(encoded.trim_ascii()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((id, secret)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) else {
        return Ok(None);
    };
    Ok(Some((form_decoded(id)?, form_decoded(secret)?)))
}

/// A `+` is a space and `%xx` a byte; a `%` without two hexadecimal digits, or bytes that are no UTF-8, are refused.
fn form_decoded(text: &str) -> Result<String, Error> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex)) else {
                    return Err(Error::BasicEscapeInvalid);
                };
                high << 4 | low
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| Error::BasicEscapeInvalid)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::form::FormBody;
    use axum::http::HeaderValue;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    fn read(authorization: Option<&str>, form: &str) -> Result<PresentedCredentials, Error> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let body = FormBody::UrlEncoded(form.to_owned().into());
        PresentedCredentials::read(&headers, &body.form())
    }

    fn pair(authorization: Option<&str>, form: &str) -> (Option<String>, Option<String>) {
        let presented = read(authorization, form).unwrap();
        (presented.client_id, presented.client_secret)
    }

    fn some(id: &str, secret: &str) -> (Option<String>, Option<String>) {
        (Some(id.to_owned()), Some(secret.to_owned()))
    }

    fn header_of(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    #[test]
    fn basic_is_decoded_twice() {
        for (text, id, secret) in [
            ("a:b", "a", "b"),
            ("a:b:c", "a", "b:c"),
            ("a:b%3Ac", "a", "b:c"),
            ("team%2Fa+b%2Bc:p%25", "team/a b+c", "p%"),
            ("ключ:пароль-ü", "ключ", "пароль-ü"),
            (":x", "", "x"),
            (" pct :", " pct ", ""),
        ] {
            assert_eq!(pair(Some(&header_of(text)), ""), some(id, secret), "{text}");
        }
        assert_eq!(pair(Some(&header_of("a:b").replace("Basic", "bAsIc")), ""), some("a", "b"));
        assert_eq!(pair(Some("Basic YTpiYw"), ""), some("a", "bc"), "without padding");
    }

    #[test]
    fn a_malformed_header_presents_nothing() {
        for value in ["Basic !!!", "Basic", "Basic ", "Bearer abc", "BasicYTpi", &header_of("no-colon")] {
            assert_eq!(pair(Some(value), ""), (None, None), "{value}");
        }
        assert_eq!(pair(Some("Negotiate x"), "client_id=a"), (Some("a".to_owned()), None));
    }

    #[test]
    fn a_stray_percent_is_an_error() {
        for text in ["a:p%", "a:p%2", "a:p%zz", "a%:b", "a:%FF"] {
            assert!(matches!(read(Some(&header_of(text)), ""), Err(Error::BasicEscapeInvalid)), "{text}");
        }
    }

    #[test]
    fn the_body_wins_over_the_header() {
        let basic = header_of("a:b");
        let basic = Some(basic.as_str());
        assert_eq!(pair(basic, "client_id=a&client_secret=x"), some("a", "x"));
        assert_eq!(pair(basic, "client_id=c&client_secret=d"), some("c", "d"));
        assert_eq!(pair(basic, "client_id=a"), some("a", "b"));
        assert_eq!(pair(basic, "client_id=c"), (Some("c".to_owned()), None));
        assert_eq!(pair(basic, "client_secret=d"), some("a", "d"));
    }

    proptest! {
        #[test]
        fn no_header_panics(value in "[ -~]{0,60}", text in any::<String>()) {
            let _ = read(Some(&value), "");
            let _ = read(Some(&header_of(&text)), "");
        }

        #[test]
        fn an_encoded_pair_is_read_back(id in "[^\u{0}]{1,20}", secret in any::<String>()) {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let header = header_of(&format!("{}:{}", encode(&id), encode(&secret)));
            prop_assert_eq!(pair(Some(&header), ""), some(&id, &secret));
        }
    }
}
