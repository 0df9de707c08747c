//! What the epochs of [`latchkey_platform::epoch`] are counted for here.

/// What a value was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of<'a> {
    /// A realm, by its id.
    Realm(&'a str),
    /// A realm, by its name.
    RealmName(&'a str),
    /// All clients of a realm, by its id: they come and go with it.
    AllClients(&'a str),
    /// A client, by its realm's id and its client_id.
    Client(&'a str, &'a str),
    /// Which clients of a realm, by its id, are found by a subject of an identity provider.
    FederatedSubjects(&'a str),
    /// The identity providers of a realm, by its id.
    IdentityProviders(&'a str),
}
