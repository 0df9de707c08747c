//! The client scopes that a new realm comes with: the built-in ones, or those of an import.

use latchkey_api::roles::v1::{ClientScope, ImportedClientScopes, Role};
use latchkey_platform::database::Transaction;
use latchkey_platform::random;

use crate::builtin;
use crate::error::Error;
use crate::protocol_mappers::complete;
use crate::store::client_scopes::{Assignment, Choice, REALM};
use crate::store::role_mappings::Holder;
use crate::store::{client_scopes, role_mappings};

/// The scope of offline tokens, and the role that it is for.
const OFFLINE_ACCESS: &str = "offline_access";

/// Client scopes, each with the list of the realm that it is on, if any: whether that is the optional one.
pub(crate) struct RealmScopes {
    scopes: Vec<(ClientScope, Option<bool>)>,
    /// Whether the scope of offline tokens is ours, and so for those only who hold the role of its name.
    binds_offline_access: bool,
}

impl RealmScopes {
    pub(crate) fn built_in(realm_id: &str) -> Self {
        let scopes = builtin::client_scopes(realm_id);
        let listed = scopes.into_iter().map(|scope| {
            let optional = builtin::is_optional(&scope.name);
            (scope, optional)
        });
        Self { scopes: listed.collect(), binds_offline_access: true }
    }

    /// Those of an import replace the built-in ones, but for the scope of offline tokens.
    pub(crate) fn imported(realm_id: &str, imported: ImportedClientScopes) -> Result<Self, Error> {
        let ImportedClientScopes { client_scopes, default_client_scopes, optional_client_scopes } = imported;
        let mut scopes = Vec::with_capacity(client_scopes.len() + 1);
        for mut scope in client_scopes {
            if scope.name.is_empty() {
                return Err(Error::Invalid { what: "client_scope", reason: "has no name" });
            }
            realm_id.clone_into(&mut scope.realm_id);
            if scope.id.is_empty() {
                scope.id = random::uuid();
            }
            if scope.protocol.is_empty() {
                builtin::OPENID_CONNECT.clone_into(&mut scope.protocol);
            }
            scope.protocol_mappers = complete(scope.protocol_mappers, &[])?;
            let optional = if default_client_scopes.contains(&scope.name) {
                Some(false)
            } else {
                optional_client_scopes.contains(&scope.name).then_some(true)
            };
            scopes.push((scope, optional));
        }
        let binds_offline_access = !scopes.iter().any(|(scope, _)| scope.name == OFFLINE_ACCESS);
        if binds_offline_access {
            let built_in = builtin::client_scopes(realm_id).into_iter();
            scopes.extend(
                built_in.filter(|scope| scope.name == OFFLINE_ACCESS).map(|scope| (scope, Some(true))),
            );
        }
        Ok(Self { scopes, binds_offline_access })
    }

    /// Stores them with the realm's lists; gives what clients can have. `roles` are those of the realm.
    pub(crate) async fn make(
        self,
        tx: &mut Transaction,
        realm_id: &str,
        roles: &[Role],
    ) -> Result<Vec<Choice>, Error> {
        let documents: Vec<ClientScope> = self.scopes.iter().map(|(scope, _)| scope.clone()).collect();
        client_scopes::insert_many(tx, &documents).await?;
        let mut of_realm = Vec::new();
        let mut choices = Vec::new();
        for (scope, optional) in self.scopes {
            let role = roles.iter().find(|role| role.client_uuid.is_empty() && role.name == scope.name);
            if let Some(role) = role.filter(|_| self.binds_offline_access && scope.name == OFFLINE_ACCESS) {
                let role_id = std::slice::from_ref(&role.id);
                role_mappings::add(tx, realm_id, Holder::ClientScope(&scope.id), role_id).await?;
            }
            if let Some(optional) = optional {
                let client_scope_id = scope.id.clone();
                of_realm.push(Assignment { client_uuid: REALM.to_owned(), client_scope_id, optional });
            }
            if scope.protocol == builtin::OPENID_CONNECT {
                choices.push(Choice { id: scope.id, name: scope.name, optional });
            }
        }
        client_scopes::assign(tx, realm_id, &of_realm).await?;
        Ok(choices)
    }
}
