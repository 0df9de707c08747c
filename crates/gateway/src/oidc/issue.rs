//! The end of every grant: open the session where there is one, have the tokens signed, and say what was given.

use super::{
    binding::confirmation,
    dpop::Binding,
    encryption::Encryption,
    error::Error,
    grant::{Grant, TokenRequest, token_exchange},
    json_object::JsonObject,
    resolve::{LIGHTWEIGHT, is_true},
    session_lifetime::{access_token_lifespan, session_bounds},
};
use crate::address::base_url;
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use latchkey_api::{
    issuer::v1::{IssueRequest, TokenToSign},
    registry::v1::{Client, Realm},
    roles::v1::Resolution,
    session::v1::{OpenRequest, SessionKind},
};
use latchkey_platform::random;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use tonic::Request;

/// A client attribute: the JOSE header of access tokens says `at+jwt` (RFC 9068).
const RFC9068_HEADER: &str = "access.token.header.type.rfc9068";
/// A client attribute: the answer says `bearer` in lower case.
const LOWER_CASE_BEARER: &str = "token.response.type.bearer.lower-case";

/// What a grant has decided to give.
pub(crate) struct Issuance {
    pub(crate) grant: Grant,
    pub(crate) resolution: Resolution,
    pub(crate) session: Option<OpenedSession>,
    pub(crate) form: TokenForm,
}

/// How the answer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenForm {
    Plain,
    /// See [`super::compatibility`].
    Classic,
    /// With `issued_token_type` (RFC 8693 section 2.2.1).
    Exchanged,
    /// The id token stands where the access token is else.
    ExchangedForIdToken,
}

impl TokenForm {
    pub(crate) fn plain_or_classic(classic: bool) -> Self {
        if classic { Self::Classic } else { Self::Plain }
    }
}

/// A session that the tokens belong to, with the refresh token that is to be signed.
pub(crate) struct OpenedSession {
    pub(crate) id: String,
    pub(crate) kind: SessionKind,
    pub(crate) refresh_jti: String,
    /// Seconds; 0 for never.
    pub(crate) refresh_expires_in_s: i64,
    pub(crate) session_expires_in_s: i64,
    /// Whether the client gets its refresh token.
    pub(crate) gives_refresh_token: bool,
}

/// A successful answer of the token endpoint (RFC 6749 section 5.1), and what its event tells.
pub(crate) struct TokenAnswer {
    body: String,
    form: TokenForm,
    pub(crate) jti: String,
    pub(crate) scope: String,
    pub(crate) user_id: String,
    pub(crate) username: String,
    pub(crate) session: Option<OpenedSession>,
}

/// A new refresh token's id.
pub(crate) fn new_refresh_jti() -> String {
    random::uuid()
}

/// Begins a session of the resolved account at the client.
pub(crate) async fn open_session(
    request: &TokenRequest<'_>,
    kind: SessionKind,
    resolution: &Resolution,
) -> Result<OpenedSession, Error> {
    let TokenRequest { app, context, realm, client, .. } = request;
    let account = resolution.account.as_ref().ok_or(Error::IncompleteAnswer("the account"))?;
    // Before there is a session that nobody gets.
    request.certificate.thumbprint()?;
    let bounds = session_bounds(realm, client, kind);
    let refresh_jti = new_refresh_jti();
    let asked = OpenRequest {
        realm_id: realm.id.clone(),
        kind: kind.into(),
        client_uuid: client.id.clone(),
        client_id: client.client_id.clone(),
        user_id: account.id.clone(),
        username: account.username.clone(),
        ip_address: context.client_address().to_owned(),
        refresh_jti: refresh_jti.clone(),
        idle_s: bounds.idle_s,
        max_s: bounds.max_s,
    };
    let opened = app.services.sessions.open(Request::new(asked)).await?.into_inner();
    Ok(OpenedSession {
        id: opened.session_id,
        kind,
        refresh_jti,
        refresh_expires_in_s: opened.refresh_expires_in_s,
        session_expires_in_s: opened.session_expires_in_s,
        gives_refresh_token: true,
    })
}

