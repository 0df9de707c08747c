//! Names as text: RFC 4514 and its forerunners to read, Java's way to show.

use std::fmt::{self, Display, Formatter};

use x509_parser::asn1_rs::{Any, FromDer as _};

use super::{Attribute, DistinguishedName, RelativeName, Value, keyword, sorted};

/// What parts relative names, and what parts the attributes of one.
const BETWEEN_NAMES: [u8; 2] = [b',', b';'];
const BETWEEN_ATTRIBUTES: u8 = b'+';
/// What Java puts quotes around a value for.
const QUOTED_FOR: &str = ",+=\n<>#;\\\"";

/// Reads a name. As text it begins with what a certificate has last.
pub(super) fn parse(text: &str) -> Option<DistinguishedName> {
    let mut reader = Reader { rest: text.as_bytes() };
    let mut names: Vec<RelativeName> = Vec::new();
    let mut attributes = Vec::new();
    loop {
        attributes.push(reader.attribute()?);
        match reader.next() {
            Some(BETWEEN_ATTRIBUTES) => {}
            end => {
                names.push(sorted(std::mem::take(&mut attributes)));
                if end.is_none() {
                    break;
                }
            }
        }
    }
    names.reverse();
    Some(DistinguishedName(names))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// An attribute to its end: what follows is a separator, or nothing.
    fn attribute(&mut self) -> Option<Attribute> {
        let equals = self.rest.iter().position(|byte| *byte == b'=')?;
        let (name, value) = self.rest.split_at(equals);
        self.rest = &value[1..];
        let oid = keyword::oid(std::str::from_utf8(name).ok()?.trim_ascii())?;
        self.skip_spaces();
        let value = match self.rest.first() {
            Some(b'#') => self.encoded()?,
            Some(b'"') => self.quoted()?,
            _ => self.plain()?,
        };
        Some(Attribute { oid, value })
    }

    fn is_at_end_of_value(&self) -> bool {
        self.rest.first().is_none_or(|byte| BETWEEN_NAMES.contains(byte) || *byte == BETWEEN_ATTRIBUTES)
    }

    /// `#` and hexadecimal digits: the value in DER.
    fn encoded(&mut self) -> Option<Value> {
        self.next();
        let mut der = Vec::new();
        while self.rest.first().is_some_and(u8::is_ascii_hexdigit) {
            der.push(self.hex_pair()?);
        }
        self.skip_spaces();
        let (left, any) = Any::from_der(&der).ok()?;
        (left.is_empty() && self.is_at_end_of_value()).then(|| Value::of(&any))
    }

    fn quoted(&mut self) -> Option<Value> {
        self.next();
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => text.push(self.escaped()?),
                byte => text.push(byte),
            }
        }
        self.skip_spaces();
        let text = String::from_utf8(text).ok()?;
        self.is_at_end_of_value().then_some(Value::Text(text))
    }

    fn plain(&mut self) -> Option<Value> {
        let mut text = Vec::new();
        // Spaces at the end count only if they are escaped.
        let mut end = 0;
        while !self.is_at_end_of_value() {
            match self.next()? {
                b'"' => return None,
                b'\\' => {
                    text.push(self.escaped()?);
                    end = text.len();
                }
                byte => {
                    text.push(byte);
                    if !byte.is_ascii_whitespace() {
                        end = text.len();
                    }
                }
            }
        }
        text.truncate(end);
        String::from_utf8(text).ok().map(Value::Text)
    }

    /// What a backslash stands before: a character that would mean something else, or a byte in hexadecimal.
    fn escaped(&mut self) -> Option<u8> {
        match self.rest.first()? {
            byte if byte.is_ascii_hexdigit() => self.hex_pair(),
            byte if byte.is_ascii_punctuation() || byte.is_ascii_whitespace() => self.next(),
            _ => None,
        }
    }

    fn hex_pair(&mut self) -> Option<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(self.next()?)?, digit(self.next()?)?);
        Some(high << 4 | low)
    }
}

impl Display for DistinguishedName {
    /// As Java shows it, which is what Keycloak compares patterns with: the last one first, `, ` between them, quotes where a value
    /// could be taken for something else.
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().rev().enumerate() {
            if place > 0 {
                to.write_str(", ")?;
            }
            for (place, Attribute { oid, value }) in name.iter().enumerate() {
                if place > 0 {
                    to.write_str(" + ")?;
                }
                match keyword::shown(oid) {
                    Some(keyword) => write!(to, "{keyword}={value}")?,
                    None => write!(to, "OID.{oid}={value}")?,
                }
            }
        }
        Ok(())
    }
}

impl Display for Value {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Text(text) => text,
            Self::Other(tag, content) => return show_encoded(*tag, content, to),
        };
        if !needs_quotes(text) {
            return to.write_str(text);
        }
        to.write_str("\"")?;
        for char in text.chars() {
            if matches!(char, '"' | '\\') {
                to.write_str("\\")?;
            }
            write!(to, "{char}")?;
        }
        to.write_str("\"")
    }
}

fn needs_quotes(text: &str) -> bool {
    let spaced = |pair: &[u8]| pair.iter().all(u8::is_ascii_whitespace);
    let at_an_end = [text.bytes().next(), text.bytes().last()];
    text.contains(|char| QUOTED_FOR.contains(char))
        || at_an_end.into_iter().flatten().any(|byte| byte.is_ascii_whitespace())
        || text.as_bytes().windows(2).any(spaced)
}

/// `#` and the DER in hexadecimal. Types of a number beyond 30, which no name has, and long contents are cut to what can be shown.
fn show_encoded(tag: u32, content: &[u8], to: &mut Formatter<'_>) -> fmt::Result {
    write!(to, "#{tag:02x}")?;
    match content.len() {
        len if len < 0x80 => write!(to, "{len:02x}")?,
        len => {
            let bytes = len.to_be_bytes();
            let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            write!(to, "{:02x}", 0x80 | digits.len())?;
            digits.iter().try_for_each(|byte| write!(to, "{byte:02x}"))?;
        }
    }
    content.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
}
