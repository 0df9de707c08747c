//! An outside issuer: a key of its own, assertions, and a server that publishes the key.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use super::jws;

/// An outside issuer.
pub(crate) struct Issuer {
    pub(crate) url: String,
    key: EcdsaKeyPair,
    /// The public key.
    pub(crate) pem: String,
}

impl Issuer {
    pub(crate) fn new(url: &str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der()).unwrap();
        Self { url: url.to_owned(), key, pem: pair.public_key_pem() }
    }

    /// An assertion about a subject for an audience, with more claims; null takes one out.
    pub(crate) fn assertion(&self, subject: &str, audience: &str, more: Value) -> String {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.url, "sub": subject, "aud": audience, "jti": uuid::Uuid::new_v4(),
            "iat": now_s, "exp": now_s + 120,
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        jws::signed(&self.key, &json!({ "alg": "ES256", "typ": "JWT" }), &claims)
    }

    /// An identity provider that trusts it by its key, with more configuration.
    pub(crate) fn provider(&self, alias: &str, more: Value) -> Value {
        let mut config = json!({
            "issuer": self.url, "validateSignature": "true", "useJwksUrl": "false",
            "publicKeySignatureVerifier": self.pem, "clientId": "x", "clientSecret": "hush-of-the-provider",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "alias": alias, "providerId": "oidc", "enabled": true, "config": config })
    }

    fn key_set(&self) -> Value {
        let (x, y) = jws::point(&self.key);
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "x": x, "y": y }] })
    }
}

/// A server that publishes an issuer's configuration and key. It ends with the test process.
pub(crate) struct KeyServer {
    address: SocketAddr,
}

impl KeyServer {
    /// Publishes the key of the issuer that `issuer` makes of the server's address.
    pub(crate) async fn start() -> (Self, Issuer) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap() };
        let issuer = Issuer::new(&server.url(""));
        let keys = issuer.key_set().to_string();
        let configuration = json!({ "issuer": issuer.url, "jwks_uri": server.url("/keys") }).to_string();
        let router = Router::new()
            .route("/keys", get(async move || keys))
            .route("/.well-known/openid-configuration", get(async move || configuration));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, issuer)
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
