//! One multiplexed connection that repairs itself, and scripts by their digest.

use crate::Error;
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::time::Duration;

/// How long a connection or an answer may take: beyond it the caller is told that sessions are unavailable.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection to Redis.
#[derive(Clone)]
pub(super) struct Connection(ConnectionManager);

impl Connection {
    /// Prepares a connection; it is made on first use, and again whenever it was lost.
    pub(super) fn lazy(url: &str) -> Result<Self, Error> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            // No wait in line: a request fails fast, and the next one tries anew.
            .set_number_of_retries(0);
        let client = Client::open(url).map_err(Error::Url)?;
        Ok(Self(ConnectionManager::new_lazy_with_config(client, config).map_err(Error::Url)?))
    }

    /// Sends a command.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let value = self.0.clone().send_packed_command(command).await.map_err(classify)?;
        let value = value.extract_error().map_err(classify)?;
        T::from_redis_value(value).map_err(|source| Error::Redis(source.into()))
    }

    /// Runs a script by its digest; a server that doesn't know it gets its text.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[&str],
    ) -> Result<T, Error> {
        match self.run(&script.command("EVALSHA", &script.digest, keys, arguments)).await {
            Err(Error::ScriptUnknown) => {
                self.run(&script.command("EVAL", script.text, keys, arguments)).await
            }
            answer => answer,
        }
    }
}

/// A Lua script and its digest.
pub(super) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, digest: redis::Script::new(text).get_hash().to_owned() }
    }

    fn command(&self, verb: &str, script: &str, keys: &[String], arguments: &[&str]) -> Cmd {
        let mut command = redis::cmd(verb);
        command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
        command
    }
}

/// Tells a Redis that is away, or not ready, from one that refuses what we ask.
fn classify(error: RedisError) -> Error {
    use ServerErrorKind as Server;
    match error.kind() {
        ErrorKind::Server(Server::NoScript) => Error::ScriptUnknown,
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => Error::Unavailable(error),
        ErrorKind::Server(
            Server::BusyLoading
            | Server::MasterDown
            | Server::ClusterDown
            | Server::TryAgain
            | Server::ReadOnly,
        ) => Error::Unavailable(error),
        _ => Error::Redis(error),
    }
}
