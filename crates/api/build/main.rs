//! Generates the contract from `proto/`: messages, service traits and clients (prost and tonic, compiled by protox, so that no
//! protoc is needed), a `Debug` that shows no secret, and the forwarders and dispatchers of each service.

#![expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]

mod descriptor;
mod redact;
mod services;

use prost::Message as _;
use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto").canonicalize()?;
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build");

    let files = descriptor::proto_files(&root)?;
    let set = protox::compile(&files, [&root])?;

    services::check_pipelined(&set);

    let mut embedded = set.clone();
    for file in &mut embedded.file {
        file.source_code_info = None;
    }
    fs::write(out.join("descriptor.bin"), embedded.encode_to_vec())?;

    let mut builder = tonic_prost_build::configure()
        .bytes(".")
        .btree_map(".")
        .skip_debug(redact::messages_to_skip(&set))
        .type_attribute(".", "#[derive(::serde::Serialize, ::serde::Deserialize)]")
        .message_attribute(".", "#[serde(default)]");
    for (path, module) in descriptor::bytes_fields(&set) {
        builder = builder.field_attribute(path, format!("#[serde(with = \"{module}\")]"));
    }
    builder.compile_fds(set.clone())?;

    fs::write(out.join("redacted.rs"), redact::debug_impls(&set))?;
    fs::write(out.join("aliases.rs"), services::aliases(&set))?;
    fs::write(out.join("forwarders.rs"), services::forwarders(&set))?;
    fs::write(out.join("dispatchers.rs"), services::dispatchers(&set))?;
    Ok(())
}
