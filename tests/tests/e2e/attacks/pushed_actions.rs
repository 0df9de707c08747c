//! The action by which a client is told of not-before is signed by the realm, as tokens are. Who was told uses it as a token.

use reqwest::Method;
use serde_json::json;

use super::doors::{NOTHING, opened, trusted};
use crate::app::{Setup, Shape, TestApp, ToldClient, run_alone};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[test]
fn a_pushed_action_in_the_place_of_tokens() {
    run_alone(async {
        let networks = r#"["127.0.0.0/8"]"#;
        let setup = Setup::of(Shape::AllInOne)
            .with("LATCHKEY_CLIENT_REGISTRY__ALLOWED_KEY_SERVER_NETWORKS", networks);
        let app = TestApp::start(setup).await;
        let realm = app.realm().await;
        let told = ToldClient::start().await;
        let billing = trusted(&realm, "billing").await;
        let by_assertion = json!({
            "adminUrl": told.url("/app"), "clientAuthenticatorType": "client-jwt",
            "attributes": {
                "jwks.url": app.url(&realm.path("certs")), "use.jwks.url": "true",
                "token.endpoint.auth.signing.alg": "RS256",
            },
        });
        realm.create_service_account_with("told", by_assertion).await;
        realm.admin(Method::POST, "/push-revocation", None).await.expect(200);
        let (_, action) = told.heard().pop().unwrap();

        assert_eq!(opened(&billing, &action).await, NOTHING);
        billing.logout(&action).await.expect(400);
        for client_id in [Some("told"), None] {
            let mut form = vec![
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", action.as_str()),
            ];
            form.extend(client_id.map(|client_id| ("client_id", client_id)));
            let answer = realm.post_form("token", &form).await;
            assert!(matches!(answer.status, 400 | 401), "{}: {}", answer.status, answer.body);
        }
        let registration = app.url(&format!("/realms/{}/clients-registrations/default", realm.name));
        let register = app.http.post(registration).bearer_auth(&action).json(&json!({ "clientId": "x" }));
        assert!(matches!(register.send().await.unwrap().status().as_u16(), 401 | 403));
    });
}
