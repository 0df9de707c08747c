//! `/admin/realms/{realm}/components`: key providers.

use super::{
    answer::{created, json, no_content},
    authorization::{Admin, ManageRealm, RealmAdmin, ViewRealm},
    body::JsonBody,
    error::{Answer, Error},
    query::Query,
    representation::{ComponentRepresentation, KEY_PROVIDER_TYPE, show_key_provider},
};
use crate::App;
use axum::{Router, extract::Path, routing::get};
use latchkey_api::issuer::v1::{
    CreateKeyProviderRequest, DeleteKeyProviderRequest, KeyProvider, ListKeyProvidersRequest,
    UpdateKeyProviderRequest,
};
use latchkey_platform::random;
use serde::Deserialize;
use tonic::Request;

/// The component (uuid) that a path names.
#[derive(Deserialize)]
struct ComponentPath {
    component: String,
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/admin/realms/{realm}/components", get(list).post(create))
        .route("/admin/realms/{realm}/components/{component}", get(show).put(update).delete(delete))
}

impl RealmAdmin {
    async fn key_providers(&self) -> Result<Vec<KeyProvider>, Error> {
        let request = ListKeyProvidersRequest { realm_id: self.realm_id() };
        let answer = self.services().issuer.list_key_providers(Request::new(request)).await?;
        Ok(answer.into_inner().providers)
    }

    async fn key_provider(&self, id: &str) -> Result<KeyProvider, Error> {
        let providers = self.key_providers().await?;
        providers.into_iter().find(|provider| provider.id == id).ok_or(Error::ComponentNotFound)
    }
}

async fn list(admin: Admin<ViewRealm>, query: Query) -> Answer {
    let providers = admin.key_providers().await?;
    let fits = |name: &str, value: &str| query.text(name).is_none_or(|wanted| wanted == value);
    let parent = |provider: &KeyProvider| {
        if provider.parent_id.is_empty() { admin.realm.id.clone() } else { provider.parent_id.clone() }
    };
    let listed = providers.iter().filter(|provider| {
        fits("name", &provider.name) && fits("type", KEY_PROVIDER_TYPE) && fits("parent", &parent(provider))
    });
    json(&listed.map(show_key_provider).collect::<Vec<_>>())
}

async fn create(admin: Admin<ManageRealm>, body: JsonBody) -> Answer {
    let representation: ComponentRepresentation = body.read()?;
    check_type(&representation)?;
    let mut provider = KeyProvider {
        id: representation.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(random::uuid),
        realm_id: admin.realm_id(),
        ..KeyProvider::default()
    };
    representation.apply(&mut provider);
    let id = provider.id.clone();
    let request = CreateKeyProviderRequest {
        admin_event: event(&admin, "CREATE", &provider),
        provider: Some(provider),
    };
    admin.services().issuer.create_key_provider(Request::new(request)).await?;
    created(&admin.app, &admin.context, &[&admin.realm.name, "components", &id])
}

async fn show(admin: Admin<ViewRealm>, Path(path): Path<ComponentPath>) -> Answer {
    json(&show_key_provider(&admin.key_provider(&path.component).await?))
}

async fn update(admin: Admin<ManageRealm>, Path(path): Path<ComponentPath>, body: JsonBody) -> Answer {
    let mut provider = admin.key_provider(&path.component).await?;
    let representation: ComponentRepresentation = body.read()?;
    if representation.provider_type.is_some() {
        check_type(&representation)?;
    }
    representation.apply(&mut provider);
    let request = UpdateKeyProviderRequest {
        admin_event: event(&admin, "UPDATE", &provider),
        provider: Some(provider),
    };
    admin.services().issuer.update_key_provider(Request::new(request)).await?;
    Ok(no_content())
}

async fn delete(admin: Admin<ManageRealm>, Path(path): Path<ComponentPath>) -> Answer {
    let provider = admin.key_provider(&path.component).await?;
    let request = DeleteKeyProviderRequest {
        realm_id: admin.realm_id(),
        admin_event: event(&admin, "DELETE", &provider),
        id: provider.id,
    };
    admin.services().issuer.delete_key_provider(Request::new(request)).await?;
    Ok(no_content())
}

fn check_type(representation: &ComponentRepresentation) -> Result<(), Error> {
    if representation.provider_type.as_deref() == Some(KEY_PROVIDER_TYPE) {
        Ok(())
    } else {
        Err(Error::ComponentProviderUnknown)
    }
}

fn event(
    admin: &RealmAdmin,
    operation: &'static str,
    provider: &KeyProvider,
) -> Option<latchkey_api::common::v1::AdminEvent> {
    let path = format!("components/{}", provider.id);
    admin.event(operation, "COMPONENT", &path, Some(show_key_provider(provider)))
}
