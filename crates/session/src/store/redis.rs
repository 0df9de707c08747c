//! Sessions in Redis (7 or newer) or Valkey.
//!
//! A session is one string under `{realm:sid}`, which a script changes atomically. The lists behind counts and logouts are sets
//! sorted by expiry under `{realm}`: hints that are written beside the session, in the same round trip, and are true whenever
//! a call has returned. A session that a list names but that is gone counts for nothing. Expired entries leave a list
//! when a newer session joins it, and every key has a time to live, so that nothing stays for good.

mod connection;
mod keys;

use super::{Found, Lifespan, Rotation, Store, Whose};
use crate::{
    Error,
    escape::escape,
    family::{Refusal, Reuse},
    record::Record,
    session_id::SessionId,
};
use ::redis::{Cmd, cmd};
use async_trait::async_trait;
use connection::{Connection, Script};
use futures::future::{try_join, try_join_all};
use latchkey_api::session::v1::{ClientSessions, Session, SessionKind};
use std::sync::Arc;

/// How long an expired session stays listed at least: longer than a refresh of its last moment can take.
const TRIM_AFTER_MS: i64 = 60_000;

/// How many sessions are ended or read at a time.
const BATCH: usize = 500;

/// How long the position in a change log is remembered without news: then all is followed again, which does no harm.
const POSITION_TTL_MS: i64 = 90 * 24 * 3_600_000;

/// How many successors of a token `rotate.lua` remembers.
const MAX_SUCCESSORS: &str = "64";

const KINDS: [SessionKind; 2] = [SessionKind::Online, SessionKind::Offline];

/// Sessions in Redis.
pub struct RedisStore {
    connection: Connection,
    rotate: Script,
    enlist: Script,
    touch: Script,
}

impl RedisStore {
    /// A store at `url` (`redis://`, `rediss://` for TLS). Connects on first use.
    ///
    /// # Errors
    /// [`Error::Url`] when the URL is none.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::lazy(url)?,
            rotate: Script::new(include_str!("redis/rotate.lua")),
            enlist: Script::new(include_str!("redis/enlist.lua")),
            touch: Script::new(include_str!("redis/touch.lua")),
        })
    }

    /// Moves a refreshed session where it is listed.
    async fn touch(&self, realm_id: &str, client: &str, lists: &[String], at: &Touch) -> Result<(), Error> {
        let mut names = vec![keys::clients(realm_id), keys::client_name(realm_id, client)];
        names.extend_from_slice(lists);
        self.connection.script(&self.touch, &names, &[&at.id, &at.expires, &at.ttl, client]).await
    }

    /// Takes sessions off lists.
    async fn remove(&self, lists: &[String], ids: &[SessionId]) -> Result<(), Error> {
        try_join_all(lists.iter().map(|list| async move {
            let mut remove = cmd("ZREM");
            remove.arg(list);
            for id in ids {
                remove.arg(id.to_string());
            }
            self.connection.run::<()>(&remove).await
        }))
        .await?;
        Ok(())
    }

    /// Takes a session that has ended off its lists.
    async fn unlist(&self, record: &Record) -> Result<(), Error> {
        let (session, kind) = (&record.session, record.kind());
        let of_client = keys::of_client(&session.realm_id, &session.client_uuid, kind);
        let of_user = keys::of_user(&session.realm_id, &session.user_id, kind);
        self.remove(&[of_client, of_user], &[record.id]).await
    }

    /// Deletes sessions that a list named; those that lived.
    async fn delete(&self, realm_id: &str, ids: &[SessionId], now_ms: i64) -> Result<Vec<Record>, Error> {
        let gone = try_join_all(ids.iter().map(|id| async move {
            let stored: Option<Vec<u8>> =
                self.connection.run(cmd("GETDEL").arg(keys::session(realm_id, *id))).await?;
            Ok::<_, Error>(stored.and_then(|stored| Record::decode(realm_id, *id, &stored)))
        }))
        .await?;
        let gone: Vec<Record> = gone.into_iter().flatten().collect();
        try_join_all(gone.iter().map(|record| self.unlist(record))).await?;
        Ok(gone.into_iter().filter(|record| record.is_live(now_ms)).collect())
    }

    /// Ends what a list names, batch by batch, except sessions that began after `now_ms`.
    async fn end_listed(&self, realm_id: &str, list: &str, now_ms: i64) -> Result<u64, Error> {
        let (mut ended, mut newer) = (0, 0);
        loop {
            let names: Vec<String> =
                self.connection.run(cmd("ZRANGE").arg(list).arg(newer).arg(newer + BATCH - 1)).await?;
            if names.is_empty() {
                return Ok(ended);
            }
            let ids: Vec<SessionId> = names
                .iter()
                .filter_map(|name| SessionId::parse(name))
                .filter(|id| id.started_ms() <= now_ms)
                .collect();
            newer += names.len() - ids.len();
            if ids.is_empty() {
                continue;
            }
            ended += self.delete(realm_id, &ids, now_ms).await?.len() as u64;
            self.remove(&[list.to_owned()], &ids).await?;
        }
    }

    /// The clients of a realm that may have sessions.
    async fn clients(&self, realm_id: &str, now_ms: i64) -> Result<Vec<String>, Error> {
        let mut range = cmd("ZRANGE");
        range.arg(keys::clients(realm_id)).arg(format!("({now_ms}")).arg("+inf").arg("BYSCORE");
        self.connection.run(&range).await
    }
}

