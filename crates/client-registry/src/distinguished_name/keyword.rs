//! The names of attribute types.

/// Type names as people write them, in capitals, and their object identifiers: RFC 4514 section 3, RFC 4519, and those that Keycloak
/// adds for the certificates of open banking.
const READ: [(&str, &str); 28] = [
    ("CN", "2.5.4.3"),
    ("SURNAME", "2.5.4.4"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("T", "2.5.4.12"),
    ("TITLE", "2.5.4.12"),
    ("BUSINESSCATEGORY", "2.5.4.15"),
    ("POSTALCODE", "2.5.4.17"),
    ("GIVENNAME", "2.5.4.42"),
    ("INITIALS", "2.5.4.43"),
    ("GENERATION", "2.5.4.44"),
    ("DNQUALIFIER", "2.5.4.46"),
    ("DNQ", "2.5.4.46"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("EMAIL", "1.2.840.113549.1.9.1"),
    ("JURISDICTIONLOCALITYNAME", "1.3.6.1.4.1.311.60.2.1.1"),
    ("JURISDICTIONSTATEORPROVINCENAME", "1.3.6.1.4.1.311.60.2.1.2"),
    ("JURISDICTIONCOUNTRYNAME", "1.3.6.1.4.1.311.60.2.1.3"),
];

/// Those that Java shows by name.
const SHOWN: [&str; 17] = [
    "CN",
    "SURNAME",
    "SERIALNUMBER",
    "C",
    "L",
    "ST",
    "STREET",
    "O",
    "OU",
    "T",
    "GIVENNAME",
    "INITIALS",
    "GENERATION",
    "DNQ",
    "UID",
    "DC",
    "EMAILADDRESS",
];

/// The object identifier that a type name, or dotted numbers with or without `OID.`, stand for.
pub(super) fn oid(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    if let Some((_, oid)) = READ.iter().find(|(keyword, _)| *keyword == upper) {
        return Some((*oid).to_owned());
    }
    let dotted = upper.strip_prefix("OID.").unwrap_or(&upper);
    let is_number = |arc: &str| {
        let no_zero_before = arc.len() == 1 || !arc.starts_with('0');
        !arc.is_empty() && no_zero_before && arc.bytes().all(|byte| byte.is_ascii_digit())
    };
    (dotted.contains('.') && dotted.split('.').all(is_number)).then(|| dotted.to_owned())
}

/// How Java shows a type: by its name, where it has one for it.
pub(super) fn shown(oid: &str) -> Option<&'static str> {
    let (keyword, _) = READ.iter().find(|(keyword, known)| *known == oid && SHOWN.contains(keyword))?;
    Some(keyword)
}
