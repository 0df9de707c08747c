//! Settings of token-issuer.

use std::num::NonZeroU32;

use latchkey_platform::config::Setting;
use serde::Deserialize;

/// `[token_issuer]`: how much is kept in memory, and how often keys are looked at.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// RSA keys of 2048 bits that are made in advance for new realms; a realm takes two.
    pub pregenerated_rsa_keys: usize,
    /// About how many bytes of parsed realm keys are kept in memory. A realm takes about 16 KiB.
    pub keys_cache_bytes: u64,
    /// About how many bytes of tokens that have been verified are kept in memory. One takes about 2 KiB.
    pub verified_cache_bytes: u64,
    /// Milliseconds between two looks for realms whose keys are to be rotated.
    pub key_rotation_look_every_ms: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pregenerated_rsa_keys: 4,
            keys_cache_bytes: 64 << 20,
            verified_cache_bytes: 8 << 20,
            key_rotation_look_every_ms: const { NonZeroU32::new(30_000).unwrap() },
        }
    }
}

impl Config {
    /// The reference of this section.
    pub const SETTINGS: &'static [Setting] = &[
        Setting {
            name: "pregenerated_rsa_keys",
            default: "4",
            text: "RSA keys of 2048 bits that are made in advance for new realms; a realm takes two.",
        },
        Setting {
            name: "keys_cache_bytes",
            default: "67108864",
            text: "About how many bytes of parsed realm keys are kept in memory. A realm takes about 16 KiB.",
        },
        Setting {
            name: "verified_cache_bytes",
            default: "8388608",
            text: "About how many bytes of tokens that have been verified are kept in memory. One takes about 2 KiB.",
        },
        Setting {
            name: "key_rotation_look_every_ms",
            default: "30000",
            text: "Milliseconds between two looks for realms whose keys are to be rotated.",
        },
    ];
}
