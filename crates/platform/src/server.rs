//! The life of a program: settings, telemetry, health, and an orderly end. A service's `main` only names what it is.

mod program;
mod remotes;

pub use program::{Context, Error, Program, Settings, Workers, install_crypto, shutdown_on_signal};
pub use remotes::Remotes;

use std::sync::Arc;

use latchkey_api::pipeline::PipelineService;
use latchkey_api::revision::Applied;
use latchkey_api::server::ServerLayer;
use tonic::service::Routes;

use crate::config::Grpc;
use crate::operations::Readiness;
use crate::tls::MutualTls;

/// What a gRPC program serves.
pub struct Serving {
    /// Its services.
    pub routes: Routes,
    /// How far it has applied its own change log; [`latchkey_api::revision::NoChangeLog`] without one.
    pub applied: Arc<dyn Applied>,
    /// Adds the services whose calls are pipelined.
    pub pipeline: Box<dyn FnOnce(PipelineService) -> PipelineService + Send>,
    /// What it needs to be ready.
    pub readiness: Readiness,
}

/// Serves gRPC with health and reflection until the context's shutdown; calls under way are finished.
///
/// # Errors
/// When there are neither certificates nor `plaintext`, or the address cannot be bound.
pub async fn serve(grpc: &Grpc, context: &Context, serving: Serving) -> Result<(), Error> {
    let Serving { routes, applied, pipeline, readiness } = serving;
    context.serve_operations(readiness).await?;
    let mut layer = ServerLayer::new(Arc::clone(&applied));
    let mut calls = PipelineService::new(applied, context.shutdown.clone());
    if let Some(span_of) = context.span_of() {
        layer = layer.with_spans(Arc::clone(&span_of));
        calls = calls.with_spans(span_of);
    }
    let mut server = latchkey_api::server::builder();
    match (&grpc.tls, grpc.plaintext) {
        (Some(files), _) => {
            server = server.tls_config(MutualTls::load(files)?.server()).map_err(Error::Transport)?
        }
        (None, true) => {
            tracing::warn!("gRPC without TLS, as configured: whoever reaches the port may do everything")
        }
        (None, false) => return Err(Error::NoTls),
    }
    let (_, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(latchkey_api::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(Error::Reflection)?;
    tracing::info!(listen = %grpc.listen, "serving");
    server
        .layer(layer)
        .add_routes(routes)
        .add_service(pipeline(calls))
        .add_service(health)
        .add_service(reflection)
        .serve_with_shutdown(grpc.listen, context.shutdown.clone().cancelled_owned())
        .await
        .map_err(Error::Transport)
}
