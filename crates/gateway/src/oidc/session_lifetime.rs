//! How long sessions and tokens live: the realm's settings, narrowed by the client's.

use latchkey_api::{
    registry::v1::{Client, Realm},
    session::v1::SessionKind,
};

/// Seconds until a session ends without a refresh, and in any case; 0 for no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionBounds {
    pub(crate) idle_s: i64,
    pub(crate) max_s: i64,
}

/// The bounds of a client's session of a kind.
pub(crate) fn session_bounds(realm: &Realm, client: &Client, kind: SessionKind) -> SessionBounds {
    match kind {
        SessionKind::Offline => SessionBounds {
            idle_s: narrowest(
                realm.offline_session_idle_timeout_s,
                seconds(client, "client.offline.session.idle.timeout"),
                realm.client_offline_session_idle_timeout_s,
            ),
            max_s: if realm.offline_session_max_lifespan_enabled {
                narrowest(
                    realm.offline_session_max_lifespan_s,
                    seconds(client, "client.offline.session.max.lifespan"),
                    realm.client_offline_session_max_lifespan_s,
                )
            } else {
                0
            },
        },
        SessionKind::Online | SessionKind::Unspecified => SessionBounds {
            idle_s: narrowest(
                realm.sso_session_idle_timeout_s,
                seconds(client, "client.session.idle.timeout"),
                realm.client_session_idle_timeout_s,
            ),
            max_s: narrowest(
                realm.sso_session_max_lifespan_s,
                seconds(client, "client.session.max.lifespan"),
                realm.client_session_max_lifespan_s,
            ),
        },
    }
}

/// How long an access token lives: the client's `access.token.lifespan`, else the realm's; never longer than its session, whose
/// remaining seconds are given (0 for no session or no bound).
pub(crate) fn access_token_lifespan(realm: &Realm, client: &Client, session_expires_in_s: i64) -> i64 {
    let own = seconds(client, "access.token.lifespan").unwrap_or(realm.access_token_lifespan_s);
    if session_expires_in_s > 0 { own.min(session_expires_in_s) } else { own }
}

/// The client's own value, or else the realm's for clients, but never beyond the realm's for the whole session. 0 sets no bound.
fn narrowest(session: i64, client: Option<i64>, clients_of_realm: i64) -> i64 {
    let narrower = client.or(Some(clients_of_realm).filter(|seconds| *seconds > 0));
    match narrower {
        Some(narrower) if session > 0 => narrower.min(session),
        Some(narrower) => narrower,
        None => session,
    }
}

fn seconds(client: &Client, attribute: &str) -> Option<i64> {
    client.attributes.get(attribute).and_then(|value| value.parse().ok()).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(attribute: &str, value: &str) -> Client {
        Client { attributes: [(attribute.to_owned(), value.to_owned())].into(), ..Client::default() }
    }

    fn realm() -> Realm {
        Realm {
            access_token_lifespan_s: 300,
            sso_session_idle_timeout_s: 1800,
            sso_session_max_lifespan_s: 36000,
            offline_session_idle_timeout_s: 2_592_000,
            offline_session_max_lifespan_s: 5_184_000,
            ..Realm::default()
        }
    }

    #[test]
    fn a_client_narrows_its_sessions_but_does_not_widen_them() {
        for (value, idle_s) in
            [("600", 600), ("7200", 1800), ("0", 1800), ("", 1800), ("-5", 1800), ("x", 1800)]
        {
            let bounds =
                session_bounds(&realm(), &client("client.session.idle.timeout", value), SessionKind::Online);
            assert_eq!(bounds, SessionBounds { idle_s, max_s: 36000 }, "{value}");
        }
        let realm = Realm { client_session_idle_timeout_s: 900, ..realm() };
        assert_eq!(session_bounds(&realm, &Client::default(), SessionKind::Online).idle_s, 900);
        let wider = client("client.session.idle.timeout", "1200");
        assert_eq!(
            session_bounds(&realm, &wider, SessionKind::Online).idle_s,
            1200,
            "its own value goes before the realm's for clients"
        );
    }

    #[test]
    fn an_offline_session_has_a_maximum_only_where_the_realm_enables_it() {
        let client = Client::default();
        assert_eq!(session_bounds(&realm(), &client, SessionKind::Offline).max_s, 0);
        let bounded = Realm { offline_session_max_lifespan_enabled: true, ..realm() };
        assert_eq!(session_bounds(&bounded, &client, SessionKind::Offline).max_s, 5_184_000);
    }

    #[test]
    fn an_access_token_never_outlives_its_session() {
        let own = client("access.token.lifespan", "1230");
        assert_eq!(access_token_lifespan(&realm(), &Client::default(), 0), 300);
        assert_eq!(access_token_lifespan(&realm(), &own, 0), 1230);
        assert_eq!(access_token_lifespan(&realm(), &own, 12), 12);
    }
}
