//! What trusted proxies tell of the certificates that they have been shown.

use super::{ClientCertificate, header};
use aws_lc_rs::digest::{Context, SHA256};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use latchkey_platform::cache::Bounded;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// Memory for certificates that have been judged (bytes), and for how long a judgement holds. Verifying a chain costs as much as
/// signing a token.
const KEPT_BYTES: u64 = 1 << 20;
const KEPT_MS: i64 = 60_000;

/// The headers of the settings, and what was told in them lately.
#[derive(Clone)]
pub(super) struct Forwarded {
    certificate: HeaderName,
    chain: Option<HeaderName>,
    kept: Arc<Bounded<[u8; 32], Judged>>,
}

/// A certificate, or that it was none, and until when that is believed.
#[derive(Clone)]
struct Judged {
    certificate: Option<Arc<ClientCertificate>>,
    until_ms: i64,
}

impl Forwarded {
    pub(super) fn new(certificate: HeaderName, chain: Option<HeaderName>) -> Self {
        Self { certificate, chain, kept: Arc::new(Bounded::new(KEPT_BYTES)) }
    }

    /// The certificate of a request; `judge` is asked about a chain that was not seen lately.
    pub(super) fn certificate(
        &self,
        headers: &HeaderMap,
        now_ms: i64,
        judge: impl FnOnce(&[CertificateDer<'_>]) -> Option<Arc<ClientCertificate>>,
    ) -> Option<Arc<ClientCertificate>> {
        let told = only(headers, &self.certificate)?;
        let others = || self.chain.iter().flat_map(|name| headers.get_all(name)).map(HeaderValue::as_bytes);
        let digest = digest_of(told, others());
        let is_fresh = |judged: &Judged| (now_ms..=now_ms + KEPT_MS).contains(&judged.until_ms);
        if let Some(judged) = self.kept.get(&digest).filter(is_fresh) {
            return judged.certificate;
        }
        let certificate = header::certificates(told).and_then(|mut chain| {
            // Those only help to find a way to an authority: whoever adds some gains nothing.
            chain.extend(others().filter_map(header::certificates).flatten());
            chain.truncate(header::MAX_CERTIFICATES);
            judge(&chain)
        });
        let weight = certificate.as_ref().map_or(0, |certificate| certificate.der.len() + 100);
        let judged = Judged { certificate: certificate.clone(), until_ms: now_ms + KEPT_MS };
        self.kept.insert(digest, judged, weight);
        certificate
    }
}

/// The value of a header that is there once. A second one was put there by somebody else.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes();
    values.next().is_none().then_some(value)
}

/// Of all that counts, each with its length before it.
fn digest_of<'a>(told: &'a [u8], others: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for value in std::iter::once(told).chain(others) {
        context.update(&(value.len() as u64).to_be_bytes());
        context.update(value);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
