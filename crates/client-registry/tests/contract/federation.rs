//! Clients that an outside issuer vouches for.

use aws_lc_rs::hmac;
use latchkey_api::registry::v1::client_registry_server::ClientRegistry as _;
use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::*;
use serde_json::{Value, json};
use tonic::Request;

use crate::identity_providers::{provider, trusted};
use crate::setting::*;
use crate::signing::*;

const CLOUD: &str = "https://cloud.example";

/// A realm that trusts an issuer, and the issuer's key.
struct Trust {
    s: Setting,
    key: Signer,
    provider: IdentityProvider,
}

impl Trust {
    async fn in_realms(s: Setting) -> Self {
        let (key, pem) = pem_key();
        let made = s.create_provider(provider("red", "cloud", trusted(CLOUD, &pem)), "").await.unwrap();
        Self { s, key, provider: made }
    }

    /// A client with these attributes beside the alias.
    async fn client(&self, client_id: &str, mut attributes: Value) {
        attributes["jwt.credential.issuer"] = json!("cloud");
        create(&self.s, client_id, "federated-jwt", "", attributes).await;
    }

    fn token(&self, changes: Value) -> String {
        signed(&self.key, json!({ "alg": "ES256" }), json!({ "iss": CLOUD, "sub": "workload-7" }), changes)
    }

    /// The client that presents a token, or why there is none.
    async fn who(&self, changes: Value) -> Result<String, (Reason, String)> {
        who(&self.s, presenting(&self.token(changes))).await
    }
}

async fn who(s: &Setting, request: AuthenticateRequest) -> Result<String, (Reason, String)> {
    outcome(s, request).await.map(|authenticated| authenticated.client.unwrap().client_id)
}

fn nobody() -> Result<String, (Reason, String)> {
    Err((Reason::ClientNotFound, String::new()))
}

/// The issuer is none that the realm trusts for this.
fn unnamed() -> Result<String, (Reason, String)> {
    Err((Reason::ClientNotGiven, String::new()))
}

fn refused(detail: &str) -> Result<String, (Reason, String)> {
    Err((Reason::InvalidAssertion, detail.to_owned()))
}

fn found(client_id: &str) -> Result<String, (Reason, String)> {
    Ok(client_id.to_owned())
}

async fn a_workload_is_the_client_that_asks_for_its_subject(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let answer = outcome(&t.s, presenting(&t.token(json!({ "jti": "once" })))).await.unwrap();
    assert_eq!(answer.method, "federated-jwt");
    let id = format!("{}:once", t.provider.id);
    assert_eq!(answer.assertion, Some(AssertionId { id, ttl_s: 51 }), "to be used once, whoever it is for");
    assert_eq!(t.who(json!({ "sub": "workload-8" })).await, nobody());
    assert_eq!(t.who(json!({ "sub": null })).await, nobody());
    assert_eq!(t.who(json!({ "iss": "https://other.example" })).await, unnamed());
    assert_eq!(t.who(json!({ "iss": null })).await, unnamed());
}

