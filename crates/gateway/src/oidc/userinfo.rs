//! `GET` and `POST /realms/{realm}/protocol/openid-connect/userinfo`, OpenID Connect Core section 5.3. Faults are told by the
//! challenge alone (RFC 6750 section 3); their bodies are empty.

use super::{
    binding::{ANOTHER_CERTIFICATE, Confirmation},
    cors, discovery,
    dpop::{self, ProvenRequest},
    encryption::Encryption,
    error::{Caching, Error},
    form::FormBody,
    grant::refresh_token::is_refresh,
    live_token::{self, Lapsed, check, verify},
    presented_token::{Scheme, in_header},
    realm::{self, RealmName},
    resolve::{has_scope, resolve, service_account_notes},
    signed_answer::SignedAnswer,
};
use crate::{App, address::base_url, request_context::RequestContext};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use latchkey_api::{registry::v1::Realm, roles::v1::ResolveRequest};
use serde_json::{Map, Value};

/// A client attribute: the algorithm that userinfo is signed with.
const SIGNED_WITH: &str = "user.info.response.signature.alg";

/// Userinfo, as its client wants it.
enum Told {
    Json(Map<String, Value>),
    Jwt(String),
}

/// Why userinfo is not given.
#[derive(Debug)]
enum Fault {
    /// No token, or one in the query: just the challenge.
    NoToken,
    /// A fault of the proof that a bound token needs.
    Dpop(dpop::Fault),
    /// In the header and in the form.
    TwoTokens,
    InvalidToken(&'static str),
    MissingScope,
    Failed(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Dpop(fault) => Self::Dpop(fault),
            Error::CertificateOfAnother => Self::InvalidToken(ANOTHER_CERTIFICATE),
            error => Self::Failed(error),
        }
    }
}

impl From<Lapsed> for Fault {
    fn from(lapsed: Lapsed) -> Self {
        Self::InvalidToken(match lapsed {
            Lapsed::Unverified | Lapsed::Stale | Lapsed::ClientUnknown | Lapsed::Revoked => {
                "Token verification failed"
            }
            Lapsed::ClientDisabled => "Client disabled",
            Lapsed::SessionEnded => "user_session_not_found",
            Lapsed::AccountDisabled => "User disabled",
            Lapsed::AccountUnknown | Lapsed::AccountStale => "User not valid",
            Lapsed::Failed(error) => return Self::Failed(error),
        })
    }
}

/// Userinfo by GET.
pub(crate) async fn get(
    State(app): State<App>,
    RealmName(realm_name): RealmName,
    context: RequestContext,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    answer(&app, &context, &realm_name, &headers, (Method::GET, uri.path()), None).await
}

/// Userinfo by POST: the token may be the form's `access_token` (RFC 6750 section 2.2).
pub(crate) async fn post(
    State(app): State<App>,
    RealmName(realm_name): RealmName,
    context: RequestContext,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match FormBody::read(&headers, body, app.config.max_form_bytes).await {
        Ok(body) => {
            let form = body.form();
            answer(
                &app,
                &context,
                &realm_name,
                &headers,
                (Method::POST, uri.path()),
                form.get_nonempty("access_token"),
            )
            .await
        }
        Err(error) => error.response(context.id(), Caching::NoStore),
    }
}

async fn answer(
    app: &App,
    context: &RequestContext,
    realm_name: &str,
    headers: &HeaderMap,
    target: (Method, &str),
    in_form: Option<&str>,
) -> Response {
    // A disabled realm still answers here.
    let realm = match realm::find(app, realm_name).await {
        Ok(realm) => realm,
        Err(error) => return error.response(context.id(), Caching::NoStore),
    };
    let response = match userinfo(app, context, &realm, headers, target, in_form).await {
        Ok(told) => {
            let (content_type, body) = match told {
                Told::Json(claims) => ("application/json", Value::Object(claims).to_string()),
                Told::Jwt(jwt) => ("application/jwt", jwt),
            };
            let mut response = Response::new(Body::from(body));
            let answer = response.headers_mut();
            answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
            answer.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(Fault::Failed(error)) => error.response(context.id(), Caching::NoStore),
        Err(fault) => challenge(&realm.name, &fault),
    };
    cors::publish(response, headers)
}

fn challenge(realm_name: &str, fault: &Fault) -> Response {
    let (status, error, description) = match fault {
        Fault::NoToken => (StatusCode::UNAUTHORIZED, "", ""),
        Fault::TwoTokens => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "More than one method used for including an access token",
        ),
        Fault::Dpop(fault) => {
            let algorithms = discovery::ASYMMETRIC.join(" ");
            let challenge =
                format!(r#"DPoP algs="{algorithms}", error="invalid_token", error_description="{fault}""#);
            return with_challenge(StatusCode::UNAUTHORIZED, challenge);
        }
        Fault::InvalidToken(why) => (StatusCode::UNAUTHORIZED, "invalid_token", *why),
        Fault::MissingScope => (StatusCode::FORBIDDEN, "insufficient_scope", "Missing openid scope"),
        Fault::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "", ""),
    };
    let realm_name = realm_name.replace(['"', '\\'], "");
    let challenge = match error {
        "" => format!("Bearer realm=\"{realm_name}\""),
        _ => format!("Bearer realm=\"{realm_name}\", error=\"{error}\", error_description=\"{description}\""),
    };
    with_challenge(status, challenge)
}

