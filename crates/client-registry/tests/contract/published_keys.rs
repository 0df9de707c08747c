//! Keys by URL: of clients and of outside issuers alike.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use latchkey_api::registry::v1::authenticate_response::Outcome;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::*;
use latchkey_client_registry::{Config, RegistryService};
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;
use tonic::Request;

use crate::identity_providers::provider;
use crate::key_server::{KeyServer, TlsKeyServer};
use crate::setting::*;
use crate::signing::*;

const CLOUD: &str = "https://cloud.example";

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn jwks(keys: &[(&str, &EcdsaKeyPair)]) -> Value {
    let jwk = |(kid, key): &(&str, &EcdsaKeyPair)| {
        let (x, y) = point(key);
        json!({ "kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "use": "sig", "x": x, "y": y })
    };
    json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() })
}

/// A replica that may fetch from this machine.
async fn allowed(s: &Setting) -> (Arc<RegistryService>, DropGuard) {
    let networks = vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    s.with_config(&Config { allowed_key_server_networks: networks, ..Config::default() }).await
}

/// An issuer that publishes its keys, and its one client.
async fn issuer(s: &Setting, config: Value) {
    let mut all = json!({
        "issuer": CLOUD, "validateSignature": "true", "supportsClientAssertions": "true",
        "supportsClientAssertionReuse": "true", "federatedClientAssertionMaxExpiration": "86400", "useJwksUrl": "true",
    });
    for (name, value) in config.as_object().unwrap() {
        all[name] = value.clone();
    }
    s.create_provider(provider("red", "cloud", all), "").await.unwrap();
    let attributes = json!({ "jwt.credential.issuer": "cloud", "jwt.credential.sub": "workload-7" });
    create(s, "billing", "federated-jwt", "", attributes).await;
}

fn token(key: EcdsaKeyPair, kid: &str) -> String {
    token_of(CLOUD, key, kid)
}

fn token_of(issuer: &str, key: EcdsaKeyPair, kid: &str) -> String {
    let lasting = json!({ "exp": NOW_MS / 1000 + 86_000 });
    let head = json!({ "alg": "ES256", "kid": kid });
    signed(&Signer::Ec(key), head, json!({ "iss": issuer, "sub": "workload-7" }), lasting)
}

async fn accepts(service: &RegistryService, token: &str) -> bool {
    matches!(authenticate(service, presenting(token)).await, Outcome::Authenticated(_))
}

/// What the dry run says of the keys.
async fn keys_fault(service: &RegistryService, token: &str) -> String {
    let request = TestAssertionRequest {
        realm_id: id_of("red"),
        alias: "cloud".to_owned(),
        assertion: token.to_owned(),
        assertion_audiences: vec![ISSUER.to_owned()],
    };
    let tested = answer(service.test_assertion(Request::new(request)).await).unwrap();
    let check = tested.checks.into_iter().find(|check| check.name == "keys").unwrap();
    if check.passed { String::new() } else { check.detail }
}

async fn keys_are_fetched_once_and_again_for_a_new_one(s: Setting) {
    let server = KeyServer::start().await;
    let (old, new) = (key(), key());
    server.publish("/keys", 200, jwks(&[("old", &old)]));
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    let (service, _running) = allowed(&s).await;
    let document = jwks(&[("old", &old), ("new", &new)]);
    let (old, new) = (token(old, "old"), token(new, "new"));

    for _ in 0..3 {
        assert!(accepts(&service, &old).await);
    }
    assert_eq!(server.asked(), 1);
    server.publish("/keys", 200, document);
    assert!(!accepts(&service, &new).await, "it was asked just now");
    assert_eq!(server.asked(), 1);
    s.clock.advance_s(10);
    assert!(accepts(&service, &new).await && accepts(&service, &old).await);
    assert_eq!(server.asked(), 2);
    s.clock.advance_s(10);
    for kid in ["unknown-1", "unknown-2", "unknown-3"] {
        assert!(!accepts(&service, &token(key(), kid)).await);
    }
    assert_eq!(server.asked(), 3, "whoever makes keys up has it asked once in a while");
    assert!(accepts(&service, &old).await);
}

