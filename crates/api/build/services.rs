//! What is generated for each service beside tonic's trait and client: the name of its trait object, its forwarder, and the
//! dispatcher of its pipelined methods.

use crate::descriptor::{Service, rust_type, services, snake};
use prost_types::{FileDescriptorSet, MethodDescriptorProto, method_options::IdempotencyLevel};
use std::fmt::Write as _;

/// The methods on a token's way, which go over the pipeline.
const PIPELINED: &[(&str, &[&str])] = &[
    ("ClientRegistry", &["GetRealm", "Authenticate", "FindClient"]),
    ("RoleMapping", &["Resolve"]),
    ("Sessions", &["Open", "Rotate", "Check"]),
    ("TokenIssuer", &["Issue", "Verify"]),
];

/// `DynClientRegistry` and its kin: the trait objects that callers hold.
pub(crate) fn aliases(set: &FileDescriptorSet) -> String {
    let mut code = String::new();
    for service in services(set) {
        let name = service.name();
        let trait_path = service.trait_path();
        let bindings: Vec<String> = service
            .streaming()
            .map(|method| format!("{}Stream = crate::ChangeStream", method.name()))
            .collect();
        let bindings = if bindings.is_empty() { String::new() } else { format!("<{}>", bindings.join(", ")) };
        write!(
            code,
            "/// What a caller of [`{name}`]({trait_path}) holds, in an `Arc`: the service itself or a forwarder.\n\
             pub type Dyn{name} = dyn {trait_path}{bindings};\n"
        )
        .expect("writing to a string");
    }
    code
}

/// `RemoteClientRegistry` and its kin.
pub(crate) fn forwarders(set: &FileDescriptorSet) -> String {
    let mut code = String::from("use crate::remote::{Error, Forward, Method, Target};\n");
    for service in services(set) {
        let (name, trait_path) = (service.name(), service.trait_path());
        write!(
            code,
            "/// [`{name}`]({trait_path}) in other processes.\n\
             #[derive(Debug)]\n\
             pub struct Remote{name}(Forward);\n\
             impl Remote{name} {{\n\
                 /// Begins to connect to the service's replicas. Needs a tokio runtime.\n\
                 ///\n\
                 /// # Errors\n\
                 /// A target that can't be used.\n\
                 pub fn connect(target: Target) -> Result<Self, Error> {{ Ok(Self(Forward::new(target)?)) }}\n\
             }}\n\
             #[tonic::async_trait]\n\
             impl {trait_path} for Remote{name} {{\n"
        )
        .expect("writing to a string");
        for method in service.streaming() {
            writeln!(code, "type {}Stream = crate::ChangeStream;", method.name())
                .expect("writing to a string");
        }
        for method in &service.descriptor.method {
            code.push_str(&forwarder(set, &service, method));
        }
        code.push_str("}\n");
    }
    code
}

fn forwarder(set: &FileDescriptorSet, service: &Service<'_>, method: &MethodDescriptorProto) -> String {
    assert!(!method.client_streaming(), "{}: streams of requests aren't forwarded", method.name());
    let (query, answer) = (rust_type(set, method.input_type()), rust_type(set, method.output_type()));
    let name = rust_method(method);
    let answer = if method.server_streaming() { "crate::ChangeStream".to_owned() } else { answer };
    let call = format!(
        "|link, limit, request| async move {{ \
             {}::{}_client::{}Client::new(link).max_decoding_message_size(limit).{name}(request).await \
         }}",
        service.module,
        snake(service.name()),
        service.name(),
    );
    let body = if method.server_streaming() {
        format!(
            "Ok(self.0.streaming(request, {call}).await?.map(|stream| Box::pin(stream) as crate::ChangeStream))"
        )
    } else {
        let path = format!("/{}.{}/{}", service.package, service.name(), method.name());
        let constant = format!(
            "const METHOD: Method = Method {{ path: {path:?}, idempotent: {} }};",
            is_idempotent(method)
        );
        if is_pipelined(service, method) {
            format!("{constant} self.0.pipelined(&METHOD, request).await")
        } else {
            format!("{constant} self.0.unary(&METHOD, request, {call}).await")
        }
    };
    format!(
        "async fn {name}(&self, request: tonic::Request<{query}>) -> Result<tonic::Response<{answer}>, tonic::Status> {{\n\
             {body}\n\
         }}\n"
    )
}

/// The dispatchers, and the methods by which [`PipelineService`] is given the services.
pub(crate) fn dispatchers(set: &FileDescriptorSet) -> String {
    let mut code = String::from(
        "use crate::pipeline::{Dispatch, Incoming, PipelineService};\nuse futures::future::BoxFuture;\nuse std::sync::Arc;\n",
    );
    for service in services(set) {
        let (name, module) = (service.name(), snake(service.name()));
        let mut arms = String::new();
        for method in service.descriptor.method.iter().filter(|method| is_pipelined(&service, method)) {
            writeln!(
                arms,
                "{:?} => {{ let service = Arc::clone(&self.0); \
                 Some(Box::pin(call.answer(move |request| async move {{ service.{}(request).await }}))) }}",
                method.name(),
                rust_method(method),
            )
            .expect("writing to a string");
        }
        if arms.is_empty() {
            continue;
        }
        write!(
            code,
            "struct {name}Calls(Arc<crate::Dyn{name}>);\n\
             impl Dispatch for {name}Calls {{\n\
                 fn service(&self) -> &'static str {{ {:?} }}\n\
                 fn dispatch(&self, method: &str, call: Incoming) -> Option<BoxFuture<'static, ()>> {{\n\
                     match method {{\n{arms}_ => None,\n}}\n\
                 }}\n\
             }}\n\
             impl PipelineService {{\n\
                 /// Serves the pipelined methods of [`{name}`]({}).\n\
                 #[must_use]\n\
                 pub fn {module}(self, service: Arc<crate::Dyn{name}>) -> Self {{ self.add({name}Calls(service)) }}\n\
             }}\n",
            format!("{}.{name}", service.package),
            service.trait_path(),
        )
        .expect("writing to a string");
    }
    code
}

/// Fails if the list above names what the contract does not have, or streams.
pub(crate) fn check_pipelined(set: &FileDescriptorSet) {
    let services = services(set);
    for (name, methods) in PIPELINED {
        let service = services.iter().find(|service| service.name() == *name);
        let service = service.unwrap_or_else(|| panic!("no service {name} to pipeline"));
        for method in *methods {
            let known = service.descriptor.method.iter().find(|known| known.name() == *method);
            assert!(
                known.is_some_and(|known| !known.server_streaming()),
                "{name}.{method} can't be pipelined"
            );
        }
    }
}

fn is_pipelined(service: &Service<'_>, method: &MethodDescriptorProto) -> bool {
    PIPELINED.iter().any(|(name, methods)| *name == service.name() && methods.contains(&method.name()))
}

fn is_idempotent(method: &MethodDescriptorProto) -> bool {
    let level = method.options.as_ref().map(|options| options.idempotency_level()).unwrap_or_default();
    level != IdempotencyLevel::IdempotencyUnknown
}

/// A method's name in Rust.
fn rust_method(method: &MethodDescriptorProto) -> String {
    snake(method.name())
}