fn with_challenge(status: StatusCode, challenge: String) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(challenge) = HeaderValue::try_from(challenge) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn userinfo(
    app: &App,
    context: &RequestContext,
    realm: &Realm,
    headers: &HeaderMap,
    (method, path): (Method, &str),
    in_form: Option<&str>,
) -> Result<Told, Fault> {
    let (scheme, presented) = match (in_header(headers), in_form) {
        (Some(_), Some(_)) => return Err(Fault::TwoTokens),
        (Some(scheme_and_token), None) => scheme_and_token,
        (None, Some(token)) => (Scheme::Bearer, token),
        (None, None) => return Err(Fault::NoToken),
    };
    let issuer = base_url::issuer(&app.config, context, realm);
    let token = verify(app, realm, &issuer, presented).await?;
    if is_refresh(&token) || token.token_type == "ID" {
        return Err(Lapsed::Unverified.into());
    }
    if token.issued_at_s < realm.not_before_s {
        return Err(Lapsed::Stale.into());
    }
    if !has_scope(&token.scope, "openid") {
        return Err(Fault::MissingScope);
    }
    if is_lightweight(&token.jti) {
        return Err(Fault::InvalidToken("Lightweight access token not allowed for userinfo endpoint"));
    }
    let bound = Confirmation::of(&token.claims)?;
    if let Some(jkt) = &bound.jkt {
        let proven = ProvenRequest {
            app,
            context,
            realm_id: &realm.id,
            headers,
            method,
            path,
            access_token: Some(presented),
            nonce: false,
        };
        dpop::prove(&proven, scheme, jkt).await?;
    }
    let live = check(app, realm, token).await?;
    let client = &live.client;
    if !bound.fits_certificate(client, context) {
        return Err(Error::CertificateOfAnother.into());
    }
    let asked = ResolveRequest {
        realm_id: realm.id.clone(),
        client_uuid: client.id.clone(),
        account: Some(live.account()?),
        granted_scope: Some(live.token.scope.clone()),
        notes: live
            .session
            .as_ref()
            .filter(|_| client.service_accounts_enabled)
            .map(|session| service_account_notes(client, session.ip_address.clone()))
            .unwrap_or_default(),
        web_origins: client.web_origins.clone(),
        userinfo: true,
        ..ResolveRequest::default()
    };
    let resolution = resolve(app, asked).await?.map_err(|refusal| live_token::from_refusal(&refusal))?;
    let account = live.check_account(resolution.account)?;
    let mut claims: Map<String, Value> = serde_json::from_slice(&resolution.userinfo_claims)
        .map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))?;
    claims.entry("sub").or_insert(Value::String(account.id));
    let encryption = Encryption::of_userinfo(client)?;
    let told = match client.attributes.get(SIGNED_WITH).filter(|algorithm| !algorithm.is_empty()) {
        None => Told::Json(claims),
        Some(algorithm) => {
            let answer = SignedAnswer {
                issuer,
                audience: client.client_id.clone(),
                algorithm: algorithm.clone(),
                header_type: "JWT",
                claims,
            };
            Told::Jwt(answer.sign(app, realm).await?)
        }
    };
    let Some(encryption) = encryption else { return Ok(told) };
    Ok(Told::Jwt(match told {
        Told::Json(claims) => encryption.encrypt_json(&Value::Object(claims).to_string())?,
        Told::Jwt(jwt) => encryption.encrypt_jwt(&jwt)?,
    }))
}

/// The third and fourth letters of an access token's jti tell.
fn is_lightweight(jti: &str) -> bool {
    jti.split_once(':').is_some_and(|(letters, _)| letters.get(2..4) == Some("lt"))
}
