//! `POST /realms/{realm}/protocol/openid-connect/token/introspect`, RFC 7662.
//!
//! A token is active to a caller who is in its audience once the introspection mappers have run on the state as it is now. A
//! refresh token is active to its own client only, and only with the hint.

use super::{
    authenticate::{AuthenticatedClient, authenticate},
    cors,
    error::{Caching, Error},
    form_request::FormRequest,
    grant::refresh_token::is_refresh,
    issue::algorithm,
    live_token::{self, Lapsed, LiveToken, check, verify},
    resolve::{is_true, resolve, service_account_notes},
    signed_answer::SignedAnswer,
};
use crate::{App, address::base_url, login_events::LoginAttempt, request_context::RequestContext, signing};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use latchkey_api::{issuer::v1::TokenToSign, roles::v1::ResolveRequest};
use serde_json::{Map, Value};

/// The claims of the token itself that an answer repeats; all others come from the mappers.
const OWN_CLAIMS: [&str; 14] = [
    "exp",
    "iat",
    "nbf",
    "auth_time",
    "jti",
    "iss",
    "aud",
    "sub",
    "typ",
    "azp",
    "sid",
    "scope",
    "cnf",
    "act",
];

/// What UMA's tokens answer.
const RPT_CLAIMS: [&str; 6] = ["aud", "exp", "iat", "jti", "typ", "acr"];

/// An attribute of the caller: with `Accept: application/jwt` the answer gains a signed copy of the claims.
const JWT_CLAIM: &str = "client.introspection.response.allow.jwt.claim.enabled";

/// The media type of answers that are JWTs (RFC 9701 section 4), and the `typ` of their JOSE header.
const JWT_ANSWER: &str = "application/token-introspection+jwt";
const JWT_ANSWER_TYPE: &str = "token-introspection+jwt";
/// An attribute of the caller, RFC 9701's `introspection_signed_response_alg`: what they are signed with, else as the realm signs.
const SIGNED_WITH: &str = "introspection.signed.response.alg";

/// `token_type_hint`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Access,
    Refresh,
    RequestingParty,
}

/// Answers whether a token is active, and what it says.
pub(crate) async fn introspect(State(app): State<App>, request: FormRequest) -> Response {
    let FormRequest { context, realm_name, headers, body, .. } = request;
    let form = body.form();
    let failed = |error: Error| error.response(context.id(), Caching::Unsaid);
    let caller = match authenticate(&app, &context, &realm_name, &headers, &form).await {
        Ok(caller) => caller,
        Err(refused) => {
            return failed(match refused.error {
                Error::ClientCredentialsInvalid => Error::CallerCredentialsInvalid,
                error => error,
            });
        }
    };
    if caller.client.public_client {
        return failed(Error::CallerNotAllowed);
    }
    if form.has_duplicates() {
        return failed(Error::DuplicatedParameter);
    }
    let Some(token) = form.get("token") else { return failed(Error::TokenToIntrospectMissing) };
    let hint = match form.get("token_type_hint") {
        None | Some("" | "access_token") => Hint::Access,
        Some("refresh_token") => Hint::Refresh,
        Some("requesting_party_token") => Hint::RequestingParty,
        Some(_) => return failed(Error::TokenTypeHintUnknown),
    };

    let described = describe(&app, &context, &caller, token, hint, &headers).await;
    let told = match described {
        Ok(claims) => tell(&app, &context, &caller, &headers, claims).await,
        Err(Lapsed::Failed(error)) => Err(error),
        Err(lapsed) => {
            tracing::debug!(request.id = context.id(), cause = %lapsed, "an inactive token was introspected");
            if caller.realm.events_enabled {
                let mut attempt = LoginAttempt::new(&context, &caller.client.client_id);
                attempt.error = "invalid_token";
                attempt.detail("client_auth_method", &caller.method);
                app.login_events.record(&caller.realm, "INTROSPECT_TOKEN_ERROR", attempt);
            }
            let inactive = Map::from_iter([("active".to_owned(), Value::Bool(false))]);
            tell(&app, &context, &caller, &headers, inactive).await
        }
    };
    let response = told.unwrap_or_else(failed);
    match cors::origin(&headers) {
        Some(origin) if cors::is_allowed(origin, &caller.client) => cors::expose(response, origin),
        _ => response,
    }
}

