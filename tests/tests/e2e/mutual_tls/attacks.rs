//! What somebody without the client's key might try.

use serde_json::json;

use super::setting::{PROXY, Setting, orders, refusal, token, x509_client};
use crate::app::{Authority, Identity, Subject};

scenarios_with_certificates!(
    a_header_from_an_untrusted_address_is_not_believed,
    a_header_beside_the_proxys_is_not_believed,
    a_proxys_own_certificate_is_not_a_clients,
    a_certificate_of_another_authority_with_the_same_subject_is_refused,
    a_self_signed_certificate_with_the_same_subject_is_refused,
    an_expired_certificate_is_refused,
    a_name_that_pretends_to_be_more_names_is_one,
    an_unknown_client_is_refused_in_the_same_words,
);

const SUBJECT: &str = "CN=orders,O=Shop";

async fn a_header_from_an_untrusted_address_is_not_believed(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": SUBJECT})).await;
    let header = s.orders().client_cert();
    token(&s.proxy(), &client, Some(&header)).await.expect(200);
    assert_eq!(token(&s.app.http, &client, Some(&header)).await.refusal(), refusal());
    let other = s.authority.client(&Subject { common_name: "billing", ..orders() });
    assert_eq!(token(&s.presenting(&other), &client, Some(&header)).await.refusal(), refusal());
}

async fn a_header_beside_the_proxys_is_not_believed(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": SUBJECT})).await;
    let own = s.authority.client(&Subject { common_name: "billing", ..orders() });
    let [stolen, own] = [s.orders(), own].map(|identity| identity.client_cert());
    token(&s.proxy(), &client, Some(&stolen)).await.expect(200);
    for headers in [[&stolen, &own], [&own, &stolen]] {
        let request = s.proxy().post(s.app.url(&realm.path("token")));
        let request = headers.iter().fold(request, |request, header| request.header("client-cert", *header));
        let form = [("grant_type", "client_credentials"), ("client_id", "orders")];
        let answer = request.form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
}

async fn a_proxys_own_certificate_is_not_a_clients(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": SUBJECT})).await;
    let identity = s.orders();
    token(&s.presenting(&identity), &client, None).await.expect(200);
    let proxy = crate::app::client()
        .tls_certs_only([s.authority.certificate()])
        .identity(identity.presented())
        .local_address(PROXY)
        .build()
        .unwrap();
    assert_eq!(token(&proxy, &client, None).await.refusal(), refusal());
}

async fn a_certificate_of_another_authority_with_the_same_subject_is_refused(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": SUBJECT})).await;
    // The other authority calls itself what the trusted one does.
    let forged = Authority::new("Clients").client(&orders());
    assert_eq!(token(&s.presenting(&forged), &client, None).await.refusal(), refusal());
    assert_eq!(token(&s.proxy(), &client, Some(&forged.client_cert())).await.refusal(), refusal());
}

async fn a_self_signed_certificate_with_the_same_subject_is_refused(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": SUBJECT})).await;
    let forged = Identity::self_signed(&orders());
    assert_eq!(token(&s.presenting(&forged), &client, None).await.refusal(), refusal());
}

async fn an_expired_certificate_is_refused(s: &Setting) {
    let realm = s.app.realm().await;
    let subject = Subject { expired: true, ..orders() };
    let named = x509_client(&realm, "named", json!({"x509.subjectdn": SUBJECT})).await;
    let expired = s.authority.client(&subject);
    assert_eq!(token(&s.presenting(&expired), &named, None).await.refusal(), refusal());
    assert_eq!(token(&s.proxy(), &named, Some(&expired.client_cert())).await.refusal(), refusal());

    let expired = Identity::self_signed(&subject);
    let attributes = json!({
        "self_signed_tls_client_auth": "true",
        "jwt.credential.public.key": expired.public_key,
    });
    let registered = x509_client(&realm, "registered", attributes).await;
    assert_eq!(token(&s.presenting(&expired), &registered, None).await.refusal(), refusal());
}

async fn a_name_that_pretends_to_be_more_names_is_one(s: &Setting) {
    let realm = s.app.realm().await;
    let pattern =
        json!({"x509.subjectdn": "CN=orders, O=Shop", "x509.allow.regex.pattern.comparison": "true"});
    let like = x509_client(&realm, "like", pattern).await;
    let exact = x509_client(&realm, "exact", json!({"x509.subjectdn": SUBJECT})).await;
    for common_name in ["orders, O=Shop", "orders,O=Shop", "orders\", O=Shop"] {
        let pretender =
            s.presenting(&s.authority.client(&Subject { common_name, organization: "Evil", ..orders() }));
        assert_eq!(token(&pretender, &like, None).await.refusal(), refusal(), "{common_name}");
        assert_eq!(token(&pretender, &exact, None).await.refusal(), refusal(), "{common_name}");
    }
}

async fn an_unknown_client_is_refused_in_the_same_words(s: &Setting) {
    let realm = s.app.realm().await;
    let mut client = x509_client(&realm, "orders", json!({"x509.subjectdn": "CN=another"})).await;
    let presenting = s.presenting(&s.orders());
    assert_eq!(token(&presenting, &client, None).await.refusal(), refusal());
    client.client_id = "nobody".to_owned();
    assert_eq!(token(&presenting, &client, None).await.refusal(), refusal());
}
