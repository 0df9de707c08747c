//! Entity tags (RFC 9110 section 8.8.3) of what callers may keep: digests, so that all replicas tell the same ones, and a change
//! that is undone gives the old one back.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use prost::Message;

const LENGTH: usize = 16;

/// That of one realm or one client.
pub(crate) type Etag = [u8; LENGTH];

/// That of a message. Its maps are sorted, so that equal ones have equal bytes.
pub(crate) fn of_message(message: &impl Message) -> Etag {
    let mut etag = [0; LENGTH];
    etag.copy_from_slice(&digest(&SHA256, &message.encode_to_vec()).as_ref()[..LENGTH]);
    etag
}

/// That of both together.
pub(crate) fn of(realm: Etag, client: Etag) -> Bytes {
    Bytes::from([realm, client].concat())
}

/// Whether `etag` is that of both together.
pub(crate) fn is_of(etag: &[u8], realm: Etag, client: Etag) -> bool {
    etag.split_at_checked(LENGTH) == Some((&realm, &client))
}
