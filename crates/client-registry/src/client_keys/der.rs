//! Writing the few forms of DER (X.690) that key stores are made of.

/// A value of a type, behind its length.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![tag];
    match content.len() {
        short @ 0..=127 => der.push(u8::try_from(short).unwrap_or_default()),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            der.extend_from_slice(length);
        }
    }
    der.extend_from_slice(content);
    der
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

pub(super) fn set(parts: &[&[u8]]) -> Vec<u8> {
    value(0x31, &parts.concat())
}

/// `[0] EXPLICIT`.
pub(super) fn explicit(content: &[u8]) -> Vec<u8> {
    value(0xa0, content)
}

pub(super) fn octets(content: &[u8]) -> Vec<u8> {
    value(0x04, content)
}

/// An object identifier whose arcs are encoded already.
pub(super) fn oid(encoded: &[u8]) -> Vec<u8> {
    value(0x06, encoded)
}

pub(super) fn null() -> Vec<u8> {
    value(0x05, &[])
}

/// A number that is not negative.
pub(super) fn number(number: u32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().take_while(|byte| **byte == 0).count().min(3);
    let bytes = &bytes[start..];
    // The first bit is the sign.
    if bytes[0] & 0x80 == 0 { value(0x02, bytes) } else { value(0x02, &[&[0], bytes].concat()) }
}

/// Text as a BMPString: two bytes a character, big end first.
pub(super) fn bmp_string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    value(0x1e, &units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_as_short_as_they_can_be() {
        assert_eq!(octets(&[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(octets(&[0; 127])[..2], [4, 127]);
        assert_eq!(octets(&[0; 128])[..3], [4, 0x81, 128]);
        assert_eq!(octets(&[0; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(number(0), [2, 1, 0]);
        assert_eq!(number(127), [2, 1, 127]);
        assert_eq!(number(128), [2, 2, 0, 128]);
        assert_eq!(number(10_000), [2, 2, 0x27, 0x10]);
        assert_eq!(number(u32::MAX), [2, 5, 0, 255, 255, 255, 255]);
    }
}