/// Has the tokens signed.
pub(crate) async fn issue(request: &TokenRequest<'_>, issuance: Issuance) -> Result<TokenAnswer, Error> {
    let TokenRequest { app, context, realm, client, binding, .. } = request;
    let Issuance { grant, resolution, session, form } = issuance;
    let thumbprint = request.certificate.thumbprint()?;
    let issuer = base_url::issuer(&app.config, context, realm);
    let lifetime_s = access_token_lifespan(
        realm,
        client,
        session.as_ref().map_or(0, |session| session.session_expires_in_s),
    );
    let session_id = session.as_ref().map(|session| session.id.clone()).unwrap_or_default();

    let refresh_token = session
        .as_ref()
        .filter(|session| session.gives_refresh_token)
        .map(|session| refresh_token(client, &issuer, session, &resolution, (binding.as_ref(), thumbprint)))
        .transpose()?;
    let with_id_token = !resolution.id_token_claims.is_empty();
    let encryption = if with_id_token { Encryption::of_id_tokens(client)? } else { None };
    let id_token = with_id_token.then(|| TokenToSign {
        algorithm: algorithm(realm, client, "id.token.signed.response.alg"),
        header_type: "JWT".to_owned(),
        token_type: "ID".to_owned(),
        lifetime_s,
        issuer: issuer.clone(),
        azp: client.client_id.clone(),
        session_id: session_id.clone(),
        claims: resolution.id_token_claims.clone(),
        at_hash: true,
        ..TokenToSign::default()
    });
    let access_token = TokenToSign {
        algorithm: algorithm(realm, client, "access.token.signed.response.alg"),
        header_type: if is_true(client, RFC9068_HEADER) { "at+jwt" } else { "JWT" }.to_owned(),
        token_type: if binding.is_some() { "DPoP" } else { "Bearer" }.to_owned(),
        more_claims: confirmation(binding.as_ref(), thumbprint),
        jti_prefix: jti_prefix(grant, client, session.as_ref()),
        lifetime_s,
        issuer,
        azp: client.client_id.clone(),
        session_id,
        scope: resolution.scope.clone(),
        claims: resolution.access_token_claims,
        ..TokenToSign::default()
    };
    let mut signed = app
        .services
        .issuer
        .issue(Request::new(IssueRequest {
            realm_id: realm.id.clone(),
            access_token: Some(access_token),
            refresh_token,
            id_token,
        }))
        .await?
        .into_inner();
    if let Some(encryption) = encryption {
        signed.id_token = encryption.encrypt_jwt(&signed.id_token)?;
    }

    let mut body = JsonObject::with_capacity(
        signed.access_token.len() + signed.refresh_token.len() + signed.id_token.len() + 320,
    );
    let (access_token, id_token) = match form {
        TokenForm::ExchangedForIdToken => (&signed.id_token, ""),
        _ => (&signed.access_token, signed.id_token.as_str()),
    };
    body.plain("access_token", access_token);
    body.number("expires_in", lifetime_s);
    let refresh_expires_in_s = session
        .as_ref()
        .filter(|session| session.gives_refresh_token)
        .map_or(0, |session| session.refresh_expires_in_s);
    body.number("refresh_expires_in", refresh_expires_in_s);
    if !signed.refresh_token.is_empty() {
        body.plain("refresh_token", &signed.refresh_token);
    }
    body.plain("token_type", token_type(form, client, binding.as_ref()));
    if !id_token.is_empty() {
        body.plain("id_token", id_token);
    }
    body.number("not-before-policy", realm.not_before_s.max(client.not_before_s));
    if let Some(session) = &session {
        body.plain("session_state", &session.id);
    }
    match form {
        TokenForm::Classic | TokenForm::Plain => {}
        TokenForm::Exchanged => body.plain("issued_token_type", token_exchange::ACCESS_TOKEN),
        TokenForm::ExchangedForIdToken => body.plain("issued_token_type", token_exchange::ID_TOKEN),
    }
    if form != TokenForm::Classic {
        body.text("scope", &resolution.scope);
    }

    let account = resolution.account.unwrap_or_default();
    Ok(TokenAnswer {
        body: body.finish(),
        form,
        jti: signed.jti,
        scope: resolution.scope,
        user_id: account.id,
        username: account.username,
        session,
    })
}

