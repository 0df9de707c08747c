//! Whether a token that this realm once signed still counts: its time, its client, its session, its revocation, its account.

use super::{error::Error, issue::OpenedSession};
use crate::App;
use latchkey_api::{
    issuer::v1::{VerifiedToken, VerifyRequest, verify_response},
    registry::v1::{Client, FindClientRequest, Realm},
    roles::v1::{Account, ResolveRefusal, resolve_refusal::Reason, resolve_request},
    session::v1::{CheckRequest, Session},
};
use tonic::{Code, Request};

/// A token whose signature, time, client, session and revocation have been checked. Its account is checked when its claims are
/// resolved ([`LiveToken::check_account`]).
pub(crate) struct LiveToken {
    pub(crate) token: VerifiedToken,
    pub(crate) client: Client,
    pub(crate) session: Option<Session>,
}

/// Why a token does not count, in the order in which it is found out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lapsed {
    /// Not a token of this realm, or expired.
    #[error("the token is not valid")]
    Unverified,
    /// Issued before the realm's or the client's not-before.
    #[error("the token was issued before a not-before")]
    Stale,
    /// Its client is gone.
    #[error("the token's client does not exist")]
    ClientUnknown,
    /// The token itself was revoked.
    #[error("the token was revoked")]
    Revoked,
    #[error("the token's client is disabled")]
    ClientDisabled,
    #[error("the token's session has ended")]
    SessionEnded,
    #[error("the token's account is disabled")]
    AccountDisabled,
    #[error("the token's account does not exist")]
    AccountUnknown,
    /// Issued before the account's not-before.
    #[error("the token was issued before its account's not-before")]
    AccountStale,
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<tonic::Status> for Lapsed {
    fn from(status: tonic::Status) -> Self {
        Self::Failed(Error::Service(status))
    }
}

/// Verifies a token's signature, time and issuer.
pub(crate) async fn verify(
    app: &App,
    realm: &Realm,
    issuer: &str,
    token: &str,
) -> Result<VerifiedToken, Lapsed> {
    if token.is_empty() {
        return Err(Lapsed::Unverified);
    }
    let asked = VerifyRequest { realm_id: realm.id.clone(), token: token.to_owned(), allow_expired: false };
    let answer = app.services.issuer.verify(Request::new(asked)).await?.into_inner();
    match answer.outcome {
        Some(verify_response::Outcome::Verified(token)) if token.issuer == issuer => Ok(token),
        Some(_) => Err(Lapsed::Unverified),
        None => Err(Error::IncompleteAnswer("an outcome of verification").into()),
    }
}

/// Checks what stands behind a verified token.
pub(crate) async fn check(app: &App, realm: &Realm, token: VerifiedToken) -> Result<LiveToken, Lapsed> {
    let client = find_client(app, realm, &token.azp).await?;
    if token.issued_at_s < realm.not_before_s.max(client.not_before_s) {
        return Err(Lapsed::Stale);
    }
    let asked = CheckRequest {
        realm_id: realm.id.clone(),
        session_id: token.session_id.clone(),
        // An exchanged token lives in the session of another client's token.
        client_uuid: if is_exchanged(&token.jti) { String::new() } else { client.id.clone() },
        jti: token.jti.clone(),
    };
    let state = app.services.sessions.check(Request::new(asked)).await?.into_inner();
    if state.revoked {
        return Err(Lapsed::Revoked);
    }
    if !client.enabled {
        return Err(Lapsed::ClientDisabled);
    }
    if !state.session_active {
        return Err(Lapsed::SessionEnded);
    }
    Ok(LiveToken { token, client, session: state.session })
}

async fn find_client(app: &App, realm: &Realm, client_id: &str) -> Result<Client, Lapsed> {
    let asked = FindClientRequest { realm_id: realm.id.clone(), client_id: client_id.to_owned() };
    match app.services.registry.find_client(Request::new(asked)).await {
        Ok(response) => {
            response.into_inner().client.ok_or_else(|| Error::IncompleteAnswer("a client").into())
        }
        Err(status) if status.code() == Code::NotFound => Err(Lapsed::ClientUnknown),
        Err(status) => Err(status.into()),
    }
}

/// The fifth and sixth letters of an access token's jti tell the grant.
fn is_exchanged(jti: &str) -> bool {
    jti.split_once(':').is_some_and(|(letters, _)| letters.get(4..6) == Some("te"))
}

impl LiveToken {
    /// The token's session as one that another token joins, without a refresh token of its own.
    pub(crate) fn joined_session(&self) -> Option<OpenedSession> {
        let session = self.session.as_ref()?;
        Some(OpenedSession {
            id: session.id.clone(),
            kind: session.kind(),
            refresh_jti: String::new(),
            refresh_expires_in_s: 0,
            session_expires_in_s: 0,
            gives_refresh_token: false,
        })
    }

    /// The account that the token is about: by its subject, or by its session where it names none (lightweight tokens).
    pub(crate) fn account(&self) -> Result<resolve_request::Account, Lapsed> {
        let session_user = || self.session.as_ref().map(|session| session.user_id.clone());
        let subject = Some(self.token.subject.clone()).filter(|subject| !subject.is_empty());
        subject.or_else(session_user).map(resolve_request::Account::UserId).ok_or(Lapsed::AccountUnknown)
    }

    /// Checks the account that its claims were resolved for.
    pub(crate) fn check_account(&self, account: Option<Account>) -> Result<Account, Lapsed> {
        let account = account.ok_or(Error::IncompleteAnswer("the account"))?;
        if self.token.issued_at_s < account.not_before_s { Err(Lapsed::AccountStale) } else { Ok(account) }
    }
}

/// What a refusal to resolve a token's claims says of the token.
pub(crate) fn from_refusal(refusal: &ResolveRefusal) -> Lapsed {
    match refusal.reason() {
        Reason::AccountDisabled => Lapsed::AccountDisabled,
        Reason::ClientNotFound => Lapsed::ClientUnknown,
        Reason::AccountNotFound
        | Reason::InvalidScope
        | Reason::AudienceNotAvailable
        | Reason::Unspecified => Lapsed::AccountUnknown,
    }
}