async fn many_at_once_ask_once(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    let (service, _running) = allowed(&s).await;
    let token = token(pair, "k");
    let answers = futures::future::join_all((0..20).map(|_| accepts(&service, &token))).await;
    assert_eq!((answers.into_iter().all(|accepted| accepted), server.asked()), (true, 1));
}

async fn an_outage_is_ridden_out_for_an_hour(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    let (service, _running) = allowed(&s).await;
    let document = jwks(&[("k", &pair)]);
    let token = token(pair, "k");
    assert!(accepts(&service, &token).await);
    server.publish("/keys", 503, "");
    for minutes in [4, 10, 20, 30] {
        s.clock.advance_s(minutes * 60);
        assert!(accepts(&service, &token).await, "{minutes}");
    }
    s.clock.advance_s(60);
    assert!(!accepts(&service, &token).await, "65 minutes after they were fetched");
    assert_eq!(
        keys_fault(&service, &token).await,
        "the key server answered with status 503 Service Unavailable"
    );
    server.publish("/keys", 200, document);
    s.clock.advance_s(10);
    assert!(accepts(&service, &token).await, "it recovers by itself");
}

async fn a_key_that_is_withdrawn_verifies_no_more(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    let (service, _running) = allowed(&s).await;
    let token = token(pair, "k");
    assert!(accepts(&service, &token).await);
    server.publish("/keys", 200, jwks(&[]));
    s.clock.advance_s(5 * 60);
    assert!(!accepts(&service, &token).await);
}

async fn an_issuer_is_discovered(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    let issuer_url = server.url("/cloud");
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    let well_known = "/cloud/.well-known/openid-configuration";
    server.publish(well_known, 200, json!({ "issuer": issuer_url, "jwks_uri": server.named_url("/keys") }));
    issuer(&s, json!({ "issuer": issuer_url })).await;
    let (service, _running) = allowed(&s).await;
    let token = token_of(&issuer_url, pair, "k");
    assert!(accepts(&service, &token).await);

    let (another, _running) = allowed(&s).await;
    for document in [
        json!({ "issuer": "https://somebody.example", "jwks_uri": server.url("/keys") }),
        json!({ "issuer": issuer_url }),
        json!({ "issuer": issuer_url, "jwks_uri": "file:///etc/passwd" }),
        json!([]),
    ] {
        s.clock.advance_s(10);
        server.publish(well_known, 200, &document);
        assert!(!accepts(&another, &token).await, "{document}");
        assert_eq!(
            keys_fault(&another, &token).await,
            "the discovery document is not one, or of another issuer"
        );
    }
}

/// The settings of OpenID Connect do not count for a cluster: only keys at its own address do.
async fn a_cluster_vouches_for_its_pods_until_their_tokens_expire(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/openid/v1/jwks", 200, jwks(&[("k", &pair)]));
    let url = server.url("");
    let configuration = json!({ "issuer": url, "jwks_uri": server.url("/openid/v1/jwks") });
    server.publish("/.well-known/openid-configuration", 200, configuration);
    let (foreign, pem) = pem_key();
    let mut cluster = provider("red", "cluster", json!({ "issuer": url, "publicKeySignatureVerifier": pem }));
    cluster.provider_id = "kubernetes".to_owned();
    s.create_provider(cluster, "").await.unwrap();
    let claims = json!({ "kubernetes.io": { "namespace": "prod" } });
    let attributes =
        json!({ "jwt.credential.issuer": "cluster", "jwt.credential.claims": claims.to_string() });
    create(&s, "pod", "federated-jwt", "", attributes).await;

    let (service, _running) = allowed(&s).await;
    let subject = "system:serviceaccount:prod:billing";
    let base = || json!({ "iss": url, "sub": subject, "jti": null, "exp": NOW_MS / 1000 + 3600 });
    let of = |signer: &Signer, namespace: &str| {
        let changes = json!({ "kubernetes.io": { "namespace": namespace, "pod": { "name": "p" } } });
        signed(signer, json!({ "alg": "ES256" }), base(), changes)
    };
    let pair = Signer::Ec(pair);
    let good = of(&pair, "prod");
    for _ in 0..2 {
        assert!(accepts(&service, &good).await, "it is shown again and again");
    }
    assert!(!accepts(&service, &of(&pair, "dev")).await && !accepts(&service, &of(&foreign, "prod")).await);
    s.clock.advance_s(3599);
    assert!(accepts(&service, &good).await);
    s.clock.advance_s(1);
    assert!(!accepts(&service, &good).await);
}

