//! The report, as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::Measured;

/// One measurement.
pub(crate) struct Row {
    shape: String,
    what: String,
    per_cpu_second: f64,
    cpu_each: Duration,
    /// Requests per second of wall-clock time.
    pub(crate) rate: f64,
    p50: Duration,
    p99: Duration,
    raw: Option<f64>,
}

impl Row {
    /// From what the load generator saw and the CPU time that the server took for it.
    pub(crate) fn new(shape: &str, what: &str, measured: &Measured, cpu: Duration) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let requests = measured.requests as f64;
        Self {
            shape: shape.to_owned(),
            what: what.to_owned(),
            per_cpu_second: requests / cpu.as_secs_f64(),
            cpu_each: cpu.div_f64(requests.max(1.0)),
            rate: measured.rate(),
            p50: measured.percentile(50.0),
            p99: measured.percentile(99.0),
            raw: None,
        }
    }

    /// With the raw signing rate of the same run beside it.
    pub(crate) fn beside_raw(self, raw: f64) -> Self {
        Self { raw: Some(raw), ..self }
    }
}

/// All measurements of a run.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    starts: Vec<String>,
}

impl Report {
    /// Adds a measurement.
    pub(crate) fn row(&mut self, row: Row) {
        print(&format!("{}: {}: {:.0} per CPU-second\n", row.shape, row.what, row.per_cpu_second));
        self.rows.push(row);
    }

    /// Adds the start of a shape: the time to the first token, and what it holds when idle.
    pub(crate) fn start(&mut self, shape: &str, first_token: Duration, idle_mb: f64) {
        self.starts.push(format!("| {shape} | {} ms | {idle_mb:.0} MB |", first_token.as_millis()));
    }

    /// Adds to the latest start what it holds after so many tokens, and how far its stores have grown by them.
    pub(crate) fn after(&mut self, tokens: u64, resident_mb: f64, before: u64, after: u64) {
        if let Some(line) = self.starts.last_mut() {
            let grown = after.saturating_sub(before) / 1000;
            let _ = write!(line, " {resident_mb:.0} MB ({tokens} tokens) | {grown} kB |");
        }
    }

    /// The report as Markdown.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::from(
            "| shape | what | per CPU-second | CPU each | per second | p50 | p99 | raw signatures per CPU-second | of raw |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        for row in &self.rows {
            let (raw, share) = row.raw.map_or_else(Default::default, |raw| {
                (format!("{raw:.0}"), format!("{:.0}%", 100.0 * row.per_cpu_second / raw))
            });
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.1} µs | {:.0} | {:.2} ms | {:.2} ms | {raw} | {share} |",
                row.shape,
                row.what,
                row.per_cpu_second,
                row.cpu_each.as_secs_f64() * 1e6,
                row.rate,
                row.p50.as_secs_f64() * 1e3,
                row.p99.as_secs_f64() * 1e3,
            );
        }
        text.push_str("\n| shape | start to first token | memory idle | memory after | stores grew by |\n|---|---:|---:|---:|---:|\n");
        for line in &self.starts {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// Prints to standard output.
#[expect(clippy::print_stdout, reason = "the report is this program's output")]
pub(crate) fn print(text: &str) {
    print!("{text}");
}