/// A session's new place in its lists.
struct Touch {
    id: String,
    expires: String,
    ttl: String,
}

#[async_trait]
impl Store for RedisStore {
    async fn open(&self, realm_id: &str, record: Record, now_ms: i64) -> Result<(), Error> {
        let (session, kind) = (&record.session, record.kind());
        let ttl = ttl(record.expires_ms, now_ms);
        let mut set = Cmd::with_capacity(5, 512);
        set.arg("SET").arg(keys::session(realm_id, record.id)).arg(record.encode()).arg("PX").arg(ttl);
        let lists = [
            keys::clients(realm_id),
            keys::client_name(realm_id, &session.client_uuid),
            keys::of_client(realm_id, &session.client_uuid, kind),
            keys::of_user(realm_id, &session.user_id, kind),
        ];
        let (expires, trim) = (record.expires_ms.to_string(), (now_ms - TRIM_AFTER_MS).to_string());
        let ttl = ttl.to_string();
        let arguments = [&session.id, &expires, &ttl, &session.client_uuid, &session.client_id, &trim]
            .map(String::as_str);
        try_join(
            self.connection.run::<()>(&set),
            self.connection.script::<()>(&self.enlist, &lists, &arguments),
        )
        .await?;
        Ok(())
    }

    async fn rotate(
        &self,
        realm_id: &str,
        id: SessionId,
        rotation: Rotation,
        now_ms: i64,
    ) -> Result<Result<Arc<Record>, Refusal>, Error> {
        let Rotation { client_uuid, user_id, jti, next_jti, reuse, lifespan: Lifespan { idle_ms, .. } } =
            &rotation;
        let expires_ms = rotation.lifespan.expires_ms(id.started_ms(), now_ms);
        let maximum = rotation.lifespan.maximum(id.started_ms()).unwrap_or(0).to_string();
        let at = Touch {
            id: id.to_string(),
            expires: expires_ms.to_string(),
            ttl: ttl(expires_ms, now_ms).to_string(),
        };
        let reuses = match reuse {
            Reuse::Free => "-1".to_owned(),
            Reuse::Limited { max_reuse } => max_reuse.to_string(),
        };
        let (now, idle) = (now_ms.to_string(), idle_ms.unwrap_or(0).to_string());
        let (client, jti, next_jti) = (escape(client_uuid), escape(jti), escape(next_jti));
        let arguments = [
            &now,
            &idle,
            &maximum,
            &at.expires,
            &at.ttl,
            &*client,
            &*jti,
            &*next_jti,
            &reuses,
            MAX_SUCCESSORS,
        ];
        let session = [keys::session(realm_id, id)];
        let mut lists = KINDS.map(|kind| keys::of_client(realm_id, client_uuid, kind)).to_vec();
        if !user_id.is_empty() {
            lists.extend(KINDS.map(|kind| keys::of_user(realm_id, user_id, kind)));
        }
        let (answer, ()) = try_join(
            self.connection.script::<(u8, Option<Vec<u8>>)>(&self.rotate, &session, &arguments),
            self.touch(realm_id, client_uuid, &lists, &at),
        )
        .await?;
        let (code, stored) = answer;
        let record = match &stored {
            Some(stored) => Some(Record::decode(realm_id, id, stored).ok_or(Error::Unreadable(id))?),
            None => None,
        };
        let refusal = match (code, record) {
            (0, Some(record)) => {
                if record.session.user_id != *user_id {
                    let lists = KINDS.map(|kind| keys::of_user(realm_id, &record.session.user_id, kind));
                    self.touch(realm_id, client_uuid, &lists, &at).await?;
                }
                return Ok(Ok(Arc::new(record)));
            }
            // Another client's session lives on.
            (3, Some(record)) if record.session.client_uuid != *client_uuid => Refusal::FamilyEnded,
            (code, record) => {
                match record {
                    Some(record) => self.unlist(&record).await?,
                    None => self.remove(&lists, &[id]).await?,
                }
                match code {
                    1 => Refusal::SessionNotActive,
                    2 => Refusal::ReuseExceeded,
                    3 => Refusal::FamilyEnded,
                    4 => Refusal::Stale,
                    _ => return Err(Error::Unreadable(id)),
                }
            }
        };
        Ok(Err(refusal))
    }

