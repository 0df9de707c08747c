//! A mapper's configuration, and the settings that most kinds share.

use std::collections::BTreeMap;

use super::super::claims::Destination;

const ACCESS_TOKEN: &str = "access.token.claim";
const LIGHTWEIGHT: &str = "lightweight.claim";
const ID_TOKEN: &str = "id.token.claim";
const USERINFO: &str = "userinfo.token.claim";
const INTROSPECTION: &str = "introspection.token.claim";

/// The stored settings of a mapper: Keycloak's `config`.
#[derive(Clone, Debug, Default)]
pub struct MapperConfig<'a> {
    settings: BTreeMap<&'a str, &'a str>,
}

impl<'a, K: AsRef<str> + ?Sized, V: AsRef<str> + ?Sized> FromIterator<(&'a K, &'a V)> for MapperConfig<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a K, &'a V)>>(settings: T) -> Self {
        Self { settings: settings.into_iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect() }
    }
}

impl<'a> MapperConfig<'a> {
    /// A setting as stored.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).copied()
    }

    /// A setting, if it is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    /// Whether a setting is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Where the settings let claims go. Settings that older configurations lack have Keycloak's substitutes: userinfo
    /// follows the ID token, introspection the access token; a mapper without any of them is one for access tokens.
    pub(crate) fn destinations(&self) -> Destinations {
        let or_else = |name: &str, older: &str| {
            if self.get(name).is_some() { self.flag(name) } else { self.flag(older) }
        };
        let none = [ACCESS_TOKEN, ID_TOKEN, USERINFO, INTROSPECTION, LIGHTWEIGHT]
            .iter()
            .all(|name| self.get(name).is_none());
        Destinations {
            access_token: self.flag(ACCESS_TOKEN) || none,
            lightweight: self.flag(LIGHTWEIGHT),
            id_token: self.flag(ID_TOKEN),
            userinfo: or_else(USERINFO, ID_TOKEN),
            introspection: or_else(INTROSPECTION, ACCESS_TOKEN) || none,
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.settings.iter().map(|(name, value)| name.len() / 4 + value.len() + 16).sum()
    }
}

/// A set of destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Destinations {
    pub(crate) access_token: bool,
    pub(crate) lightweight: bool,
    pub(crate) id_token: bool,
    pub(crate) userinfo: bool,
    pub(crate) introspection: bool,
}

impl Destinations {
    pub(crate) const fn all() -> Self {
        Self { access_token: true, lightweight: true, id_token: true, userinfo: true, introspection: true }
    }

    /// Tokens and introspection, but not userinfo.
    pub(crate) const fn tokens() -> Self {
        Self { userinfo: false, ..Self::all() }
    }

    /// Access tokens and introspection.
    pub(crate) const fn access() -> Self {
        Self { id_token: false, ..Self::tokens() }
    }

    pub(crate) fn within(self, other: Self) -> Self {
        Self {
            access_token: self.access_token && other.access_token,
            lightweight: self.lightweight && other.lightweight,
            id_token: self.id_token && other.id_token,
            userinfo: self.userinfo && other.userinfo,
            introspection: self.introspection && other.introspection,
        }
    }

    pub(crate) fn contains(self, destination: Destination) -> bool {
        match destination {
            Destination::AccessToken => self.access_token,
            Destination::LightweightAccessToken => self.lightweight,
            Destination::IdToken => self.id_token,
            Destination::Userinfo => self.userinfo,
            Destination::Introspection => self.introspection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations(settings: &[(&str, &str)]) -> Destinations {
        settings.iter().map(|(name, value)| (*name, *value)).collect::<MapperConfig<'_>>().destinations()
    }

    #[test]
    fn older_configurations_have_substitutes() {
        let older = destinations(&[(ACCESS_TOKEN, "true"), (ID_TOKEN, "true")]);
        assert!(older.introspection && older.userinfo && !older.lightweight);
        let explicit = destinations(&[
            (ACCESS_TOKEN, "true"),
            (INTROSPECTION, "false"),
            (ID_TOKEN, "true"),
            (USERINFO, "false"),
        ]);
        assert!(explicit.access_token && explicit.id_token && !explicit.introspection && !explicit.userinfo);
        let empty = destinations(&[]);
        assert!(empty.access_token && empty.introspection && !empty.id_token && !empty.userinfo);
    }
}
