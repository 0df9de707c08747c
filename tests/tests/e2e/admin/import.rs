//! Realms as documents: imported as a whole, exported, and added to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Realm, SECRET, ServiceAccount, TestApp, header_of};

scenarios!(
    a_realm_is_made_from_what_another_was_exported_as,
    an_import_that_fails_leaves_nothing,
    an_imported_key_signs_and_is_never_shown,
    a_partial_import_that_is_refused_changes_nothing,
    a_partial_import_adds_and_overwrites,
    a_partial_import_gives_no_more_than_its_caller_has,
);

const EXPORT: &str = "/partial-export?exportClients=true&exportGroupsAndRoles=true";

fn fresh_name() -> String {
    format!("imported-{}", uuid::Uuid::new_v4().simple())
}

/// A realm with a client `worker` that holds the role `writer` through its service account.
fn document(name: &str) -> Value {
    json!({
        "realm": name,
        "enabled": true,
        "roles": {
            "realm": [
                {"name": "writer", "composites": {"realm": ["reader"], "client": {"api": ["put"]}}},
                {"name": "reader", "attributes": {"level": ["1"]}},
            ],
            "client": {"api": [{"name": "put"}]},
        },
        "clients": [
            {"clientId": "api", "bearerOnly": true},
            {"clientId": "worker", "secret": SECRET, "serviceAccountsEnabled": true},
            {"clientId": "other", "secret": SECRET, "serviceAccountsEnabled": true},
        ],
        "users": [{
            "username": "service-account-worker",
            "serviceAccountClientId": "worker",
            "enabled": true,
            "realmRoles": ["writer", "nobody-knows"],
        }],
    })
}

async fn import<'a>(app: &'a TestApp, document: &Value) -> Realm<'a> {
    app.admin(Method::POST, "", Some(document)).await.expect(201);
    Realm { app, name: document["realm"].as_str().unwrap().to_owned() }
}

fn client<'a>(realm: &'a Realm<'a>, client_id: &str) -> ServiceAccount<'a> {
    let client_id = client_id.to_owned();
    ServiceAccount { realm, id: String::new(), client_id, secret: SECRET.to_owned() }
}

async fn roles_of(client: &ServiceAccount<'_>) -> Value {
    crate::app::claims(&client.access_token().await)["realm_access"]["roles"].clone()
}

async fn id_of(realm: &Realm<'_>, client_id: &str) -> String {
    realm.get(&format!("/clients?clientId={client_id}")).await[0]["id"].as_str().unwrap().to_owned()
}

