//! What hangs on a client: its public key, what its scopes would give, and its adapter's settings.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Answer, ServiceAccount, TestApp, claims};

scenarios!(
    a_generated_key_is_answered_once,
    a_key_store_is_downloaded_with_a_new_key,
    an_uploaded_key_set_replaces_a_certificate,
    what_is_no_key_is_refused_and_changes_nothing,
    an_example_token_says_what_a_token_says,
    examples_of_others_are_for_who_may_see_them,
    roles_within_the_scope_are_told_from_those_outside,
    an_adapter_is_told_where_the_server_is,
);

fn certificates(client: &ServiceAccount<'_>) -> String {
    format!("{}/certificates/jwt.credential", client.path())
}

async fn upload(client: &ServiceAccount<'_>, format: &str, file: &[u8]) -> Answer {
    send(client, Form::new().text("keystoreFormat", format.to_owned()), file).await
}

async fn upload_store(client: &ServiceAccount<'_>, file: &[u8], alias: &str) -> Answer {
    let form = Form::new().text("keystoreFormat", "JKS").text("keyAlias", alias.to_owned());
    send(client, form.text("storePassword", "secret store"), file).await
}

async fn send(client: &ServiceAccount<'_>, form: Form, file: &[u8]) -> Answer {
    let app = client.realm.app;
    let url =
        app.url(&format!("/admin/realms/{}{}/upload-certificate", client.realm.name, certificates(client)));
    let file = Part::bytes(file.to_vec()).file_name("key");
    let form = form.part("file", file);
    let request = app.http.post(url).bearer_auth(app.admin_token().await).multipart(form);
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

/// An Ed25519 public key (RFC 8032, section 7.1, test 1) as a key set.
fn key_set() -> Value {
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).unwrap()).collect();
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "mine", "use": "sig", "x": URL_SAFE_NO_PAD.encode(bytes)}]})
}

async fn a_generated_key_is_answered_once(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let path = certificates(&billing);
    assert_eq!(realm.get(&path).await, json!({}));
    let made = realm.admin(Method::POST, &format!("{path}/generate"), None).await.expect(200).json();
    let private_key = made["privateKey"].as_str().unwrap();
    assert!(private_key.len() > 1000);
    let shown = realm.get(&path).await;
    assert_eq!(shown, json!({"certificate": made["certificate"], "privateKey": "**********"}));
    let client = realm.admin(Method::GET, &billing.path(), None).await;
    assert_eq!(client.json()["attributes"]["jwt.credential.certificate"], made["certificate"]);
    assert!(!client.body.contains(private_key));
    let again = realm.admin(Method::POST, &format!("{path}/generate"), None).await.expect(200).json();
    assert_ne!(again["certificate"], made["certificate"]);
    realm.admin(Method::POST, "/clients/nobody/certificates/jwt.credential/generate", None).await.expect(404);
}

async fn a_key_store_is_downloaded_with_a_new_key(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let url =
        app.url(&format!("/admin/realms/{}{}/generate-and-download", realm.name, certificates(&billing)));
    let ask = async |config: Value| {
        app.http.post(&url).bearer_auth(app.admin_token().await).json(&config).send().await.unwrap()
    };
    let config = |format: &str| json!({"format": format, "keyAlias": "k", "keyPassword": "secret key", "storePassword": "secret store"});
    let mut before = Value::Null;
    for (format, beginning) in [("JKS", b"\xfe\xed\xfe\xed"), ("PKCS12", b"\x30\x82\x0f\x00")] {
        let answer = ask(config(format)).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"application/octet-stream".parse().unwrap())
        );
        let store = answer.bytes().await.unwrap();
        assert_eq!(store[..2], beginning[..2]);
        assert!(store.len() > 2500, "the realm's certificate is in it too");
        if format == "JKS" {
            let uploaded = upload_store(&billing, &store, "K").await.expect(200).json();
            assert_eq!(
                uploaded,
                realm.get(&certificates(&billing)).await,
                "it holds the certificate that was kept"
            );
        }
        let now = realm.get(&certificates(&billing)).await;
        assert!(now["certificate"].is_string() && now.get("privateKey").is_none() && now != before);
        before = now;
    }
    for (config, status, body) in [
        (config("PEM"), 406, json!({"error": "Only support jks or pkcs12 format."})),
        (json!({}), 406, json!({"error": "Only support jks or pkcs12 format."})),
        (
            json!({"format": "JKS", "storePassword": "x"}),
            400,
            json!({"error": "password-missing", "error_description": "Need to specify a key password for jks generation and download"}),
        ),
        (
            json!({"format": "PKCS12", "keyPassword": "x"}),
            400,
            json!({"error": "password-missing", "error_description": "Need to specify a store password for jks generation and download"}),
        ),
    ] {
        let answer = Answer::read(ask(config).await).await.unwrap();
        assert_eq!((answer.status, answer.json()), (status, body));
    }
    assert_eq!(realm.get(&certificates(&billing)).await, before);
}

