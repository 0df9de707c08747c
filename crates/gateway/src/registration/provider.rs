//! The forms in which a client can be registered.

/// A provider, as Keycloak calls a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// Keycloak's ClientRepresentation.
    Default,
    /// The client metadata of RFC 7591.
    OpenIdConnect,
}

impl Provider {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Default, Self::OpenIdConnect].into_iter().find(|provider| provider.name() == name)
    }

    /// As the path has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::OpenIdConnect => "openid-connect",
        }
    }
}
