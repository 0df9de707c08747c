//! Invariant 2: a token never carries a role outside the intersection, whatever the mappers say. The two kinds whose very
//! purpose it is (hardcoded role, role name) are left out here; see their modules.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const KINDS: [&str; 16] = [
    "oidc-acr-mapper",
    "oidc-address-mapper",
    "oidc-allowed-origins-mapper",
    "oidc-audience-mapper",
    "oidc-audience-resolve-mapper",
    "oidc-full-name-mapper",
    "oidc-hardcoded-claim-mapper",
    "oidc-sha256-pairwise-sub-mapper",
    "oidc-sub-mapper",
    "oidc-usermodel-attribute-mapper",
    "oidc-usermodel-client-role-mapper",
    "oidc-usermodel-property-mapper",
    "oidc-usermodel-realm-role-mapper",
    "oidc-usersessionmodel-note-mapper",
    "oidc-group-membership-mapper",
    "no-such-mapper",
];
const KEYS: [&str; 14] = [
    "claim.name",
    "claim.value",
    "jsonType.label",
    "multivalued",
    "user.attribute",
    "user.session.note",
    "access.token.claim",
    "id.token.claim",
    "userinfo.token.claim",
    "introspection.token.claim",
    "lightweight.claim",
    "included.client.audience",
    "included.custom.audience",
    "usermodel.clientRoleMapping.clientId",
];
const VALUES: [&str; 24] = [
    "true",
    "false",
    "",
    "realm_access",
    "realm_access.roles",
    "resource_access",
    "resource_access.${client_id}.roles",
    "resource_access.c1.roles",
    "resource_access.c1",
    r"realm_access\.roles",
    "aud",
    "sub",
    "scope.x",
    "a.b.c",
    "..",
    "\\",
    "JSON",
    "long",
    r#"{"roles":["forged"]}"#,
    r#"["forged"]"#,
    "forged",
    "c1",
    "clientHost",
    "username",
];

/// Roles r0..r7 of the realm and c0.r0..c1.r3 of two clients.
fn role_ids() -> Vec<String> {
    let realm = (0..8).map(|n| format!("r{n}"));
    let clients = (0..2).flat_map(|client| (0..4).map(move |n| format!("c{client}.r{n}")));
    realm.chain(clients).collect()
}

fn some_roles() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(role_ids(), 0..=8)
}

fn some_mapper() -> impl Strategy<Value = Mapper> {
    let settings = proptest::collection::vec(
        (proptest::sample::select(&KEYS[..]), proptest::sample::select(&VALUES[..])),
        0..8,
    );
    (proptest::sample::select(&KINDS[..]), settings).prop_map(|(kind, settings)| {
        Mapper::new(kind, &settings.iter().map(|(name, value)| (*name, *value)).collect::<MapperConfig<'_>>())
    })
}

/// The roles that a token's two role claims name, as ids.
fn roles_in(token: &Value) -> BTreeSet<String> {
    let names = |list: &Value| -> Vec<String> {
        list["roles"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap_or("not text").to_owned())
            .collect()
    };
    let mut ids: BTreeSet<String> = names(&token["realm_access"]).into_iter().collect();
    for (client, list) in token["resource_access"].as_object().into_iter().flatten() {
        ids.extend(names(list).into_iter().map(|name| format!("{client}.{name}")));
    }
    ids
}

/// What is reached from roots, computed in another way than the graph does it.
fn reached(roots: &[String], edges: &[(String, String)]) -> BTreeSet<String> {
    let mut ids: BTreeSet<String> = roots.iter().cloned().collect();
    loop {
        let more: Vec<String> = edges
            .iter()
            .filter(|(from, to)| ids.contains(from) && !ids.contains(to))
            .map(|(_, to)| to.clone())
            .collect();
        if more.is_empty() {
            return ids;
        }
        ids.extend(more);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn roles_are_never_outside_the_intersection(
        full_scope_allowed: bool,
        held in some_roles(),
        mapped in some_roles(),
        of_scope in some_roles(),
        edges in proptest::collection::vec((proptest::sample::select(role_ids()), proptest::sample::select(role_ids())), 0..12),
        mappers in proptest::collection::vec(some_mapper(), 0..6),
        scope_mappers in proptest::collection::vec(some_mapper(), 0..4),
        ask_scope: bool,
        lightweight: bool,
        forged_attribute: bool,
    ) {
        let mut world = World::new();
        world.account.roles = held.clone();
        world.client.id = "c0".into();
        world.client.client_id = "c0".into();
        world.client.full_scope_allowed = full_scope_allowed;
        world.client.scope_mappings = mapped.clone();
        world.client.mappers = mappers;
        for id in role_ids() {
            match id.split_once('.') {
                Some((client, name)) => world.add_role(client, name),
                None => world.add_role("", &id),
            }
        }
        for (from, to) in &edges {
            world.realm.graph.add_composite(from, to);
        }
        world.add_scope("extra", true, scope_mappers, &of_scope.iter().map(String::as_str).collect::<Vec<_>>());
        if forged_attribute {
            world.account.attributes.insert("true".into(), vec!["forged".into()]);
        }

        let held = reached(&held, &edges);
        let mut within = mapped;
        within.extend(role_ids().into_iter().filter(|id| id.starts_with("c0.")));
        if ask_scope {
            within.extend(of_scope);
        }
        let allowed: BTreeSet<String> =
            if full_scope_allowed { held } else { &held & &reached(&within, &edges) };

        let wanted = Wanted { access_token: true, lightweight, id_token: true, userinfo: true, introspection: true, roles: true };
        let notes = notes();
        for given in [Notes::Later, Notes::Given(&notes)] {
            let scope = ask_scope.then_some("extra");
            let answer = world.answer(&Ask { scope, destinations: wanted, notes: given, ..Ask::default() });
            let answer = answer.expect("extra is the client's");
            for claims in [&answer.access_token, &answer.id_token, &answer.userinfo, &answer.introspection] {
                let claims = claims.as_ref().expect("all are wanted");
                let token: Value = serde_json::from_slice(&claims.complete(|_| Some("forged"))).expect("claims are JSON");
                let roles = roles_in(&token);
                prop_assert!(roles.is_subset(&allowed), "{roles:?} outside {allowed:?}");
                for name in ["exp", "iat", "iss", "azp", "scope"] {
                    prop_assert_eq!(token.get(name), None);
                }
            }
            for role in &answer.roles {
                let id = if role.client_id.is_empty() { role.name.clone() } else { format!("{}.{}", role.client_id, role.name) };
                prop_assert!(allowed.contains(&id));
            }
        }
    }
}
