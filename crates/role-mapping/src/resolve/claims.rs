//! The claims of one destination while mappers write them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ask::{ClaimSet, LateClaim, Notes};
use super::claim_path::ClaimPath;
use super::json_type::JsonType;

/// Claims that no mapper's configuration may name: those that the issuer sets, those that make a token what it is, and
/// those that only role mappers write (else any claim mapper could give roles that the account does not hold).
/// Keycloak protects a part of them; here `sub`, `azp`, `nbf`, `sid`, `cnf`, `act` and the roles are protected too.
const PROTECTED: [&str; 16] = [
    "exp",
    "iat",
    "nbf",
    "jti",
    "iss",
    "typ",
    "azp",
    "sub",
    "sid",
    "session_state",
    "scope",
    "nonce",
    "cnf",
    "act",
    REALM_ACCESS,
    RESOURCE_ACCESS,
];
/// What introspection says of the token itself.
const PROTECTED_IN_INTROSPECTION: [&str; 3] = ["active", "username", "token_type"];

const REALM_ACCESS: &str = "realm_access";
const RESOURCE_ACCESS: &str = "resource_access";
const AUDIENCE: &str = "aud";

/// Where claims go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    AccessToken,
    LightweightAccessToken,
    IdToken,
    Userinfo,
    Introspection,
}

/// The claims of a destination, growing.
#[derive(Debug)]
pub(crate) struct Claims<'a> {
    destination: Destination,
    notes: Notes<'a>,
    members: Map<String, Value>,
    audience: Vec<String>,
    late: Vec<LateClaim>,
    entangled: bool,
}

impl<'a> Claims<'a> {
    pub(crate) fn new(destination: Destination, notes: Notes<'a>) -> Self {
        Self {
            destination,
            notes,
            members: Map::new(),
            audience: Vec::new(),
            late: Vec::new(),
            entangled: false,
        }
    }

    /// Writes a claim as a mapper's configuration places it. A protected place, or one inside something that is no
    /// object, is left as it is.
    pub(crate) fn set(&mut self, path: &ClaimPath, value: Value) {
        if self.is_protected(path.root()) {
            return;
        }
        if path.root() == AUDIENCE {
            if path.single().is_some() {
                self.add_audiences(&value);
            }
            return;
        }
        self.entangle(path.root());
        self.put(path.components(), value);
    }

    /// Writes the claim of a session note: now if the notes are known, else it is left to be filled in.
    pub(crate) fn set_note(&mut self, path: &ClaimPath, note: &str, json_type: JsonType) {
        if self.is_protected(path.root()) {
            return;
        }
        match self.notes {
            Notes::Given(notes) => {
                if let Some(value) = notes.get(note).and_then(|text| json_type.convert(text)) {
                    self.set(path, value);
                }
            }
            Notes::Later => {
                self.entangle(path.root());
                match path.single() {
                    Some(name) if name != AUDIENCE && !self.members.contains_key(name) => {
                        self.late.push(LateClaim { name: name.to_owned(), note: note.to_owned(), json_type });
                    }
                    _ => self.entangled = true,
                }
            }
        }
    }

    /// Writes a claim whose name no configuration chose.
    pub(crate) fn set_fixed(&mut self, name: &str, value: impl Into<Value>) {
        self.entangle(name);
        self.members.insert(name.to_owned(), value.into());
    }

    /// Adds role names to a list, as role mappers do. Into the two role claims a mapper writes only its own roles:
    /// realm roles into `realm_access.roles`, a client's into `resource_access.<client_id>.roles`.
    pub(crate) fn add_roles(&mut self, path: &ClaimPath, client_id: Option<&str>, roles: Value) {
        let place: Vec<&str> = path.components().iter().map(String::as_str).collect();
        let own = match (place.as_slice(), client_id) {
            ([REALM_ACCESS, "roles"], None) => true,
            ([RESOURCE_ACCESS, client, "roles"], Some(client_id)) => *client == client_id,
            _ => false,
        };
        if !own && (self.is_protected(path.root()) || path.root() == AUDIENCE) {
            return;
        }
        self.entangle(path.root());
        let merged = match (self.get(path.components()), roles) {
            (Some(Value::Array(known)), Value::Array(more)) => {
                let names: BTreeSet<&str> = known.iter().chain(&more).filter_map(Value::as_str).collect();
                Value::from_iter(names)
            }
            (_, roles) => roles,
        };
        self.put(path.components(), merged);
    }

    pub(crate) fn add_audience(&mut self, audience: &str) {
        if !audience.is_empty() && !self.audience.iter().any(|known| known == audience) {
            self.audience.push(audience.to_owned());
        }
    }

    pub(crate) fn audience(&self) -> &[String] {
        &self.audience
    }

    pub(crate) fn keep_audience(&mut self, kept: &[String]) {
        self.audience.retain(|audience| kept.contains(audience));
    }

    /// The claims as text. `aud` is absent for no audience, text for one and a list for more.
    pub(crate) fn finish(mut self) -> ClaimSet {
        match self.audience.as_slice() {
            [] => None,
            [one] => self.members.insert(AUDIENCE.to_owned(), Value::from(one.as_str())),
            many => self.members.insert(AUDIENCE.to_owned(), Value::from(many)),
        };
        ClaimSet { json: Value::Object(self.members).to_string(), late: self.late, entangled: self.entangled }
    }

    fn is_protected(&self, name: &str) -> bool {
        PROTECTED.contains(&name)
            || (self.destination == Destination::Introspection && PROTECTED_IN_INTROSPECTION.contains(&name))
    }

    /// Two mappers write the same claim and one of them waits for a note: which one wins depends on the note.
    fn entangle(&mut self, name: &str) {
        self.entangled |= self.late.iter().any(|late| late.name == name);
    }

    fn add_audiences(&mut self, value: &Value) {
        match value {
            Value::String(audience) => self.add_audience(audience),
            Value::Array(many) => {
                many.iter().filter_map(Value::as_str).for_each(|one| self.add_audience(one))
            }
            _ => {}
        }
    }

    fn get(&self, components: &[String]) -> Option<&Value> {
        let (last, parents) = components.split_last()?;
        let mut object = &self.members;
        for parent in parents {
            object = object.get(parent)?.as_object()?;
        }
        object.get(last)
    }

    fn put(&mut self, components: &[String], value: Value) {
        let Some((last, parents)) = components.split_last() else { return };
        let mut object = &mut self.members;
        for parent in parents {
            let inner = object.entry(parent.as_str()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { return };
            object = inner;
        }
        object.insert(last.clone(), value);
    }
}