async fn a_trust_domain_vouches_for_what_is_below_it(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    // Of a SPIFFE bundle: another use, no algorithm.
    let (x, y) = point(&pair);
    let bundle = json!({
        "spiffe_sequence": 1, "spiffe_refresh_hint": 300,
        "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "k", "use": "jwt-svid", "x": x, "y": y },
            { "kty": "EC", "crv": "P-256", "use": "x509-svid", "x": x, "y": y, "x5c": ["AAAA"] },
        ],
    });
    server.publish("/bundle", 200, bundle);
    let config = json!({ "trustDomain": "spiffe://acme.example/", "bundleEndpoint": server.url("/bundle") });
    let mesh = IdentityProvider { provider_id: "spiffe".to_owned(), ..provider("red", "mesh", config) };
    s.create_provider(mesh, "").await.unwrap();
    let attributes = json!({ "jwt.credential.issuer": "mesh", "jwt.credential.sub.prefix": "spiffe://" });
    create(&s, "workload", "federated-jwt", "", attributes).await;

    let (service, _running) = allowed(&s).await;
    let pair = Signer::Ec(pair);
    let of = |subject: &str| {
        let more = json!({ "sub": subject, "jti": null, "iat": null });
        signed(&pair, json!({ "alg": "ES256", "kid": "k" }), more, json!({}))
    };
    let svid = |subject: &str| AuthenticateRequest {
        client_assertion_type: Some("urn:ietf:params:oauth:client-assertion-type:jwt-spiffe".to_owned()),
        ..presenting(&of(subject))
    };
    let accepted = async |request| matches!(authenticate(&service, request).await, Outcome::Authenticated(_));
    assert!(accepted(svid("spiffe://acme.example/billing")).await);
    assert!(accepted(presenting(&of("spiffe://acme.example/billing"))).await);
    for subject in [
        "spiffe://acme.example",
        "spiffe://acme.example.evil/billing",
        "spiffe://acme.exampl/e/billing",
        "acme.example/x",
    ] {
        assert!(!accepted(svid(subject)).await, "{subject}");
    }
}

async fn a_client_publishes_its_keys(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    for (client_id, path) in [("signer", "/keys"), ("astray", "/nothing")] {
        let url = json!({ "use.jwks.url": "true", "jwks.url": server.named_url(path) });
        create(&s, client_id, "client-jwt", "", url).await;
    }
    let (service, _running) = allowed(&s).await;
    let key = Signer::Ec(pair);
    let of = |client_id: &str, kid: &str| {
        presenting(&assertion(&key, json!({ "alg": "ES256", "kid": kid }), client_id, json!({})))
    };
    let detail = async |request| match authenticate(&service, request).await {
        Outcome::Authenticated(authenticated) => authenticated.method,
        Outcome::Refusal(refusal) => refusal.detail,
    };
    assert_eq!(detail(of("signer", "k")).await, "client-jwt");
    assert_eq!(detail(of("signer", "unknown")).await, "Unable to load public key");
    assert_eq!(detail(of("astray", "k")).await, "Unable to load public key", "why is nobody's business");
    let asked = server.asked();
    let other = AuthenticateRequest { client_id: Some("astray".to_owned()), ..of("signer", "k") };
    s.clock.advance_s(10);
    detail(other).await;
    assert_eq!(server.asked(), asked, "nobody else's assertion has a client's server asked");
}

