//! Keys of several names.

use quick_cache::Equivalent;

/// The names by which a value is known: a realm's and its own, say. It is looked up with `[&str; N]`, which owns nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names<const N: usize>([String; N]);

impl<const N: usize> Names<N> {
    /// The bytes that it points to.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }
}

impl<const N: usize> From<&[&str; N]> for Names<N> {
    fn from(names: &[&str; N]) -> Self {
        Self(names.map(str::to_owned))
    }
}

impl<const N: usize> Equivalent<Names<N>> for [&str; N] {
    fn equivalent(&self, key: &Names<N>) -> bool {
        *self == key.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Bounded;

    #[test]
    fn a_value_is_found_by_all_of_its_names_in_their_order() {
        let cache = Bounded::new(100_000);
        cache.insert(Names::from(&["realm", "client"]), 1, 0);
        assert_eq!(cache.get(&["realm", "client"]), Some(1));
        for others in [["client", "realm"], ["realm", ""], ["realmc", "lient"]] {
            assert_eq!(cache.get(&others), None, "{others:?}");
        }
    }
}
