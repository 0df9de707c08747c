//! `/admin/realms/{realm}/push-revocation` and `…/clients/{id}/push-revocation`: clients are told at their admin URLs that tokens from
//! before a time (not-before) count no more.

use super::{
    answer::json,
    authorization::{Admin, ManageClients, ManageRealm, RealmAdmin},
    clients::ClientPath,
    error::{Answer, Error},
};
use crate::{App, address::base_url, oidc::issue::realm_algorithm};
use axum::{Router, extract::Path, routing::post};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use latchkey_api::{
    error::Kind,
    issuer::v1::SignNotBeforeRequest,
    registry::v1::{AdminUrl, ListAdminUrlsRequest, PushNotBeforeRequest},
};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonic::Request;

/// How many clients are told at the same time.
const AT_ONCE: usize = 16;
/// For all clients together; who was not told by then has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// For one client, who has five seconds to answer the registry.
const CALL: Duration = Duration::from_secs(7);

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/push-revocation", post(push_to_all))
        .route("/admin/realms/{realm}/clients/{id}/push-revocation", post(push_to_one))
}

async fn push_to_all(admin: Admin<ManageRealm>) -> Answer {
    push(&admin, "").await
}

async fn push_to_one(admin: Admin<ManageClients>, Path(path): Path<ClientPath>) -> Answer {
    let client = admin.client(&path.id).await?;
    push(&admin, &client.id).await
}

/// Tells one client (uuid), or all that are enabled, and answers with Keycloak's `GlobalRequestResult`.
async fn push(admin: &RealmAdmin, client_uuid: &str) -> Answer {
    let pusher = Pusher {
        admin,
        server_url: base_url::realm_base(&admin.app.config, &admin.context, &admin.realm),
        deadline: Instant::now() + PATIENCE,
    };
    let clients = pusher.clients(client_uuid).await?;
    let told = stream::iter(clients).map(|client| pusher.tell(client)).buffer_unordered(AT_ONCE);
    let mut told: Vec<_> = told.try_collect().await?;
    told.sort_by(|(one, _), (other, _)| one.client_id.cmp(&other.client_id));
    json(&result(told))
}

/// Tells the clients of a realm.
struct Pusher<'a> {
    admin: &'a RealmAdmin,
    server_url: String,
    deadline: Instant,
}

impl Pusher<'_> {
    /// The clients that have an admin URL.
    async fn clients(&self, client_uuid: &str) -> Result<Vec<AdminUrl>, Error> {
        let mut request = ListAdminUrlsRequest {
            realm_id: self.admin.realm_id(),
            id: client_uuid.to_owned(),
            after: String::new(),
            server_url: self.server_url.clone(),
        };
        let mut clients = Vec::new();
        loop {
            let registry = &self.admin.services().registry;
            let page = registry.list_admin_urls(Request::new(request.clone())).await?.into_inner();
            clients.extend(page.admin_urls);
            if page.next.is_empty() {
                return Ok(clients);
            }
            request.after = page.next;
        }
    }

    /// Whether a client was told in time.
    async fn tell(&self, client: AdminUrl) -> Result<(AdminUrl, bool), Error> {
        if Instant::now() >= self.deadline {
            return Ok((client, false));
        }
        let delivered = timeout_at(self.deadline, self.sign_and_push(&client)).await;
        Ok((client, delivered.unwrap_or(Ok(false))?))
    }

    async fn sign_and_push(&self, client: &AdminUrl) -> Result<bool, Error> {
        let realm = &self.admin.realm;
        let request = SignNotBeforeRequest {
            realm_id: realm.id.clone(),
            algorithm: realm_algorithm(realm).to_owned(),
            client_id: client.client_id.clone(),
            // The client keeps one time for both.
            not_before_s: realm.not_before_s.max(client.not_before_s),
        };
        let services = self.admin.services();
        let action = services.issuer.sign_not_before(Request::new(request)).await?.into_inner().action;
        let mut request = Request::new(PushNotBeforeRequest {
            realm_id: realm.id.clone(),
            id: client.id.clone(),
            server_url: self.server_url.clone(),
            action,
        });
        request.set_timeout(CALL);
        match services.registry.push_not_before(request).await {
            Ok(answer) => Ok(answer.into_inner().delivered),
            // A client that took too long, or was deleted meanwhile.
            Err(status) if matches!(Kind::of(&status), Kind::Timeout | Kind::NotFound) => Ok(false),
            Err(status) => Err(status.into()),
        }
    }
}

/// The URLs that were told, and those that were not; a list that is empty is left out.
fn result(told: Vec<(AdminUrl, bool)>) -> Value {
    let (mut successes, mut failures) = (Vec::new(), Vec::new());
    for (client, delivered) in told {
        if delivered { successes.push(client.url) } else { failures.push(client.url) }
    }
    let lists = [("successRequests", successes), ("failedRequests", failures)];
    let lists = lists.into_iter().filter(|(_, urls)| !urls.is_empty());
    lists.map(|(name, urls)| (name.to_owned(), Value::from(urls))).collect::<Map<_, _>>().into()
}