/// Over TLS only from whom the system or the settings vouch for, under its own name.
async fn attack_a_server_that_nobody_vouches_for(s: Setting) {
    let pair = key();
    let server = TlsKeyServer::start(jwks(&[("k", &pair)])).await;
    let token = token(pair, "k");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &server.certificate).unwrap();
    let networks = || vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    let vouched = Config {
        allowed_key_server_networks: networks(),
        key_server_ca_file: Some(file),
        ..Config::default()
    };
    issuer(&s, json!({ "jwksUrl": server.url("localhost") })).await;
    let (service, _running) = s.with_config(&vouched).await;
    assert_eq!(keys_fault(&service, &token).await, "");
    assert!(accepts(&service, &token).await);

    let unreachable = "the key server could not be reached";
    let (stranger, _running) = allowed(&s).await;
    assert_eq!(keys_fault(&stranger, &token).await, unreachable);
    assert!(!accepts(&stranger, &token).await);
    s.delete_provider("red", "cloud").await.unwrap();
    let renamed = json!({
        "issuer": CLOUD, "validateSignature": "true", "supportsClientAssertions": "true", "useJwksUrl": "true",
        "jwksUrl": server.url("127.0.0.1"),
    });
    s.create_provider(provider("red", "cloud", renamed), "").await.unwrap();
    assert_eq!(keys_fault(&service, &token).await, unreachable, "the certificate is of another name");
}

async fn attack_keys_at_a_private_address(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    server.publish("/keys", 200, jwks(&[("k", &pair)]));
    let token = token(pair, "k");
    let refused = "the address of the key server is private, and not among `allowed_key_server_networks`";
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    for url in [
        server.url("/keys"),
        server.named_url("/keys"),
        format!("http://2130706433:{port}/keys"),
        format!("http://0x7f.1:{port}/keys"),
        format!("http://127.0.0.1.:{port}/keys"),
        format!("http://[::ffff:127.0.0.1]:{port}/keys"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://10.0.0.1/keys".to_owned(),
        "http://[fd00:ec2::254]/keys".to_owned(),
    ] {
        let request = GetIdentityProviderRequest { realm_id: id_of("red"), alias: "cloud".to_owned() };
        let stored = answer(s.service.get_identity_provider(Request::new(request)).await).unwrap();
        let mut stored = stored.identity_provider.unwrap();
        stored.config.insert("jwksUrl".to_owned(), url.clone());
        s.update_provider(stored, "").await.unwrap();
        assert!(!accepts(&s.service, &token).await, "{url}");
        assert_eq!(keys_fault(&s.service, &token).await, refused, "{url}");
    }
    assert_eq!(server.asked(), 0);
}

async fn attack_a_redirect_or_an_endless_document(s: Setting) {
    let server = KeyServer::start().await;
    let pair = key();
    let document = jwks(&[("k", &pair)]);
    server.publish("/keys", 200, &document);
    server.publish("/moved", 302, server.url("/keys"));
    let padding = "x".repeat(300 << 10);
    server.publish("/long", 200, json!({ "keys": document["keys"], "padding": padding }));
    server.publish("/html", 200, "<html>");
    let token = token(pair, "k");
    let (service, _running) = allowed(&s).await;
    issuer(&s, json!({ "jwksUrl": server.url("/keys") })).await;
    for (path, fault) in [
        ("/moved", "the key server answered with status 302 Found"),
        ("/long", "the key server answered with too long a document"),
        ("/html", "the key server answered with something that is no key set"),
        ("/keys", ""),
    ] {
        s.delete_provider("red", "cloud").await.unwrap();
        let mut config = json!({ "issuer": CLOUD, "validateSignature": "true", "supportsClientAssertions": "true", "useJwksUrl": "true" });
        config["jwksUrl"] = json!(server.url(path));
        s.create_provider(provider("red", "cloud", config), "").await.unwrap();
        assert_eq!(keys_fault(&service, &token).await, fault, "{path}");
    }
}

contract!(
    keys_are_fetched_once_and_again_for_a_new_one,
    many_at_once_ask_once,
    an_outage_is_ridden_out_for_an_hour,
    a_key_that_is_withdrawn_verifies_no_more,
    an_issuer_is_discovered,
    a_cluster_vouches_for_its_pods_until_their_tokens_expire,
    a_trust_domain_vouches_for_what_is_below_it,
    a_client_publishes_its_keys,
    attack_a_server_that_nobody_vouches_for,
    attack_keys_at_a_private_address,
    attack_a_redirect_or_an_endless_document,
);
