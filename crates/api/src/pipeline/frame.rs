//! gRPC frames with `Call` and `Reply` messages, written in place and read without copying.

use crate::{context::RequestContext, error};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::Message;
use std::fmt;
use tonic::Status;

/// A flag byte and the length.
const HEADER: usize = 5;
/// What a peer may send in one message; gRPC's usual bound.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// The head of a call, as `latchkey.pipeline.v1.Call` has it.
pub(crate) struct CallHead<'a> {
    pub(crate) id: u64,
    pub(crate) method: &'a str,
    pub(crate) timeout_ms: u32,
    pub(crate) context: Option<&'a RequestContext>,
    pub(crate) min_revision: u64,
}

/// Appends a frame with a call. The field numbers are those of `latchkey.pipeline.v1.Call`.
pub(crate) fn put_call(out: &mut BytesMut, head: &CallHead<'_>, request: &impl Message) {
    put_frame(out, |out| {
        put_number(out, 1, head.id);
        put_text(out, 2, head.method);
        put_number(out, 3, u64::from(head.timeout_ms));
        if let Some(context) = head.context {
            put_text(out, 4, &context.traceparent);
            put_text(out, 5, &context.request_id);
        }
        put_number(out, 6, head.min_revision);
        put_message(out, 7, request);
    });
}

/// Appends a frame with the reply of a call that succeeded. The field numbers are those of `latchkey.pipeline.v1.Reply`.
pub(crate) fn put_reply(out: &mut BytesMut, id: u64, response: &impl Message) {
    put_frame(out, |out| {
        put_number(out, 1, id);
        put_message(out, 5, response);
    });
}

/// Appends a frame with the reply of a call that failed.
pub(crate) fn put_failure(out: &mut BytesMut, id: u64, status: &Status) {
    put_frame(out, |out| {
        put_number(out, 1, id);
        put_number(out, 2, status.code() as u64);
        put_text(out, 3, status.message());
        put_text(out, 4, &error::reason(status).unwrap_or_default());
    });
}

fn put_frame(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_bytes(0, HEADER);
    write(out);
    let length = u32::try_from(out.len() - start - HEADER).expect("a message is far below 4 GiB");
    out[start + 1..start + HEADER].copy_from_slice(&length.to_be_bytes());
}

fn put_number(out: &mut BytesMut, field: u8, value: u64) {
    if value != 0 {
        out.put_u8(field << 3);
        put_varint(out, value);
    }
}

fn put_text(out: &mut BytesMut, field: u8, text: &str) {
    if !text.is_empty() {
        out.put_u8(field << 3 | 2);
        put_varint(out, text.len() as u64);
        out.put_slice(text.as_bytes());
    }
}

fn put_message(out: &mut BytesMut, field: u8, message: &impl Message) {
    out.put_u8(field << 3 | 2);
    message.encode_length_delimited(out).expect("a growing buffer has room");
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// The peer doesn't speak gRPC as we do: compressed or oversized messages, or no messages at all.
#[derive(Debug)]
pub(crate) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed frame on a pipeline")
    }
}

/// Cuts what arrives into messages.
#[derive(Default)]
pub(crate) struct Frames {
    /// What has arrived and is not yet cut, unless a message is still incomplete.
    chunk: Bytes,
    /// The beginning of an incomplete message.
    partial: BytesMut,
}

impl Frames {
    /// Takes in what has arrived. All complete messages must have been taken out before.
    pub(crate) fn push(&mut self, data: Bytes) {
        debug_assert!(self.chunk.is_empty());
        if self.partial.is_empty() {
            self.chunk = data;
        } else {
            self.partial.extend_from_slice(&data);
            // A long message isn't copied anew with each part of it.
            let decides = |length: usize| length > MAX_MESSAGE || self.partial.len() - HEADER >= length;
            if self.partial.len() >= HEADER && decides(length_of(&self.partial)) {
                self.chunk = self.partial.split().freeze();
            }
        }
    }

    /// Whether [`next`](Self::next) may have a message.
    pub(crate) fn has_data(&self) -> bool {
        !self.chunk.is_empty()
    }

    /// The next message, without its header.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, Malformed> {
        if self.chunk.len() >= HEADER {
            let length = length_of(&self.chunk);
            if self.chunk[0] != 0 || length > MAX_MESSAGE {
                return Err(Malformed);
            }
            if self.chunk.len() >= HEADER + length {
                self.chunk.advance(HEADER);
                return Ok(Some(self.chunk.split_to(length)));
            }
            self.partial.reserve(HEADER + length);
        }
        self.partial.extend_from_slice(&self.chunk);
        self.chunk = Bytes::new();
        Ok(None)
    }
}

/// The length in a frame's header.
fn length_of(frame: &[u8]) -> usize {
    u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::v1::{Call, Reply},
        registry::v1::FindClientRequest,
    };
    use proptest::prelude::*;

    fn messages(bytes: &[u8], cut: usize) -> Result<Vec<Bytes>, Malformed> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for chunk in bytes.chunks(cut.max(1)) {
            frames.push(Bytes::copy_from_slice(chunk));
            while let Some(message) = frames.next()? {
                found.push(message);
            }
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn a_call_is_what_prost_would_write(
            id: u64, timeout_ms: u32, min_revision: u64, method in ".{0,40}", request_id in ".{0,300}", client in ".{0,200}",
        ) {
            let request = FindClientRequest { realm_id: "demo".into(), client_id: client };
            let context = RequestContext::new(request_id.as_str(), "");
            let head = CallHead { id, method: &method, timeout_ms, context: context.as_ref(), min_revision };
            let mut out = BytesMut::new();
            put_call(&mut out, &head, &request);
            let payload = request.encode_to_vec().into();
            let call = Call { id, method, timeout_ms, traceparent: String::new(), request_id, min_revision, payload };
            prop_assert_eq!(&out[HEADER..], &call.encode_to_vec()[..]);
            prop_assert_eq!(messages(&out, usize::MAX).unwrap(), vec![Bytes::from(call.encode_to_vec())]);
        }

        #[test]
        fn messages_survive_any_cut(lengths in prop::collection::vec(0_usize..200, 1..8), cut in 1_usize..300) {
            let mut out = BytesMut::new();
            for (id, length) in lengths.iter().enumerate() {
                put_reply(&mut out, id as u64, &FindClientRequest { realm_id: "x".repeat(*length), client_id: String::new() });
            }
            let found = messages(&out, cut).unwrap();
            prop_assert_eq!(found.len(), lengths.len());
            for (id, (message, length)) in found.into_iter().zip(&lengths).enumerate() {
                let reply = Reply::decode(message).unwrap();
                let response = FindClientRequest::decode(reply.payload).unwrap();
                prop_assert_eq!((reply.id, response.realm_id.len()), (id as u64, *length));
            }
        }

        #[test]
        fn rubbish_never_panics(bytes: Vec<u8>, cut in 1_usize..50) {
            let _ = messages(&bytes, cut);
        }
    }

    #[test]
    fn a_failure_keeps_code_message_and_reason() {
        let status = error::status(error::Kind::NotFound, "CLIENT_NOT_FOUND", "no such client");
        let mut out = BytesMut::new();
        put_failure(&mut out, 7, &status);
        let reply = Reply::decode(messages(&out, usize::MAX).unwrap().remove(0)).unwrap();
        assert_eq!((reply.id, reply.code), (7, 5));
        assert_eq!((reply.message.as_str(), reply.reason.as_str()), ("no such client", "CLIENT_NOT_FOUND"));
    }
}
