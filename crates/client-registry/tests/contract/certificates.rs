//! Clients that prove themselves by a certificate, RFC 8705 section 2.

use latchkey_api::registry::v1::refusal::Reason;
use latchkey_api::registry::v1::*;
use latchkey_client_registry::Config;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PublicKeyData as _, SanType, SignatureAlgorithm, date_time_ymd,
};
use serde_json::{Value, json};

use crate::key_server::KeyServer;
use crate::setting::*;
use crate::signing::{b64, create, key_set, outcome};

const X509: &str = "client-x509";

/// A certificate with its key; who signed it, the registry does not look at.
struct Certificate {
    der: Vec<u8>,
    pem: String,
    key: KeyPair,
}

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    signed_with(KeyPair::generate().unwrap(), change)
}

fn signed_with(key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "DE");
    params.distinguished_name.push(DnType::OrganizationName, "Shop, Inc.");
    params.distinguished_name.push(DnType::CommonName, "orders");
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    Certificate { der: certificate.der().to_vec(), pem: certificate.pem(), key }
}

fn presenting(client_id: &str, certificate: &Certificate, trusted: bool) -> AuthenticateRequest {
    AuthenticateRequest {
        realm: "red".to_owned(),
        client_id: Some(client_id.to_owned()),
        source: CredentialSource::Body.into(),
        client_certificate: Some(certificate.der.clone().into()),
        client_certificate_trusted: trusted,
        ..AuthenticateRequest::default()
    }
}

async fn passes(s: &Setting, client_id: &str, certificate: &Certificate, trusted: bool) -> bool {
    match outcome(s, presenting(client_id, certificate, trusted)).await {
        Ok(authenticated) => {
            assert_eq!((authenticated.method.as_str(), authenticated.assertion), (X509, None));
            true
        }
        Err(refusal) => {
            assert_eq!(refusal, (Reason::ClientNotFound, String::new()), "as of an unknown client");
            false
        }
    }
}

