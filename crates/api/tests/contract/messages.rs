//! What the generated messages promise beside their fields.

use bytes::Bytes;
use latchkey_api::{issuer, registry, roles};

#[test]
fn debug_never_shows_a_secret() {
    let request = registry::v1::AuthenticateRequest {
        realm: "demo".into(),
        client_id: Some("product-sa-client".into()),
        client_secret: Some("s3cr3t".into()),
        client_assertion: Some("ey.s3cr3t".into()),
        ..Default::default()
    };
    let shown = format!("{request:?}");
    assert!(
        shown.contains("product-sa-client") && shown.contains("client_secret: Some([redacted])"),
        "{shown}"
    );
    assert!(!shown.contains("s3cr3t"), "{shown}");

    let response = roles::v1::ResolveResponse {
        outcome: Some(roles::v1::resolve_response::Outcome::Resolution(roles::v1::Resolution {
            access_token_claims: Bytes::from_static(b"{\"s3cr3t\":1}"),
            ..Default::default()
        })),
    };
    assert!(!format!("{response:?}").contains("s3cr3t"));

    let provider = issuer::v1::KeyProvider {
        name: "mine".into(),
        config: [("privateKey".to_owned(), issuer::v1::StringList { values: vec!["s3cr3t".into()] })].into(),
        ..Default::default()
    };
    let request = issuer::v1::CreateKeyProviderRequest { provider: Some(provider), admin_event: None };
    let shown = format!("{request:?}");
    assert!(shown.contains("mine") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn stored_documents_stay_readable_when_fields_are_added() {
    let realm: registry::v1::Realm = serde_json::from_str(r#"{"name":"demo"}"#).unwrap();
    assert_eq!(realm, registry::v1::Realm { name: "demo".into(), ..Default::default() });
}

#[test]
fn bytes_are_base64_in_json() {
    let response = issuer::v1::PublicKeysResponse { jwks: Bytes::from_static(b"{}") };
    let json = serde_json::to_string(&response).unwrap();
    assert_eq!(json, r#"{"jwks":"e30="}"#);
    assert_eq!(serde_json::from_str::<issuer::v1::PublicKeysResponse>(&json).unwrap(), response);

    let request: registry::v1::AuthenticateRequest = serde_json::from_str("{}").unwrap();
    assert_eq!(request.client_certificate, None);
}
