//! Links of users to accounts at identity providers.

use latchkey_api::common::v1::Operation;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::{
    CreateIdentityProviderRequest, DeleteIdentityProviderRequest, DeleteRealmRequest, IdentityProvider,
};
use latchkey_api::roles::v1::role_mapping_server::RoleMapping as _;
use latchkey_api::roles::v1::*;
use tonic::{Request, Status};

use crate::setting::*;

fn identity(alias: &str, external: &str) -> FederatedIdentity {
    FederatedIdentity {
        identity_provider: alias.to_owned(),
        external_user_id: external.to_owned(),
        external_username: format!("name-of-{external}"),
    }
}

impl Setting {
    async fn link(&self, realm: &str, user_id: &str, alias: &str, external: &str) -> Result<(), Status> {
        let request = LinkFederatedIdentityRequest {
            realm_id: realm.to_owned(),
            user_id: user_id.to_owned(),
            identity: Some(identity(alias, external)),
            admin_event: None,
        };
        answer(self.service.link_federated_identity(Request::new(request)).await).map(drop)
    }

    async fn unlink(&self, realm: &str, user_id: &str, alias: &str) -> Result<(), Status> {
        let request = UnlinkFederatedIdentityRequest {
            realm_id: realm.to_owned(),
            user_id: user_id.to_owned(),
            identity_provider: alias.to_owned(),
            admin_event: None,
        };
        answer(self.service.unlink_federated_identity(Request::new(request)).await).map(drop)
    }

    async fn links(&self, realm: &str, user_id: &str) -> Result<Vec<FederatedIdentity>, Status> {
        let request =
            ListFederatedIdentitiesRequest { realm_id: realm.to_owned(), user_id: user_id.to_owned() };
        Ok(answer(self.service.list_federated_identities(Request::new(request)).await)?.identities)
    }

    async fn linked(&self, realm: &str, alias: &str, external: &str) -> Result<String, Status> {
        let request = FindFederatedUserRequest {
            realm_id: realm.to_owned(),
            identity_provider: alias.to_owned(),
            external_user_id: external.to_owned(),
        };
        Ok(answer(self.service.find_federated_user(Request::new(request)).await)?.user.unwrap().username)
    }
}

async fn a_user_is_found_by_the_account_that_is_linked(s: Setting) {
    let s = s.published().await;
    for realm in REALMS {
        for username in ["ann", "bob"] {
            s.create_user(realm, username).await;
        }
    }
    s.link("red", "id-of-ann", "cloud", "7").await.unwrap();
    s.clock.advance_ms(1);
    s.link("red", "id-of-ann", "broker", "7").await.unwrap();
    s.link("blue", "id-of-bob", "cloud", "7").await.unwrap();
    assert_eq!(s.linked("red", "cloud", "7").await.unwrap(), "ann");
    assert_eq!(s.linked("blue", "cloud", "7").await.unwrap(), "bob");
    let links = s.links("red", "id-of-ann").await.unwrap();
    assert_eq!(
        links,
        [identity("cloud", "7"), identity("broker", "7")],
        "in the order in which they were made"
    );
    for (alias, external) in [("cloud", "8"), ("Cloud", "7"), ("other", "7"), ("cloud", ""), ("cloud", "7\0")]
    {
        assert_eq!(why(s.linked("red", alias, external).await), "USER_NOT_FOUND", "{alias} {external}");
    }
    s.unlink("red", "id-of-ann", "cloud").await.unwrap();
    assert_eq!(why(s.linked("red", "cloud", "7").await), "USER_NOT_FOUND");
    assert_eq!(s.linked("red", "broker", "7").await.unwrap(), "ann");
    assert_eq!(s.linked("blue", "cloud", "7").await.unwrap(), "bob");
}

async fn a_user_has_one_link_to_a_provider(s: Setting) {
    let s = s.published().await;
    s.create_user("red", "ann").await;
    s.link("red", "id-of-ann", "cloud", "7").await.unwrap();
    assert_eq!(why(s.link("red", "id-of-ann", "cloud", "8").await), "FEDERATED_IDENTITY_EXISTS");
    assert_eq!(why(s.unlink("red", "id-of-ann", "other").await), "FEDERATED_IDENTITY_NOT_FOUND");
    for unknown in ["id-of-bob", ""] {
        assert_eq!(why(s.link("red", unknown, "cloud", "9").await), "USER_NOT_FOUND");
        assert_eq!(why(s.unlink("red", unknown, "cloud").await), "USER_NOT_FOUND");
        assert_eq!(why(s.links("red", unknown).await), "USER_NOT_FOUND");
    }
    assert_eq!(why(s.links("blue", "id-of-ann").await), "USER_NOT_FOUND");
    assert_eq!(s.links("red", "id-of-ann").await.unwrap(), [identity("cloud", "7")]);
}

