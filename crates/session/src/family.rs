//! A family of refresh tokens: which of them may still be used. Pure; the Redis script `rotate.lua` says the same.

/// How many tokens issued for one spent token are remembered. More come up only where a realm allows as many reuses.
const MAX_SUCCESSORS: usize = 64;

/// What a realm says of using a refresh token more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Every token of the family works until it expires (`revokeRefreshToken` is off).
    Free,
    /// A token works once and `max_reuse` times more (`refreshTokenMaxReuse`), and only until a newer one is used.
    Limited {
        /// How often a used token may be used again.
        max_reuse: u32,
    },
}

/// Why a refresh token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The session is ended, expired, or was never there.
    SessionNotActive,
    /// The token spent last came once too often; the family has ended with it.
    ReuseExceeded,
    /// An older token came; the family has ended with it.
    Stale,
    /// The family ended before.
    FamilyEnded,
}

/// The tokens that may be presented next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successors {
    /// Those issued for the token spent last; at first, the session's first token.
    Known(Vec<String>),
    /// Any token of the session: reuse was free at the last refresh, so nothing was kept of what was issued.
    Any,
}

/// The state of a family. Its size is bounded however often it is refreshed: only the token spent last and those
/// issued for it are named. Whatever else is presented must be older, so a replay is told without a list of spent ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// False once a replay ended it.
    pub alive: bool,
    /// The token spent last while reuse was limited; empty for none.
    pub spent: String,
    /// How often `spent` was used.
    pub uses: u32,
    /// What may be presented next.
    pub next: Successors,
}

impl Family {
    /// A family with its first token.
    pub fn new(first_jti: &str) -> Self {
        Self {
            alive: true,
            spent: String::new(),
            uses: 0,
            next: Successors::Known(vec![first_jti.to_owned()]),
        }
    }

    /// Spends `jti` for `next_jti`. An ended family stays ended; a replay ends it.
    ///
    /// # Errors
    /// Why the token is refused.
    pub fn spend(&mut self, jti: &str, next_jti: &str, reuse: Reuse) -> Result<(), Refusal> {
        if !self.alive {
            return Err(Refusal::FamilyEnded);
        }
        let Reuse::Limited { max_reuse } = reuse else {
            self.next = Successors::Any;
            return Ok(());
        };
        if jti == self.spent {
            if self.uses > max_reuse {
                self.alive = false;
                return Err(Refusal::ReuseExceeded);
            }
            self.uses += 1;
            if let Successors::Known(known) = &mut self.next {
                known.push(next_jti.to_owned());
                if known.len() > MAX_SUCCESSORS {
                    known.remove(0);
                }
            }
            return Ok(());
        }
        let expected = match &self.next {
            Successors::Any => true,
            Successors::Known(known) => known.iter().any(|one| one == jti),
        };
        if !expected {
            self.alive = false;
            return Err(Refusal::Stale);
        }
        jti.clone_into(&mut self.spent);
        self.uses = 1;
        self.next = Successors::Known(vec![next_jti.to_owned()]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: Reuse = Reuse::Limited { max_reuse: 0 };
    const TWICE: Reuse = Reuse::Limited { max_reuse: 1 };

    #[test]
    fn free_reuse_lets_old_tokens_work() {
        let mut family = Family::new("a");
        assert_eq!(family.spend("a", "b", Reuse::Free), Ok(()));
        assert_eq!(family.spend("b", "c", Reuse::Free), Ok(()));
        assert_eq!(family.spend("a", "d", Reuse::Free), Ok(()));
    }

    #[test]
    fn a_used_token_ends_its_family() {
        let mut family = Family::new("a");
        assert_eq!(family.spend("a", "b", ONCE), Ok(()));
        assert_eq!(family.spend("a", "c", ONCE), Err(Refusal::ReuseExceeded));
        assert_eq!(family.spend("b", "d", ONCE), Err(Refusal::FamilyEnded));
    }

    #[test]
    fn a_much_older_token_ends_its_family() {
        let mut family = Family::new("a");
        assert_eq!(family.spend("a", "b", ONCE), Ok(()));
        assert_eq!(family.spend("b", "c", ONCE), Ok(()));
        assert_eq!(family.spend("a", "d", ONCE), Err(Refusal::Stale));
        assert_eq!(family.spend("c", "e", ONCE), Err(Refusal::FamilyEnded));
    }

    #[test]
    fn a_token_may_be_used_again_as_often_as_allowed() {
        let mut family = Family::new("a");
        assert_eq!(family.spend("a", "b", TWICE), Ok(()));
        assert_eq!(family.spend("a", "c", TWICE), Ok(()));
        assert_eq!(family.spend("b", "d", TWICE), Ok(()), "either of the two issued for it goes on");
        assert_eq!(family.spend("c", "e", TWICE), Err(Refusal::Stale), "the other is older now");
    }

    #[test]
    fn limiting_reuse_later_begins_with_the_next_token() {
        let mut family = Family::new("a");
        assert_eq!(family.spend("a", "b", Reuse::Free), Ok(()));
        assert_eq!(family.spend("a", "c", ONCE), Ok(()), "nothing was spent while reuse was free");
        assert_eq!(family.spend("b", "d", ONCE), Err(Refusal::Stale));
    }

    #[test]
    fn its_size_is_bounded() {
        let mut family = Family::new("0");
        for use_ in 0..1_000 {
            family.spend("0", &format!("{}", use_ + 1), Reuse::Limited { max_reuse: u32::MAX }).unwrap();
        }
        let Successors::Known(known) = &family.next else { panic!("known") };
        assert_eq!(known.len(), MAX_SUCCESSORS);
    }
}
