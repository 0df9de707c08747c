//! Mappers.

use serde_json::{Value, json};

use super::*;

#[test]
fn hardcoded_claims_keep_their_type_and_nest() {
    let mut world = World::new();
    world.client.mappers = vec![
        hardcoded("text", "plain", "String"),
        hardcoded("count", "42", "long"),
        hardcoded("small", "7", "int"),
        hardcoded("flag", "true", "boolean"),
        hardcoded("obj", r#"{"a":[1,2]}"#, "JSON"),
        hardcoded("outer.inner", "deep", "String"),
        hardcoded("outer.other", "too", "String"),
        hardcoded(r"dotted\.name", "flat", "String"),
        hardcoded("odd", "x", "long"),
        hardcoded("text.below", "text is no object", "String"),
    ];
    let token = world.token(None);
    let shown =
        ["text", "count", "small", "flag", "obj", "outer", "dotted.name"].map(|name| token[name].clone());
    let expected = [
        json!("plain"),
        json!(42),
        json!(7),
        json!(true),
        json!({"a": [1, 2]}),
        json!({"inner": "deep", "other": "too"}),
        json!("flat"),
    ];
    assert_eq!(shown, expected);
    assert_eq!(token.get("odd"), None);
}

#[test]
fn audiences_are_text_for_one_and_a_list_for_more() {
    let mut world = World::new();
    world.client.full_scope_allowed = false;
    world.client.mappers = vec![mapper("oidc-audience-mapper", &[("included.client.audience", "api")])];
    assert_eq!(world.token(None)["aud"], "api");
    let custom = [("included.client.audience", ""), ("included.custom.audience", "https://api.example/v1")];
    world.client.mappers.push(mapper("oidc-audience-mapper", &custom));
    assert_eq!(world.token(None)["aud"], json!(["api", "https://api.example/v1"]));
    let own = [
        ("included.client.audience", CLIENT_ID),
        ("access.token.claim", "false"),
        ("id.token.claim", "true"),
    ];
    world.client.mappers.push(mapper("oidc-audience-mapper", &own));
    assert_eq!(world.token(None)["aud"], json!(["api", "https://api.example/v1"]));
    let wanted = Wanted { id_token: true, ..Wanted::default() };
    let answer = world.answer(&Ask { destinations: wanted, ..Ask::default() }).expect("an answer");
    assert_eq!(read(answer.id_token.as_ref())["aud"], CLIENT_ID);
}

#[test]
fn attributes_and_properties_of_the_account() {
    let mut world = World::new();
    let attribute = |name, json_type, multivalued| {
        let config = [
            ("user.attribute", name),
            ("claim.name", name),
            ("jsonType.label", json_type),
            ("multivalued", multivalued),
        ];
        mapper("oidc-usermodel-attribute-mapper", &config)
    };
    world.account.attributes =
        [("tenant", vec!["t-1"]), ("level", vec!["3"]), ("tags", vec!["a", "b"]), ("none", vec![])]
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
            .into();
    world.account.email = "robot@example.org".into();
    (world.account.first_name, world.account.last_name) = ("Ro".into(), "Bot".into());
    world.client.mappers = vec![
        attribute("tenant", "String", "false"),
        attribute("level", "long", "false"),
        attribute("tags", "String", "true"),
        attribute("none", "String", "true"),
        attribute("absent", "String", "false"),
    ];
    let token = world.token(None);
    let shown = ["tenant", "level", "tags", "none", "absent", "email", "name", "given_name", "family_name"];
    assert_eq!(
        shown.map(|name| token.get(name).cloned().unwrap_or(Value::Null)),
        [
            json!("t-1"),
            json!(3),
            json!(["a", "b"]),
            json!(null),
            json!(null),
            json!("robot@example.org"),
            json!("Ro Bot"),
            json!("Ro"),
            json!("Bot"),
        ]
    );
    assert_eq!(world.token(Some("address"))["address"], json!({}));
    world.account.attributes.insert("street".into(), vec!["1 Main St".into()]);
    assert_eq!(world.token(Some("address"))["address"], json!({"street_address": "1 Main St"}));
}

#[test]
fn roles_under_other_claims() {
    let mut world = World::new();
    world.add_role("", "reader");
    world.add_role("my.api", "view");
    world.hold(&["reader", "my.api.view"]);
    world.client.mappers = vec![
        mapper(
            "oidc-usermodel-realm-role-mapper",
            &[
                ("claim.name", "groups"),
                ("multivalued", "true"),
                ("usermodel.realmRoleMapping.rolePrefix", "R_"),
            ],
        ),
        mapper(
            "oidc-usermodel-client-role-mapper",
            &[
                ("claim.name", "perms.${client_id}"),
                ("multivalued", "true"),
                ("usermodel.clientRoleMapping.clientId", "my.api"),
            ],
        ),
        mapper("oidc-usermodel-client-role-mapper", &[("claim.name", "all"), ("multivalued", "true")]),
        mapper("oidc-usermodel-realm-role-mapper", &[("claim.name", "text"), ("multivalued", "false")]),
    ];
    let token = world.token(None);
    assert_eq!(token["groups"], json!(["R_offline_access", "R_reader"]));
    assert_eq!(token["perms"], json!({"my.api": ["view"]}));
    assert_eq!(token["all"], json!(["view", "view-profile"]));
    assert_eq!(token["text"], "[offline_access, reader]");
}

#[test]
fn roles_are_renamed_and_moved_and_audiences_follow() {
    let mut world = World::new();
    world.account.roles.clear();
    for (client, role) in [("", "reader"), ("", "mover"), ("api", "view")] {
        world.add_role(client, role);
    }
    world.hold(&["reader", "mover", "api.view"]);
    let rename = |role, new| mapper("oidc-role-name-mapper", &[("role", role), ("new.role.name", new)]);
    world.client.mappers = vec![
        rename("reader", "lector"),
        rename("mover", "other.moved"),
        rename("api.view", "realm-view"),
        rename("unheld", "x"),
    ];
    let token = world.token(None);
    assert_eq!(token["realm_access"], json!({"roles": ["lector", "realm-view"]}));
    assert_eq!(token["resource_access"], json!({"other": {"roles": ["moved"]}}));
    assert_eq!(token["aud"], "other");

    world.client.mappers = vec![mapper("oidc-hardcoded-role-mapper", &[("role", "api.granted-by-none")])];
    let token = world.token(None);
    assert_eq!(token["resource_access"], json!({"api": {"roles": ["granted-by-none", "view"]}}));
    assert_eq!(token["aud"], "api");
}

#[test]
fn destinations_are_decided_apart() {
    let flags = [
        "access.token.claim",
        "id.token.claim",
        "userinfo.token.claim",
        "introspection.token.claim",
        "lightweight.claim",
    ];
    let mut world = World::new();
    for flag in flags {
        let name = format!("in_{}", flag.split('.').next().unwrap_or_default());
        let mut config = vec![("claim.name", name.as_str()), ("claim.value", "x")];
        config.extend(flags.map(|other| (other, if other == flag { "true" } else { "false" })));
        world.client.mappers.push(mapper("oidc-hardcoded-claim-mapper", &config));
    }
    let names = |claims: Option<&ClaimSet>| -> Vec<String> {
        read(claims)
            .as_object()
            .expect("an object")
            .keys()
            .filter(|name| name.starts_with("in_"))
            .cloned()
            .collect()
    };
    for (lightweight, expected) in [(false, "in_access"), (true, "in_lightweight")] {
        let wanted = Wanted {
            access_token: true,
            lightweight,
            id_token: true,
            userinfo: true,
            introspection: true,
            roles: false,
        };
        let answer = world.answer(&Ask { destinations: wanted, ..Ask::default() }).expect("an answer");
        assert_eq!(names(answer.access_token.as_ref()), [expected]);
        assert_eq!(names(answer.id_token.as_ref()), ["in_id"]);
        assert_eq!(names(answer.userinfo.as_ref()), ["in_userinfo"]);
        assert_eq!(names(answer.introspection.as_ref()), ["in_introspection"]);
    }
}

#[test]
fn lightweight_and_userinfo_hold_the_least() {
    let world = World::new();
    let wanted = Wanted { access_token: true, lightweight: true, userinfo: true, ..Wanted::default() };
    let notes = BTreeMap::new();
    let ask = Ask { destinations: wanted, notes: Notes::Given(&notes), ..Ask::default() };
    let answer = world.answer(&ask).expect("an answer");
    assert_eq!(read(answer.access_token.as_ref()), json!({"sub": "sa"}));
    let expected = json!({"email_verified": false, "preferred_username": "service-account-product-sa-client", "sub": "sa"});
    assert_eq!(read(answer.userinfo.as_ref()), expected);
    let answer = world.answer(&Ask { session: true, ..ask }).expect("an answer");
    assert_eq!(read(answer.access_token.as_ref()), json!({}));
}

#[test]
fn notes_come_later_unless_they_decide_more() {
    let mut world = World::new();
    let wanted = Wanted { access_token: true, ..Wanted::default() };
    let ask = Ask { destinations: wanted, ..Ask::default() };
    let later = world.answer(&ask).expect("an answer").access_token.expect("claims");
    assert!(!later.entangled);
    let notes = notes();
    let completed = later.complete(|name| notes.get(name).map(String::as_str));
    assert_eq!(serde_json::from_slice::<Value>(&completed).expect("JSON"), world.token(None));

    world.client.mappers = vec![hardcoded("clientHost", "fixed", "String")];
    let later = world.answer(&ask).expect("an answer").access_token.expect("claims");
    assert!(later.entangled, "the hardcoded claim wins over the note");
    assert_eq!(world.token(None)["clientHost"], "fixed");
    let nested = [("user.session.note", "clientHost"), ("claim.name", "net.host")];
    world.client.mappers = vec![mapper("oidc-usersessionmodel-note-mapper", &nested)];
    assert!(world.answer(&ask).expect("an answer").access_token.expect("claims").entangled);
    assert_eq!(world.token(None)["net"], json!({"host": "127.0.0.1"}));
}

#[test]
fn protected_claims_stay() {
    let mut world = World::new();
    let before = world.token(None);
    let names = [
        "exp",
        "iat",
        "nbf",
        "jti",
        "iss",
        "typ",
        "azp",
        "sub",
        "sid",
        "scope",
        "cnf",
        "act",
        "realm_access",
        "realm_access.roles",
        "resource_access.account.roles",
        "resource_access",
    ];
    world.client.mappers = names.map(|name| hardcoded(name, r#"["admin"]"#, "JSON")).into();
    let roles = [("claim.name", "resource_access.account.roles"), ("multivalued", "true")];
    world.client.mappers.push(mapper("oidc-usermodel-realm-role-mapper", &roles));
    let roles = [("claim.name", "realm_access.roles"), ("multivalued", "true")];
    world.client.mappers.push(mapper("oidc-usermodel-client-role-mapper", &roles));
    assert_eq!(world.token(None), before);
}

#[test]
fn an_exchange_keeps_the_audiences_that_were_asked_for() {
    let mut world = World::new();
    for api in ["api-a", "api-b"] {
        world.add_role(api, "use");
        world.hold(&[&format!("{api}.use")]);
    }
    let wanted = Wanted { access_token: true, ..Wanted::default() };
    let ask = |names: &[&str]| {
        let audience: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        world.answer(&Ask { destinations: wanted, audience: &audience, ..Ask::default() })
    };
    let one = ask(&["api-a"]).expect("it is available");
    let token = read(one.access_token.as_ref());
    assert_eq!(
        (&token["aud"], &token["resource_access"]),
        (&json!("api-a"), &json!({"api-a": {"roles": ["use"]}}))
    );
    let missing = ask(&["api-a", "api-c"]);
    assert_eq!(missing.err(), Some(Refusal::AudienceNotAvailable("api-c".into())));
}

#[test]
fn web_origins_and_pairwise_subjects() {
    let mut world = World::new();
    world.client.mappers =
        vec![mapper("oidc-sha256-pairwise-sub-mapper", &[("pairwiseSubAlgorithmSalt", "s")])];
    let wanted = Wanted { access_token: true, id_token: true, ..Wanted::default() };
    let web_origins = ["https://app.example".to_owned()];
    let ask = Ask {
        destinations: wanted,
        web_origins: &web_origins,
        sector_identifier: "app.example",
        ..Ask::default()
    };
    let answer = world.answer(&ask).expect("an answer");
    let token = read(answer.access_token.as_ref());
    assert_eq!(token["allowed-origins"], json!(["https://app.example"]));
    let other = world.answer(&Ask { sector_identifier: "other.example", ..ask }).expect("an answer");
    assert_ne!(read(other.access_token.as_ref())["sub"], token["sub"]);
}
