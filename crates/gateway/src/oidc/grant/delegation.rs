//! Delegation in a token exchange (RFC 8693 sections 4.1 and 4.4): the claim `act` of the new token says who acts for its subject,
//! and within it who did before. Keycloak's standard token exchange has no actors and passes `actor_token` over; so does a client
//! here that does not ask for them by an attribute.

use super::{
    TokenRequest,
    token_exchange::{ACCESS_TOKEN, live_access_token, require_audience},
};
use crate::oidc::{
    error::Error,
    live_token::{Lapsed, LiveToken, from_refusal},
    resolve::{access_token_request, is_true, resolve},
};
use bytes::Bytes;
use latchkey_api::{issuer::v1::VerifiedToken, roles::v1::Account};
use serde_json::{Map, Value, json};

/// An attribute of the requester: it may name who acts.
const ENABLED: &str = "latchkey.token-exchange.delegation";

/// How many may have acted for one subject, one after the other.
const LONGEST_CHAIN: usize = 8;

/// The claim `act` of the token that a subject token is exchanged for; `None` where nobody acts. A chain that the subject token has is
/// kept whoever exchanges it: nobody can shake the actors off.
pub(super) async fn act(
    request: &TokenRequest<'_>,
    issuer: &str,
    subject: &VerifiedToken,
) -> Result<Option<Value>, Error> {
    let claims = object(&subject.claims)?;
    let before = claims.get("act").filter(|act| act.is_object());
    let form = request.form;
    let (token, kind) = match is_true(request.client, ENABLED) {
        true => (form.get_nonempty("actor_token"), form.get_nonempty("actor_token_type")),
        false => (None, None),
    };
    let token = match (token, kind) {
        (None, None) => return Ok(before.cloned()),
        (Some(token), Some(ACCESS_TOKEN)) => token,
        (Some(_), Some(_)) => return Err(Error::ActorTokenType),
        (Some(_), None) => return Err(Error::ActorTokenTypeMissing),
        (None, Some(_)) => return Err(Error::ActorTokenMissing),
    };
    let (actor, account) = actor(request, issuer, token).await?;
    let act = json!({ "sub": account.id, "client_id": actor.token.azp });
    if claims.get("may_act").is_some_and(|may_act| !allows(may_act, &act)) {
        return Err(Error::ActorNotAllowed);
    }
    chain(act, before).map(Some)
}

/// The claims with who acts for their subject.
pub(super) fn with_act(claims: &Bytes, act: Value) -> Result<Bytes, Error> {
    let mut claims = object(claims)?;
    claims.insert("act".to_owned(), act);
    Ok(Bytes::from(Value::Object(claims).to_string()))
}

/// Who shows an actor token: a live access token of this realm that was issued to the requester, or for it.
async fn actor(request: &TokenRequest<'_>, issuer: &str, token: &str) -> Result<(LiveToken, Account), Error> {
    let checked = async {
        let actor = live_access_token(request, issuer, token).await?;
        let wanted = access_token_request(&actor.client, actor.account()?);
        let resolution = resolve(request.app, wanted).await?.map_err(|refusal| from_refusal(&refusal))?;
        let account = actor.check_account(resolution.account)?;
        Ok((actor, account))
    };
    let (actor, account) = checked.await.map_err(|lapsed| match lapsed {
        Lapsed::Failed(error) => error,
        _ => Error::ActorTokenInvalid,
    })?;
    require_audience(request, &actor)?;
    Ok((actor, account))
}

/// Whether a `may_act` names the actor: each of its members has to be one of the actor's.
fn allows(may_act: &Value, act: &Value) -> bool {
    let Some(wanted) = may_act.as_object() else { return false };
    !wanted.is_empty() && wanted.iter().all(|(name, value)| act.get(name) == Some(value))
}

/// The new actor in front of those before.
fn chain(mut act: Value, before: Option<&Value>) -> Result<Value, Error> {
    let Some(before) = before else { return Ok(act) };
    let earlier = std::iter::successors(Some(before), |act| act.get("act"));
    if earlier.count() >= LONGEST_CHAIN {
        return Err(Error::DelegationTooLong);
    }
    act["act"] = before.clone();
    Ok(act)
}

fn object(json: &Bytes) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(json).map_err(|_| Error::IncompleteAnswer("claims that are a JSON object"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_the_last_actor_first_and_has_an_end() {
        let mut act = json!({"sub": "0"});
        for n in 1..LONGEST_CHAIN {
            act = chain(json!({"sub": n.to_string()}), Some(&act)).unwrap();
        }
        assert_eq!((&act["sub"], &act["act"]["sub"]), (&json!("7"), &json!("6")));
        assert!(matches!(chain(json!({"sub": "8"}), Some(&act)), Err(Error::DelegationTooLong)));
    }

    #[test]
    fn may_act_has_to_fit_in_each_member() {
        let act = json!({"sub": "s", "client_id": "c"});
        for (may_act, allowed) in [
            (json!({"sub": "s"}), true),
            (json!({"client_id": "c", "sub": "s"}), true),
            (json!({"client_id": "d", "sub": "s"}), false),
            (json!({"iss": "https://elsewhere", "sub": "s"}), false),
            (json!({}), false),
            (json!("s"), false),
        ] {
            assert_eq!(allows(&may_act, &act), allowed, "{may_act}");
        }
    }
}