/// An answer with these members: plain, or signed where the caller accepts that.
async fn tell(
    app: &App,
    context: &RequestContext,
    caller: &AuthenticatedClient,
    headers: &HeaderMap,
    members: Map<String, Value>,
) -> Result<Response, Error> {
    let (content_type, body) = if accepts(headers, JWT_ANSWER) {
        (JWT_ANSWER, as_jwt(app, context, caller, members).await?)
    } else {
        ("application/json", Value::Object(members).to_string())
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The members of an answer for an active token.
async fn describe(
    app: &App,
    context: &RequestContext,
    caller: &AuthenticatedClient,
    token: &str,
    hint: Hint,
    headers: &HeaderMap,
) -> Result<Map<String, Value>, Lapsed> {
    let realm = &caller.realm;
    let issuer = base_url::issuer(&app.config, context, realm);
    let token = verify(app, realm, &issuer, token).await?;
    let own_refresh = hint == Hint::Refresh && token.azp == caller.client.client_id;
    if is_refresh(&token) && !own_refresh {
        return Err(Lapsed::Unverified);
    }
    let live = check(app, realm, token).await?;
    let (mut claims, username, user_id) = current_claims(app, &live).await?;
    if !is_refresh(&live.token) && !in_audience(claims.get("aud"), &caller.client.client_id) {
        return Err(Lapsed::Unverified);
    }

    if hint == Hint::RequestingParty {
        claims.retain(|name, _| RPT_CLAIMS.contains(&name.as_str()));
        claims.insert("active".to_owned(), Value::Bool(true));
        return Ok(claims);
    }
    let jwt = if accepts(headers, "application/jwt") && is_true(&caller.client, JWT_CLAIM) {
        Some(signed(app, caller, &live, claims.clone()).await?)
    } else {
        None
    };
    claims.entry("sub").or_insert(Value::String(user_id));
    claims.insert("client_id".to_owned(), Value::String(live.token.azp));
    claims.insert("username".to_owned(), Value::String(username));
    claims.insert("token_type".to_owned(), Value::String(live.token.token_type));
    claims.insert("active".to_owned(), Value::Bool(true));
    if let Some(jwt) = jwt {
        claims.insert("jwt".to_owned(), Value::String(jwt));
    }
    Ok(claims)
}

/// The token's own claims, and the mapped ones as they are now, with the username and id of its account.
async fn current_claims(app: &App, live: &LiveToken) -> Result<(Map<String, Value>, String, String), Lapsed> {
    let LiveToken { token, client, session } = live;
    let asked = ResolveRequest {
        realm_id: client.realm_id.clone(),
        client_uuid: client.id.clone(),
        account: Some(live.account()?),
        granted_scope: Some(token.scope.clone()),
        notes: session
            .as_ref()
            .filter(|_| client.service_accounts_enabled)
            .map(|session| service_account_notes(client, session.ip_address.clone()))
            .unwrap_or_default(),
        web_origins: client.web_origins.clone(),
        introspection: true,
        ..ResolveRequest::default()
    };
    let resolution = resolve(app, asked).await?.map_err(|refusal| live_token::from_refusal(&refusal))?;
    let account = live.check_account(resolution.account)?;

    let mut claims = object(&token.claims)?;
    claims.retain(|name, _| OWN_CLAIMS.contains(&name.as_str()));
    for (name, value) in object(&resolution.introspection_claims)? {
        if name == "aud" {
            let own = claims.remove("aud");
            claims.insert(name, union(own, value));
        } else if !claims.contains_key(&name) {
            claims.insert(name, value);
        }
    }
    Ok((claims, account.username, account.id))
}

fn object(json: &Bytes) -> Result<Map<String, Value>, Lapsed> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(json).map_err(|_| Error::IncompleteAnswer("claims that are a JSON object").into())
}

/// The audiences of both, each once; a single one is text, as in a token.
fn union(own: Option<Value>, mapped: Value) -> Value {
    let mut all = Vec::new();
    for value in own.into_iter().chain([mapped]) {
        let values = match value {
            Value::Array(values) => values,
            single => vec![single],
        };
        for value in values {
            if !all.contains(&value) {
                all.push(value);
            }
        }
    }
    if all.len() == 1 { all.remove(0) } else { Value::Array(all) }
}

fn in_audience(aud: Option<&Value>, client_id: &str) -> bool {
    match aud {
        Some(Value::String(single)) => single == client_id,
        Some(Value::Array(all)) => all.iter().any(|audience| audience == client_id),
        _ => false,
    }
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains(media_type))
}

/// The whole answer, signed for the caller (RFC 9701 section 5): who relies on it can prove later what it was told.
async fn as_jwt(
    app: &App,
    context: &RequestContext,
    caller: &AuthenticatedClient,
    members: Map<String, Value>,
) -> Result<String, Error> {
    let (realm, client) = (&caller.realm, &caller.client);
    let answer = SignedAnswer {
        issuer: base_url::issuer(&app.config, context, realm),
        audience: client.client_id.clone(),
        algorithm: algorithm(realm, client, SIGNED_WITH),
        header_type: JWT_ANSWER_TYPE,
        claims: Map::from_iter([("token_introspection".to_owned(), Value::Object(members))]),
    };
    answer.sign(app, realm).await
}

/// The claims as a token of their own, signed as the realm signs.
async fn signed(
    app: &App,
    caller: &AuthenticatedClient,
    live: &LiveToken,
    mut claims: Map<String, Value>,
) -> Result<String, Lapsed> {
    let token = &live.token;
    // The issuer writes these.
    for name in ["exp", "iat", "jti", "iss", "typ", "azp", "sid", "scope"] {
        claims.remove(name);
    }
    let now_s = app.clock.now_ms() / 1000;
    let to_sign = TokenToSign {
        algorithm: algorithm(&caller.realm, &caller.client, SIGNED_WITH),
        header_type: "JWT".to_owned(),
        token_type: token.token_type.clone(),
        jti: token.jti.clone(),
        lifetime_s: if token.expires_at_s > 0 { (token.expires_at_s - now_s).max(1) } else { 0 },
        issuer: token.issuer.clone(),
        azp: token.azp.clone(),
        session_id: token.session_id.clone(),
        scope: token.scope.clone(),
        claims: Bytes::from(Value::Object(claims).to_string()),
        ..TokenToSign::default()
    };
    Ok(signing::sign(&app.services, &caller.realm.id, to_sign).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn audiences_are_united() {
        for (own, mapped, all) in [
            (None, json!("a"), json!("a")),
            (Some(json!("a")), json!("a"), json!("a")),
            (Some(json!("a")), json!(["b", "a"]), json!(["a", "b"])),
            (Some(json!(["a", "b"])), json!("c"), json!(["a", "b", "c"])),
        ] {
            assert_eq!(union(own, mapped), all);
        }
        assert!(in_audience(Some(&json!(["a", "b"])), "b") && in_audience(Some(&json!("a")), "a"));
        assert!(!in_audience(Some(&json!("ab")), "a") && !in_audience(None, "a"));
    }
}