    async fn check(
        &self,
        realm_id: &str,
        id: Option<SessionId>,
        jti: Option<&str>,
        now_ms: i64,
    ) -> Result<Found, Error> {
        let session = async {
            let Some(id) = id else { return Ok(None) };
            let stored: Option<Vec<u8>> =
                self.connection.run(cmd("GET").arg(keys::session(realm_id, id))).await?;
            let Some(stored) = stored else { return Ok(None) };
            let record = Record::decode(realm_id, id, &stored).ok_or(Error::Unreadable(id))?;
            Ok(record.is_live(now_ms).then(|| Arc::new(record)))
        };
        let revoked = async {
            let Some(jti) = jti else { return Ok(false) };
            self.connection.run(cmd("EXISTS").arg(keys::revoked(realm_id, jti))).await
        };
        let (record, revoked) = try_join(session, revoked).await?;
        Ok(Found { record, revoked })
    }

    async fn end(&self, realm_id: &str, id: SessionId, now_ms: i64) -> Result<Option<SessionKind>, Error> {
        let stored: Option<Vec<u8>> =
            self.connection.run(cmd("GETDEL").arg(keys::session(realm_id, id))).await?;
        let Some(stored) = stored else { return Ok(None) };
        let record = Record::decode(realm_id, id, &stored).ok_or(Error::Unreadable(id))?;
        self.unlist(&record).await?;
        Ok((now_ms < record.expires_ms).then(|| record.kind()))
    }

    async fn end_all(
        &self,
        realm_id: &str,
        whose: &Whose,
        online_only: bool,
        now_ms: i64,
    ) -> Result<u64, Error> {
        let kinds = if online_only { &KINDS[..1] } else { &KINDS[..] };
        let mut lists = Vec::new();
        match whose {
            Whose::User(user) => lists.extend(kinds.iter().map(|kind| keys::of_user(realm_id, user, *kind))),
            Whose::Client(client) => {
                lists.extend(kinds.iter().map(|kind| keys::of_client(realm_id, client, *kind)))
            }
            Whose::Realm => {
                for client in self.clients(realm_id, now_ms).await? {
                    lists.extend(kinds.iter().map(|kind| keys::of_client(realm_id, &client, *kind)));
                }
            }
        }
        let mut ended = 0;
        for list in lists {
            ended += self.end_listed(realm_id, &list, now_ms).await?;
        }
        Ok(ended)
    }

