//! What is asked of a resolution, and what it answers.

use std::collections::BTreeMap;

/// What a token request, a refresh or an introspection wants to know.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// The `scope` parameter as sent; `None` when it was not sent.
    pub scope: Option<&'a str>,
    /// On refresh and introspection: the scopes that were granted.
    pub granted_scope: Option<&'a str>,
    /// The destinations that are wanted.
    pub destinations: Wanted,
    /// Values of the session note mappers.
    pub notes: Notes<'a>,
    /// The client's web origins.
    pub web_origins: &'a [String],
    /// Token exchange: keep only these audiences; empty for all.
    pub audience: &'a [String],
    /// The host that pairwise subjects are made for.
    pub sector_identifier: &'a str,
    /// Whether the token belongs to a session: then `sub` is in an access token only where a mapper puts it.
    pub session: bool,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Those of an access token.
    pub access_token: bool,
    /// The access token is a lightweight one.
    pub lightweight: bool,
    /// Those of an ID token.
    pub id_token: bool,
    /// Those of the userinfo endpoint.
    pub userinfo: bool,
    /// Those that introspection adds.
    pub introspection: bool,
    /// The roles themselves, for authorisation.
    pub roles: bool,
}

/// Where the values of session notes come from.
#[derive(Clone, Copy, Debug, Default)]
pub enum Notes<'a> {
    /// They are filled in later, so that all else can be kept: see [`ClaimSet::late`].
    #[default]
    Later,
    /// They are these.
    Given(&'a BTreeMap<String, String>),
}

/// What an account may carry to a client.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The `scope` that the answer and the token show.
    pub scope: String,
    /// All scopes in use, the hidden ones too.
    pub granted_scope: String,
    /// Whether `openid` is among them.
    pub openid: bool,
    /// Whether an offline token was asked for and is allowed.
    pub offline_access: bool,
    /// The claims of each destination; `None` where it was not wanted.
    pub access_token: Option<ClaimSet>,
    /// Those of the ID token.
    pub id_token: Option<ClaimSet>,
    /// Those of userinfo.
    pub userinfo: Option<ClaimSet>,
    /// Those of introspection.
    pub introspection: Option<ClaimSet>,
    /// Where they were wanted: the effective roles within the client's scope, whatever the mappers made of them.
    pub roles: Vec<EffectiveRole>,
}

/// A role that passed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectiveRole {
    /// The client_id of a client role's client; empty for a realm role.
    pub client_id: String,
    /// The UUID of a client role's client; empty for a realm role.
    pub client_uuid: String,
    /// The role's name.
    pub name: String,
}

/// The claims of one destination.
#[derive(Clone, Debug, Default)]
pub struct ClaimSet {
    /// A JSON object.
    pub json: String,
    /// Top-level claims that wait for a session note.
    pub late: Vec<LateClaim>,
    /// With [`Notes::Later`]: a note decides more than a claim of its own, so that the claims can't be completed later
    /// but must be resolved with the notes given.
    pub entangled: bool,
}

/// A claim that takes its value from a session note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateClaim {
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) json_type: super::json_type::JsonType,
}

/// Why there is nothing to carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A scope that the client does not have.
    #[error("invalid scopes")]
    InvalidScope,
    /// A requested audience that is not among the token's.
    #[error("requested audience not available: {0}")]
    AudienceNotAvailable(String),
}
