//! Where in a token a mapper puts its claim: Keycloak's `claim.name`, in which a dot nests and `\.` is a literal dot.

/// The members to walk through, outermost first. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// Reads a `claim.name`. `None` if it names nothing.
    pub(crate) fn parse(claim_name: &str) -> Option<Self> {
        let mut components = Vec::new();
        let mut component = String::new();
        let mut rest = claim_name.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => component.extend(rest.next()),
                // Keycloak has no empty component: a dot where one would begin belongs to the name, with all that follows.
                '.' if component.is_empty() => {
                    component.push('.');
                    while let Some(c) = rest.next() {
                        component.extend(if c == '\\' { rest.next() } else { Some(c) });
                    }
                }
                '.' => components.push(std::mem::take(&mut component)),
                c => component.push(c),
            }
        }
        if !component.is_empty() {
            components.push(component);
        }
        (!components.is_empty()).then_some(Self(components))
    }

    /// With `${client_id}` replaced by the id of a role's client.
    pub(crate) fn for_client(&self, client_id: &str) -> Self {
        Self(self.0.iter().map(|c| c.replace("${client_id}", client_id)).collect())
    }

    /// The member of the token's outermost object.
    pub(crate) fn root(&self) -> &str {
        &self.0[0]
    }

    /// The root, if the path ends with it.
    pub(crate) fn single(&self) -> Option<&str> {
        (self.0.len() == 1).then(|| self.root())
    }

    pub(crate) fn components(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_nest_and_escapes_are_literal() {
        let cases: [(&str, &[&str]); 9] = [
            ("text", &["text"]),
            ("outer.inner", &["outer", "inner"]),
            (r"dotted\.name", &["dotted.name"]),
            (r"a\\.b", &[r"a\", "b"]),
            ("a..b", &["a", ".b"]),
            (".a.b", &[".a.b"]),
            ("a.", &["a"]),
            (r"a\", &["a"]),
            ("resource_access.${client_id}.roles", &["resource_access", "${client_id}", "roles"]),
        ];
        for (claim_name, expected) in cases {
            let path = ClaimPath::parse(claim_name).expect(claim_name);
            assert_eq!(path.components(), expected, "{claim_name}");
        }
        assert_eq!(ClaimPath::parse(""), None);
    }

    #[test]
    fn a_client_id_with_dots_stays_one_component() {
        let path = ClaimPath::parse("resource_access.${client_id}.roles").expect("a path");
        assert_eq!(path.for_client("my.api").components(), ["resource_access", "my.api", "roles"]);
    }
}
