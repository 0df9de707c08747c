//! The role graph of a realm: every realm and client role, and which roles a composite contains.

use std::collections::HashMap;

/// A role's place in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleIndex(u32);

/// A role as the graph knows it.
#[derive(Clone, Debug)]
pub struct RoleNode {
    /// The role's UUID.
    pub id: Box<str>,
    /// The role's name, unique in its container.
    pub name: Box<str>,
    /// The client whose role it is; `None` for a realm role.
    pub client: Option<ClientIndex>,
    contains: Vec<RoleIndex>,
}

/// A client's place in the graph's list of clients that own roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIndex(u32);

/// A client that owns roles.
#[derive(Clone, Debug)]
pub struct RoleContainer {
    /// The client's UUID.
    pub uuid: Box<str>,
    /// The client's public name: the label of its roles in tokens.
    pub client_id: Box<str>,
    roles: Vec<RoleIndex>,
}

/// All roles of one realm. Built once from the stored rows, then only read.
#[derive(Clone, Debug, Default)]
pub struct RoleGraph {
    roles: Vec<RoleNode>,
    by_id: HashMap<Box<str>, RoleIndex>,
    clients: Vec<RoleContainer>,
    by_client: HashMap<Box<str>, ClientIndex>,
}

impl RoleGraph {
    /// Adds a client that may own roles; a second time with the same UUID changes nothing.
    pub fn add_client(&mut self, uuid: &str, client_id: &str) -> ClientIndex {
        if let Some(known) = self.by_client.get(uuid) {
            return *known;
        }
        let index = ClientIndex(index_of(self.clients.len()));
        self.clients.push(RoleContainer {
            uuid: uuid.into(),
            client_id: client_id.into(),
            roles: Vec::new(),
        });
        self.by_client.insert(uuid.into(), index);
        index
    }

    /// Adds a role; a second time with the same id changes nothing.
    pub fn add_role(&mut self, id: &str, name: &str, client: Option<ClientIndex>) -> RoleIndex {
        if let Some(known) = self.by_id.get(id) {
            return *known;
        }
        let index = RoleIndex(index_of(self.roles.len()));
        self.roles.push(RoleNode { id: id.into(), name: name.into(), client, contains: Vec::new() });
        self.by_id.insert(id.into(), index);
        if let Some(client) = client {
            self.clients[client.0 as usize].roles.push(index);
        }
        index
    }

    /// Makes `parent` contain `child`. An edge from or to an unknown role is left out.
    pub fn add_composite(&mut self, parent: &str, child: &str) {
        if let (Some(parent), Some(child)) = (self.find(parent), self.find(child)) {
            self.roles[parent.0 as usize].contains.push(child);
        }
    }

    /// The role with an id.
    pub fn find(&self, id: &str) -> Option<RoleIndex> {
        self.by_id.get(id).copied()
    }

    /// What is known of a role.
    pub fn role(&self, index: RoleIndex) -> &RoleNode {
        &self.roles[index.0 as usize]
    }

    /// The client that owns a client role.
    pub fn client(&self, index: ClientIndex) -> &RoleContainer {
        &self.clients[index.0 as usize]
    }

    /// The roles that a client owns; none for a client that is unknown here.
    pub fn roles_of(&self, client_uuid: &str) -> &[RoleIndex] {
        self.by_client.get(client_uuid).map_or(&[], |client| &self.clients[client.0 as usize].roles)
    }

    /// The number of roles.
    pub fn len(&self) -> usize {
        self.roles.len()
    }

    /// Whether there is no role at all.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }

    /// The given roles and all they contain, however deep. Cycles are harmless: a role is entered once.
    pub fn expand(&self, roots: impl IntoIterator<Item = RoleIndex>) -> RoleSet {
        let mut reached = RoleSet::with_capacity(self.roles.len());
        let mut open: Vec<RoleIndex> = roots.into_iter().collect();
        while let Some(role) = open.pop() {
            if reached.insert(role) {
                open.extend_from_slice(&self.roles[role.0 as usize].contains);
            }
        }
        reached
    }

