//! What the epochs of [`latchkey_platform::epoch`] are counted for here.

/// What a value was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of<'a> {
    /// What a whole realm shares.
    Realm(&'a str),
    /// A client, by realm and UUID.
    Client(&'a str, &'a str),
    /// An account, by realm and id.
    Account(&'a str, &'a str),
}