/// Only Keycloak's own servers read a refresh token: it is always HS512, whatever the realm or the client signs with.
fn refresh_token(
    client: &Client,
    issuer: &str,
    session: &OpenedSession,
    resolution: &Resolution,
    (binding, thumbprint): (Option<&Binding>, Option<&str>),
) -> Result<TokenToSign, Error> {
    #[derive(Deserialize)]
    struct Remembered<'a> {
        #[serde(borrow)]
        sub: Option<Cow<'a, str>>,
        #[serde(borrow)]
        aud: Option<&'a RawValue>,
    }
    let access: Remembered<'_> = serde_json::from_slice(&resolution.access_token_claims)
        .map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))?;
    let mut claims = JsonObject::with_capacity(224);
    claims.text("aud", issuer);
    if let Some(sub) = access.sub {
        claims.text("sub", &sub);
    }
    // Keycloak notes the audience of the access token and what the session is kept by.
    if let Some(aud) = access.aud {
        claims.raw("aud_x", aud.get());
    }
    claims.plain("prov", "default");
    let offline = session.kind == SessionKind::Offline;
    Ok(TokenToSign {
        algorithm: "HS512".to_owned(),
        header_type: "JWT".to_owned(),
        token_type: if offline { "Offline" } else { "Refresh" }.to_owned(),
        jti: session.refresh_jti.clone(),
        lifetime_s: session.refresh_expires_in_s,
        issuer: issuer.to_owned(),
        azp: client.client_id.clone(),
        session_id: session.id.clone(),
        scope: resolution.granted_scope.clone(),
        claims: Bytes::from(claims.finish()),
        // RFC 9449 section 5: a confidential client's refresh token is bound by its authentication already.
        more_claims: confirmation(binding.filter(|_| client.public_client), thumbprint),
        ..TokenToSign::default()
    })
}

/// What an attribute of the client says to sign with, else what the realm does.
pub(crate) fn algorithm(realm: &Realm, client: &Client, attribute: &str) -> String {
    match client.attributes.get(attribute).map(String::as_str) {
        Some(algorithm) if !algorithm.is_empty() => algorithm.to_owned(),
        _ => realm_algorithm(realm).to_owned(),
    }
}

/// What a realm signs with where nothing else is said.
pub(crate) fn realm_algorithm(realm: &Realm) -> &str {
    match realm.default_signature_algorithm.as_str() {
        "" => "RS256",
        algorithm => algorithm,
    }
}

/// RFC 6749 section 7.1, RFC 9449 section 5, RFC 8693 section 2.2.1.
fn token_type(form: TokenForm, client: &Client, binding: Option<&Binding>) -> &'static str {
    match form {
        TokenForm::ExchangedForIdToken => "N_A",
        _ if binding.is_some() => "DPoP",
        TokenForm::Classic => "bearer",
        TokenForm::Plain | TokenForm::Exchanged if is_true(client, LOWER_CASE_BEARER) => "bearer",
        TokenForm::Plain | TokenForm::Exchanged => "Bearer",
    }
}

/// Six letters and a colon: the kind of session (`tr`ansient, `on`line, `of`fline), of token (`rt` regular, `lt` lightweight), and
/// the grant.
fn jti_prefix(grant: Grant, client: &Client, session: Option<&OpenedSession>) -> String {
    let mut prefix = String::with_capacity(7);
    prefix.push_str(match session.map(|session| session.kind) {
        None => "tr",
        Some(SessionKind::Offline) => "of",
        Some(SessionKind::Online | SessionKind::Unspecified) => "on",
    });
    prefix.push_str(if is_true(client, LIGHTWEIGHT) { "lt" } else { "rt" });
    prefix.push_str(grant.jti_letters());
    prefix.push(':');
    prefix
}

impl TokenAnswer {
    /// The answer to the client.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = Response::new(Body::from(std::mem::take(&mut self.body)));
        let content_type = if self.form == TokenForm::Classic {
            "application/json;charset=UTF-8"
        } else {
            "application/json"
        };
        let headers = response.headers_mut();
        headers.reserve(10);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        response
    }
}