    async fn list(
        &self,
        realm_id: &str,
        whose: &Whose,
        kind: SessionKind,
        first: u32,
        max: u32,
        now_ms: i64,
    ) -> Result<Vec<Session>, Error> {
        let list = match whose {
            Whose::User(user) => keys::of_user(realm_id, user, kind),
            Whose::Client(client) => keys::of_client(realm_id, client, kind),
            Whose::Realm => return Err(Error::Invalid("a list is of a user or of a client")),
        };
        let mut range = cmd("ZRANGE");
        range.arg(list).arg(format!("({now_ms}")).arg("+inf").arg("BYSCORE").arg("LIMIT").arg(first).arg(max);
        let names: Vec<String> = self.connection.run(&range).await?;
        let mut sessions = Vec::with_capacity(names.len());
        for batch in names.chunks(BATCH) {
            let ids = batch.iter().map(|name| SessionId::parse(name));
            let found = try_join_all(ids.map(|id| self.check(realm_id, id, None, now_ms))).await?;
            sessions.extend(
                found.into_iter().filter_map(|found| found.record).map(|record| record.session.clone()),
            );
        }
        Ok(sessions)
    }

    async fn count(
        &self,
        realm_id: &str,
        client_uuid: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<ClientSessions>, Error> {
        let clients = match client_uuid {
            Some(client) => vec![client.to_owned()],
            None => self.clients(realm_id, now_ms).await?,
        };
        let mut counts = Vec::with_capacity(clients.len());
        for batch in clients.chunks(BATCH) {
            let batch = batch.iter().map(|client| async move {
                let count = |kind| async move {
                    let mut count = cmd("ZCOUNT");
                    count.arg(keys::of_client(realm_id, client, kind)).arg(format!("({now_ms}")).arg("+inf");
                    self.connection.run::<u64>(&count).await
                };
                let mut get = cmd("GET");
                get.arg(keys::client_name(realm_id, client));
                let name = self.connection.run::<Option<String>>(&get);
                let (name, (online, offline)) =
                    try_join(name, try_join(count(SessionKind::Online), count(SessionKind::Offline))).await?;
                let client_id = name.unwrap_or_default();
                Ok::<_, Error>(ClientSessions { client_uuid: client.clone(), client_id, online, offline })
            });
            counts.extend(try_join_all(batch).await?.into_iter().filter(|one| one.online + one.offline > 0));
        }
        Ok(counts)
    }

    async fn revoke(&self, realm_id: &str, jti: &str, expires_ms: i64, now_ms: i64) -> Result<(), Error> {
        let mut set = cmd("SET");
        set.arg(keys::revoked(realm_id, jti)).arg("1").arg("PX").arg(ttl(expires_ms, now_ms));
        self.connection.run(&set).await
    }

    async fn claim(
        &self,
        realm_id: &str,
        purpose: &str,
        id: &str,
        ttl_ms: i64,
        _now_ms: i64,
    ) -> Result<bool, Error> {
        let mut set = cmd("SET");
        set.arg(keys::claim(realm_id, purpose, id)).arg("1").arg("NX").arg("PX").arg(ttl_ms.max(1));
        let answer: Option<String> = self.connection.run(&set).await?;
        Ok(answer.is_some())
    }

    async fn position(&self, upstream: &str) -> Result<u64, Error> {
        let revision: Option<u64> = self.connection.run(cmd("GET").arg(keys::position(upstream))).await?;
        Ok(revision.unwrap_or(0))
    }

    async fn set_position(&self, upstream: &str, revision: u64) -> Result<(), Error> {
        let mut set = cmd("SET");
        set.arg(keys::position(upstream)).arg(revision).arg("PX").arg(POSITION_TTL_MS);
        self.connection.run(&set).await
    }

    async fn ping(&self) -> Result<(), Error> {
        self.connection.run(&cmd("PING")).await
    }

    async fn sweep(&self, _now_ms: i64) -> Result<bool, Error> {
        Ok(false)
    }
}

/// How long a key lives that is of no use after `expires_ms`.
fn ttl(expires_ms: i64, now_ms: i64) -> i64 {
    expires_ms.saturating_sub(now_ms).max(1)
}
