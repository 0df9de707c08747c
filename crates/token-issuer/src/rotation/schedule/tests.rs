//! A realm in miniature: keys, tokens that they sign, and steps that are taken whenever somebody looks.

use proptest::prelude::*;

use super::*;

const SETTINGS: Rotation =
    Rotation { interval_ms: 100_000, publish_ahead_ms: 20_000, keep_ms: 40_000, keep_until_ms: 0 };

fn key(id: &str, priority: i64, since_ms: i64) -> RotatedKey {
    RotatedKey {
        id: id.to_owned(),
        algorithm: "RS256",
        renewable: true,
        enabled: true,
        active: true,
        priority,
        stage: Stage::Plain,
        since_ms,
    }
}

fn next(id: &str, since_ms: i64) -> RotatedKey {
    RotatedKey { active: false, stage: Stage::Next, ..key(id, 100, since_ms) }
}

fn retired(id: &str, since_ms: i64) -> RotatedKey {
    RotatedKey { active: false, stage: Stage::Retired, ..key(id, 100, since_ms) }
}

fn publish(signing: &str) -> Step {
    Step::Publish { signing: signing.to_owned() }
}

fn switch(signing: &str, next: &str, priority: i64) -> Step {
    Step::Switch { signing: signing.to_owned(), next: next.to_owned(), priority }
}

#[test]
fn a_key_is_followed_step_by_step() {
    let first = key("a", 100, 0);
    assert_eq!(due(79_999, &SETTINGS, std::slice::from_ref(&first)), Due::At(80_000));
    assert_eq!(due(80_000, &SETTINGS, std::slice::from_ref(&first)), Due::Now(publish("a")));
    let both = [first, next("b", 80_000)];
    assert_eq!(due(99_999, &SETTINGS, &both), Due::At(100_000));
    assert_eq!(due(100_000, &SETTINGS, &both), Due::Now(switch("a", "b", 100)));
    let switched = [retired("a", 100_000), key("b", 100, 100_000)];
    assert_eq!(due(149_999, &SETTINGS, &switched), Due::At(150_000));
    assert_eq!(due(150_000, &SETTINGS, &switched), Due::Now(Step::Delete { retired: "a".to_owned() }));
    assert_eq!(due(150_000, &SETTINGS, &switched[1..]), Due::At(180_000));
    assert_eq!(due(0, &SETTINGS, &[]), Due::Never);
}

#[test]
fn a_key_that_was_published_late_signs_late() {
    let keys = [key("a", 100, 0), next("b", 500_000)];
    assert_eq!(due(519_999, &SETTINGS, &keys), Due::At(520_000));
    assert_eq!(due(520_000, &SETTINGS, &keys), Due::Now(switch("a", "b", 100)));
}

#[test]
fn only_the_signing_key_of_an_algorithm_is_followed() {
    let keys = [key("low", 50, 0), key("high", 100, 50_000), key("younger", 100, 60_000)];
    assert_eq!(due(0, &SETTINGS, &keys), Due::At(130_000));
    assert_eq!(due(130_000, &SETTINGS, &keys), Due::Now(publish("high")));
    let with_next = [&keys[..], &[next("n", 0)]].concat();
    assert_eq!(
        due(150_000, &SETTINGS, &with_next),
        Due::Now(switch("high", "n", 101)),
        "it goes before younger"
    );
    let other_algorithm = RotatedKey { algorithm: "ES256", ..key("ec", 1, 10_000) };
    let keys = [key("rsa", 100, 0), other_algorithm, next("n", 0)];
    assert_eq!(due(99_000, &SETTINGS, &keys), Due::Now(publish("ec")));
}

#[test]
fn what_is_an_administrators_is_left_alone() {
    let uploaded = RotatedKey { renewable: false, ..key("up", 200, 0) };
    assert_eq!(due(i64::MAX, &SETTINGS, &[key("a", 100, 0), uploaded]), Due::Never);
    let passive = RotatedKey { active: false, ..key("p", 100, 0) };
    assert_eq!(due(i64::MAX, &SETTINGS, &[passive]), Due::Never);
    let signs_again = RotatedKey { active: true, ..retired("r", 0) };
    assert_eq!(due(0, &SETTINGS, &[signs_again]), Due::At(80_000), "not deleted");
    let switched_off = RotatedKey { enabled: false, ..next("n", 0) };
    assert_eq!(due(100_000, &SETTINGS, &[key("a", 100, 0), switched_off]), Due::Now(publish("a")));
}

#[test]
fn a_key_set_stays_small() {
    let mut keys: Vec<_> = (0..MOST_RETIRED).map(|n| retired(&n.to_string(), 1_000_000)).collect();
    keys.push(key("a", 100, 0));
    assert_eq!(due(1_000_000, &SETTINGS, &keys), Due::At(1_050_000), "the oldest goes first");
    keys.remove(0);
    assert_eq!(due(1_000_000, &SETTINGS, &keys), Due::Now(publish("a")));
}