async fn a_realm_is_made_from_what_another_was_exported_as(app: &TestApp) {
    let first = import(app, &document(&fresh_name())).await;
    assert_eq!(roles_of(&client(&first, "worker")).await, json!(["reader", "writer"]));
    let other = roles_of(&client(&first, "other")).await;
    assert!(other.as_array().unwrap().contains(&json!(format!("default-roles-{}", first.name))), "{other}");

    // A new account gets another role by default from now on.
    let reader = first.get("/roles/reader").await;
    let path = format!("/roles/default-roles-{}/composites", first.name);
    first
        .admin(Method::DELETE, &path, Some(&json!([first.get("/roles/offline_access").await])))
        .await
        .expect(204);
    first.add(&path, &[&reader]).await;

    let exported = first.admin(Method::POST, EXPORT, None).await.expect(200);
    assert_eq!(exported.header("content-type"), "application/json");
    assert!(!exported.body.contains(SECRET), "no secret leaves");
    let mut copy = exported.json();
    let name = fresh_name();
    copy["realm"] = json!(name);
    copy.as_object_mut().unwrap().remove("id");
    for client in copy["clients"].as_array_mut().unwrap() {
        if client["secret"] == "**********" {
            client["secret"] = json!(SECRET);
        }
    }
    let second = import(app, &copy).await;
    assert_eq!(roles_of(&client(&second, "worker")).await, json!(["reader", "writer"]));
    let default_role = second.get("").await["defaultRole"]["name"].clone();
    assert_eq!(default_role, format!("default-roles-{}", first.name), "it keeps its name");
    let named = |list: &Value| {
        let mut names: Vec<String> =
            list.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let held = second.get(&format!("/roles/{}/composites", default_role.as_str().unwrap())).await;
    assert_eq!(named(&held), named(&first.get(&path).await));
    for list in
        ["/client-scopes", "/default-default-client-scopes", "/default-optional-client-scopes", "/roles"]
    {
        assert_eq!(named(&second.get(list).await), named(&first.get(list).await), "{list}");
    }
    // The console still finds its client, and the administrator his rights.
    assert_eq!(id_of(&second, "account").await, id_of(&first, "account").await);
    second.create_service_account("made-later").await.token().await.expect(200);
}

async fn an_import_that_fails_leaves_nothing(app: &TestApp) {
    let name = fresh_name();
    let with = |member: &str, value: Value| {
        let mut document = document(&name);
        document["id"] = json!(name);
        document[member] = value;
        document
    };
    let twice = json!([{"clientId": "api"}, {"clientId": "api"}]);
    let keys = |config: Value| json!({"org.keycloak.keys.KeyProvider": [{"name": "k", "providerId": "rsa-generated", "config": config}]});
    for (document, status) in [
        (with("clients", twice), 409),
        (with("clients", json!([{"clientId": "worker", "rootUrl": "javascript:x"}])), 400),
        (with("clients", json!({})), 400),
        (with("clientScopes", json!([{"name": "a"}, {"name": "a"}])), 409),
        (with("roles", json!({"realm": [{"name": "r", "composites": {"realm": ["missing"]}}]})), 400),
        (with("roles", json!({"client": {"missing": [{"name": "r"}]}})), 400),
        (with("scopeMappings", json!([{"client": "worker", "roles": ["missing"]}])), 400),
        (with("scopeMappings", json!([{"clientScope": "missing", "roles": ["reader"]}])), 400),
        (with("clientScopeMappings", json!({"missing": []})), 400),
        (with("users", json!([{"username": "x", "serviceAccountClientId": "missing"}])), 400),
        (with("users", json!([{"username": "x", "clientRoles": {"missing": ["r"]}}])), 400),
        (with("users", json!([{"username": "same"}, {"username": "Same"}])), 409),
        (with("components", keys(json!({"keySize": ["7"]}))), 400),
        (with("components", keys(json!({"privateKey": ["nonsense"]}))), 400),
    ] {
        let answer = app.admin(Method::POST, "", Some(&document)).await;
        assert_eq!(answer.status, status, "{document}: {}", answer.body);
        assert_eq!(app.admin(Method::GET, &format!("/{name}"), None).await.status, 404);
    }
    // Nothing of all that is in the way of the same names and ids.
    let realm = import(app, &with("enabled", json!(true))).await;
    assert_eq!(roles_of(&client(&realm, "worker")).await, json!(["reader", "writer"]));
}

async fn an_imported_key_signs_and_is_never_shown(app: &TestApp) {
    // An Ed25519 key in PKCS#8, RFC 8410 section 7.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(uuid::Uuid::new_v4().into_bytes());
    der.extend(uuid::Uuid::new_v4().into_bytes());
    let key = STANDARD.encode(der);
    let mut kids = Vec::new();
    for _ in 0..2 {
        let mut document = document(&fresh_name());
        document["defaultSignatureAlgorithm"] = json!("EdDSA");
        document["components"] = json!({"org.keycloak.keys.KeyProvider": [
            {"name": "moved", "providerId": "eddsa-generated", "config": {"eddsaPrivateKey": [key]}},
        ]});
        let realm = import(app, &document).await;
        kids.push(header_of(&client(&realm, "worker").access_token().await)["kid"].clone());
        let shown = realm.get("/components").await;
        assert_eq!((shown.as_array().unwrap().len(), &shown[0]["name"]), (1, &json!("moved")));
        for path in ["/components", "/keys"] {
            assert!(!realm.admin(Method::GET, path, None).await.expect(200).body.contains(&key), "{path}");
        }
        assert!(!realm.admin(Method::POST, EXPORT, None).await.expect(200).body.contains(&key));
    }
    assert_eq!(kids[0], kids[1], "it is the same key");
}

async fn partial_import(realm: &Realm<'_>, document: Value) -> Answer {
    realm.admin(Method::POST, "/partialImport", Some(&document)).await
}

async fn a_partial_import_that_is_refused_changes_nothing(app: &TestApp) {
    let realm = app.realm().await;
    realm.create_service_account("there").await;
    realm.role("taken").await;
    realm.make("/users", &json!({"username": "alice"})).await;
    let message = |text: &str| json!({"errorMessage": text});
    let fresh = json!({"clientId": "fresh"});
    for (document, status, body) in [
        (
            json!({"clients": [fresh, {"clientId": "there"}]}),
            409,
            message("Client id 'there' already exists"),
        ),
        (
            json!({"ifResourceExists": "FAIL", "clients": [fresh], "roles": {"realm": [{"name": "taken"}]}}),
            409,
            message("Realm role 'taken' already exists."),
        ),
        (
            json!({"clients": [fresh], "users": [{"username": "Alice"}]}),
            409,
            message("User with user name Alice already exists."),
        ),
        (
            json!({"clients": [fresh], "roles": {"client": {"nowhere": [{"name": "r"}]}}}),
            412,
            message("Can not import client roles for nonexistent client named nowhere"),
        ),
        (json!({"clients": [fresh, fresh]}), 409, message("Client id 'fresh' is listed twice")),
        (
            json!({"clients": [fresh], "roles": {"realm": [{"name": "r", "composites": {"realm": ["missing"]}}]}}),
            400,
            message("Unable to find role 'missing'"),
        ),
        (
            json!({"clients": [fresh], "users": [{"username": "bob", "clientRoles": {"there": ["missing"]}}]}),
            400,
            message("Unable to find role 'missing'"),
        ),
        (
            json!({"ifResourceExists": "MERGE", "clients": [fresh]}),
            400,
            message("unable to read contents from stream"),
        ),
        (
            json!({"clients": [{"clientId": 7.5, "enabled": "maybe"}]}),
            400,
            message("unable to read contents from stream"),
        ),
    ] {
        let answer = partial_import(&realm, document.clone()).await;
        assert_eq!((answer.status, answer.json()), (status, body), "{document}");
        assert_eq!(realm.get("/clients?clientId=fresh").await, json!([]), "{document}");
        assert_eq!(realm.admin(Method::GET, "/roles/r", None).await.status, 404);
    }
}

async fn a_partial_import_adds_and_overwrites(app: &TestApp) {
    let realm = app.realm().await;
    let there = realm.create_service_account("there").await;
    there.role("old").await;
    realm.make("/users", &json!({"username": "alice"})).await;
    let document = |policy: &str| {
        json!({
            "ifResourceExists": policy,
            "clients": [
                {"clientId": "there", "secret": "another secret of the client"},
                {"clientId": "account", "name": "never imported"},
            ],
            "roles": {"realm": [{"name": "outer", "composites": {"realm": ["inner"], "client": {"there": ["part"]}}}, {"name": "inner"}],
                      "client": {"there": [{"name": "part"}]}},
            "users": [{"username": "alice", "realmRoles": ["outer"]}],
        })
    };
    let count =
        |answer: &Value| ["added", "skipped", "overwritten"].map(|member| answer[member].as_u64().unwrap());
    let skipped = partial_import(&realm, document("SKIP")).await.expect(200).json();
    assert_eq!(count(&skipped), [3, 2, 0], "{skipped}");
    there.token().await.expect(200);
    assert_eq!(realm.get("/clients?clientId=account").await[0]["name"], "${client_account}");
    let parts = realm.get("/roles/outer/composites").await;
    assert_eq!(parts.as_array().unwrap().len(), 2, "{parts}");

    let overwritten = partial_import(&realm, document("OVERWRITE")).await.expect(200).json();
    // A role that is overwritten counts twice. `part` went with its client, and is told as overwritten all the same.
    assert_eq!(count(&overwritten), [3, 0, 5], "{overwritten}");
    assert_ne!(id_of(&realm, "there").await, there.id);
    assert_eq!(there.token().await.refusal().1, "unauthorized_client", "its secret is another");
    let roles = realm.get(&format!("/clients/{}/roles", id_of(&realm, "there").await)).await;
    assert_eq!((roles.as_array().unwrap().len(), &roles[0]["name"]), (1, &json!("part")));
    let alice = realm.get("/users?username=alice").await[0]["id"].as_str().unwrap().to_owned();
    let held = realm.get(&format!("/users/{alice}/role-mappings")).await;
    assert_eq!(held["realmMappings"][0]["name"], "outer", "{held}");
    assert_eq!(held["realmMappings"].as_array().unwrap().len(), 1, "{held}");

    // A realm's own export over itself takes nobody's rights away.
    let mut export = realm.admin(Method::POST, EXPORT, None).await.expect(200).json();
    export["ifResourceExists"] = json!("OVERWRITE");
    export.as_object_mut().unwrap().remove("users");
    partial_import(&realm, export).await.expect(200);
    let management = id_of(&realm, "realm-management").await;
    let admin = realm.get(&format!("/clients/{management}/roles/realm-admin/composites")).await;
    assert!(admin.as_array().unwrap().len() >= 20, "{admin}");
    assert_eq!(realm.get("").await["defaultRole"]["name"], format!("default-roles-{}", realm.name));
}

async fn a_partial_import_gives_no_more_than_its_caller_has(app: &TestApp) {
    let realm = app.realm().await;
    let operator = realm.create_service_account("operator").await;
    let management = id_of(&realm, "realm-management").await;
    let role = realm.get(&format!("/clients/{management}/roles/manage-realm")).await;
    realm
        .add(&format!("/users/{}/role-mappings/clients/{management}", operator.user().await), &[&role])
        .await;
    let token = operator.access_token().await;
    let import = async |document: &Value| {
        let url = app.url(&format!("/admin/realms/{}/partialImport", realm.name));
        let answer = app.http.post(url).bearer_auth(&token).json(document).send().await.unwrap();
        Answer::read(answer).await.unwrap()
    };
    let admin = json!({"realm-management": ["realm-admin"]});
    let own = json!({"realm-management": ["manage-realm"]});
    let user = |roles: &Value| json!({"users": [{"username": "mallory", "clientRoles": roles}]});
    let container = json!({"roles": {"realm": [{"name": "harmless", "composites": {"client": admin}}]}});
    for document in [user(&admin), container] {
        assert_eq!(import(&document).await.status, 403, "{document}");
    }
    assert_eq!(realm.get("/users?username=mallory").await, json!([]));
    import(&user(&own)).await.expect(200);
}