async fn the_closest_of_the_mappings_wins(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("any-of-acme", json!({ "jwt.credential.sub.prefix": "repo:acme/" })).await;
    t.client("app", json!({ "jwt.credential.sub.prefix": "repo:acme/app:" })).await;
    let prod = json!({ "jwt.credential.sub.prefix": "repo:acme/app:", "jwt.credential.claims": r#"{"environment":"prod"}"# });
    t.client("app-prod", prod).await;
    t.client("main", json!({ "jwt.credential.sub": "repo:acme/app:ref:main" })).await;
    t.client("by-claims", json!({ "jwt.credential.claims": r#"{"kubernetes.io":{"namespace":"prod"}}"# }))
        .await;
    for (changes, expected) in [
        (json!({ "sub": "repo:acme/other:x" }), found("any-of-acme")),
        (json!({ "sub": "repo:acme/app:x" }), found("app")),
        (json!({ "sub": "repo:acme/app:x", "environment": "prod" }), found("app-prod")),
        (json!({ "sub": "repo:acme/app:x", "environment": "dev" }), found("app")),
        (json!({ "sub": "repo:acme/app:ref:main", "environment": "prod" }), found("main")),
        (json!({ "sub": "x", "kubernetes.io": { "namespace": "prod", "pod": "p" } }), found("by-claims")),
        (json!({ "sub": "x", "kubernetes.io": { "namespace": "dev" } }), nobody()),
        (json!({ "sub": "repo:evil/repo:acme/app:" }), nobody()),
    ] {
        assert_eq!(t.who(changes.clone()).await, expected, "{changes}");
    }
    t.client("rival", json!({ "jwt.credential.sub.prefix": "repo:acme/app:" })).await;
    assert_eq!(t.who(json!({ "sub": "repo:acme/app:x" })).await, nobody(), "two that fit alike are none");
}

async fn a_change_of_a_mapping_counts_at_once(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    assert_eq!(t.who(json!({})).await, found("billing"));
    let mut client = t.s.find("red", "billing").await.unwrap();
    client.attributes.insert("jwt.credential.sub".to_owned(), "workload-8".to_owned());
    let client = t.s.update(client, "").await.unwrap();
    assert_eq!(t.who(json!({})).await, nobody());
    assert_eq!(t.who(json!({ "sub": "workload-8" })).await, found("billing"));
    let renamed = t.s.update(Client { client_id: "invoices".to_owned(), ..client }, "").await.unwrap();
    assert_eq!(t.who(json!({ "sub": "workload-8" })).await, found("invoices"));
    t.s.update(Client { enabled: false, ..renamed }, "").await.unwrap();
    let disabled = Err((Reason::ClientDisabled, String::new()));
    assert_eq!(t.who(json!({ "sub": "workload-8" })).await, disabled);
    t.s.delete_provider("red", "cloud").await.unwrap();
    assert_eq!(t.who(json!({ "sub": "workload-8" })).await, unnamed());
}

async fn claims_that_cannot_be_read_are_refused_when_they_are_set(s: Setting) {
    for claims in ["[]", "{}", "prod", "{"] {
        let mut client = client("red", "x");
        client.attributes.insert("jwt.credential.claims".to_owned(), claims.to_owned());
        let new = NewClient { client: Some(client), secret: String::new() };
        let status = s.create(new).await.unwrap_err();
        assert_eq!(status.message(), "jwt.credential.claims is not a JSON object of claims", "{claims}");
    }
}

async fn attack_no_signature_or_one_of_another_kind(s: Setting) {
    let (key, pem) = pem_key();
    s.create_provider(provider("red", "cloud", trusted(CLOUD, &pem)), "").await.unwrap();
    let t = Trust { s, key, provider: IdentityProvider::default() };
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let good = t.token(json!({}));
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let by = |signer: &Signer, header: Value| {
        signed(signer, header, json!({ "iss": CLOUD, "sub": "workload-7" }), json!({}))
    };
    // The public key as the secret of a MAC: it verifies where the header chooses the kind of algorithm.
    let confused = |secret: &str| Signer::Mac(hmac::HMAC_SHA256, secret.to_owned());
    for token in [
        by(&confused(&pem), json!({ "alg": "HS256" })),
        by(&confused(pem.trim()), json!({ "alg": "HS256" })),
        by(&t.key, json!({ "alg": "none" })),
        by(&t.key, json!({ "alg": "NONE" })),
        by(&t.key, json!({ "alg": "RS256" })),
        by(&t.key, json!({})),
        by(&pem_key().0, json!({ "alg": "ES256" })),
        format!("{unsigned}."),
        format!("{unsigned}.{}", b64([0; 64])),
        format!("{}.{}.", b64(r#"{"alg":"none"}"#), unsigned.split_once('.').unwrap().1),
        by(
            &pem_key().0,
            json!({ "alg": "ES256", "jwk": { "kty": "EC" }, "jku": "https://evil.example/keys" }),
        ),
    ] {
        assert_eq!(who(&t.s, presenting(&token)).await, nobody(), "{token}");
    }
    assert_eq!(who(&t.s, presenting(&good)).await, found("billing"));
}

async fn attack_an_assertion_for_somebody_else(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    for (aud, expected) in [
        (json!("https://elsewhere.example"), "Invalid token audience"),
        (json!(null), "Invalid token audience"),
        (json!([]), "Invalid token audience"),
        (json!([ISSUER, "https://elsewhere.example"]), "Multiple audiences not allowed"),
        (json!(format!("{ISSUER}/token")), "Invalid token audience"),
    ] {
        assert_eq!(t.who(json!({ "aud": aud })).await, refused(expected), "{aud}");
    }
    assert_eq!(t.who(json!({ "aud": [ISSUER] })).await, found("billing"));
    let mut other = t.provider.clone();
    other.config.insert("clientAssertionAudience".to_owned(), "latchkey sts.example".to_owned());
    t.s.update_provider(other, "").await.unwrap();
    assert_eq!(t.who(json!({ "aud": "sts.example" })).await, found("billing"));
    assert_eq!(t.who(json!({ "aud": ISSUER })).await, refused("Invalid token audience"));
}

async fn attack_an_assertion_out_of_its_time(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let now = NOW_MS / 1000;
    for (changes, expected) in [
        (json!({ "exp": now }), "Token is not active"),
        (json!({ "exp": now - 1, "iat": null }), "Token is not active"),
        (json!({ "nbf": now + 1 }), "Token is not active"),
        (json!({ "exp": null }), "Token exp claim is required"),
        (json!({ "iat": now + 1 }), "Token was issued in the future"),
        (json!({ "iat": now - 301, "exp": now + 50 }), "Token was issued too far in the past to be used now"),
        (
            json!({ "iat": null, "exp": now + 301 }),
            "Token expiration is too far in the future and iat claim not present in token",
        ),
        (json!({ "jti": null }), "Token jti claim is required"),
    ] {
        assert_eq!(t.who(changes.clone()).await, refused(expected), "{changes}");
    }
    let mut lenient = t.provider.clone();
    for (name, value) in [("allowedClockSkew", "999999"), ("federatedClientAssertionMaxExpiration", "x")] {
        lenient.config.insert(name.to_owned(), value.to_owned());
    }
    t.s.update_provider(lenient, "").await.unwrap();
    assert_eq!(t.who(json!({ "iat": now + 300 })).await, found("billing"));
    assert_eq!(
        t.who(json!({ "iat": now + 301 })).await,
        refused("Token was issued in the future"),
        "skew is bounded"
    );
    assert_eq!(
        t.who(json!({ "iat": now - 301 })).await,
        refused("Token was issued too far in the past to be used now"),
        "what is no number changes nothing"
    );
}

async fn attack_a_token_of_another_realms_issuer(s: Setting) {
    let (blue_key, blue_pem) = pem_key();
    let t = Trust::in_realms(s).await;
    t.s.create_provider(provider("blue", "cloud", trusted("https://blue.example", &blue_pem)), "")
        .await
        .unwrap();
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let of = |issuer: &str| {
        signed(&blue_key, json!({ "alg": "ES256" }), json!({ "iss": issuer, "sub": "workload-7" }), json!({}))
    };
    assert_eq!(who(&t.s, presenting(&of("https://blue.example"))).await, unnamed());
    assert_eq!(who(&t.s, presenting(&of(CLOUD))).await, nobody());
    let elsewhere = AuthenticateRequest { realm: "blue".to_owned(), ..presenting(&t.token(json!({}))) };
    assert_eq!(who(&t.s, elsewhere).await, unnamed());
}

async fn attack_an_issuer_that_is_not_trusted_for_it(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    // Another provider's subject of the same name is another workload.
    create(
        &t.s,
        "elsewhere",
        "federated-jwt",
        "",
        json!({ "jwt.credential.issuer": "other", "jwt.credential.sub": "x" }),
    )
    .await;
    assert_eq!(t.who(json!({ "sub": "x" })).await, nobody());
    let mut stored = t.provider.clone();
    for (name, value, expected) in [
        ("supportsClientAssertions", "false", unnamed()),
        ("validateSignature", "false", unnamed()),
        ("publicKeySignatureVerifier", "", nobody()),
        ("publicKeySignatureVerifier", "garbage", nobody()),
    ] {
        let mut changed = stored.clone();
        changed.config.insert(name.to_owned(), value.to_owned());
        stored = t.s.update_provider(changed, "").await.unwrap();
        assert_eq!(t.who(json!({})).await, expected, "{name}={value}");
        stored.config.clone_from(&t.provider.config);
    }
    stored = t.s.update_provider(stored, "").await.unwrap();
    assert_eq!(t.who(json!({})).await, found("billing"));
    t.s.update_provider(IdentityProvider { enabled: false, ..stored }, "").await.unwrap();
    assert_eq!(t.who(json!({})).await, unnamed());
}

async fn a_client_id_beside_it_names_the_same_client(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    t.client("shipping", json!({ "jwt.credential.sub": "workload-8" })).await;
    let beside = |client_id: &str| AuthenticateRequest {
        client_id: Some(client_id.to_owned()),
        ..presenting(&t.token(json!({})))
    };
    for (client_id, expected) in [
        ("billing", found("billing")),
        ("workload-7", found("billing")),
        ("shipping", nobody()),
        ("workload-8", nobody()),
        ("unknown", nobody()),
        ("orders", Err((Reason::InvalidCredentials, String::new()))),
    ] {
        assert_eq!(who(&t.s, beside(client_id)).await, expected, "{client_id}");
    }
    let secret = AuthenticateRequest { client_secret: Some("password".to_owned()), ..beside("orders") };
    assert_eq!(who(&t.s, secret).await, found("orders"), "a secret wins");
    let alone =
        AuthenticateRequest { client_id: Some("billing".to_owned()), ..by_secret("red", "billing", "x") };
    assert_eq!(who(&t.s, alone).await, nobody());
}

async fn the_dry_run_says_what_is_wrong(s: Setting) {
    let t = Trust::in_realms(s).await;
    t.client("billing", json!({ "jwt.credential.sub": "workload-7" })).await;
    let now = NOW_MS / 1000;
    for (token, last, accepted) in [
        ("garbage".to_owned(), "format", false),
        (t.token(json!({ "iss": "https://other.example" })), "issuer", false),
        (
            signed(
                &pem_key().0,
                json!({ "alg": "ES256" }),
                json!({ "iss": CLOUD, "sub": "workload-7" }),
                json!({}),
            ),
            "signature",
            false,
        ),
        (
            signed(
                &t.key,
                json!({ "alg": "HS256" }),
                json!({ "iss": CLOUD, "sub": "workload-7" }),
                json!({}),
            ),
            "algorithm",
            false,
        ),
        (t.token(json!({ "sub": "workload-8" })), "client", false),
        (t.token(json!({ "aud": "x" })), "audience", false),
        (t.token(json!({ "exp": now - 1 })), "lifetime", false),
        (t.token(json!({})), "lifetime", true),
    ] {
        let tested = t.test(&token).await;
        let step = tested.checks.last().unwrap();
        assert_eq!(
            (tested.accepted, step.name.as_str(), step.passed),
            (accepted, last, accepted),
            "{tested:?}"
        );
        assert!(tested.checks.iter().rev().skip(1).all(|check| check.passed));
        let signature = token.rsplit('.').next().unwrap();
        assert!(
            tested.checks.iter().all(|check| !check.detail.contains(signature)),
            "the token is not shown"
        );
    }
    let token = t.token(json!({}));
    assert_eq!(t.test(&token).await.client_id, "billing");
    assert_eq!(t.test(&token).await.client_id, "billing", "it claims nothing");
    assert_eq!(who(&t.s, presenting(&token)).await, found("billing"));
    t.s.update_provider(IdentityProvider { enabled: false, ..t.provider.clone() }, "").await.unwrap();
    let tested = t.test(&token).await;
    assert_eq!(tested.checks.last().unwrap().detail, "it is disabled");
}

impl Trust {
    async fn test(&self, token: &str) -> TestAssertionResponse {
        let request = TestAssertionRequest {
            realm_id: id_of("red"),
            alias: "cloud".to_owned(),
            assertion: token.to_owned(),
            assertion_audiences: vec![ISSUER.to_owned()],
        };
        answer(self.s.service.test_assertion(Request::new(request)).await).unwrap()
    }
}

contract!(
    a_workload_is_the_client_that_asks_for_its_subject,
    the_closest_of_the_mappings_wins,
    a_change_of_a_mapping_counts_at_once,
    claims_that_cannot_be_read_are_refused_when_they_are_set,
    attack_no_signature_or_one_of_another_kind,
    attack_an_assertion_for_somebody_else,
    attack_an_assertion_out_of_its_time,
    attack_a_token_of_another_realms_issuer,
    attack_an_issuer_that_is_not_trusted_for_it,
    a_client_id_beside_it_names_the_same_client,
    the_dry_run_says_what_is_wrong,
);