/// Two users with one account would leave open who it is.
async fn attack_an_account_that_somebody_else_has_too(s: Setting) {
    let s = s.published().await;
    for username in ["ann", "bob"] {
        s.create_user("red", username).await;
        s.link("red", &format!("id-of-{username}"), "cloud", "7").await.unwrap();
    }
    assert_eq!(why(s.linked("red", "cloud", "7").await), "USER_NOT_FOUND");
    s.unlink("red", "id-of-bob", "cloud").await.unwrap();
    assert_eq!(s.linked("red", "cloud", "7").await.unwrap(), "ann");
    s.create_user("red", "nobody").await;
    s.link("red", "id-of-nobody", "cloud", "").await.unwrap();
    assert_eq!(why(s.linked("red", "cloud", "").await), "USER_NOT_FOUND", "no account is no name");
}

async fn changes_are_logged_with_their_provider(s: Setting) {
    let s = s.published().await;
    s.create_user("red", "ann").await;
    s.link("red", "id-of-ann", "cloud", "7").await.unwrap();
    let made = s.newest_change().await;
    s.unlink("red", "id-of-ann", "cloud").await.unwrap();
    let ended = s.newest_change().await;
    for (change, operation) in [(made, Operation::Created), (ended, Operation::Deleted)] {
        assert_eq!((change.entity.as_str(), change.operation()), ("federated_identity", operation));
        assert_eq!((change.realm_id, change.entity_id.as_str()), ("red".to_owned(), "id-of-ann"));
        assert_eq!(change.payload_json, r#"{"identity_provider":"cloud"}"#);
    }
}

async fn links_go_with_their_user_provider_or_realm(s: Setting) {
    let s = s.published().await;
    for realm in REALMS {
        let provider = IdentityProvider {
            realm_id: realm.to_owned(),
            alias: "cloud".to_owned(),
            provider_id: "oidc".to_owned(),
            ..IdentityProvider::default()
        };
        let request = CreateIdentityProviderRequest {
            identity_provider: Some(provider),
            ..CreateIdentityProviderRequest::default()
        };
        answer(s.registry.create_identity_provider(Request::new(request)).await).unwrap();
        for username in ["ann", "bob", "eve"] {
            s.create_user(realm, username).await;
            s.link(realm, &format!("id-of-{username}"), "cloud", username).await.unwrap();
        }
        s.link(realm, "id-of-ann", "broker", "ann").await.unwrap();
    }

    let request =
        DeleteUserRequest { realm_id: "red".to_owned(), id: "id-of-eve".to_owned(), admin_event: None };
    answer(s.service.delete_user(Request::new(request)).await).unwrap();
    s.create_user("red", "eve").await;
    assert_eq!(s.links("red", "id-of-eve").await.unwrap(), [], "a user of the same id has none of them");

    let request = DeleteIdentityProviderRequest {
        realm_id: "red".to_owned(),
        alias: "cloud".to_owned(),
        admin_event: None,
    };
    let deleted = answer(s.registry.delete_identity_provider(Request::new(request)).await).unwrap();
    s.catch_up(deleted.revision).await;
    assert_eq!(s.links("red", "id-of-ann").await.unwrap(), [identity("broker", "ann")]);
    assert_eq!(why(s.linked("red", "cloud", "bob").await), "USER_NOT_FOUND");
    assert_eq!(s.linked("blue", "cloud", "bob").await.unwrap(), "bob");

    let request = DeleteRealmRequest { realm_id: "red".to_owned(), admin_event: None };
    let deleted = answer(s.registry.delete_realm(Request::new(request)).await).unwrap();
    s.catch_up(deleted.revision).await;
    assert_eq!(why(s.linked("red", "broker", "ann").await), "USER_NOT_FOUND");
    assert_eq!(s.links("blue", "id-of-ann").await.unwrap().len(), 2);
}

contract!(
    a_user_is_found_by_the_account_that_is_linked,
    a_user_has_one_link_to_a_provider,
    attack_an_account_that_somebody_else_has_too,
    changes_are_logged_with_their_provider,
    links_go_with_their_user_provider_or_realm,
);
