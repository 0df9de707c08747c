//! What the generators read from the compiled contract.

use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Every `proto/latchkey/<service>/v1/*.proto`, sorted.
pub(crate) fn proto_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for service in fs::read_dir(root.join("latchkey"))? {
        let version = service?.path().join("v1");
        if !version.is_dir() {
            continue;
        }
        for file in fs::read_dir(version)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A message with its full protobuf name (without leading dot) and its path in Rust below the crate.
pub(crate) struct Message<'a> {
    pub(crate) full_name: String,
    pub(crate) rust_path: String,
    pub(crate) descriptor: &'a DescriptorProto,
}

/// All messages, nested ones too, without the entries of maps.
pub(crate) fn messages(set: &FileDescriptorSet) -> Vec<Message<'_>> {
    fn walk<'a>(prefix: &str, rust: &str, messages: &'a [DescriptorProto], found: &mut Vec<Message<'a>>) {
        for descriptor in messages {
            if descriptor.options.as_ref().is_some_and(|options| options.map_entry()) {
                continue;
            }
            let full_name = format!("{prefix}.{}", descriptor.name());
            walk(
                &full_name,
                &format!("{rust}::{}", snake(descriptor.name())),
                &descriptor.nested_type,
                found,
            );
            found.push(Message {
                rust_path: format!("{rust}::{}", descriptor.name()),
                full_name,
                descriptor,
            });
        }
    }
    let mut found = Vec::new();
    for file in &set.file {
        walk(file.package(), &module(file.package()), &file.message_type, &mut found);
    }
    found
}

/// The full path of each `bytes` field, and the module that gives it a JSON form.
pub(crate) fn bytes_fields(set: &FileDescriptorSet) -> Vec<(String, &'static str)> {
    let mut fields = Vec::new();
    for message in messages(set) {
        for field in &message.descriptor.field {
            if field.r#type() == Type::Bytes {
                assert!(
                    field.label() != Label::Repeated && field.oneof_index.is_none()
                        || field.proto3_optional()
                );
                let module =
                    if field.proto3_optional() { "crate::base64_text::option" } else { "crate::base64_text" };
                fields.push((format!("{}.{}", message.full_name, field.name()), module));
            }
        }
    }
    fields
}

/// A service with its package and the Rust path of the module its package is generated into.
pub(crate) struct Service<'a> {
    pub(crate) package: &'a str,
    pub(crate) module: String,
    pub(crate) descriptor: &'a ServiceDescriptorProto,
}

impl Service<'_> {
    /// The name of the trait.
    pub(crate) fn name(&self) -> &str {
        self.descriptor.name()
    }

    /// The path of the generated trait.
    pub(crate) fn trait_path(&self) -> String {
        format!("{}::{}_server::{}", self.module, snake(self.name()), self.name())
    }

    /// The server-streaming methods.
    pub(crate) fn streaming(&self) -> impl Iterator<Item = &MethodDescriptorProto> {
        self.descriptor.method.iter().filter(|method| method.server_streaming())
    }
}

/// Packages whose services no caller holds as a trait: the pipeline carries the others, and authenticators are nobody's replicas.
const NOT_HELD: [&str; 2] = ["latchkey.pipeline.v1", "latchkey.authenticator.v1"];

/// The services that callers hold as traits.
pub(crate) fn services(set: &FileDescriptorSet) -> Vec<Service<'_>> {
    let mut found = Vec::new();
    for file in &set.file {
        for descriptor in &file.service {
            if !NOT_HELD.contains(&file.package()) {
                found.push(Service { package: file.package(), module: module(file.package()), descriptor });
            }
        }
    }
    found
}

/// The Rust path of a message type as a field or method names it: `.latchkey.common.v1.Page`.
pub(crate) fn rust_type(set: &FileDescriptorSet, name: &str) -> String {
    let full_name = name.trim_start_matches('.');
    messages(set)
        .into_iter()
        .find(|message| message.full_name == full_name)
        .unwrap_or_else(|| panic!("{name} is not in the contract"))
        .rust_path
}

/// Whether the field is a member of a oneof that was written as one.
pub(crate) fn in_oneof(field: &FieldDescriptorProto) -> bool {
    field.oneof_index.is_some() && !field.proto3_optional()
}

fn module(package: &str) -> String {
    let path = package.strip_prefix("latchkey.").expect("every package is below latchkey");
    format!("crate::{}", path.replace('.', "::"))
}

/// `FooBar` as `foo_bar`: method, module and client names. The contract has no acronyms that would need more.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A field's name in Rust.
pub(crate) fn rust_field(name: &str) -> String {
    match name {
        "type" | "use" | "ref" | "match" | "where" | "move" => format!("r#{name}"),
        _ => name.to_owned(),
    }
}
