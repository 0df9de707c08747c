//! A key is made for an algorithm that has none, once.

use std::collections::HashSet;

use futures::future::join_all;

use crate::setting::*;

async fn a_missing_key_is_made_once_however_many_ask(s: Setting) {
    let other = s.another().await;
    let asked = (0..40).map(|number| {
        let service = if number % 2 == 0 { &s.service } else { &other };
        issue(service, "red", "ES256")
    });
    let kids: HashSet<String> = join_all(asked).await.into_iter().map(|token| kid(&token.unwrap())).collect();
    assert_eq!(kids.len(), 1);
    let made: Vec<_> =
        s.providers("red").await.into_iter().filter(|one| one.name == "fallback-ES256").collect();
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].provider_id.as_str(), setting(&made[0], "priority")), ("ecdsa-generated", "-100"));
    assert!(s.providers("blue").await.iter().all(|one| one.name != "fallback-ES256"));
}

async fn a_key_that_only_verifies_is_as_good_as_missing(s: Setting) {
    let rsa = s.providers("red").await.into_iter().find(|one| one.provider_id == "rsa-generated").unwrap();
    let before = s.issue("red", "RS256").await;
    s.update(with(rsa, "active", "false")).await.unwrap();
    let after = s.issue("red", "RS256").await;
    assert_ne!(kid(&before), kid(&after));
    s.verified("red", &before).await;
    assert!(s.providers("red").await.iter().any(|one| one.name == "fallback-RS256"));
}

async fn what_is_no_algorithm_of_signatures_has_no_key(s: Setting) {
    for algorithm in ["none", "RSA-OAEP", "AES", "", "rs256"] {
        assert_eq!(why(issue(&s.service, "red", algorithm).await), "NO_ACTIVE_KEY");
    }
}

contract!(
    a_missing_key_is_made_once_however_many_ask,
    a_key_that_only_verifies_is_as_good_as_missing,
    what_is_no_algorithm_of_signatures_has_no_key,
);