async fn the_subject_is_compared_as_a_name_or_as_a_pattern(s: Setting) {
    let orders = certificate(|_| {});
    for (client_id, subject, is_pattern, expected) in [
        ("exact", r"CN=orders,O=Shop\, Inc.,C=DE", false, true),
        ("java", r#"cn=orders, o="Shop, Inc.", c=DE"#, false, true),
        ("backwards", r"C=DE,O=Shop\, Inc.,CN=orders", false, false),
        ("case", r"CN=Orders,O=Shop\, Inc.,C=DE", false, false),
        ("part", "CN=orders", false, false),
        ("no-name", "orders", false, false),
        ("a-pattern-is-no-name", "CN=.*", false, false),
        ("pattern", r#"CN=ord\w+, O="Shop, .*", C=(DE|FR)"#, true, true),
        ("pattern-for-a-part", "CN=orders", true, false),
        ("pattern-in-the-middle", "O=\"Shop, Inc.\"", true, false),
        ("alternatives", "CN=orders|C=DE", true, false),
        ("closing-our-bracket", "x)|(?:.*", true, false),
        ("no-pattern", "CN=(", true, false),
        ("huge", "(?:.{1000}){1000}", true, false),
        ("slow", r"(\w+\s?)*, O=.*", true, false),
    ] {
        let attributes = json!({ "x509.subjectdn": subject, "x509.allow.regex.pattern.comparison": is_pattern.to_string() });
        create(&s, client_id, X509, "", attributes).await;
        assert_eq!(passes(&s, client_id, &orders, true).await, expected, "{client_id}");
        assert!(!passes(&s, client_id, &orders, false).await, "{client_id}: nobody vouches for it");
    }
}

async fn alternative_names_are_compared_by_their_rules(s: Setting) {
    let orders = certificate(|params| {
        params.subject_alt_names = vec![
            SanType::DnsName("*.orders.example".try_into().unwrap()),
            SanType::DnsName("orders.example".try_into().unwrap()),
            SanType::URI("https://orders.example/a".try_into().unwrap()),
            SanType::IpAddress("192.0.2.7".parse().unwrap()),
            SanType::IpAddress("2001:db8::7".parse().unwrap()),
            SanType::Rfc822Name("Orders@Shop.example".try_into().unwrap()),
        ];
    });
    let bare = certificate(|_| {});
    for (place, (attribute, name, expected)) in [
        ("tls_client_auth_san_dns", "ORDERS.example", true),
        ("tls_client_auth_san_dns", "a.orders.example", false),
        ("tls_client_auth_san_dns", "example", false),
        ("tls_client_auth_san_dns", "192.0.2.7", false),
        ("tls_client_auth_san_uri", "https://orders.example/a", true),
        ("tls_client_auth_san_uri", "https://orders.example/", false),
        ("tls_client_auth_san_ip", "192.0.2.7", true),
        ("tls_client_auth_san_ip", "2001:0DB8::0007", true),
        ("tls_client_auth_san_ip", "192.0.2.8", false),
        ("tls_client_auth_san_ip", "orders.example", false),
        ("tls_client_auth_san_email", "Orders@shop.EXAMPLE", true),
        ("tls_client_auth_san_email", "orders@shop.example", false),
        ("tls_client_auth_san_email", "Shop.example", false),
    ]
    .into_iter()
    .enumerate()
    {
        let client_id = format!("client-{place}");
        create(&s, &client_id, X509, "", json!({ attribute: name })).await;
        assert_eq!(passes(&s, &client_id, &orders, true).await, expected, "{attribute} {name}");
        assert!(!passes(&s, &client_id, &orders, false).await, "{attribute} {name}: nobody vouches for it");
        assert!(!passes(&s, &client_id, &bare, true).await, "{attribute} {name}: it has no such names");
    }

    let both = json!({ "x509.subjectdn": "CN=billing", "tls_client_auth_san_dns": "orders.example" });
    create(&s, "both", X509, "", both).await;
    assert!(!passes(&s, "both", &orders, true).await, "each name that is given counts");
    create(&s, "none", X509, "", json!({})).await;
    assert!(!passes(&s, "none", &orders, true).await, "without a name any certificate would do");
    create(&s, "empty", X509, "", json!({ "x509.subjectdn": "", "tls_client_auth_san_dns": "" })).await;
    assert!(!passes(&s, "empty", &orders, true).await);
}

fn jwk(certificate: &Certificate) -> Value {
    let (x, y) = certificate.key.der_bytes()[1..].split_at(32);
    json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": b64(x), "y": b64(y) })
}

fn self_signed(more: Value) -> Value {
    let mut attributes = json!({ "self_signed_tls_client_auth": "true" });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    attributes
}

async fn a_registered_key_is_enough(s: Setting) {
    let own = certificate(|_| {});
    let again = signed_with(KeyPair::from_pem(&own.key.serialize_pem()).unwrap(), |params| {
        params.distinguished_name.push(DnType::CommonName, "renewed");
    });
    let another = certificate(|_| {});
    let public_key = own.key.public_key_pem();
    for (client_id, attributes) in [
        ("certificate", json!({ "jwt.credential.certificate": own.pem })),
        ("public-key", json!({ "jwt.credential.public.key": public_key })),
        ("jwks", key_set(json!([jwk(&another), jwk(&own)]))),
    ] {
        create(&s, client_id, X509, "", self_signed(attributes)).await;
        assert!(passes(&s, client_id, &own, false).await, "{client_id}");
        assert!(passes(&s, client_id, &own, true).await, "{client_id}");
        assert!(passes(&s, client_id, &again, false).await, "{client_id}: it is the key that is registered");
        if client_id != "jwks" {
            assert!(!passes(&s, client_id, &another, true).await, "{client_id}");
        }
    }
    create(&s, "none", X509, "", self_signed(json!({ "x509.subjectdn": "CN=orders" }))).await;
    assert!(!passes(&s, "none", &own, true).await, "without a key no certificate will do");
    create(&s, "off", X509, "", json!({ "jwt.credential.certificate": own.pem })).await;
    assert!(!passes(&s, "off", &own, true).await, "the client has not asked for it");
    let encryption =
        json!({ "kty": "EC", "crv": "P-256", "use": "enc", "x": jwk(&own)["x"], "y": jwk(&own)["y"] });
    create(&s, "enc", X509, "", self_signed(key_set(json!([encryption])))).await;
    assert!(!passes(&s, "enc", &own, true).await, "that key is for something else");
}

async fn keys_of_each_kind_are_recognised(s: Setting) {
    let kinds: [(&str, &SignatureAlgorithm); 2] =
        [("p384", &PKCS_ECDSA_P384_SHA384), ("ed25519", &PKCS_ED25519)];
    for (client_id, algorithm) in kinds {
        let own = signed_with(KeyPair::generate_for(algorithm).unwrap(), |_| {});
        let public_key = json!({ "jwt.credential.public.key": own.key.public_key_pem() });
        create(&s, client_id, X509, "", self_signed(public_key)).await;
        assert!(passes(&s, client_id, &own, false).await, "{client_id}");
    }
    let rsa = signed_with(KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(), |_| {});
    let (modulus, exponent) = rsa_numbers(rsa.key.der_bytes());
    let jwk = json!({ "kty": "RSA", "n": b64(modulus), "e": b64(exponent) });
    create(&s, "rsa-jwks", X509, "", self_signed(key_set(json!([jwk])))).await;
    assert!(passes(&s, "rsa-jwks", &rsa, false).await);
    create(&s, "rsa", X509, "", self_signed(json!({ "jwt.credential.certificate": rsa.pem }))).await;
    assert!(passes(&s, "rsa", &rsa, false).await);
    let another = signed_with(KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(), |_| {});
    assert!(!passes(&s, "rsa-jwks", &another, false).await && !passes(&s, "rsa", &another, false).await);
}

/// Of a PKCS#1 public key whose modulus has 2048 bits: SEQUENCE, INTEGER of 257 bytes with a zero before it, INTEGER of 3.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    (&der[9..265], &der[267..270])
}

async fn a_published_key_is_fetched_when_its_certificate_comes(s: Setting) {
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    let config = Config { allowed_key_server_networks: networks, ..Config::default() };
    let (service, _guard) = s.with_config(&config).await;
    let server = KeyServer::start().await;
    let (first, second) = (certificate(|_| {}), certificate(|_| {}));
    server.publish("/jwks", 200, json!({ "keys": [jwk(&first)] }));
    let published = json!({ "use.jwks.url": "true", "jwks.url": server.url("/jwks") });
    create(&s, "orders-by-url", X509, "", self_signed(published)).await;
    let passes = async |certificate: &Certificate| {
        let request = presenting("orders-by-url", certificate, false);
        matches!(authenticate(&service, request).await, authenticate_response::Outcome::Authenticated(_))
    };
    assert!(passes(&first).await && passes(&first).await);
    assert_eq!(server.asked(), 1);
    assert!(!passes(&second).await);

    server.publish("/jwks", 200, json!({ "keys": [jwk(&second)] }));
    s.clock.advance_ms(11_000);
    assert!(passes(&second).await, "a key that is not among them is looked for");
    assert!(!passes(&first).await);
}

async fn a_certificate_is_good_for_its_time_only(s: Setting) {
    let year = |from: i32, to: i32| {
        certificate(move |params| {
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        })
    };
    create(&s, "named", X509, "", json!({ "x509.subjectdn": r"CN=orders,O=Shop\, Inc.,C=DE" })).await;
    // The clock of these tests stands in 2026.
    for (certificate, good) in
        [(year(2026, 2027), true), (year(2020, 2026), false), (year(2027, 2028), false)]
    {
        assert_eq!(passes(&s, "named", &certificate, true).await, good);
        let client_id = format!("registered-{}", crate::signing::uuid());
        let own = self_signed(json!({ "jwt.credential.certificate": certificate.pem }));
        create(&s, &client_id, X509, "", own).await;
        assert_eq!(passes(&s, &client_id, &certificate, false).await, good);
    }
}

async fn what_is_no_certificate_proves_nothing(s: Setting) {
    let own = certificate(|_| {});
    create(&s, "named", X509, "", json!({ "x509.subjectdn": r"CN=orders,O=Shop\, Inc.,C=DE" })).await;
    let pem = Certificate { der: own.pem.clone().into_bytes(), ..certificate(|_| {}) };
    let longer = Certificate { der: [own.der.as_slice(), b"x"].concat(), ..certificate(|_| {}) };
    let shorter = Certificate { der: own.der[..own.der.len() - 1].to_vec(), ..certificate(|_| {}) };
    let empty = Certificate { der: Vec::new(), ..certificate(|_| {}) };
    for broken in [pem, longer, shorter, empty] {
        assert!(!passes(&s, "named", &broken, true).await);
    }
    assert!(passes(&s, "named", &own, true).await);
}

async fn a_certificate_is_looked_at_only_for_clients_that_use_one(s: Setting) {
    let own = certificate(|_| {});
    let described = json!({ "x509.subjectdn": r"CN=orders,O=Shop\, Inc.,C=DE" });
    create(&s, "by-secret", "client-secret", "password", described.clone()).await;
    let (reason, _) = outcome(&s, presenting("by-secret", &own, true)).await.unwrap_err();
    assert_eq!(reason, Reason::InvalidCredentials);

    create(&s, "named", X509, "password", described).await;
    let basic =
        AuthenticateRequest { source: CredentialSource::Basic.into(), ..presenting("named", &own, true) };
    assert_eq!(outcome(&s, basic).await.unwrap_err(), (Reason::ClientIdMissing, String::new()));
    let elsewhere = AuthenticateRequest { realm: "blue".to_owned(), ..presenting("named", &own, true) };
    assert_eq!(outcome(&s, elsewhere).await.unwrap_err().0, Reason::ClientNotFound);
    let off = s.find("red", "named").await.unwrap();
    s.update(Client { enabled: false, ..off }, "").await.unwrap();
    assert_eq!(outcome(&s, presenting("named", &own, true)).await.unwrap_err().0, Reason::ClientDisabled);
}

contract!(
    the_subject_is_compared_as_a_name_or_as_a_pattern,
    alternative_names_are_compared_by_their_rules,
    a_registered_key_is_enough,
    keys_of_each_kind_are_recognised,
    a_published_key_is_fetched_when_its_certificate_comes,
    a_certificate_is_good_for_its_time_only,
    what_is_no_certificate_proves_nothing,
    a_certificate_is_looked_at_only_for_clients_that_use_one,
);
