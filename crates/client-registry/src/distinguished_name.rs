//! Distinguished names (X.501), as certificates and as text hold them.

mod keyword;
mod text;

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::X509Name;

/// A name. Two are equal if they have the same attributes with exactly the same values in the same order; how a certificate encodes a
/// text, or a person writes it, does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DistinguishedName(Vec<RelativeName>);

/// A relative name: attributes that stand side by side, mostly one. As a set it is kept sorted.
type RelativeName = Vec<Attribute>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    /// Its type, an object identifier with dots.
    oid: String,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// What is no text: the number of its ASN.1 type, and its content.
    Other(u32, Vec<u8>),
}

impl DistinguishedName {
    /// The name that a certificate holds.
    pub(crate) fn of_certificate(name: &X509Name<'_>) -> Self {
        let relative = name.iter_rdn().map(|relative| {
            let attributes = relative.iter().map(|attribute| Attribute {
                oid: attribute.attr_type().to_id_string(),
                value: Value::of(attribute.attr_value()),
            });
            sorted(attributes.collect())
        });
        Self(relative.collect())
    }

    /// Reads RFC 4514, and what is left of RFC 1779: quotes, semicolons, `OID.`, spaces around it all. `None` for what is no name, or
    /// an empty one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text::parse(text)
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let attributes = self.0.iter().flatten().map(|attribute| {
            let value = match &attribute.value {
                Value::Text(text) => text.len(),
                Value::Other(_, content) => content.len(),
            };
            size_of::<Attribute>() + attribute.oid.len() + value
        });
        self.0.len() * size_of::<RelativeName>() + attributes.sum::<usize>()
    }
}

impl Value {
    fn of(any: &Any<'_>) -> Self {
        let text = match any.tag() {
            Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
                std::str::from_utf8(any.data).ok().map(str::to_owned)
            }
            Tag::BmpString => of_utf16(any.data),
            _ => None,
        };
        text.map_or_else(|| Self::Other(any.tag().0, any.data.to_vec()), Self::Text)
    }
}

/// Big-endian, as ASN.1 has it.
fn of_utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

fn sorted(mut attributes: RelativeName) -> RelativeName {
    attributes.sort();
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    fn certificate(attributes: &[(DnType, DnValue)]) -> DistinguishedName {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
        DistinguishedName::of_certificate(parsed.subject())
    }

    fn of_orders() -> DistinguishedName {
        certificate(&[
            (DnType::CountryName, DnValue::PrintableString("DE".try_into().unwrap())),
            (DnType::OrganizationName, DnValue::Utf8String("Böhm, Söhne".to_owned())),
            (DnType::CommonName, DnValue::BmpString("orders".try_into().unwrap())),
        ])
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        let name = of_orders();
        for text in [
            "CN=orders,O=Böhm\\, Söhne,C=DE",
            "cn = orders , o = \"Böhm, Söhne\" , c = DE",
            "CN=orders; O=B\\C3\\B6hm\\2C S\\C3\\B6hne; C=DE",
            "2.5.4.3=orders,OID.2.5.4.10=Böhm\\, Söhne,2.5.4.6=#13024445",
            "CN=\\6frders,O=Böhm\\, Söhne,C=#0c024445",
        ] {
            assert_eq!(DistinguishedName::parse(text).as_ref(), Some(&name), "{text}");
        }
    }

    #[test]
    fn another_name_is_another() {
        let name = of_orders();
        for text in [
            "C=DE,O=Böhm\\, Söhne,CN=orders",
            "CN=Orders,O=Böhm\\, Söhne,C=DE",
            "CN=orders,O=Böhm\\, Söhne",
            "CN=orders,O=Böhm\\, Söhne,C=DE,C=DE",
            "CN=orders+O=Böhm\\, Söhne,C=DE",
            "CN=orders\\ ,O=Böhm\\, Söhne,C=DE",
            "CN=orders,O=Böhm\\,  Söhne,C=DE",
            "CN=orders,OU=Böhm\\, Söhne,C=DE",
        ] {
            let other = DistinguishedName::parse(text);
            assert!(other.is_some() && other.as_ref() != Some(&name), "{text}");
        }
    }

    #[test]
    fn what_stands_side_by_side_has_no_order() {
        let parse = DistinguishedName::parse;
        assert_eq!(parse("CN=a+UID=b,O=c"), parse("uid=b + cn=a, o=c"));
        assert_ne!(parse("CN=a+UID=b,O=c"), parse("CN=a,UID=b,O=c"));
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "",
            " ",
            ",",
            "CN",
            "CN=a,",
            "=a",
            "CN=a,,O=b",
            "CN=\"a",
            "CN=\"a\"b",
            "CN=a\"b",
            "CN=a\\",
            "CN=a\\g",
            "CN=\\C3",
            "CN=#",
            "CN=#1",
            "CN=#zz",
            "CN=#0c05",
            "CN=#0c0161ff",
            "1.2.=a",
            "9=a",
            "UNKNOWN=a",
            "CN=a+",
            "1..2=a",
        ] {
            assert_eq!(DistinguishedName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_text_is_what_java_shows() {
        for (text, shown) in [
            ("CN=orders,O=a b,C=DE", "CN=orders, O=a b, C=DE"),
            ("CN=a\\, O=evil,O=good", "CN=\"a, O=evil\", O=good"),
            ("CN=a\\\"b\\\\", "CN=\"a\\\"b\\\\\""),
            ("CN=a  b", "CN=\"a  b\""),
            ("CN=\\ a", "CN=\" a\""),
            ("EMAIL=a@b.example,SERIALNUMBER=7", "EMAILADDRESS=a@b.example, SERIALNUMBER=7"),
            ("CN=a+UID=b,DC=c", "UID=b + CN=a, DC=c"),
            ("businessCategory=x,1.2.3=#0203010203", "OID.2.5.4.15=x, OID.1.2.3=#0203010203"),
        ] {
            assert_eq!(DistinguishedName::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), near in "[CNOcn=,;+\"\\\\# a0-9f.]{0,24}") {
            let _ = DistinguishedName::parse(&text);
            let _ = DistinguishedName::parse(&near);
        }

        #[test]
        fn what_is_shown_is_read_back(values in proptest::collection::vec(any::<String>(), 1..4)) {
            let attribute = |value: &String| {
                vec![Attribute { oid: "2.5.4.3".to_owned(), value: Value::Text(value.clone()) }]
            };
            let name = DistinguishedName(values.iter().map(attribute).collect());
            prop_assert_eq!(DistinguishedName::parse(&name.to_string()), Some(name));
        }
    }
}