    /// As [`RoleGraph::expand`], from ids. Ids that the graph does not know grant nothing.
    pub fn expand_ids<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> RoleSet {
        self.expand(ids.into_iter().filter_map(|id| self.find(id)))
    }

    /// Roughly how many bytes it takes: the weight in a cache.
    pub fn weight(&self) -> usize {
        let roles: usize =
            self.roles.iter().map(|r| 160 + 2 * r.id.len() + r.name.len() + 4 * r.contains.len()).sum();
        let clients: usize =
            self.clients.iter().map(|c| 120 + 2 * c.uuid.len() + c.client_id.len() + 4 * c.roles.len()).sum();
        roles + clients
    }
}

fn index_of(position: usize) -> u32 {
    u32::try_from(position).expect("a realm has fewer than four billion roles")
}

/// A set of roles of one graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSet {
    bits: Vec<u64>,
}

impl RoleSet {
    fn with_capacity(roles: usize) -> Self {
        Self { bits: vec![0; roles.div_ceil(64)] }
    }

    fn insert(&mut self, role: RoleIndex) -> bool {
        let (word, bit) = (role.0 as usize / 64, 1_u64 << (role.0 % 64));
        let fresh = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        fresh
    }

    /// Whether a role is in the set.
    pub fn contains(&self, role: RoleIndex) -> bool {
        self.bits.get(role.0 as usize / 64).is_some_and(|word| word & (1 << (role.0 % 64)) != 0)
    }

    /// Whether the two sets share a role.
    pub fn meets(&self, other: &Self) -> bool {
        self.bits.iter().zip(&other.bits).any(|(a, b)| a & b != 0)
    }

    /// What both sets hold.
    pub fn intersection(mut self, other: &Self) -> Self {
        for (position, word) in self.bits.iter_mut().enumerate() {
            *word &= other.bits.get(position).copied().unwrap_or(0);
        }
        self
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        for (word, more) in self.bits.iter_mut().zip(&other.bits) {
            *word |= more;
        }
    }

    /// The roles in the order in which the graph holds them.
    pub fn iter(&self) -> impl Iterator<Item = RoleIndex> + '_ {
        self.bits.iter().enumerate().flat_map(|(position, word)| {
            let word = *word;
            (0..64_u32)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| RoleIndex(index_of(position * 64) + bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(graph: &RoleGraph, set: &RoleSet) -> Vec<String> {
        set.iter().map(|r| graph.role(r).name.to_string()).collect()
    }

    #[test]
    fn composites_are_expanded_through_levels_and_cycles() {
        let mut graph = RoleGraph::default();
        for name in ["top", "mid", "leaf", "apart"] {
            graph.add_role(name, name, None);
        }
        for (parent, child) in [("top", "mid"), ("mid", "leaf"), ("leaf", "top"), ("apart", "unknown")] {
            graph.add_composite(parent, child);
        }
        assert_eq!(names(&graph, &graph.expand_ids(["mid"])), ["top", "mid", "leaf"]);
        assert_eq!(names(&graph, &graph.expand_ids(["apart", "unknown"])), ["apart"]);
        assert!(!graph.expand_ids(["apart"]).meets(&graph.expand_ids(["top"])));
    }

    #[test]
    fn sets_span_many_words() {
        let mut graph = RoleGraph::default();
        let all: Vec<_> = (0..200).map(|n| graph.add_role(&n.to_string(), &n.to_string(), None)).collect();
        let even = graph.expand(all.iter().copied().step_by(2));
        let third = graph.expand(all.iter().copied().step_by(3));
        let both = even.intersection(&third);
        assert_eq!(both.iter().collect::<Vec<_>>(), all.iter().copied().step_by(6).collect::<Vec<_>>());
    }
}
