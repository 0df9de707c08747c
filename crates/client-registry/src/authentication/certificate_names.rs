//! The names by which a client's certificate is known (RFC 8705 section 2.1.2).

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use crate::client_certificate::{AlternativeName, ClientCertificate};
use crate::distinguished_name::DistinguishedName;

/// Keycloak's client attributes: the subject, and whether it is a pattern.
const SUBJECT: &str = "x509.subjectdn";
const SUBJECT_IS_PATTERN: &str = "x509.allow.regex.pattern.comparison";
/// Client attributes of ours, named as the RFC names the metadata.
const DNS: &str = "tls_client_auth_san_dns";
const URI: &str = "tls_client_auth_san_uri";
const IP: &str = "tls_client_auth_san_ip";
const EMAIL: &str = "tls_client_auth_san_email";

/// How much memory a pattern may take, and what most of them take (bytes).
const MAX_PATTERN_SIZE: usize = 128 * 1024;
const PATTERN_SIZE: usize = 16 * 1024;

/// What a certificate must be for: all that is said here. The RFC wants exactly one to be said.
pub(super) struct CertificateNames {
    subject: Option<Subject>,
    alternatives: Vec<AlternativeName>,
}

enum Subject {
    Exactly(DistinguishedName),
    /// Of the whole subject, as Java shows it.
    Like(Regex),
}

impl CertificateNames {
    /// The names that a client's attributes give; `None` where they give none, or one that cannot be read: then it is nobody's.
    pub(super) fn of_client(attributes: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| attributes.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let is_pattern = text(SUBJECT_IS_PATTERN) == Some("true");
        let subject = match text(SUBJECT) {
            Some(pattern) if is_pattern => Some(Subject::Like(whole(pattern)?)),
            Some(name) => Some(Subject::Exactly(DistinguishedName::parse(name)?)),
            None => None,
        };
        let mut alternatives = Vec::new();
        alternatives.extend(text(DNS).map(|name| AlternativeName::Dns(name.to_owned())));
        alternatives.extend(text(URI).map(|name| AlternativeName::Uri(name.to_owned())));
        if let Some(address) = text(IP) {
            alternatives.push(AlternativeName::Ip(address.parse().ok()?));
        }
        alternatives.extend(text(EMAIL).map(|name| AlternativeName::Email(name.to_owned())));
        (subject.is_some() || !alternatives.is_empty()).then_some(Self { subject, alternatives })
    }

    /// Whether they are a certificate's.
    pub(super) fn are_of(&self, certificate: &ClientCertificate<'_>) -> bool {
        let is_subject = match &self.subject {
            Some(Subject::Exactly(name)) => certificate.subject() == *name,
            Some(Subject::Like(pattern)) => pattern.is_match(&certificate.subject().to_string()),
            None => true,
        };
        is_subject && self.alternatives.iter().all(|name| certificate.has_name(name))
    }

    /// About how many bytes they take.
    pub(super) fn weight(&self) -> usize {
        let subject = match &self.subject {
            Some(Subject::Exactly(name)) => name.weight(),
            Some(Subject::Like(_)) => PATTERN_SIZE,
            None => 0,
        };
        subject + self.alternatives.iter().map(AlternativeName::weight).sum::<usize>()
    }
}

/// A pattern that must fit the whole of a text. Matching takes time linear in the text, whatever the pattern.
fn whole(pattern: &str) -> Option<Regex> {
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(MAX_PATTERN_SIZE).build().ok();
    // It must be one by itself: nobody closes our bracket.
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}
