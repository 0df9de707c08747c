//! `sub` that differs from sector to sector: OpenID Connect Core section 8.1, by Keycloak's computation, so that the
//! subjects of a migrated realm stay.

use aws_lc_rs::digest::{Context, SHA256};
use md5::{Digest as _, Md5};

use super::{ClaimMapper, Claims, MapperConfig, Source};

#[derive(Debug)]
struct PairwiseSub {
    /// The host of `sectorIdentifierUri`, where one is set.
    sector: Option<String>,
    salt: String,
}

pub(super) fn read(config: &MapperConfig<'_>) -> Option<Box<dyn ClaimMapper>> {
    let sector = config.text("sectorIdentifierUri").and_then(host).map(str::to_owned);
    let salt = config.get("pairwiseSubAlgorithmSalt").unwrap_or_default().to_owned();
    Some(Box::new(PairwiseSub { sector, salt }))
}

impl ClaimMapper for PairwiseSub {
    fn map(&self, source: &Source<'_>, claims: &mut Claims<'_>) {
        let sector = self.sector.as_deref().unwrap_or(source.ask.sector_identifier);
        claims.set_fixed("sub", subject(sector, &source.facts.account.id, &self.salt));
    }
}

/// SHA-256 of sector, account and salt, then the name-based UUID (version 3) of the digest.
fn subject(sector: &str, account: &str, salt: &str) -> String {
    let mut hash = Context::new(&SHA256);
    for part in [sector, account, salt] {
        hash.update(part.as_bytes());
    }
    let name: [u8; 16] = Md5::digest(hash.finish()).into();
    uuid::Builder::from_md5_bytes(name).into_uuid().to_string()
}

fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(host.split_once(':').map_or(host, |(name, _)| name)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_differ_by_sector_account_and_salt() {
        let one = subject("a.example", "1", "salt");
        assert_eq!(one, subject("a.example", "1", "salt"));
        for other in [
            subject("b.example", "1", "salt"),
            subject("a.example", "2", "salt"),
            subject("a.example", "1", "x"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(uuid::Uuid::parse_str(&one).map(|id| id.get_version_num()), Ok(3));
    }

    #[test]
    fn the_sector_is_the_host() {
        for (uri, expected) in [
            ("https://a.example:8443/x", Some("a.example")),
            ("https://u@a.example?x", Some("a.example")),
            ("a.example", None),
            ("https://", None),
        ] {
            assert_eq!(host(uri), expected, "{uri}");
        }
    }
}
