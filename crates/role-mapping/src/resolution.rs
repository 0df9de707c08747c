//! Answering `Resolve`: from the finished ones if nothing changed, else anew from facts.

use std::sync::Arc;

use bytes::Bytes;
use latchkey_api::roles::v1::resolve_refusal::Reason;
use latchkey_api::roles::v1::resolve_response::Outcome;
use latchkey_api::roles::v1::{
    GrantedRole, Resolution, ResolveRefusal, ResolveRequest, ResolveResponse, resolve_request,
};

use crate::cache::resolutions::{Account, Finished};
use crate::error::Error;
use crate::resolve::{Answer, Ask, ClaimSet, Facts, Notes, Refusal, Wanted, resolve};
use crate::service::RoleMappingService;

impl RoleMappingService {
    pub(crate) async fn resolve(&self, asked: ResolveRequest) -> Result<ResolveResponse, Error> {
        if let Some(finished) = self.resolutions.get(&asked) {
            return Ok(granted(&asked, &finished));
        }
        self.resolve_anew(asked).await
    }

    async fn resolve_anew(&self, asked: ResolveRequest) -> Result<ResolveResponse, Error> {
        let realm_id = &asked.realm_id;
        let Some(client) = self.facts.client(realm_id, &asked.client_uuid).await? else {
            return Ok(refused(Reason::ClientNotFound, String::new()));
        };
        let account_id = match &asked.account {
            Some(resolve_request::Account::UserId(id)) => Some(id),
            Some(resolve_request::Account::ServiceAccount(_)) => client.service_account.as_ref(),
            None => return Err(Error::Invalid { what: "account", reason: "is missing" }),
        };
        let account = match account_id {
            Some(id) => self.facts.account(realm_id, id).await?,
            None => None,
        };
        let Some(account) = account else { return Ok(refused(Reason::AccountNotFound, String::new())) };
        if !account.enabled {
            return Ok(refused(Reason::AccountDisabled, account.username.clone()));
        }
        let realm = self.facts.realm(realm_id).await?;

        let facts = Facts { realm: &realm, client: &client, account: &account };
        let mut ask = ask(&asked);
        let mut answer = match resolve(facts, &ask) {
            Ok(answer) => answer,
            Err(refusal) => return Ok(refusal.into()),
        };
        let entangled = claim_sets(&answer).into_iter().flatten().any(|claims| claims.entangled);
        if entangled {
            ask.notes = Notes::Given(&asked.notes);
            answer = match resolve(facts, &ask) {
                Ok(answer) => answer,
                Err(refusal) => return Ok(refusal.into()),
            };
        }
        let told = Account {
            id: account.id.clone(),
            username: account.username.clone(),
            not_before_s: account.not_before_s,
        };
        let epochs = [realm.epochs()[0], client.epochs()[1], account.epochs()[1]];
        let finished = Arc::new(Finished::new(&asked, epochs, told, answer));
        if !entangled {
            self.resolutions.keep(Arc::clone(&finished));
        }
        Ok(granted(&asked, &finished))
    }
}

fn ask(asked: &ResolveRequest) -> Ask<'_> {
    Ask {
        scope: asked.scope.as_deref(),
        granted_scope: asked.granted_scope.as_deref(),
        destinations: Wanted {
            access_token: asked.access_token,
            lightweight: asked.lightweight,
            id_token: asked.id_token,
            userinfo: asked.userinfo,
            introspection: asked.introspection,
            roles: asked.roles,
        },
        notes: Notes::Later,
        web_origins: &asked.web_origins,
        audience: &asked.audience,
        sector_identifier: &asked.sector_identifier,
        session: asked.session,
    }
}

fn claim_sets(answer: &Answer) -> [Option<&ClaimSet>; 4] {
    let Answer { access_token, id_token, userinfo, introspection, .. } = answer;
    [access_token.as_ref(), id_token.as_ref(), userinfo.as_ref(), introspection.as_ref()]
}

fn granted(asked: &ResolveRequest, finished: &Finished) -> ResolveResponse {
    let answer = &finished.answer;
    let claims = |set: Option<&ClaimSet>| -> Bytes {
        set.map(|set| set.complete(|note| asked.notes.get(note).map(String::as_str)).into())
            .unwrap_or_default()
    };
    let [access_token, id_token, userinfo, introspection] = claim_sets(answer).map(claims);
    let roles = answer.roles.iter().map(|role| GrantedRole {
        client_id: role.client_id.clone(),
        client_uuid: role.client_uuid.clone(),
        name: role.name.clone(),
    });
    let resolution = Resolution {
        account: Some(latchkey_api::roles::v1::Account {
            id: finished.account.id.clone(),
            username: finished.account.username.clone(),
            not_before_s: finished.account.not_before_s,
        }),
        scope: answer.scope.clone(),
        granted_scope: answer.granted_scope.clone(),
        openid: answer.openid,
        offline_access: answer.offline_access,
        access_token_claims: access_token,
        id_token_claims: id_token,
        userinfo_claims: userinfo,
        introspection_claims: introspection,
        roles: roles.collect(),
    };
    ResolveResponse { outcome: Some(Outcome::Resolution(resolution)) }
}

fn refused(reason: Reason, detail: String) -> ResolveResponse {
    ResolveResponse { outcome: Some(Outcome::Refusal(ResolveRefusal { reason: reason.into(), detail })) }
}

impl From<Refusal> for ResolveResponse {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidScope => refused(Reason::InvalidScope, String::new()),
            Refusal::AudienceNotAvailable(audience) => refused(Reason::AudienceNotAvailable, audience),
        }
    }
}
