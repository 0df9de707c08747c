//! Passwords of administrators: Argon2id with Keycloak's parameters, a few at a time, beside the request path.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::error::Error;

/// KiB of memory, passes, lanes.
const MEMORY: u32 = 7168;
const PASSES: u32 = 5;
const LANES: u32 = 1;
/// Hashes computed at the same time; the rest wait.
const AT_ONCE: usize = 2;

/// Hashes and verifies. Cloning it is a pointer's copy.
#[derive(Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that it takes as long as a known one's.
    decoy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, Error> {
        let decoy = hash(&SecretString::from(latchkey_platform::random::alphanumeric(32)))?;
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), decoy: decoy.into() })
    }

    /// The hash of a password, with a fresh salt.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether a password has the hash. Without a hash it takes as long and is false.
    pub(crate) async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        self.in_turn(move || {
            let stored = PasswordHash::new(&stored).map_err(|_| Error::PasswordHash)?;
            let fits = hasher()?.verify_password(password.expose_secret().as_bytes(), &stored).is_ok();
            Ok(fits && known)
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        task.await.map_err(|_| Error::Interrupted)
    }
}

fn hash(password: &SecretString) -> Result<String, Error> {
    let hash = hasher()?.hash_password(password.expose_secret().as_bytes());
    Ok(hash.map_err(|_| Error::PasswordHash)?.to_string())
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|_| Error::PasswordHash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let passwords = Passwords::new().expect("hashing works");
        let hash = passwords.hash("right".into()).await.expect("hashing works");
        assert!(hash.starts_with("$argon2id$"));
        for (password, stored, fits) in [
            ("right", Some(hash.clone()), true),
            ("wrong", Some(hash.clone()), false),
            ("right", None, false),
        ] {
            assert_eq!(passwords.verify(password.into(), stored).await.ok(), Some(fits), "{password}");
        }
        assert!(passwords.verify("right".into(), Some("rubbish".to_owned())).await.is_err());
    }
}
