//! Logs, traces and metrics.
//!
//! Logs go to standard error. Traces are made and sent only where a collector is named. Metrics are read from `/metrics`
//! ([`crate::operations`]).

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use latchkey_api::context::{RequestContext, TRACEPARENT};
use latchkey_api::server::SpanOf;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{LogFormat, Telemetry as Config};

/// Why telemetry cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `log_level` is not a level or a list of directives.
    #[error("telemetry.log_level is wrong")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// `otlp_endpoint` cannot be used.
    #[error("telemetry.otlp_endpoint cannot be used")]
    Otlp(#[from] ExporterBuildError),
    /// Logs have been set up before.
    #[error("logs are set up already")]
    Logs(#[from] TryInitError),
    /// Metrics have been set up before.
    #[error("metrics are set up already")]
    Metrics(#[from] BuildError),
}

/// Telemetry of this process. Dropping it sends the traces that are left.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: PrometheusHandle,
}

impl Telemetry {
    /// Begins logs, traces and metrics for the program `service`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start(service: &'static str, config: &Config) -> Result<Self, Error> {
        let filter = EnvFilter::try_new(&config.log_level)?;
        let logs = tracing_subscriber::fmt::layer();
        let logs = match config.log_format {
            LogFormat::Json => logs.with_writer(io::stderr).json().flatten_event(true).boxed(),
            LogFormat::Text => logs
                .with_writer(move || Named { service, stderr: io::stderr() })
                .with_ansi(io::stderr().is_terminal())
                .with_target(false)
                .boxed(),
        };
        let traces =
            config.otlp_endpoint.as_deref().map(|endpoint| provider(service, endpoint)).transpose()?;
        let spans = traces
            .as_ref()
            .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("latchkey")));
        tracing_subscriber::registry().with(logs.with_filter(filter)).with(spans).try_init()?;
        let metrics = PrometheusBuilder::new().add_global_label("service", service).install_recorder()?;
        Ok(Self { traces, metrics })
    }

    /// Renders `/metrics`.
    #[must_use]
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Makes the span of each call that a server takes; none where traces are off, because a span costs a microsecond.
    #[must_use]
    pub fn span_of(&self) -> Option<SpanOf> {
        self.traces.as_ref()?;
        Some(Arc::new(|method, context| {
            let span = tracing::info_span!("rpc", method, request_id = tracing::field::Empty);
            if let Some(context) = context {
                span.record("request_id", &*context.request_id);
                continue_trace(&span, &context.traceparent);
            }
            span
        }))
    }
}

/// Puts the program's name before each line: several programs may share a terminal.
struct Named {
    service: &'static str,
    stderr: io::Stderr,
}

impl Write for Named {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = self.stderr.lock();
        write!(stderr, "{:<15} ", self.service)?;
        // An event comes whole, in one call.
        stderr.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes `span` part of the trace that a W3C `traceparent` names; nothing where it is malformed.
pub fn continue_trace(span: &Span, traceparent: &str) {
    if !traceparent.is_empty() {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        // An error says that no trace is recorded: then there is nothing to be part of.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
    }
}

/// The context that calls made within `span` carry: the request's id, and the W3C `traceparent` where traces are on.
#[must_use]
pub fn context_of(span: &Span, request_id: Arc<str>) -> Option<RequestContext> {
    let mut carrier = HashMap::<String, String>::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    RequestContext::new(request_id, carrier.remove(TRACEPARENT).map_or(Cow::Borrowed(""), Cow::Owned))
}

fn provider(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let resource = Resource::builder().with_service_name(format!("latchkey-{service}")).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
