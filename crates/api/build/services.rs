//! What is generated for each service beside tonic's trait and client.

use crate::descriptor::{Service, services};
use prost_types::FileDescriptorSet;
use std::fmt::Write as _;

/// `DynClientRegistry` and its kin: the trait objects that callers hold.
pub(crate) fn aliases(set: &FileDescriptorSet) -> String {
    let mut code = String::new();
    for service in services(set) {
        let name = service.name();
        writeln!(
            code,
            "/// What a caller of [`{name}`]({}) holds, in an `Arc`: the service itself or a forwarder.",
            service.trait_path()
        )
        .expect("writing to a string");
        writeln!(code, "pub type Dyn{name} = dyn {}{};", service.trait_path(), bindings(&service))
            .expect("writing to a string");
    }
    code
}

/// The stream types of a service's trait, bound to [`ChangeStream`].
fn bindings(service: &Service<'_>) -> String {
    let bindings: Vec<String> =
        service.streaming().map(|method| format!("{}Stream = crate::ChangeStream", method.name())).collect();
    if bindings.is_empty() { String::new() } else { format!("<{}>", bindings.join(", ")) }
}
