//! Id tokens and userinfo that only their client reads (OpenID Connect Core section 10.2, RFC 7516).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::app::jws::b64;
use crate::app::{Answer, Realm, ServiceAccount, TestApp, claims, header_of};

scenarios!(an_id_token_is_for_the_clients_key_alone, an_id_token_that_cannot_be_encrypted_is_not_given);

async fn an_id_token_is_for_the_clients_key_alone(app: &TestApp) {
    let realm = app.realm().await;
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let billing = reader(&realm, &json!([jwk(&key)])).await;
    let answer = billing.token_with(&[("scope", "openid")]).await.expect(200);
    let encrypted = answer.text("id_token");
    let header = header_of(&encrypted);
    assert_eq!(header, json!({"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT", "kid": "readable"}));
    let id_token = claims(&decrypted(&key, &encrypted));
    assert_eq!((&id_token["typ"], &id_token["azp"]), (&json!("ID"), &json!("billing")));
    let userinfo = app.http.get(app.url(&realm.path("userinfo"))).bearer_auth(answer.text("access_token"));
    let userinfo = Answer::read(userinfo.send().await.unwrap()).await.unwrap().expect(200);
    assert_eq!(userinfo.header("content-type"), "application/jwt");
    let told: Value = serde_json::from_str(&decrypted(&key, &userinfo.body)).unwrap();
    assert_eq!(told["sub"], id_token["sub"]);
    assert!(id_token["at_hash"].is_string(), "{id_token}");
    assert_eq!(
        claims(&answer.text("access_token"))["sub"],
        id_token["sub"],
        "the access token stays as it is"
    );
}

async fn an_id_token_that_cannot_be_encrypted_is_not_given(app: &TestApp) {
    let realm = app.realm().await;
    let billing = reader(&realm, &json!([])).await;
    let description = "The answer cannot be encrypted: the client has no RSA key for it in its key set";
    let refused = billing.token_with(&[("scope", "openid")]).await;
    refused.is_refusal(400, "invalid_request", description);
    billing.token().await.expect(200);
}

async fn reader<'a>(realm: &'a Realm<'_>, keys: &Value) -> ServiceAccount<'a> {
    let attributes = json!({
        "id.token.encrypted.response.alg": "RSA-OAEP",
        "id.token.encrypted.response.enc": "A256GCM",
        "user.info.encrypted.response.alg": "RSA-OAEP",
        "user.info.encrypted.response.enc": "A256GCM",
        "use.jwks.string": "true",
        "jwks.string": json!({"keys": keys}).to_string(),
    });
    realm.create_service_account_with("billing", json!({"attributes": attributes})).await
}

fn jwk(key: &PrivateDecryptingKey) -> Value {
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pair = RsaKeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let public = pair.public_key();
    json!({"kty": "RSA", "use": "enc", "kid": "readable",
        "n": b64(public.modulus().big_endian_without_leading_zero()),
        "e": b64(public.exponent().big_endian_without_leading_zero())})
}

/// RFC 7516 section 5.2.
fn decrypted(key: &PrivateDecryptingKey, jwe: &str) -> String {
    let parts: Vec<&str> = jwe.split('.').collect();
    let [header, wrapped, iv, text, tag] = parts.as_slice() else { panic!("{jwe}") };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let key = OaepPrivateDecryptingKey::new(key.clone()).unwrap();
    let mut room = vec![0; key.min_output_size()];
    let content_key = key.decrypt(&OAEP_SHA1_MGF1SHA1, &decode(wrapped), &mut room, None).unwrap();
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&decode(iv)).unwrap();
    let mut text = [decode(text), decode(tag)].concat();
    let text = content_key.open_in_place(nonce, Aad::from(header.as_bytes()), &mut text).unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}