async fn an_uploaded_key_set_replaces_a_certificate(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let path = certificates(&billing);
    realm.admin(Method::POST, &format!("{path}/generate"), None).await.expect(200);
    let text = key_set().to_string();
    let answer = upload(&billing, "JSON Web Key Set", text.as_bytes()).await.expect(200).json();
    assert_eq!((&answer["kid"], &answer["jwks"]), (&json!("mine"), &json!(text)));
    let public_key = answer["publicKey"].as_str().unwrap();
    assert_eq!(realm.get(&path).await, json!({"kid": "mine", "publicKey": public_key}));

    let pem = format!("-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----\n");
    let answer = upload(&billing, "Public Key PEM", pem.as_bytes()).await.expect(200).json();
    assert_eq!(answer, json!({"publicKey": public_key}));
    assert_eq!(realm.get(&path).await, answer);
}

async fn what_is_no_key_is_refused_and_changes_nothing(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    realm.admin(Method::POST, &format!("{}/generate", certificates(&billing)), None).await.expect(200);
    let before = realm.get(&billing.path()).await;
    let text = key_set().to_string();
    for (format, file) in [
        ("Nothing", text.as_bytes()),
        ("", text.as_bytes()),
        ("PKCS12", text.as_bytes()),
        ("Certificate PEM", text.as_bytes()),
        ("Certificate PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        ("Certificate PEM", b"\xff\0"),
        ("Public Key PEM", b""),
        ("JSON Web Key Set", b"{\"keys\":[{}]}"),
        ("JSON Web Key Set", b"[]"),
        ("JKS", b"\xfe\xed\xfe\xed\0\0\0\x02\xff\xff\xff\xff"),
    ] {
        let answer = upload(&billing, format, file).await;
        assert_eq!(answer.status, 400, "{format}: {}", answer.body);
        assert!(answer.json()["errorMessage"].is_string(), "{}", answer.body);
    }
    let path = format!("{}/upload-certificate", certificates(&billing));
    realm.admin(Method::POST, &path, Some(&key_set())).await.expect(415);
    assert_eq!(realm.get(&billing.path()).await, before);
}

async fn an_example_token_says_what_a_token_says(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    billing.grant(&[&realm.role("reader").await]).await;
    let path = format!("{}/evaluate-scopes/generate-example-access-token", billing.path());
    let example =
        realm.get(&format!("{path}?scope=phone%20nobody-knows&userId={}", billing.user().await)).await;
    let token = billing.token_with(&[("scope", "phone")]).await.expect(200).text("access_token");
    let (mut example, mut token) = (example, claims(&token));
    for volatile in ["exp", "iat", "jti", "sid", "clientHost", "clientAddress", "client_id"] {
        example.as_object_mut().unwrap().remove(volatile);
        token.as_object_mut().unwrap().remove(volatile);
    }
    assert_eq!(example, token);
    assert!(example["realm_access"]["roles"].as_array().unwrap().contains(&json!("reader")));

    let userinfo = path.replace("access-token", "userinfo");
    for (query, text) in
        [("", "No userId provided"), ("?userId=", "No userId provided"), ("?userId=x", "No user found")]
    {
        let answer = realm.admin(Method::GET, &format!("{userinfo}{query}"), None).await;
        assert_eq!((answer.status, answer.json()), (404, json!({"error": text})));
    }
}

async fn examples_of_others_are_for_who_may_see_them(app: &TestApp) {
    let realm = app.realm().await;
    let operator = realm.create_service_account("operator").await;
    let billing = realm.create_service_account("billing").await;
    let management =
        realm.get("/clients?clientId=realm-management").await[0]["id"].as_str().unwrap().to_owned();
    let role = realm.get(&format!("/clients/{management}/roles/view-clients")).await;
    realm
        .add(&format!("/users/{}/role-mappings/clients/{management}", operator.user().await), &[&role])
        .await;
    let alice = realm.make("/users", &json!({"username": "alice"})).await;
    let token = operator.access_token().await;
    for (user, status) in [(billing.user().await, 200), (operator.user().await, 403), (alice, 403)] {
        let path = format!(
            "/admin/realms/{}{}/evaluate-scopes/generate-example-access-token?userId={user}",
            realm.name,
            billing.path(),
        );
        let answer = app.http.get(app.url(&path)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
}

async fn roles_within_the_scope_are_told_from_those_outside(app: &TestApp) {
    let realm = app.realm().await;
    let settings = json!({"fullScopeAllowed": false, "protocolMappers": [{
        "name": "own", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "own", "claim.value": "1", "access.token.claim": "true"},
    }]});
    let billing = realm.create_service_account_with("billing", settings).await;
    let own = billing.role("own").await;
    let (inner, outer) = (realm.role("inner").await, realm.role("outer").await);
    realm.role("other").await;
    realm.add("/roles/outer/composites", &[&inner]).await;
    billing.let_through(&[&outer]).await;
    let names = async |path: String, name: &str| {
        let list = realm.get(&format!("{}/evaluate-scopes/{path}", billing.path())).await;
        let mut names: Vec<String> =
            list.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(format!("scope-mappings/{}/granted", realm.name), "name").await, ["inner", "outer"]);
    let outside = names(format!("scope-mappings/{}/not-granted", realm.name), "name").await;
    assert!(outside.contains(&"other".to_owned()) && !outside.contains(&"inner".to_owned()), "{outside:?}");
    assert_eq!(
        names(format!("scope-mappings/{}/granted", billing.id), "name").await,
        [own["name"].as_str().unwrap()]
    );
    let with_offline = format!("scope-mappings/{}/granted?scope=offline_access", realm.name);
    assert_eq!(names(with_offline, "name").await, ["inner", "offline_access", "outer"]);

    let mappers = names("protocol-mappers".to_owned(), "mapperName").await;
    assert!(
        mappers.contains(&"own".to_owned()) && !mappers.contains(&"phone number".to_owned()),
        "{mappers:?}"
    );
    let mappers = names("protocol-mappers?scope=phone".to_owned(), "mapperName").await;
    assert!(mappers.contains(&"phone number".to_owned()), "{mappers:?}");
}

async fn an_adapter_is_told_where_the_server_is(app: &TestApp) {
    let realm = app.realm().await;
    let billing = realm.create_service_account("billing").await;
    let path = format!("{}/installation/providers/keycloak-oidc-keycloak-json", billing.path());
    for prefix in ["", "/auth"] {
        let url = app.url(&format!("{prefix}/admin/realms/{}{path}", realm.name));
        let answer = app.http.get(url).bearer_auth(app.admin_token().await).send().await.unwrap();
        let answer = Answer::read(answer).await.unwrap().expect(200);
        assert_eq!(answer.header("content-type"), "text/plain");
        let expected = json!({
            "realm": realm.name,
            "auth-server-url": app.url(&format!("{prefix}/")),
            "ssl-required": "external",
            "resource": "billing",
            "credentials": {"secret": billing.secret},
            "confidential-port": 0,
        });
        assert_eq!(answer.json(), expected);
    }
    billing.role("own").await;
    billing.update(json!({"publicClient": true})).await;
    let public = realm.get(&path).await;
    assert_eq!((&public["public-client"], &public["credentials"]), (&json!(true), &Value::Null));
    assert_eq!(public["use-resource-role-mappings"], true);
}
