//! Form bodies: `application/x-www-form-urlencoded` and, since Keycloak reads them too, `multipart/form-data`.

use super::error::Error;
use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::borrow::Cow;

/// The longest value that counts (characters); Keycloak drops longer ones as if they had not been sent.
const MAX_VALUE: usize = 4000;

/// Parameters that carry tokens, which may be longer.
const TOKENS: [&str; 6] =
    ["assertion", "client_assertion", "refresh_token", "subject_token", "actor_token", "token"];

/// The parameters of a form, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_ref())
    }

    /// The parameter, unless it is empty.
    pub(crate) fn get_nonempty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_ref())
    }

    /// RFC 6749 section 3.2: "Request and response parameters MUST NOT be included more than once." The `resource` of RFC 8707
    /// and the `audience` of RFC 8693 may.
    pub(crate) fn has_duplicates(&self) -> bool {
        self.0.iter().enumerate().any(|(index, (name, _))| {
            !matches!(name.as_ref(), "resource" | "audience")
                && self.0[..index].iter().any(|(earlier, _)| earlier == name)
        })
    }

    fn keep_short(mut self) -> Self {
        self.0.retain(|(name, value)| {
            value.len() <= MAX_VALUE || TOKENS.contains(&name.as_ref()) || value.chars().count() <= MAX_VALUE
        });
        self
    }
}

/// A form's body as it came, from which [`Form`] borrows.
#[derive(Debug)]
pub(crate) enum FormBody {
    UrlEncoded(Bytes),
    Multipart(Vec<(String, String)>),
    /// Any other type of content has no parameters.
    None,
}

impl FormBody {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Error> {
        let bytes = match Limited::new(body, limit).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Error::BodyTooLarge),
            Err(_) => return Err(Error::UnreadableForm),
        };
        let content_type =
            headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Ok(Self::UrlEncoded(bytes))
        } else if essence.eq_ignore_ascii_case(b"multipart/form-data") {
            multipart(headers, bytes).await.map(Self::Multipart)
        } else {
            Ok(Self::None)
        }
    }

    /// Its parameters, without those that are too long.
    pub(crate) fn form(&self) -> Form<'_> {
        let pairs = match self {
            Self::UrlEncoded(bytes) => form_urlencoded::parse(bytes).collect(),
            Self::Multipart(pairs) => pairs
                .iter()
                .map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())))
                .collect(),
            Self::None => Vec::new(),
        };
        Form(pairs).keep_short()
    }
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Vec<(String, String)>, Error> {
    let mut request = Request::new(Body::from(bytes));
    if let Some(content_type) = headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    }
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|_| Error::UnreadableForm)?;
    let mut pairs = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|_| Error::UnreadableForm)? {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        // Not as text: a mark of the byte order at its beginning would be taken away, or have it read as UTF-16.
        let value = field.bytes().await.map_err(|_| Error::UnreadableForm)?;
        pairs.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn url_encoded(body: &str) -> FormBody {
        FormBody::UrlEncoded(Bytes::copy_from_slice(body.as_bytes()))
    }

    fn headers(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn values_are_decoded_and_the_first_counts() {
        let body = url_encoded("a=1&a=2&b=x+y%2B%C3%BC&empty=&bare");
        let form = body.form();
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y+ü"));
        assert_eq!(
            (form.get("empty"), form.get_nonempty("empty"), form.get("bare")),
            (Some(""), None, Some(""))
        );
        assert_eq!(form.get("c"), None);
    }

    #[test]
    fn a_repeated_parameter_is_noticed_unless_its_rfc_allows_it() {
        for (body, repeated) in [
            ("a=1&b=2", false),
            ("a=1&b=2&a=1", true),
            ("audience=a&audience=b&resource=c&resource=d", false),
        ] {
            assert_eq!(url_encoded(body).form().has_duplicates(), repeated, "{body}");
        }
    }

    #[test]
    fn a_long_value_is_dropped_unless_it_is_a_token() {
        let long = "x".repeat(MAX_VALUE + 1);
        let body = url_encoded(&format!("scope={long}&refresh_token={long}&short=x"));
        let form = body.form();
        assert_eq!((form.get("scope"), form.get("short")), (None, Some("x")));
        assert!(form.get("refresh_token").is_some());
    }

    #[tokio::test]
    async fn only_forms_have_parameters() {
        for (content_type, found) in [
            ("application/x-www-form-urlencoded", true),
            ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
            ("application/json", false),
            ("text/plain", false),
        ] {
            let body = FormBody::read(&headers(content_type), Body::from("a=1"), 100).await.unwrap();
            assert_eq!(body.form().get("a").is_some(), found, "{content_type}");
        }
    }

    #[tokio::test]
    async fn a_multipart_form_is_read() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--B--\r\n";
        let body = FormBody::read(&headers("multipart/form-data; boundary=B"), Body::from(body), 1000)
            .await
            .unwrap();
        assert_eq!(body.form().get("grant_type"), Some("client_credentials"));
    }

    #[tokio::test]
    async fn a_value_is_the_same_in_each_kind_of_form() {
        for value in ["\u{feff}a", "\u{feff}", "ü\u{feff}"] {
            let multipart =
                format!("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{value}\r\n--B--\r\n");
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for (content_type, body) in [
                ("multipart/form-data; boundary=B", multipart),
                ("application/x-www-form-urlencoded", format!("a={escaped}")),
            ] {
                let body = FormBody::read(&headers(content_type), Body::from(body), 1000).await.unwrap();
                assert_eq!(body.form().get("a"), Some(value), "{content_type}");
            }
        }
    }

    #[tokio::test]
    async fn a_big_body_is_refused() {
        let refused = FormBody::read(&headers("text/plain"), Body::from(vec![b'x'; 101]), 100).await;
        assert!(matches!(refused, Err(Error::BodyTooLarge)));
    }

    proptest! {
        #[test]
        fn any_bytes_make_a_form(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let body = FormBody::UrlEncoded(Bytes::from(bytes));
            let form = body.form();
            let _ = (form.get("a"), form.has_duplicates());
        }

        #[test]
        fn any_multipart_body_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(FormBody::read(&headers("multipart/form-data; boundary=B"), Body::from(bytes), 1000));
            prop_assert!(matches!(read, Ok(FormBody::Multipart(_)) | Err(Error::UnreadableForm)));
        }
    }
}
