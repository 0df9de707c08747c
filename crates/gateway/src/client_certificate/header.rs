//! The header in which a proxy tells which certificate a client has shown: RFC 9440's `:base64:`, PEM with or without percent
//! encoding (nginx, Traefik) or with its lines joined by spaces (Apache), or bare base64 (HAProxy).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use percent_encoding::percent_decode;
use rustls::pki_types::CertificateDer;
use std::borrow::Cow;

/// Longer values are no certificate's (bytes).
const MAX_LENGTH: usize = 64 * 1024;
/// So many certificates are read from a value.
pub(super) const MAX_CERTIFICATES: usize = 8;

/// The certificates of a header's value, in their order. `None` for an empty value, or one that holds anything else.
pub(super) fn certificates(value: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let value = value.trim_ascii();
    if value.is_empty() || value.len() > MAX_LENGTH {
        return None;
    }
    let value: Cow<'_, [u8]> =
        if value.contains(&b'%') { percent_decode(value).into() } else { value.into() };
    let text = std::str::from_utf8(&value).ok()?;
    let encoded = if text.starts_with(':') {
        text.split(',').map(byte_sequence).collect::<Option<Vec<_>>>()?
    } else if text.contains(BEGIN) {
        pem_blocks(text)?
    } else {
        text.split(',').collect()
    };
    if encoded.len() > MAX_CERTIFICATES {
        return None;
    }
    encoded.into_iter().map(|base64| decoded(base64).map(CertificateDer::from)).collect()
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A byte sequence of RFC 9651 section 3.3.5.
fn byte_sequence(item: &str) -> Option<&str> {
    item.trim_matches([' ', '\t']).strip_prefix(':')?.strip_suffix(':')
}

fn pem_blocks(text: &str) -> Option<Vec<&str>> {
    let mut rest = text;
    let mut blocks = Vec::new();
    while let Some((before, after)) = rest.split_once(BEGIN) {
        is_blank(before).then_some(())?;
        let (block, after) = after.split_once(END)?;
        blocks.push(block);
        rest = after;
    }
    is_blank(rest).then_some(blocks)
}

/// Between blocks stands nothing, or the comma of a list.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace() || byte == b',')
}

fn decoded(base64: &str) -> Option<Vec<u8>> {
    let bare: String = base64.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(bare).ok().filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &[u8] =
        b"\x30\x82first certificate, long enough for several lines of PEM, which have 64 characters";
    const SECOND: &[u8] = b"\x30\x82second\xfb\xff";

    fn pem(der: &[u8], line_end: &str) -> String {
        let base64 = BASE64_STANDARD.encode(der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{BEGIN}{line_end}{}{line_end}{END}{line_end}", lines.join(line_end))
    }

    fn escaped(text: &str) -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }

    fn read(value: &str) -> Option<Vec<Vec<u8>>> {
        Some(certificates(value.as_bytes())?.iter().map(|der| der.to_vec()).collect())
    }

    #[test]
    fn each_proxys_way_to_write_is_read() {
        let [first, second] = [FIRST, SECOND].map(|der| BASE64_STANDARD.encode(der));
        for (proxy, value) in [
            ("RFC 9440", format!(":{first}:")),
            ("nginx, $ssl_client_escaped_cert", escaped(&pem(FIRST, "\n"))),
            ("nginx, $ssl_client_cert", pem(FIRST, "\n\t")),
            ("Apache, %{SSL_CLIENT_CERT}s", pem(FIRST, " ")),
            ("HAProxy, %[ssl_c_der,base64]", first.clone()),
            ("Traefik", escaped(&first)),
            ("spaces around it", format!("  :{first}: ")),
        ] {
            assert_eq!(read(&value), Some(vec![FIRST.to_vec()]), "{proxy}");
        }
        for (proxy, value) in [
            ("RFC 9440, Client-Cert-Chain", format!(":{first}:, :{second}:")),
            ("PEM", format!("{}{}", pem(FIRST, "\n"), pem(SECOND, "\n"))),
            ("escaped PEM", escaped(&format!("{}{}", pem(FIRST, "\r\n"), pem(SECOND, "\r\n")))),
            ("Traefik", format!("{},{}", escaped(&first), escaped(&second))),
        ] {
            assert_eq!(read(&value), Some(vec![FIRST.to_vec(), SECOND.to_vec()]), "{proxy}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let base64 = BASE64_STANDARD.encode(FIRST);
        for value in [
            String::new(),
            " ".to_owned(),
            "x".to_owned(),
            "::".to_owned(),
            ":".to_owned(),
            format!(":{base64}"),
            format!(":{base64}:, x"),
            format!("{base64},"),
            format!("{BEGIN}{base64}"),
            format!("{BEGIN}{END}"),
            format!("before {BEGIN}{base64}{END}"),
            format!("{BEGIN}{base64}{END} after"),
            format!("{BEGIN}{BEGIN}{base64}{END}"),
            format!("%ff%fe{base64}"),
            [base64.as_str(); MAX_CERTIFICATES + 1].join(","),
            "A".repeat(MAX_LENGTH + 4),
        ] {
            assert_eq!(read(&value), None, "{}", &value[..value.len().min(80)]);
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in any::<Vec<u8>>(), near in "[:,% A-Za-z0-9+/=-]{0,60}") {
            let _ = certificates(&value);
            let _ = certificates(near.as_bytes());
            let _ = certificates(format!("{BEGIN}{near}{END}").as_bytes());
        }
    }
}
