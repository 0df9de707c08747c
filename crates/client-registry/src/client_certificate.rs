//! A client's certificate, as far as it decides who the client is.

use std::net::IpAddr;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::distinguished_name::DistinguishedName;
use crate::public_key::PublicKey;

/// A certificate that can be read; who signed it, it does not say.
pub(crate) struct ClientCertificate<'a>(X509Certificate<'a>);

impl<'a> ClientCertificate<'a> {
    /// Reads DER. `None` for what is no certificate, or more than one.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        rest.is_empty().then_some(Self(certificate))
    }

    /// Whether it is neither too early nor too late for it (RFC 5280 section 4.1.2.5).
    pub(crate) fn is_valid_at(&self, now_s: i64) -> bool {
        let validity = self.0.validity();
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now_s)
    }

    /// Whom it is for.
    pub(crate) fn subject(&self) -> DistinguishedName {
        DistinguishedName::of_certificate(self.0.subject())
    }

    /// The key that it is for.
    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        PublicKey::of_info(self.0.public_key().raw)
    }

    /// Whether one of its alternative names is the one that is asked for (RFC 5280 section 4.2.1.6).
    pub(crate) fn has_name(&self, wanted: &AlternativeName) -> bool {
        let Ok(Some(extension)) = self.0.subject_alternative_name() else { return false };
        extension.value.general_names.iter().any(|name| wanted.is(name))
    }
}

/// A name that a certificate must have beside its subject: RFC 8705 section 2.1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AlternativeName {
    /// A host. Wildcards in certificates stand for nothing here.
    Dns(String),
    Uri(String),
    Ip(IpAddr),
    Email(String),
}

impl AlternativeName {
    fn is(&self, name: &GeneralName<'_>) -> bool {
        match (self, name) {
            (Self::Dns(wanted), GeneralName::DNSName(name)) => wanted.eq_ignore_ascii_case(name),
            (Self::Uri(wanted), GeneralName::URI(name)) => wanted == name,
            (Self::Ip(wanted), GeneralName::IPAddress(octets)) => match wanted {
                IpAddr::V4(address) => address.octets() == *octets,
                IpAddr::V6(address) => address.octets() == *octets,
            },
            (Self::Email(wanted), GeneralName::RFC822Name(name)) => is_same_mailbox(wanted, name),
            _ => false,
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let text = match self {
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => text.len(),
            Self::Ip(_) => 0,
        };
        size_of::<Self>() + text
    }
}

/// RFC 5280 section 7.5: letters of the host may be large or small, those of the mailbox count.
fn is_same_mailbox(a: &str, b: &str) -> bool {
    match (a.rsplit_once('@'), b.rsplit_once('@')) {
        (Some((a, at)), Some((b, bt))) => a == b && at.eq_ignore_ascii_case(bt),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};
    use std::sync::LazyLock;

    static CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut params = CertificateParams::new(["a.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("https://a.example".try_into().unwrap()));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    });

    /// All that is ever asked of a certificate.
    fn look_at(der: &[u8]) {
        let Some(certificate) = ClientCertificate::read(der) else { return };
        let names = [
            AlternativeName::Dns("a".to_owned()),
            AlternativeName::Uri("a".to_owned()),
            AlternativeName::Ip([192, 0, 2, 1].into()),
            AlternativeName::Email("a@b".to_owned()),
        ];
        let _ = names.map(|name| certificate.has_name(&name));
        let _ = certificate.is_valid_at(0);
        let _ = certificate.subject().to_string();
        let _ = certificate.public_key().map(|key| key.is_same(&key));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            look_at(&bytes);
        }

        #[test]
        fn no_damaged_certificate_panics(
            damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            end in any::<prop::sample::Index>(),
        ) {
            let mut der = CERTIFICATE.clone();
            for (place, byte) in damage {
                let place = place.index(der.len());
                der[place] = byte;
            }
            look_at(&der);
            look_at(&der[..end.index(der.len())]);
        }
    }
}
