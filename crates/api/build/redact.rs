//! A `Debug` for messages that carry secrets, so that no log line, trace or error shows one (invariant 6).

use crate::descriptor::{Message, in_oneof, messages, rust_field};
use prost_types::{FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};
use std::fmt::Write as _;

/// Text and bytes of these names are secret in whatever message they stand: whoever reads them can act as the client, the user
/// or the administrator they belong to, or learns what a token says about somebody.
const SECRET_NAMES: &[&str] = &[
    // Credentials.
    "client_secret",
    "secret",
    "secrets",
    "password",
    "store_password",
    "key_password",
    "private_key",
    "client_assertion",
    "assertion",
    // Tokens.
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    // Signed for one client alone.
    "action",
    // What tokens say: claims may hold personal data.
    "claims",
    "more_claims",
    "access_token_claims",
    "id_token_claims",
    "userinfo_claims",
    "introspection_claims",
    // Encoded messages, with all of the above.
    "payload",
    // Representations as an administrator sent them: an SMTP password and the like.
    "settings_json",
    "representation_json",
];

/// Fields whose name is harmless elsewhere.
const SECRET_FIELDS: &[&str] = &[
    // The private key of an uploaded key, the secret of a symmetric one.
    "latchkey.issuer.v1.KeyProvider.config",
    // A key store may hold private keys.
    "latchkey.registry.v1.UploadClientKeyRequest.file",
    "latchkey.registry.v1.GenerateClientKeyResponse.key_store",
];

/// The messages whose derived `Debug` is left out.
pub(crate) fn messages_with_secrets(set: &FileDescriptorSet) -> Vec<Message<'_>> {
    let mut found = messages(set);
    found.retain(|message| message.descriptor.field.iter().any(|field| is_secret(message, field)));
    found
}

/// The same, as prost names them.
pub(crate) fn messages_to_skip(set: &FileDescriptorSet) -> Vec<String> {
    messages_with_secrets(set).iter().map(|message| format!(".{}", message.full_name)).collect()
}

fn is_secret(message: &Message<'_>, field: &FieldDescriptorProto) -> bool {
    let textual = matches!(field.r#type(), Type::String | Type::Bytes);
    let secret = textual && SECRET_NAMES.contains(&field.name())
        || SECRET_FIELDS.contains(&format!("{}.{}", message.full_name, field.name()).as_str());
    assert!(!(secret && in_oneof(field)), "{}: a secret in a oneof would be shown", message.full_name);
    secret
}

/// The `Debug` implementations: like the derived ones, but a secret is shown as `[redacted]`, and absent or empty ones as such.
pub(crate) fn debug_impls(set: &FileDescriptorSet) -> String {
    let mut code = String::new();
    for message in messages_with_secrets(set) {
        let name = message.descriptor.name();
        writeln!(code, "impl ::core::fmt::Debug for {} {{", message.rust_path).expect("writing to a string");
        writeln!(code, "    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")
            .expect("writing to a string");
        write!(code, "        f.debug_struct({name:?})").expect("writing to a string");
        let mut oneofs = Vec::new();
        for field in &message.descriptor.field {
            let (label, member) = if in_oneof(field) {
                let index = field.oneof_index() as usize;
                if oneofs.contains(&index) {
                    continue;
                }
                oneofs.push(index);
                let oneof = message.descriptor.oneof_decl[index].name();
                (oneof.to_owned(), rust_field(oneof))
            } else {
                (field.name().to_owned(), rust_field(field.name()))
            };
            let value = match (is_secret(&message, field), field.proto3_optional()) {
                (false, _) => format!("&self.{member}"),
                (true, true) => format!("&self.{member}.as_ref().map(|_| crate::redacted::Redacted)"),
                (true, false) => format!("&crate::redacted::unless_empty(self.{member}.is_empty())"),
            };
            write!(code, ".field({label:?}, {value})").expect("writing to a string");
        }
        code.push_str(".finish()\n    }\n}\n");
    }
    code
}