#[test]
fn settings_that_keep_keys_for_less_time_do_not_count_for_what_was_signed_before() {
    let shorter = Rotation { keep_ms: 5_000, ..SETTINGS }.after(&SETTINGS, 110_000);
    assert_eq!(shorter.keep_until_ms, 150_000);
    let keys = [retired("a", 100_000), key("b", 100, 100_000)];
    assert_eq!(due(149_999, &shorter, &keys), Due::At(150_000));
    let longer = SETTINGS.after(&shorter, 120_000);
    assert_eq!((longer.keep_until_ms, longer.keep_ms), (150_000, 40_000));
}

/// What happens between two looks.
#[derive(Clone, Debug)]
enum Event {
    Wait(i64),
    Set {
        interval_ms: i64,
        publish_ahead_ms: i64,
        keep_ms: i64,
    },
    /// An administrator adds a key.
    Add {
        priority: i64,
    },
}

/// A token with the instant until which it must verify.
struct Token {
    kid: String,
    expires_ms: i64,
}

struct World {
    now_ms: i64,
    rotation: Rotation,
    keys: Vec<RotatedKey>,
    tokens: Vec<Token>,
    made: usize,
}

impl World {
    fn new() -> Self {
        Self { now_ms: 0, rotation: SETTINGS, keys: vec![key("first", 100, 0)], tokens: Vec::new(), made: 0 }
    }

    fn new_id(&mut self) -> String {
        self.made += 1;
        format!("key-{}", self.made)
    }

    fn find(&mut self, id: &str) -> &mut RotatedKey {
        self.keys.iter_mut().find(|key| key.id == id).expect("steps are about keys that are there")
    }

    fn take(&mut self, step: Step) {
        let since_ms = self.now_ms;
        match step {
            Step::Publish { signing } => {
                let priority = self.find(&signing).priority;
                let id = self.new_id();
                self.keys.push(RotatedKey { priority, ..next(&id, since_ms) });
            }
            Step::Switch { signing, next, priority } => {
                let published_ms = self.find(&next).since_ms;
                assert!(since_ms - published_ms >= self.rotation.publish_ahead_ms, "published before use");
                *self.find(&next) = key(&next, priority, since_ms);
                let before = self.find(&signing).clone();
                *self.find(&signing) =
                    RotatedKey { active: false, stage: Stage::Retired, since_ms, ..before };
                assert_eq!(signing_keys(&self.keys).next().unwrap().id, next, "it signs from now on");
            }
            Step::Delete { retired } => self.keys.retain(|key| key.id != retired),
        }
    }

    /// All that is due, and what must hold before and afterwards.
    fn look(&mut self) {
        for _ in 0..3 * self.keys.len() + 3 {
            self.check();
            match due(self.now_ms, &self.rotation, &self.keys) {
                Due::Now(step) => self.take(step),
                Due::At(at_ms) => {
                    assert!(at_ms > self.now_ms);
                    return;
                }
                Due::Never => panic!("a key signs, so it will be followed"),
            }
        }
        panic!("the steps do not end");
    }

    fn check(&mut self) {
        assert_eq!(signing_keys(&self.keys).count(), 1, "one key signs");
        let now_ms = self.now_ms;
        self.tokens.retain(|token| token.expires_ms > now_ms);
        for token in &self.tokens {
            assert!(self.keys.iter().any(|key| key.id == token.kid), "a token lost its key");
        }
    }

    /// As long a token as may be.
    fn sign(&mut self) {
        let kid = signing_keys(&self.keys).next().unwrap().id.clone();
        self.tokens.push(Token { kid, expires_ms: self.now_ms + self.rotation.keep_ms });
    }
}

fn event() -> impl Strategy<Value = Event> {
    let settings = (1_000..200_000_i64, 1..1_000_i64, 0..400_000_i64);
    prop_oneof![
        8 => (0..150_000_i64).prop_map(Event::Wait),
        1 => settings.prop_map(|(interval_ms, part, keep_ms)| {
            Event::Set { interval_ms, publish_ahead_ms: (interval_ms * part / 1_000).max(1), keep_ms }
        }),
        1 => (90..110_i64).prop_map(|priority| Event::Add { priority }),
    ]
}

proptest! {
    /// Whatever happens and however late somebody looks: one key signs, no token loses its key before its time, no key signs
    /// that was not published for long enough, and the steps end.
    #[test]
    fn no_token_fails_to_verify(events in prop::collection::vec(event(), 1..120)) {
        let mut world = World::new();
        for event in events {
            match event {
                Event::Wait(ms) => {
                    world.sign();
                    world.now_ms += ms;
                }
                Event::Set { interval_ms, publish_ahead_ms, keep_ms } => {
                    let asked = Rotation { interval_ms, publish_ahead_ms, keep_ms, keep_until_ms: 0 };
                    world.rotation = asked.after(&world.rotation, world.now_ms);
                }
                Event::Add { priority } => {
                    let id = world.new_id();
                    world.keys.push(key(&id, priority, world.now_ms));
                }
            }
            world.look();
            world.sign();
        }
    }
}
