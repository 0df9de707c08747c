//! Versions of what callers may keep: digests, so that all replicas tell the same ones, and a change that is undone gives the old one
//! back.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use prost::Message;

const LENGTH: usize = 16;

/// The version of one realm or one client.
pub(crate) type Version = [u8; LENGTH];

/// The version of a message. Its maps are sorted, so that equal ones have equal bytes.
pub(crate) fn of_message(message: &impl Message) -> Version {
    let mut version = [0; LENGTH];
    version.copy_from_slice(&digest(&SHA256, &message.encode_to_vec()).as_ref()[..LENGTH]);
    version
}

/// The version of both together.
pub(crate) fn of(realm: Version, client: Version) -> Bytes {
    Bytes::from([realm, client].concat())
}

/// Whether `version` is that of both together.
pub(crate) fn is_of(version: &[u8], realm: Version, client: Version) -> bool {
    version.split_at_checked(LENGTH) == Some((&realm, &client))
}
