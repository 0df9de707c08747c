//! Writing a token's claims as JSON, straight into the buffer that is encoded next.

use latchkey_api::issuer::v1::TokenToSign;

use crate::error::Error;

/// What the issuer itself knows of a token.
pub(crate) struct Issued<'a> {
    pub(crate) jti: &'a str,
    /// Seconds since the epoch.
    pub(crate) issued_at_s: i64,
    pub(crate) at_hash: Option<&'a str>,
}

/// Appends the claims: first the issuer's, then the members of `claims` and `more_claims` as they are.
///
/// # Errors
/// [`Error::Invalid`] when one of the two is not the text of an object.
pub(crate) fn write_claims(
    json: &mut Vec<u8>,
    token: &TokenToSign,
    issued: &Issued<'_>,
) -> Result<(), Error> {
    json.push(b'{');
    if token.lifetime_s != 0 {
        number(json, "exp", issued.issued_at_s.saturating_add(token.lifetime_s));
    }
    number(json, "iat", issued.issued_at_s);
    text(json, "jti", issued.jti);
    for (name, value) in [
        ("iss", &token.issuer),
        ("typ", &token.token_type),
        ("azp", &token.azp),
        ("sid", &token.session_id),
        ("scope", &token.scope),
    ] {
        if !value.is_empty() {
            text(json, name, value);
        }
    }
    if let Some(at_hash) = issued.at_hash {
        text(json, "at_hash", at_hash);
    }
    splice(json, &token.claims, "claims")?;
    splice(json, &token.more_claims, "more_claims")?;
    json.push(b'}');
    Ok(())
}

fn name(json: &mut Vec<u8>, name: &str) {
    if json.len() > 1 {
        json.push(b',');
    }
    json.push(b'"');
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
}

fn number(json: &mut Vec<u8>, claim: &str, value: i64) {
    name(json, claim);
    serialize(json, &value);
}

fn text(json: &mut Vec<u8>, claim: &str, value: &str) {
    name(json, claim);
    serialize(json, &value);
}

fn serialize(json: &mut Vec<u8>, value: &impl serde::Serialize) {
    value
        .serialize(&mut serde_json::Serializer::new(json))
        .expect("texts and numbers can be written to memory");
}

/// The members of an object, without its braces. It comes from our own services and is not parsed again.
fn splice(json: &mut Vec<u8>, object: &[u8], what: &'static str) -> Result<(), Error> {
    let object = object.trim_ascii();
    if object.is_empty() {
        return Ok(());
    }
    let members = object.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    let members = members.ok_or(Error::Invalid { what, reason: "is not a JSON object" })?.trim_ascii();
    if !members.is_empty() {
        json.push(b',');
        json.extend_from_slice(members);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(token: &TokenToSign) -> Result<String, Error> {
        let mut json = Vec::new();
        write_claims(&mut json, token, &Issued { jti: "j", issued_at_s: 100, at_hash: None })?;
        Ok(String::from_utf8(json).unwrap())
    }

    #[test]
    fn claims_are_spliced_behind_the_issuers_own() {
        let token = TokenToSign {
            lifetime_s: 60,
            issuer: "https://a/\"r\"".into(),
            token_type: "Bearer".into(),
            scope: "email".into(),
            claims: " {\"aud\":\"x\"} ".into(),
            more_claims: "{\"cnf\":{}}".into(),
            ..TokenToSign::default()
        };
        assert_eq!(
            written(&token).unwrap(),
            r#"{"exp":160,"iat":100,"jti":"j","iss":"https://a/\"r\"","typ":"Bearer","scope":"email","aud":"x","cnf":{}}"#
        );
    }

    #[test]
    fn empty_objects_add_nothing_and_others_are_refused() {
        let token = TokenToSign { claims: "{ }".into(), ..TokenToSign::default() };
        assert_eq!(written(&token).unwrap(), r#"{"iat":100,"jti":"j"}"#);
        for claims in ["[]", "{", "x"] {
            let token = TokenToSign { claims: claims.into(), ..TokenToSign::default() };
            assert!(matches!(written(&token), Err(Error::Invalid { what: "claims", .. })));
        }
    }
}
