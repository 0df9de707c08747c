//! The rules of `NOTES-oidc` (token response, scope parameter, roles, mappers, refresh) as tables, and invariant 2 as a property.

mod invariant;
mod mappers;
mod scopes;

use std::collections::BTreeMap;

use serde_json::Value;

use super::mapper::{Mapper, MapperConfig};
use super::*;

const CLIENT: &str = "client-uuid";
const CLIENT_ID: &str = "product-sa-client";

/// A realm with one client and its service account, to be filled.
pub(super) struct World {
    realm: RealmFacts,
    client: ClientFacts,
    account: AccountFacts,
}

impl World {
    /// With Full Scope Allowed, the built-in scopes that matter here, and no role but the default ones.
    fn new() -> Self {
        let client = ClientFacts {
            id: CLIENT.into(),
            client_id: CLIENT_ID.into(),
            full_scope_allowed: true,
            default_scopes: Vec::new(),
            optional_scopes: Vec::new(),
            mappers: Vec::new(),
            scope_mappings: Vec::new(),
            service_account: Some("sa".into()),
        };
        let account = AccountFacts {
            id: "sa".into(),
            username: "service-account-product-sa-client".into(),
            enabled: true,
            ..AccountFacts::default()
        };
        let mut world = Self { realm: RealmFacts::default(), client, account };
        world.add_role("", "offline_access");
        world.add_role("account", "view-profile");
        for stored in crate::builtin::client_scopes("r") {
            let shown = stored.attributes.get("include.in.token.scope").is_none_or(|value| value == "true");
            let mappers = stored.protocol_mappers.iter();
            let mappers =
                mappers.map(|m| Mapper::new(&m.protocol_mapper, &m.config.iter().collect())).collect();
            let scope_mappings =
                if stored.name == "offline_access" { vec!["offline_access".into()] } else { vec![] };
            match crate::builtin::is_optional(&stored.name) {
                Some(false) => world.client.default_scopes.push(stored.name.clone()),
                Some(true) => world.client.optional_scopes.push(stored.name.clone()),
                None => world.client.default_scopes.push(stored.name.clone()),
            }
            let scope =
                ScopeFacts { name: stored.name.clone(), in_token_scope: shown, mappers, scope_mappings };
            if stored.protocol == "openid-connect" {
                world.realm.scopes.insert(stored.name, scope);
            }
        }
        world.hold(&["offline_access", "account.view-profile"]);
        world
    }

    /// A role whose id is `name` or `client_id.name`.
    fn add_role(&mut self, client_id: &str, name: &str) {
        let (client, id) = match client_id {
            "" => (None, name.to_owned()),
            CLIENT_ID => {
                (Some(self.realm.graph.add_client(CLIENT, CLIENT_ID)), format!("{CLIENT_ID}.{name}"))
            }
            other => (Some(self.realm.graph.add_client(other, other)), format!("{other}.{name}")),
        };
        self.realm.graph.add_role(&id, name, client);
    }

    fn hold(&mut self, roles: &[&str]) {
        self.account.roles.extend(roles.iter().map(|role| (*role).to_owned()));
    }

    fn add_scope(&mut self, name: &str, optional: bool, mappers: Vec<Mapper>, roles: &[&str]) {
        let scope_mappings = roles.iter().map(|role| (*role).to_owned()).collect();
        self.realm.scopes.insert(
            name.into(),
            ScopeFacts { name: name.into(), in_token_scope: true, mappers, scope_mappings },
        );
        let list = if optional { &mut self.client.optional_scopes } else { &mut self.client.default_scopes };
        list.push(name.into());
    }

    fn remove_scope(&mut self, name: &str) {
        self.client.default_scopes.retain(|known| known != name);
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        resolve(Facts { realm: &self.realm, client: &self.client, account: &self.account }, ask)
    }

    /// The access token's claims.
    fn token(&self, scope: Option<&str>) -> Value {
        let wanted = Wanted { access_token: true, ..Wanted::default() };
        let notes = notes();
        let ask = Ask { scope, destinations: wanted, notes: Notes::Given(&notes), ..Ask::default() };
        read(self.answer(&ask).expect("a token").access_token.as_ref())
    }

    /// What the answer names as scope, in order of names; or the refusal.
    fn scope(&self, scope: Option<&str>, granted_scope: Option<&str>) -> Result<String, Refusal> {
        let answer = self.answer(&Ask { scope, granted_scope, ..Ask::default() })?;
        let mut names: Vec<&str> = answer.scope.split(' ').collect();
        names.sort_unstable();
        Ok(names.join(" "))
    }
}

fn notes() -> BTreeMap<String, String> {
    [("clientHost", "127.0.0.1"), ("clientAddress", "127.0.0.1"), ("client_id", CLIENT_ID)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn read(claims: Option<&ClaimSet>) -> Value {
    serde_json::from_str(&claims.expect("claims were asked for").json).expect("claims are JSON")
}

/// A mapper for access tokens and introspection, and what else `config` says.
fn mapper(kind: &str, config: &[(&str, &str)]) -> Mapper {
    let mut settings =
        vec![("access.token.claim", "true"), ("id.token.claim", "false"), ("userinfo.token.claim", "false")];
    settings.extend_from_slice(config);
    Mapper::new(kind, &settings.iter().map(|(name, value)| (*name, *value)).collect::<MapperConfig<'_>>())
}

fn hardcoded(name: &str, value: &str, json_type: &str) -> Mapper {
    mapper(
        "oidc-hardcoded-claim-mapper",
        &[("claim.name", name), ("claim.value", value), ("jsonType.label", json_type)],
    )
}
