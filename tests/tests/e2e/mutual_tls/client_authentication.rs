//! `tls_client_auth` and `self_signed_tls_client_auth`, RFC 8705 section 2.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::SanType;
use serde_json::json;

use super::setting::{Setting, orders, refusal, token, x509_client};
use crate::app::{Identity, Subject, claims};

scenarios_with_certificates!(
    a_client_is_known_by_the_subject_of_its_certificate,
    a_client_is_known_by_an_alternative_name,
    a_self_signed_certificate_whose_key_is_registered_proves_its_client,
    a_trusted_proxy_tells_of_the_certificate,
    without_a_certificate_a_secret_works_as_ever,
);

async fn a_client_is_known_by_the_subject_of_its_certificate(s: &Setting) {
    let realm = s.app.realm().await;
    let exact = x509_client(&realm, "exact", json!({"x509.subjectdn": "CN=orders,O=Shop"})).await;
    let pattern =
        json!({"x509.subjectdn": "CN=o[a-z]+, O=Sh.p", "x509.allow.regex.pattern.comparison": "true"});
    let like = x509_client(&realm, "like", pattern).await;
    let part = json!({"x509.subjectdn": "CN=orders", "x509.allow.regex.pattern.comparison": "true"});
    let partly = x509_client(&realm, "partly", part).await;

    let presenting = s.presenting(&s.orders());
    for client in [&exact, &like] {
        let answer = token(&presenting, client, None).await.expect(200);
        assert_eq!(claims(&answer.text("access_token"))["azp"], client.client_id.as_str());
        assert_eq!(claims(&answer.text("access_token"))["cnf"], json!(null), "not asked for");
        assert_eq!(token(&s.app.http, client, None).await.refusal(), refusal(), "without a certificate");
    }
    assert_eq!(token(&presenting, &partly, None).await.refusal(), refusal());
    let other = Subject { common_name: "billing", ..orders() };
    let other = s.presenting(&s.authority.client(&other));
    assert_eq!(token(&other, &exact, None).await.refusal(), refusal());
}

async fn a_client_is_known_by_an_alternative_name(s: &Setting) {
    let realm = s.app.realm().await;
    let alternatives = vec![
        SanType::DnsName("orders.example".try_into().unwrap()),
        SanType::URI("spiffe://shop/orders".try_into().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
        SanType::Rfc822Name("orders@shop.example".try_into().unwrap()),
    ];
    let certificate = s.authority.client(&Subject { alternatives, ..orders() });
    let presenting = s.presenting(&certificate);
    let bare = s.presenting(&s.orders());
    for (attribute, name, other) in [
        ("tls_client_auth_san_dns", "Orders.example", "example"),
        ("tls_client_auth_san_uri", "spiffe://shop/orders", "spiffe://shop/Orders"),
        ("tls_client_auth_san_ip", "2001:DB8:0::7", "2001:db8::8"),
        ("tls_client_auth_san_email", "orders@SHOP.example", "Orders@shop.example"),
    ] {
        let right = x509_client(&realm, &format!("{attribute}-right"), json!({attribute: name})).await;
        let wrong = x509_client(&realm, &format!("{attribute}-wrong"), json!({attribute: other})).await;
        token(&presenting, &right, None).await.expect(200);
        assert_eq!(token(&presenting, &wrong, None).await.refusal(), refusal(), "{attribute}");
        assert_eq!(token(&bare, &right, None).await.refusal(), refusal(), "{attribute}");
    }
}

async fn a_self_signed_certificate_whose_key_is_registered_proves_its_client(s: &Setting) {
    let realm = s.app.realm().await;
    let identity = Identity::self_signed(&orders());
    let attributes = json!({
        "self_signed_tls_client_auth": "true",
        "jwt.credential.public.key": identity.public_key,
    });
    let client = x509_client(&realm, "orders", attributes).await;
    let presenting = s.presenting(&identity);
    token(&presenting, &client, None).await.expect(200);
    let another = s.presenting(&Identity::self_signed(&orders()));
    assert_eq!(token(&another, &client, None).await.refusal(), refusal());
}

async fn a_trusted_proxy_tells_of_the_certificate(s: &Setting) {
    let realm = s.app.realm().await;
    let client = x509_client(&realm, "orders", json!({"x509.subjectdn": "CN=orders,O=Shop"})).await;
    let identity = s.orders();
    let escaped = utf8_percent_encode(&identity.certificate, NON_ALPHANUMERIC).to_string();
    let in_one_line = identity.certificate.replace('\n', " ");
    let proxy = s.proxy();
    for header in [identity.client_cert(), escaped, in_one_line] {
        token(&proxy, &client, Some(&header)).await.expect(200);
    }
    for header in [None, Some(""), Some("garbage"), Some(":AAAA:")] {
        assert_eq!(token(&proxy, &client, header).await.refusal(), refusal(), "{header:?}");
    }
}

async fn without_a_certificate_a_secret_works_as_ever(s: &Setting) {
    let realm = s.app.realm().await;
    let client = realm.create_service_account("orders").await;
    assert_eq!(claims(&client.access_token().await)["cnf"], json!(null));
    assert_eq!(
        token(&s.presenting(&s.orders()), &client, None).await.refusal().1,
        "unauthorized_client",
        "a certificate is no secret"
    );
}
