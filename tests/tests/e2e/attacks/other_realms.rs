//! Token substitution between realms: RFC 8725 sections 3.8 and 3.9, RFC 9700 section 4.4. The attacker administers a realm of his
//! own on the same server, with a client of the same name and secret, and keys that he has himself.

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{NOTHING, opened, tokens, trusted};
use super::forged_tokens::uploaded_key;
use crate::app::jws::{b64, compact, rs256};
use crate::app::{TestApp, claims, header_of};

scenarios!(
    token_of_a_realm_with_equal_names,
    key_of_another_realm,
    kid_of_another_realm,
    secret_under_the_kid_of_another_realm,
    realm_that_calls_itself_like_another,
);

async fn token_of_a_realm_with_equal_names(app: &TestApp) {
    let (theirs, own) = (app.realm().await, app.realm().await);
    let (victim, attacker) = (trusted(&theirs, "billing").await, trusted(&own, "billing").await);
    let taken = tokens(&attacker).await;
    for token in [&taken.access, &taken.refresh, &taken.id] {
        assert_eq!(opened(&victim, token).await, NOTHING);
    }
    victim.logout(&taken.refresh).await.expect(400);
    // Revoking is answered alike, and does nothing.
    victim.post("revoke", &[("token", &taken.access)]).await;
    assert!(!opened(&attacker, &taken.access).await.is_empty());
}

/// A signature that is good, by a key of this server, over claims that are right in every point.
async fn key_of_another_realm(app: &TestApp) {
    let (theirs, own) = (app.realm().await, app.realm().await);
    let victim = trusted(&theirs, "billing").await;
    let (key, kid) = uploaded_key(&own).await;
    let genuine = tokens(&victim).await;
    for token in [&genuine.access, &genuine.refresh] {
        for kid in [&kid, &header_of(token)["kid"]] {
            let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid});
            let forged = compact(&header, &claims(token), |signed| rs256(&key, signed));
            assert_eq!(opened(&victim, &forged).await, NOTHING);
        }
    }
}

/// One realm's signature under the kid of the other.
async fn kid_of_another_realm(app: &TestApp) {
    let (theirs, own) = (app.realm().await, app.realm().await);
    let (victim, attacker) = (trusted(&theirs, "billing").await, trusted(&own, "billing").await);
    let (genuine, taken) = (tokens(&victim).await, tokens(&attacker).await);
    for (genuine, taken) in [(&genuine.access, &taken.access), (&genuine.refresh, &taken.refresh)] {
        let (header, _) = genuine.split_once('.').unwrap();
        let (_, signed) = taken.split_once('.').unwrap();
        for client in [&victim, &attacker] {
            assert_eq!(opened(client, &format!("{header}.{signed}")).await, NOTHING);
        }
    }
}

/// Shared secrets may be given with an id of one's own choice, as an import brings them.
async fn secret_under_the_kid_of_another_realm(app: &TestApp) {
    let (theirs, own) = (app.realm().await, app.realm().await);
    let victim = trusted(&theirs, "billing").await;
    let genuine = tokens(&victim).await.refresh;
    let kid = header_of(&genuine)["kid"].clone();
    let secret = [7; 64];
    let component = json!({
        "name": "known", "providerId": "hmac-generated", "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": ["300"], "algorithm": ["HS512"], "secret": [b64(secret)], "kid": [kid]},
    });
    own.make("/components", &component).await;
    let attacker = trusted(&own, "billing").await;
    let known = tokens(&attacker).await.refresh;
    assert_eq!(header_of(&known)["kid"], kid, "the attacker's own realm signs with it");
    let key = hmac::Key::new(hmac::HMAC_SHA512, &secret);
    let header = json!({"alg": "HS512", "typ": "JWT", "kid": kid});
    let forged = compact(&header, &claims(&genuine), |signed| hmac::sign(&key, signed).as_ref().to_vec());
    assert_eq!(opened(&victim, &forged).await, NOTHING);
    assert_eq!(opened(&victim, &known).await, NOTHING);
    victim.refresh(&genuine).await.expect(200);
}

/// RFC 9700 section 4.4: the issuer that a realm's own administrator gives it is not proof of anything.
async fn realm_that_calls_itself_like_another(app: &TestApp) {
    let (theirs, own) = (app.realm().await, app.realm().await);
    let (victim, attacker) = (trusted(&theirs, "billing").await, trusted(&own, "billing").await);
    for url in [app.url(&format!("/realms/{}?", theirs.name)), app.url(&format!("/realms/{}#", theirs.name))]
    {
        let attributes = json!({"attributes": {"frontendUrl": url}});
        let answer = own.admin(Method::PUT, "", Some(&attributes)).await;
        assert!(matches!(answer.status, 204 | 400), "{}", answer.body);
        let answer = attacker.token_with(&[("scope", "openid")]).await;
        if answer.status == 200 {
            for kind in ["access_token", "refresh_token", "id_token"] {
                assert_eq!(opened(&victim, &answer.text(kind)).await, NOTHING);
            }
        }
    }
    let victims: Value = claims(&tokens(&victim).await.access);
    assert_eq!(victims["iss"], theirs.issuer());
}
